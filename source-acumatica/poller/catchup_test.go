package poller

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
)

// table is an Acumatica with very many invoices, oldest change first, that
// answers fast.
type table struct {
	at    []time.Time
	order func(from, to int) []int // of the rows of a window
	lists int
	most  int // rows of an answer
}

func (s *table) list(_ context.Context, entity string, q acumatica.Query) ([]acumatica.Record, time.Time, error) {
	now := time.Now().Truncate(time.Second)
	if entity != "Invoice" || q.Filter == "" {
		return nil, now, nil
	}
	s.lists++
	from, to := 0, len(s.at)
	for _, m := range bounds.FindAllStringSubmatch(q.Filter, -1) {
		at, err := time.Parse(time.RFC3339Nano, m[2])
		if err != nil {
			return nil, now, err
		}
		i, _ := slices.BinarySearchFunc(s.at, at, time.Time.Compare)
		if m[1] == "ge" {
			from = i
		} else {
			to = i
		}
	}
	rows := s.order(from, max(from, to))
	rows = rows[min(q.Skip, len(rows)):]
	rows = rows[:min(q.Top, len(rows))]
	out := make([]acumatica.Record, len(rows))
	for i, n := range rows {
		out[i] = acumatica.Record{
			"id": fmt.Sprint("guid-", n), "Type": acumatica.Value("Invoice"), "ReferenceNbr": acumatica.Value(fmt.Sprint("AR", n)),
			"Customer": acumatica.Value(fmt.Sprint("C", n%1000)), "Status": acumatica.Value("Open"), "Balance": acumatica.Value("10"),
			"LastModifiedDateTime": acumatica.Value(stamp(s.at[n])),
		}
	}
	s.most = max(s.most, len(out))
	return out, now, nil
}

// upward lists the oldest first, downward the newest first.
func upward(from, to int) []int {
	rows := make([]int, to-from)
	for i := range rows {
		rows[i] = from + i
	}
	return rows
}

func downward(from, to int) []int {
	rows := upward(from, to)
	slices.Reverse(rows)
	return rows
}

// TestDaysOffAreCaughtUpInBoundedMemory: 100,000 rows changed while nobody
// polled for days, or many at once and just now, within the overlap.
func TestDaysOffAreCaughtUpInBoundedMemory(t *testing.T) {
	for name, tt := range map[string]struct {
		n     int
		step  time.Duration
		off   time.Duration
		order func(from, to int) []int
	}{
		"days, oldest first":                {100_000, 3 * time.Second, 5 * 24 * time.Hour, upward},
		"a minute and a half, newest first": {30_000, 3 * time.Millisecond, 95 * time.Second, downward},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, s := tt.n, &table{order: tt.order}
				b := newBroker()
				var published, held int
				p := newPoller(t, newERP(), b, func(o *Options) {
					o.Poll.PageSize, o.List, o.Told = 1000, s.list, forgetful{}
					o.Publish = func(context.Context, string, string, string, string, string, bus.Event) (bus.PubAck, error) {
						published++
						return bus.PubAck{Seq: 1}, nil
					}
				})
				round(t, p)
				for i := range n {
					s.at = append(s.at, time.Now().Add(time.Duration(i)*tt.step).Truncate(time.Millisecond))
				}
				time.Sleep(tt.off)
				for range 20 {
					round(t, p)
					held = max(held, len(p.seen["invoice"]))
					time.Sleep(15 * time.Second)
				}
				if published < n {
					t.Errorf("%d events for %d rows", published, n)
				}
				reads := s.lists - 20                // those of quiet rounds
				if limit := n / 100; reads > limit { // of 1.1 for a hundred rows
					t.Errorf("%d lists for %d rows", reads, n)
				}
				if s.most > 1000 || held > maxSeen {
					t.Errorf("%d rows and %d ids are held at once", s.most, held)
				}
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				t.Logf("%d lists for %d rows, %d ids remembered at most, %d MiB in use", reads, n, held, m.HeapInuse>>20)
			})
		})
	}
}

// forgetful keeps nothing: what was told lies in the broker, not in memory.
type forgetful struct{}

func (forgetful) Get(context.Context, string) ([]byte, uint64, error) { return nil, 0, bus.ErrNotFound }
func (forgetful) Create(context.Context, string, []byte) (uint64, error) {
	return 1, nil
}

func (forgetful) Update(context.Context, string, []byte, uint64) (uint64, error) {
	return 1, nil
}
func (forgetful) Delete(context.Context, string, uint64) error { return nil }
func (forgetful) KeysAfter(context.Context, string, string, int) ([]string, error) {
	return nil, nil
}
