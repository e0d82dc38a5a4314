package poller

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
)

// goners lists what was told as gone, with the lane.
func goners(b *broker) []string {
	out := []string{}
	for _, e := range b.events {
		if e.ev.Type == "io.millrace.acumatica."+e.object+".gone.v1" {
			out = append(out, e.lane+": "+e.ev.Subject)
		}
	}
	return out
}

// TestWhatCannotBeSeenAnyMoreIsToldOnce and as changed when it is seen again.
func TestWhatCannotBeSeenAnyMoreIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		p := newPoller(t, s, b, allLinked)
		round(t, p)
		s.customer("C1")
		s.customer("C2")
		for _, nbr := range []string{"AR1", "AR2", "AR3"} {
			owed(s, s.now(), nbr, "Open", "100")
		}
		owed(s, s.now(), "AR4", "Closed", "0")
		time.Sleep(time.Minute)
		round(t, p)
		hidden := s.rows["Invoiceguid-AR2"]
		for _, key := range []string{"Invoiceguid-AR2", "Invoiceguid-AR4", "CustomerC2"} {
			delete(s.rows, key)
		}
		read := func(days int) {
			for range days {
				time.Sleep(25 * time.Hour)
				readInFull(t, b, func() *Poller { return newPoller(t, s, b, allLinked) })
			}
		}
		read(5)
		if diff := cmp.Diff([]string{"C2: C2", "C1: Invoice AR2"}, goners(b)); diff != "" {
			t.Errorf("gone (-want +got):\n%s", diff)
		}
		if s.reads != 2 {
			t.Errorf("%d records are read by themselves, want the 2 that are gone", s.reads)
		}
		gone := b.events[len(b.events)-1].ev
		want := `{"Customer":"C1","ReferenceNbr":"AR2","Type":"Invoice","id":"guid-AR2"}`
		if string(gone.Data) != want {
			t.Errorf("told %s, want %s", gone.Data, want)
		}
		s.rows["Invoiceguid-AR2"] = hidden // as it was
		n := len(b.events)
		read(5)
		closed, err := b.KeysAfter(t.Context(), "default.invoice", "", 100)
		if err != nil || len(closed) != 3 {
			t.Errorf("what was told of a closed invoice is kept for ever: %q", closed)
		}
		if got := b.subjects()[n:]; len(got) != 1 || got[0] != "Invoice AR2" || len(goners(b)) != 2 {
			t.Errorf("back again %q is told", got)
		}
	})
}

