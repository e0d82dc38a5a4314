package sweep

import (
	"strings"
	"testing"
	"time"
)

// Books that start before the installation have everything from their start on:
// what Stripe still lists as an event is stored as that, and payments of before
// are told from their movements.
func TestBooksThatStartBeforeTheInstallationMissNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		back   int // days from the installation to the start
		events int // of charges, that are listed
		told   int // charges from their movements alone
		warns  bool
	}{
		"14 days":  {14, 2, 2, false},
		"100 days": {100, 1, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			sh := newShop(t)
			install := sh.clock
			start := install.AddDate(0, 0, -tt.back).Truncate(time.Second)
			day := func(n int) { sh.pass(start.AddDate(0, 0, n).Sub(sh.clock)) }
			day(-5)
			sh.sell(1) // in the opening balance
			day(3)
			sh.sell(1)
			day(tt.back - 2)
			sh.sell(1)
			sh.pass(install.Sub(sh.clock))
			sh.settles(Settle{Start: start})
			sh.sweep()
			sh.sweep()
			if got := sh.stored()[sold]; got != tt.events {
				t.Errorf("%d events are stored, want %d", got, tt.events)
			}
			if err := sh.s.Check(t.Context(), sh.clock); err != nil {
				t.Fatal(err)
			}
			if got := len(sh.told()); got != tt.told {
				t.Errorf("%v are told, want %d", sh.told(), tt.told)
			}
			if got := strings.Contains(sh.log.String(), "the books start before"); got != tt.warns {
				t.Errorf("log: %s", sh.log)
			}
		})
	}
}

// A start that is set later on moves back what was checked, once.
func TestAStartThatIsSetLaterIsCheckedFromThere(t *testing.T) {
	sh := newShop(t)
	sh.sell(1)
	sh.clock = sh.clock.Add(time.Hour)
	if err := sh.s.Check(t.Context(), sh.clock); err != nil {
		t.Fatal(err)
	}
	if got := sh.told(); len(got) != 0 {
		t.Errorf("told %v from before the installation", got)
	}
	sh.settles(Settle{Start: sh.clock.Add(-24 * time.Hour)})
	for range 2 {
		if err := sh.s.Check(t.Context(), sh.clock); err != nil {
			t.Fatal(err)
		}
		r, err := sh.s.loadReach(t.Context(), sh.clock)
		if got := sh.told(); len(got) != 1 || err != nil || sh.clock.Sub(r.Until) > settled {
			t.Errorf("told %v, checked until %s, %v", got, r.Until, err)
		}
	}
}
