package poller

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/link"
)

// states lists what was told of the invoices, in order, by the ids of the events.
func states(b *broker) []string {
	var out []string
	for _, e := range b.events {
		if _, state, ok := strings.Cut(e.ev.ID, "~"); ok {
			out = append(out, state)
		}
	}
	return out
}

// TestAStateThatComesBackIsTold: there and back again under one change time,
// seen in the overlap by the same process or another one, or by a full reading.
func TestAStateThatComesBackIsTold(t *testing.T) {
	want := []string{"100_Open", "0_Closed~1", "100_Open~2", "0_Closed~3", "100_Open~4"}
	for name, tt := range map[string]struct {
		pause    time.Duration
		restarts bool
	}{
		"in the overlap":                   {10 * time.Second, false},
		"in the overlap, after a restart":  {10 * time.Second, true},
		"past the overlap":                 {25 * time.Hour, false},
		"past the overlap, after restarts": {25 * time.Hour, true},
		"long after":                       {20 * 24 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, b := newERP(), newBroker()
				p := newPoller(t, s, b, allLinked)
				round(t, p)
				at := s.now()
				for n := range want {
					owed(s, at, "AR1", []string{"Open", "Closed"}[n%2], []string{"100", "0"}[n%2])
					time.Sleep(tt.pause)
					if tt.restarts {
						p = newPoller(t, s, b, allLinked)
					}
					for range 12 { // of which some read in full
						round(t, p)
					}
				}
				if diff := cmp.Diff(want, states(b)); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestWhatIsAsItWasToldIsNotToldAgain: only the change time of an invoice that
// is in Stripe moves, as when a note is written.
func TestWhatIsAsItWasToldIsNotToldAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		status, balance string
		linked          bool
		change          func(fields map[string]string)
		want            int
	}{
		"only the time":                      {"Open", "100", true, nil, 0},
		"the scale of an amount":             {"Open", "100", true, func(f map[string]string) { f["Balance"] = "100.0000" }, 0},
		"the offset of a day":                {"Open", "100", true, func(f map[string]string) { f["DueDate"] = "2026-03-01T00:00:00+02:00" }, 0},
		"closed, without a link":             {"Closed", "0", false, nil, 0},
		"open and not in Stripe":             {"Open", "100", false, nil, 1},
		"the due date":                       {"Open", "100", true, func(f map[string]string) { f["DueDate"] = "2026-03-02T00:00:00+03:00" }, 1},
		"the order":                          {"Open", "100", true, func(f map[string]string) { f["CustomerOrder"] = "PO 8" }, 1},
		"the description":                    {"Open", "100", true, func(f map[string]string) { f["Description"] = "Rope" }, 1},
		"the customer":                       {"Open", "100", true, func(f map[string]string) { f["Customer"] = "C2" }, 1},
		"the amount":                         {"Open", "100", true, func(f map[string]string) { f["Amount"] = "110" }, 1},
		"the day":                            {"Open", "100", true, func(f map[string]string) { f["Date"] = "2026-01-02T00:00:00+03:00" }, 1},
		"one text moves to the next field":   {"Open", "100", true, func(f map[string]string) { f["CustomerOrder"], f["Description"] = "", "PO 7" }, 1},
		"on hold, and the link is not there": {"Open", "100", false, func(f map[string]string) { f["Status"] = "On Hold" }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, b := newERP(), newBroker()
				linked := func(o *Options) {
					o.Linked = func(context.Context, string, string, string) (link.Link, bool, error) {
						return link.Link{}, tt.linked, nil
					}
				}
				save := func(change func(map[string]string)) {
					fields := invoice("AR1", "C1", tt.status)
					fields["Balance"], fields["Amount"], fields["CustomerOrder"] = tt.balance, "100", "PO 7"
					fields["Date"], fields["DueDate"] = "2026-01-01T00:00:00+03:00", "2026-03-01T00:00:00+03:00"
					if change != nil {
						change(fields)
					}
					s.save("Invoice", "guid-AR1", fields)
				}
				p := newPoller(t, s, b, linked)
				round(t, p)
				save(nil)
				time.Sleep(time.Minute)
				round(t, p)
				before := len(b.events)
				save(tt.change)
				time.Sleep(time.Minute)
				round(t, p)
				round(t, newPoller(t, s, b, linked))
				if got := len(b.events) - before; before != 1 || got != tt.want {
					t.Errorf("%d events, then %d, want 1 and then %d", before, got, tt.want)
				}
			})
		})
	}
}

// dying is a bucket that breaks off before or after a write.
type dying struct {
	*broker
	writes int // until then
	after  bool
}

func (d *dying) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	return d.Update(ctx, key, value, 0)
}

func (d *dying) Update(ctx context.Context, key string, value []byte, rev uint64) (uint64, error) {
	d.writes--
	if d.writes < 0 && !d.after {
		return 0, fault.Newf("bus.unavailable", "no answer")
	}
	rev, err := d.broker.Update(ctx, key, value, rev)
	if d.writes < 0 {
		return 0, fault.Newf("bus.unavailable", "no answer")
	}
	return rev, err
}

