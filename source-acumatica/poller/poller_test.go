package poller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/link"
)

// round polls once and fails the test on an error.
func round(t *testing.T, p *Poller) {
	t.Helper()
	if err := p.round(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestFirstStartTakesCustomersAndOpenInvoicesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		s.customer("C1")
		s.invoice("AR1", "Open")
		s.invoice("AR2", "Closed")
		s.invoice("AR3", "Balanced")
		s.invoice("AR4", "Reserved")
		s.save("Invoice", "memo", map[string]string{"Type": "Credit Memo", "ReferenceNbr": "CM1", "Customer": "C1", "Status": "Open"})
		time.Sleep(365 * 24 * time.Hour)
		p := newPoller(t, s, b)
		round(t, p)
		if diff := cmp.Diff([]string{"C1", "Invoice AR1", "Invoice AR4"}, b.subjects()); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
		if q := s.calls[0]; strings.Contains(q.Filter, " ge ") {
			t.Errorf("first window has a lower bound: %s", q.Filter)
		}
		// What is closed, or released, from now on is a change like any other.
		s.invoice("AR1", "Closed")
		s.invoice("AR3", "Open")
		time.Sleep(time.Minute)
		round(t, p)
		if diff := cmp.Diff([]string{"C1", "Invoice AR1", "Invoice AR4", "Invoice AR1", "Invoice AR3"}, b.subjects()); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
	})
}

func TestStartDateTakesEverythingSinceThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		s.invoice("AR1", "Open")
		time.Sleep(time.Hour)
		p := newPoller(t, s, b, func(o *Options) { o.Poll.Since = time.Now() })
		time.Sleep(time.Second)
		s.invoice("AR2", "Closed")
		time.Sleep(time.Minute)
		round(t, p)
		round(t, p)
		if diff := cmp.Diff([]string{"Invoice AR2"}, b.subjects()); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
	})
}

func TestBacklogInterruptedGoesOnAsBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		for i := range 8 {
			time.Sleep(time.Hour)
			s.invoice(fmt.Sprintf("AR%d", i), []string{"Open", "Closed"}[i%2])
		}
		time.Sleep(time.Hour)
		down := fault.Newf("bus.unavailable", "gone")
		b.fail = func(e event) error {
			if e.ev.Subject == "Invoice AR6" {
				return down
			}
			return nil
		}
		if err := newPoller(t, s, b).round(t.Context()); !errors.Is(err, down) {
			t.Fatalf("round = %v, want the broker's error", err)
		}
		if c := b.cursor(t, "invoice"); c.Backlog == nil || c.Until.IsZero() {
			t.Fatalf("cursor = %+v, want one inside the backlog", c)
		}
		b.fail = nil
		time.Sleep(24 * time.Hour)
		round(t, newPoller(t, s, b))
		want := []string{"Invoice AR0", "Invoice AR2", "Invoice AR4", "Invoice AR6"}
		if diff := cmp.Diff(want, b.subjects()); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
		if c := b.cursor(t, "invoice"); c.Backlog != nil {
			t.Errorf("cursor = %+v, want no backlog left", c)
		}
	})
}

func TestEventTellsTheChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		at := time.Date(2026, 3, 4, 5, 6, 7, 120_000_000, time.UTC)
		s.saveAt("Invoice", "0eaa2628", at, invoice("AR1", "C1  ", "Open"))
		time.Sleep(time.Until(at) + time.Minute)
		round(t, newPoller(t, s, b))
		want := []event{{lane: "C1", object: "invoice", ev: bus.Event{
			ID: "invoice:0eaa2628@2026-03-04T05:06:07.12Z~_Open", Type: "io.millrace.acumatica.invoice.changed.v1",
			Source: "/default/acumatica", Subject: "Invoice AR1", Time: at,
			Data: []byte(`{"Customer":"C1  ","LastModifiedDateTime":"2026-03-04T08:06:07.12+03:00","ReferenceNbr":"AR1","Status":"Open","Type":"Invoice","entity":"Invoice","id":"0eaa2628"}`),
		}}}
		if diff := cmp.Diff(want, b.events, cmp.AllowUnexported(event{})); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
	})
}

