package poller

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/link"
)

// TestFullReadingFindsWhatNoWindowShows: records whose change time lies before
// what was read already, because the server's clock was wrong or a row was
// restored.
func TestFullReadingFindsWhatNoWindowShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		linked := map[string]bool{"Invoice AR1": true, "C1": true}
		p := newPoller(t, s, b, func(o *Options) {
			o.Poll.Full = 24 * time.Hour
			o.Linked = func(_ context.Context, _, _, id string) (link.Link, bool, error) { return link.Link{}, linked[id], nil }
		})
		s.customer("C1")
		s.invoice("AR1", "Open")
		time.Sleep(time.Minute)
		round(t, p)
		before := time.Now().Add(-30 * 24 * time.Hour)
		s.saveAt("Invoice", "guid-AR2", before, invoice("AR2", "C1", "Open"))
		s.saveAt("Invoice", "guid-AR3", before, invoice("AR3", "C1", "Closed"))
		s.saveAt("Invoice", "guid-AR4", before, invoice("AR4", "C1", "Balanced"))
		s.saveAt("Customer", "C2", before, map[string]string{"CustomerID": "C2", "Status": "Active"})
		s.saveAt("Customer", "C3", before, map[string]string{"CustomerID": "C3", "Status": "Inactive"})
		time.Sleep(time.Hour)
		round(t, p)
		want := []string{"C1", "Invoice AR1"}
		if diff := cmp.Diff(want, b.subjects()); diff != "" {
			t.Fatalf("windows found it (-want +got):\n%s", diff)
		}
		time.Sleep(24 * time.Hour)
		readInFull(t, b, func() *Poller { return p })
		want = append(want, "C2", "Invoice AR2")
		if diff := cmp.Diff(want, b.subjects()); diff != "" {
			t.Errorf("full reading (-want +got):\n%s", diff)
		}
		calls := len(s.calls)
		time.Sleep(time.Hour)
		round(t, p)
		if got := len(s.calls) - calls; got != len(entities()) {
			t.Errorf("%d lists an hour later: read in full again", got)
		}
	})
}

// fullReading is where the full reading stands.
func fullReading(t *testing.T, b *broker) reading {
	t.Helper()
	data, _, err := b.Get(t.Context(), bus.Key("default", "acumatica", "full"))
	var r reading
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// readInFull makes rounds, each with the poller that it is given, until a full
// reading that is due is complete, and counts them.
func readInFull(t *testing.T, b *broker, poller func() *Poller) (rounds int) {
	t.Helper()
	last := fullReading(t, b).At
	for fullReading(t, b).At.Equal(last) {
		if rounds++; rounds > 1000 {
			t.Fatal("the full reading does not end")
		}
		round(t, poller())
		time.Sleep(10 * time.Second)
	}
	return rounds
}

// restore saves n customers that last changed a month ago, step apart, and
// returns their ids.
func restore(s *erp, n int, step time.Duration) []string {
	before := s.now().Add(-30 * 24 * time.Hour)
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("C%02d", i)
		s.saveAt("Customer", ids[i], before.Add(time.Duration(i)*step), map[string]string{"CustomerID": ids[i], "Status": "Active"})
	}
	return ids
}

// TestFullReadingGoesOnWhereItWas: a round reads one window, whoever makes it,
// also when the one before died in the middle, and polls as always.
func TestFullReadingGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		last := 0
		next := func() *Poller { // every round is of another process
			return newPoller(t, s, b, func(o *Options) {
				o.Poll.Full = 24 * time.Hour
				o.Linked = func(context.Context, string, string, string) (link.Link, bool, error) { return link.Link{}, false, nil }
			})
		}
		round(t, next())
		time.Sleep(time.Hour)
		round(t, next())
		want := restore(s, 40, time.Hour)
		time.Sleep(24 * time.Hour)
		n := 0
		died := false
		rounds := readInFull(t, b, func() *Poller {
			reads := len(s.calls) - last
			if last = len(s.calls); n > 1 && reads > 12 {
				t.Errorf("round %d makes %d reads", n, reads)
			}
			n++
			s.customer("new") // it does not wait for the full reading
			time.Sleep(5 * time.Second)
			if n == 5 {
				b.fail = func(e event) error { return fault.Newf("bus.unavailable", "no answer") }
				at := fullReading(t, b)
				p := next()
				if err := p.round(t.Context()); err == nil {
					t.Error("the poll without a broker succeeds")
				}
				if err := p.full(t.Context(), s.now(), s.now()); err == nil {
					t.Error("the full reading without a broker succeeds")
				}
				if diff := cmp.Diff(at.From, fullReading(t, b).From); diff != "" {
					t.Errorf("the reading moved although nothing was stored (-want +got):\n%s", diff)
				}
				b.fail, died = nil, true
			}
			return next()
		})
		if rounds < 14 || !died {
			t.Errorf("%d rounds for 40 rows in pages of 3: more than a window a round", rounds)
		}
		if diff := cmp.Diff(append(want, "new"), everyone(b)); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
		fresh := 0
		for _, subject := range b.subjects() {
			if subject == "new" {
				fresh++
			}
		}
		if fresh < rounds-2 {
			t.Errorf("%d of %d changes were polled during the reading", fresh, rounds)
		}
	})
}

// TestChangesDuringAFullReadingAreNotLost changes rows that are read, being
// read, and not yet read.
func TestChangesDuringAFullReadingAreNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		p := newPoller(t, s, b, func(o *Options) {
			o.Poll.Full = 24 * time.Hour
			o.Linked = func(context.Context, string, string, string) (link.Link, bool, error) { return link.Link{}, false, nil }
		})
		round(t, p)
		time.Sleep(time.Hour)
		round(t, p)
		want := restore(s, 30, time.Minute)
		time.Sleep(24 * time.Hour)
		moves := []string{"C00", "C29", "C01", "C15", "C16", "C28", "C14", "C02"}
		s.onList = func(entity string, q acumatica.Query) {
			if entity == "Customer" && len(moves) > 0 {
				s.save(entity, moves[0], map[string]string{"CustomerID": moves[0], "Status": "Active"})
				moves = moves[1:]
			}
		}
		readInFull(t, b, func() *Poller { return p })
		round(t, p)
		if diff := cmp.Diff(want, everyone(b)); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
	})
}

// TestFullReadingThatFailsDoesNotStopThePolling: what is told once does not
// slow down the rest.
func TestFullReadingThatFailsDoesNotStopThePolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		p := newPoller(t, s, b, func(o *Options) {
			o.Poll.Full = 24 * time.Hour
			o.Linked = func(context.Context, string, string, string) (link.Link, bool, error) {
				return link.Link{}, false, fault.Newf("bus.unavailable", "no answer")
			}
		})
		s.customer("old")
		time.Sleep(time.Minute)
		round(t, p)
		time.Sleep(25 * time.Hour)
		for n := range 3 {
			s.customer(fmt.Sprint("new ", n))
			time.Sleep(10 * time.Second)
			round(t, p)
		}
		if diff := cmp.Diff([]string{"old", "new 0", "new 1", "new 2"}, b.subjects()); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
		if p.fullErr != "bus.unavailable" {
			t.Errorf("the failure %q is not known", p.fullErr)
		}
	})
}