// TestACrashWhileTellingRepeatsTheID: whatever write is the last one, what was
// told goes under the same id again, and what is as it was before is told anew.
func TestACrashWhileTellingRepeatsTheID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for writes := range 2 {
			for _, after := range []bool{false, true} {
				s, b := newERP(), newBroker()
				p := newPoller(t, s, b, allLinked)
				round(t, p)
				at := s.now()
				owed(s, at, "AR1", "Open", "100")
				time.Sleep(10 * time.Second)
				round(t, p)
				owed(s, at, "AR1", "Open", "60")
				time.Sleep(10 * time.Second)
				stops := newPoller(t, s, b, allLinked, func(o *Options) { o.Told = &dying{b, writes, after} })
				if err := stops.round(t.Context()); fault.Of(err).Code != "bus.unavailable" {
					t.Fatalf("round = %v", err)
				}
				round(t, newPoller(t, s, b, allLinked))
				if diff := cmp.Diff([]string{"100_Open", "60_Open~1"}, states(b)); diff != "" {
					t.Errorf("after %d writes (%v) told (-want +got):\n%s", writes, after, diff)
				}
			}
		}
	})
}

func TestWhatWasPublishedBeforeACrashIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		p := newPoller(t, s, b, allLinked)
		round(t, p)
		owed(s, s.now(), "AR1", "Open", "100")
		time.Sleep(10 * time.Second)
		round(t, p)
		owed(s, s.now(), "AR1", "Open", "60")
		time.Sleep(10 * time.Second)
		if err := newPoller(t, s, b, allLinked, func(o *Options) { o.Told = &dying{b, 1, false} }).round(t.Context()); err == nil {
			t.Fatal("the bucket does not break off")
		}
		owed(s, s.now(), "AR1", "Open", "100") // as it was told before the crash
		time.Sleep(10 * time.Second)
		round(t, newPoller(t, s, b, allLinked))
		if diff := cmp.Diff([]string{"100_Open", "60_Open~1", "100_Open~2"}, states(b)); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

// TestTwoThatTellAtOnceLeaveNothingUntold: a replica that lost its lease without
// noticing tells an older state after the one that polls now.
func TestTwoThatTellAtOnceLeaveNothingUntold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		p := newPoller(t, s, b, allLinked)
		round(t, p)
		at := s.now()
		owed(s, at, "AR1", "Open", "60")
		time.Sleep(10 * time.Second)
		slow := newPoller(t, s, b, allLinked, func(o *Options) {
			o.Publish = func(ctx context.Context, c, lane, source, object, verb string, ev bus.Event) (bus.PubAck, error) {
				owed(s, at, "AR1", "Closed", "0")
				round(t, p)
				return b.publish(ctx, c, lane, source, object, verb, ev)
			}
		})
		if err := slow.round(t.Context()); fault.Of(err).Code != "source.cursor_conflict" {
			t.Fatalf("round = %v, want a conflict", err)
		}
		round(t, newPoller(t, s, b, allLinked))
		if got := states(b); !strings.HasPrefix(got[len(got)-1], "0_Closed") {
			t.Errorf("told %q, want what is now last", got)
		}
	})
}

// TestTheLastThatIsToldIsWhatIs: invoices move between a few states, under the
// same change time or a later one, while processes die at any write and events
// are refused. When it is quiet the last event of each tells how it is, and no
// id was used for two states.
func TestTheLastThatIsToldIsWhatIs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			s, b := newERP(), newBroker()
			draw := func(name string, n int) int { return rapid.IntRange(0, n).Draw(rt, name) }
			next := func(o *Options) {
				allLinked(o)
				if n := draw("writes", 8); n < 6 {
					o.Told = &dying{b, n, draw("after", 1) == 1}
				}
			}
			round(t, newPoller(t, s, b, allLinked))
			at := s.now()
			now := map[string]string{}
			for range 1 + draw("steps", 12) {
				for range draw("changes", 3) {
					n, state := draw("invoice", 1), draw("state", 2)
					if draw("later", 1) == 1 {
						at = s.now()
					}
					nbr, balance := fmt.Sprint("AR", n), fmt.Sprint(state*50)
					owed(s, at, nbr, []string{"Closed", "Open", "Open"}[state], balance)
					now["Invoice "+nbr] = balance + "_"
				}
				time.Sleep(5 * time.Second)
				_ = newPoller(t, s, b, next).round(t.Context()) // failures are part of it
			}
			time.Sleep(5 * time.Second)
			round(t, newPoller(t, s, b, allLinked))
			last, told := map[string]string{}, map[string]string{}
			for _, e := range b.events {
				_, last[e.ev.Subject], _ = strings.Cut(e.ev.ID, "~")
				if told[e.ev.ID] != "" {
					rt.Fatalf("%s is told twice", e.ev.ID)
				}
				told[e.ev.ID] = e.ev.Subject
			}
			for nbr, want := range now {
				if !strings.HasPrefix(last[nbr], want) {
					rt.Fatalf("of %s %s is told last, it is %s", nbr, last[nbr], want)
				}
			}
		})
	})
}
