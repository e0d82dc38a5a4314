package poller

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
)

// step is between two timestamps of SQL Server's datetime, a three hundredth
// of a second.
const step = time.Second / 300

func stepped(t time.Time) time.Time { return t.Truncate(step).Round(time.Millisecond) }

const noOrder = "another each time"

// orders a server may list rows in: it promises none.
func orders() map[string]func([]acumatica.Record) {
	changed := func(r acumatica.Record) time.Time { at, _ := r.Time("LastModifiedDateTime"); return at }
	oldest := func(rows []acumatica.Record) {
		slices.SortStableFunc(rows, func(a, b acumatica.Record) int { return changed(a).Compare(changed(b)) })
	}
	calls := uint64(0)
	return map[string]func([]acumatica.Record){
		"by key":       nil,
		"by key, down": func(rows []acumatica.Record) { slices.Reverse(rows) },
		"oldest first": oldest,
		"newest first": func(rows []acumatica.Record) { oldest(rows); slices.Reverse(rows) },
		"any, the same each time": func(rows []acumatica.Record) {
			rand.New(rand.NewPCG(1, 2)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		},
		noOrder: func(rows []acumatica.Record) {
			calls++
			rand.New(rand.NewPCG(1, calls)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		},
	}
}

// TestNothingIsLostWhileRowsComeChangeAndGoBetweenPages: rows are inserted,
// changed and deleted after every list, many have one timestamp, some commit
// late. When it is quiet, the last version of every row that is left is on the
// bus, in whatever order the server lists.
func TestNothingIsLostWhileRowsComeChangeAndGoBetweenPages(t *testing.T) {
	for name, order := range orders() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) { synctest.Test(t, func(t *testing.T) { mutate(t, rt, order, name != noOrder) }) })
		})
	}
}

// mutate is a run; lasts says that the order is the same as long as no row
// changes. Without one, ties beyond a page cannot be read at all.
func mutate(t *testing.T, rt *rapid.T, order func([]acumatica.Record), lasts bool) {
	t.Helper()
	s, b := newERP(), newBroker()
	s.order = order
	p := newPoller(t, s, b)
	round(t, p)
	draw := func(name string, n int) int { return rapid.IntRange(0, n).Draw(rt, name) }
	save := func(at time.Time, n int) {
		s.saveAt("Customer", fmt.Sprintf("C%02d", n), stepped(at), map[string]string{"CustomerID": fmt.Sprintf("C%02d", n)})
	}
	mutation := func() {
		switch n := draw("row", 25); draw("mutation", 4) {
		case 0:
			save(s.now(), n)
		case 1: // a statement over many rows: one timestamp
			at := s.now()
			for i := range draw("ties", 9) {
				save(at, n+i)
			}
		case 2:
			s.mu.Lock()
			delete(s.rows, fmt.Sprintf("CustomerC%02d", n))
			s.mu.Unlock()
		case 3: // its transaction took a while; nobody else could change it meanwhile
			if s.rows[fmt.Sprintf("CustomerC%02d", n)] == nil {
				save(s.now().Add(-time.Duration(draw("late", 60))*time.Second), n)
			}
		}
	}
	s.onList = func(string, acumatica.Query) {
		if draw("busy", 2) == 0 {
			mutation()
		}
	}
	for range 1 + draw("rounds", 6) {
		for range draw("burst", 6) {
			mutation()
			time.Sleep(time.Duration(draw("pause", 2)) * step)
		}
		if err := p.round(t.Context()); err != nil && fault.Of(err).Code != "source.window_unstable" {
			rt.Fatal(err)
		}
		time.Sleep(time.Duration(draw("rest", 20)) * time.Second)
		if draw("restart", 5) == 0 {
			p = newPoller(t, s, b)
		}
	}
	s.onList = nil
	if !lasts {
		s.order = nil
	}
	for range 20 { // the overlap passes
		time.Sleep(15 * time.Second)
		round(t, p)
	}
	checkStored(rt, s, b)
}
