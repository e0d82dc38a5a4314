package sweep

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// register makes a customer: one event that is not swept.
func (sh *shop) register() {
	sh.t.Helper()
	req, err := http.NewRequestWithContext(sh.t.Context(), http.MethodPost, sh.url+"/v1/customers", strings.NewReader(url.Values{"name": {"Ada"}}.Encode()))
	if err != nil {
		sh.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk_test_sweep")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := sh.http.Do(req)
	if err != nil {
		sh.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		sh.t.Fatalf("customer: http %d", res.StatusCode)
	}
}

// pass lets time pass in Stripe; events that are too old leave the list.
func (sh *shop) pass(d time.Duration) {
	sh.t.Helper()
	sh.clock = sh.clock.Add(d)
	if err := sh.twin.Advance(sh.t.Context(), time.Second); err != nil {
		sh.t.Fatal(err)
	}
}

func TestQuietAccountHasNoGap(t *testing.T) {
	for name, every := range map[string]int{"nothing happens": 1000, "nothing that is swept": 7} {
		t.Run(name, func(t *testing.T) {
			sh := newShop(t)
			sh.register()
			sh.sweep()
			for n := range 40 {
				sh.pass(24 * time.Hour)
				if n%every == 0 && every < 1000 {
					sh.register()
				}
				sh.sweep()
				sh.reads = 0
				sh.sweep()
				if sh.reads != 1 {
					t.Fatalf("day %d: a sweep of a quiet account costs %d reads", n, sh.reads)
				}
			}
			sh.sell(3)
			sh.sweep()
			sh.pass(time.Hour)
			sh.sell(2)
			sh.sweep()
			if got := sh.stored()[sold]; got != 5 {
				t.Errorf("%d of 5 are stored", got)
			}
			if strings.Contains(sh.log.String(), "ingest.gap") {
				t.Errorf("a gap is told: %s", sh.log)
			}
		})
	}
}

// TestEventThatShowsLateIsStored: the position of a quiet account stays so far
// behind that what shows a little late is after it.
func TestEventThatShowsLateIsStored(t *testing.T) {
	sh := newShop(t)
	sh.register()
	sh.sweep()
	sh.pass(2 * time.Hour)
	sh.sell(1)
	sh.pass(overlap - time.Minute)
	pos, err := sh.s.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := sh.s.rest(t.Context(), &pos, sh.clock); err != nil { // as if the reading had not shown it
		t.Fatal(err)
	}
	if pos.Read.IsZero() {
		t.Fatal("the position did not move")
	}
	sh.sweep()
	if got := sh.stored()[sold]; got != 1 {
		t.Errorf("%d of 1 are stored", got)
	}
}

func TestGapIsToldOnce(t *testing.T) {
	sh := newShop(t)
	sh.register()
	sh.sweep()
	sh.pass(40 * 24 * time.Hour)
	for range 3 {
		sh.sweep() // nothing is listed at all
	}
	sh.sell(2)
	for range 3 {
		sh.sweep()
	}
	if got := strings.Count(sh.log.String(), "code=ingest.gap"); got != 1 {
		t.Errorf("the gap is told %d times: %s", got, sh.log)
	}
	if got := sh.stored()[sold]; got != 2 {
		t.Errorf("%d of 2 are stored", got)
	}
}