func TestUnreleasedIsHeldBackUntilItIsReleased(t *testing.T) {
	for _, status := range []string{"On Hold", "Pending Print", "Pending Email", "Credit Hold", "Balanced", "Scheduled", "Pending Approval", "Rejected"} {
		if !unreleased(acumatica.Record{"Status": acumatica.Value(status)}) {
			t.Errorf("%s counts as released", status)
		}
	}
	for _, status := range []string{"Open", "Closed", "Voided", "Canceled", "Reserved", "a status of the future", ""} {
		if unreleased(acumatica.Record{"Status": acumatica.Value(status)}) {
			t.Errorf("%s is held back", status)
		}
	}
}

func TestWhatIsInStripeIsTalkedAboutWhateverItIsNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		p := newPoller(t, s, b, func(o *Options) {
			o.Linked = func(_ context.Context, _, kind, id string) (link.Link, bool, error) {
				return link.Link{}, kind == link.Invoice && id == "Invoice AR1", nil
			}
		})
		round(t, p)
		time.Sleep(time.Hour)
		s.invoice("AR1", "On Hold")
		s.invoice("AR2", "On Hold")
		time.Sleep(time.Minute)
		round(t, p)
		if diff := cmp.Diff([]string{"Invoice AR1"}, b.subjects()); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
	})
}

func TestWindowIsBoundedByTheServersClock(t *testing.T) {
	for _, skew := range []time.Duration{0, 3 * time.Hour, -3 * time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, b := newERP(), newBroker()
				s.skew = skew
				p := newPoller(t, s, b)
				round(t, p)
				time.Sleep(time.Hour + 300*time.Millisecond)
				s.calls = nil
				now := s.now()
				s.saveAt("Customer", "settled", now.Add(-4*time.Second), map[string]string{"CustomerID": "settled"})
				s.saveAt("Customer", "fresh", now.Add(-time.Second), map[string]string{"CustomerID": "fresh"})
				round(t, p)
				if diff := cmp.Diff([]string{"settled"}, b.subjects()); diff != "" {
					t.Errorf("published (-want +got):\n%s", diff)
				}
				until := now.Truncate(time.Second).Add(-2 * time.Second)
				want := window{until.Add(-time.Hour - 2*time.Minute), until}
				if got := s.calls[0].Filter; got != want.filter("LastModifiedDateTime") {
					t.Errorf("filter = %s, want %s", got, want.filter("LastModifiedDateTime"))
				}
				if got := b.cursor(t, "customer").Until; !got.Equal(until) {
					t.Errorf("cursor = %v, want %v", got, until)
				}
				time.Sleep(10 * time.Second)
				round(t, p)
				if diff := cmp.Diff([]string{"settled", "fresh"}, b.subjects()); diff != "" {
					t.Errorf("published (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestQuietRoundCostsOneReadPerEntity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		p := newPoller(t, s, b)
		round(t, p)
		s.customer("C1")
		time.Sleep(10 * time.Second)
		s.calls = nil
		round(t, p)
		if len(s.calls) != 2 {
			t.Errorf("%d reads, want one of customers and one of invoices", len(s.calls))
		}
	})
}

func TestLateCommitInsideTheOverlapIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		p := newPoller(t, s, b)
		began := s.now()
		time.Sleep(time.Minute)
		round(t, p)
		s.saveAt("Customer", "slow", began, map[string]string{"CustomerID": "slow"})
		time.Sleep(10 * time.Second)
		round(t, p)
		round(t, p)
		if diff := cmp.Diff([]string{"slow"}, b.subjects()); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
	})
}

func TestOverlapPublishesNothingTwiceAndForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		var published int
		p := newPoller(t, s, b, func(o *Options) {
			o.Publish = func(ctx context.Context, c, lane, src, o, v string, ev bus.Event) (bus.PubAck, error) {
				published++
				return b.publish(ctx, c, lane, src, o, v, ev)
			}
		})
		round(t, p)
		s.customer("C1")
		for range 60 {
			time.Sleep(10 * time.Second)
			round(t, p)
		}
		if published != 1 {
			t.Errorf("published %d times, want 1", published)
		}
		if n := len(p.seen["customer"]); n != 0 {
			t.Errorf("remembers %d events that no window can show again", n)
		}
		// A restart has no memory: the broker's is the second ring.
		s.customer("C1")
		time.Sleep(10 * time.Second)
		round(t, p)
		round(t, newPoller(t, s, b))
		if diff := cmp.Diff([]string{"C1", "C1"}, b.subjects()); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
	})
}

func TestLaneIsInOrderOfChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		for i, nbr := range []string{"AR9", "AR1", "AR5", "AR7", "AR3", "AR2", "AR8"} {
			s.saveAt("Invoice", nbr, s.now().Add(time.Duration(i)*time.Minute), invoice(nbr, "C1", "Open"))
		}
		time.Sleep(time.Hour)
		round(t, newPoller(t, s, b))
		want := []string{"Invoice AR9", "Invoice AR1", "Invoice AR5", "Invoice AR7", "Invoice AR3", "Invoice AR2", "Invoice AR8"}
		if diff := cmp.Diff(want, b.subjects()); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
	})
}

func TestCursorStaysWhenAPublishFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		p := newPoller(t, s, b)
		round(t, p)
		changed := make(map[string]time.Time)
		for _, id := range []string{"C1", "C2", "C3"} {
			s.customer(id)
			changed[id] = s.now()
			time.Sleep(time.Second)
		}
		time.Sleep(10 * time.Second)
		b.fail = func(e event) error {
			if e.lane == "C2" {
				return fault.Newf("bus.unavailable", "no responders")
			}
			return nil
		}
		if err := p.round(t.Context()); fault.KindOf(err) != fault.Down {
			t.Fatalf("round = %v, want Down", err)
		}
		if got := b.cursor(t, "customer").Until; got.After(changed["C2"]) {
			t.Errorf("cursor moved to %v with the publish of a change at %v outstanding", got, changed["C2"])
		}
		b.fail = nil
		round(t, p)
		if diff := cmp.Diff([]string{"C1", "C2", "C3"}, b.subjects()); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
	})
}

func TestCursorMovedBySomebodyElseIsNotOverwritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		p := newPoller(t, s, b)
		round(t, p)
		key := bus.Key("default", "acumatica", "customer")
		s.onList = func(string, acumatica.Query) {
			_, rev, err := b.Get(t.Context(), key)
			if err != nil {
				t.Error(err)
			}
			if _, err := b.Update(t.Context(), key, []byte(`{"until":"2001-01-01T00:00:00Z"}`), rev); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Minute)
		if err := p.round(t.Context()); !errors.Is(err, bus.ErrConflict) || fault.Of(err).Code != "source.cursor_conflict" {
			t.Fatalf("round = %v, want a conflict", err)
		}
		if got := b.cursor(t, "customer").Until.Year(); got != 2001 {
			t.Errorf("cursor was overwritten: year %d", got)
		}
	})
}

func TestWhatCannotBeOrderedIsMisconfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			spoil func(*erp, *broker)
			code  string
		}{
			"no change time": {func(s *erp, _ *broker) {
				s.rows["x"] = acumatica.Record{"id": "x", "entity": "Customer"}
			}, "source.entity_unmapped"},
			"no id":          {func(s *erp, _ *broker) { s.saveAt("Customer", "", s.now().Add(-time.Hour), nil) }, "source.entity_unmapped"},
			"no server time": {func(s *erp, _ *broker) { s.noDate = true }, "source.no_server_time"},
			"cursor of another make": {func(_ *erp, b *broker) {
				if _, err := b.Create(t.Context(), bus.Key("default", "acumatica", "customer"), []byte("[]")); err != nil {
					t.Error(err)
				}
			}, "source.cursor_malformed"},
		} {
			s, b := newERP(), newBroker()
			tt.spoil(s, b)
			err := newPoller(t, s, b).round(t.Context())
			if got := fault.Of(err); got.Code != tt.code || got.Kind != fault.Misconfigured {
				t.Errorf("%s: %v, want %s", name, err, tt.code)
			}
		}
	})
}

// everyone lists the customers of the events, sorted, once each.
func everyone(b *broker) []string {
	got := b.subjects()
	slices.Sort(got)
	return slices.Compact(got)
}