// TestAListThatShowsTooLittleProvesNothing: it failed, it left out what can be
// read by itself, or that cannot be asked for.
func TestAListThatShowsTooLittleProvesNothing(t *testing.T) {
	down := fault.Newf("bus.unavailable", "no answer")
	for name, tt := range map[string]struct {
		list func(*erp) List
		get  Get
		want []string // told
	}{
		"the list fails": {func(s *erp) List {
			return func(ctx context.Context, entity string, q acumatica.Query) ([]acumatica.Record, time.Time, error) {
				if q.Top == askedAtOnce {
					return nil, time.Time{}, down
				}
				return s.list(ctx, entity, q)
			}
		}, nil, nil},
		"the list is empty": {nothing, nil, nil},
		"the list is empty, and the read fails": {nothing, func(context.Context, string, []string, acumatica.Query) (acumatica.Record, error) {
			return nil, down
		}, nil},
		"the list is empty, and the record is another now": {nothing, func(context.Context, string, []string, acumatica.Query) (acumatica.Record, error) {
			r := acumatica.Record{"id": "guid-AR1", "LastModifiedDateTime": acumatica.Value(stamp(time.Now().Add(-26 * time.Hour)))}
			for k, v := range invoice("AR1", "C1", "Closed") {
				r[k] = acumatica.Value(v)
			}
			return r, nil
		}, []string{"Invoice AR1"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, b := newERP(), newBroker()
				round(t, newPoller(t, s, b, allLinked))
				owed(s, s.now(), "AR1", "Open", "100")
				time.Sleep(time.Minute)
				round(t, newPoller(t, s, b, allLinked))
				n := len(b.events)
				time.Sleep(25 * time.Hour)
				for range 10 {
					round(t, newPoller(t, s, b, allLinked, func(o *Options) {
						o.List = tt.list(s)
						if tt.get != nil {
							o.Get = tt.get
						}
					}))
				}
				if got := b.subjects()[n:]; len(goners(b)) > 0 || len(got) != len(tt.want) || len(got) > 0 && got[0] != tt.want[0] {
					t.Errorf("told %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// nothing answers what is asked for by number with nothing.
func nothing(s *erp) List {
	return func(ctx context.Context, entity string, q acumatica.Query) ([]acumatica.Record, time.Time, error) {
		rows, now, err := s.list(ctx, entity, q)
		if q.Top == askedAtOnce {
			rows = nil
		}
		return rows, now, err
	}
}

// TestSightThatIsLostHoldsFewLanes: where everything is hidden at once, a
// reading tells of a few only.
func TestSightThatIsLostHoldsFewLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		change := func(o *Options) { o.Poll.PageSize = 1000; allLinked(o) }
		round(t, newPoller(t, s, b, change))
		for i := range 100 {
			owed(s, s.now(), fmt.Sprint("AR", i), "Open", "100")
		}
		time.Sleep(time.Minute)
		round(t, newPoller(t, s, b, change))
		clear(s.rows)
		for n := 1; n <= 2; n++ {
			time.Sleep(25 * time.Hour)
			readInFull(t, b, func() *Poller { return newPoller(t, s, b, change) })
			if got := len(goners(b)); got != n*goneAtOnce {
				t.Errorf("%d are told as gone after %d readings, want %d", got, n, n*goneAtOnce)
			}
		}
	})
}

// counting counts the listings of a bucket.
type counting struct {
	*broker
	listings int
}

func (c *counting) KeysAfter(ctx context.Context, prefix, after string, most int) ([]string, error) {
	c.listings++
	return c.broker.KeysAfter(ctx, prefix, after, most)
}

// TestWhatWasToldIsListedOnce: a reading that takes many rounds asks for
// thousands of documents.
func TestWhatWasToldIsListedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		told := &counting{broker: newBroker()}
		p := newPoller(t, s, b, allLinked, func(o *Options) { o.Poll.PageSize, o.Told = 10_000, told })
		round(t, p)
		for i := range 600 {
			owed(s, s.now(), fmt.Sprintf("AR%05d", i), "Open", "100")
		}
		time.Sleep(24 * time.Hour)
		round(t, p)
		rounds := readInFull(t, b, func() *Poller { return p })
		if told.listings > len(entities()) || rounds < 600/askedAtOnce/listsPerRound {
			t.Errorf("%d listings of what was told in %d rounds, want one an entity", told.listings, rounds)
		}
	})
}

// TestACustomerWithANewNumberIsNotGone: it was renamed before the reading, or
// while it was under way.
func TestACustomerWithANewNumberIsNotGone(t *testing.T) {
	for name, after := range map[string]time.Duration{"before": time.Minute, "while it is under way": 26 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, b := newERP(), newBroker()
				p := newPoller(t, s, b, allLinked)
				round(t, p)
				s.customer("C1")
				time.Sleep(time.Minute)
				round(t, p)
				row := s.rows["CustomerC1"]
				row["CustomerID"] = acumatica.Value("C9")
				row["LastModifiedDateTime"] = acumatica.Value(stamp(s.now().Add(after)))
				n := len(b.events)
				for range 3 {
					time.Sleep(25 * time.Hour)
					readInFull(t, b, func() *Poller { return newPoller(t, s, b, allLinked) })
				}
				if got := b.subjects()[n:]; len(goners(b)) > 0 || len(got) != 1 || got[0] != "C9" {
					t.Errorf("told %q, as gone %q", got, goners(b))
				}
				if kept, err := b.KeysAfter(t.Context(), "default.customer", "", 100); err != nil || len(kept) != 1 {
					t.Errorf("kept %q, %v", kept, err)
				}
			})
		})
	}
}
