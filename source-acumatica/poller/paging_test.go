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

	"millrace/internal/acumatica"
	"millrace/internal/fault"
)

// many saves n customers, step apart, and returns their ids.
func many(s *erp, n int, step time.Duration) []string {
	ids := make([]string, n)
	at := s.now()
	for i := range n {
		ids[i] = fmt.Sprintf("C%03d", i)
		s.saveAt("Customer", ids[i], at.Add(time.Duration(i)*step), map[string]string{"CustomerID": ids[i]})
	}
	return ids
}

func TestMoreThanAPageIsReadInSmallerWindows(t *testing.T) {
	for _, step := range []time.Duration{time.Millisecond, time.Second, time.Hour} {
		for _, shuffle := range []bool{false, true} {
			t.Run(fmt.Sprint(step, shuffle), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, b := newERP(), newBroker()
					s.shuffle = shuffle
					ids := many(s, 50, step)
					time.Sleep(100 * time.Hour)
					round(t, newPoller(t, s, b))
					if diff := cmp.Diff(ids, b.subjects()); diff != "" {
						t.Errorf("published (-want +got):\n%s", diff)
					}
					for _, q := range s.calls {
						if q.Skip > 0 {
							t.Errorf("paged by offset where a smaller window would do: %s", q.Filter)
						}
					}
					if n := len(s.calls); n > 6*50/3 {
						t.Errorf("%d reads for 50 rows in pages of 3", n)
					}
				})
			})
		}
	}
}

func TestTiesBeyondAPageArePagedUntilTwoPassesAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		ids := many(s, 10, 0)
		time.Sleep(time.Hour)
		round(t, newPoller(t, s, b))
		if diff := cmp.Diff(ids, b.subjects()); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
		offsets := 0
		for _, q := range s.calls {
			if q.Skip == 3 {
				offsets++
			}
		}
		if offsets != 2 {
			t.Errorf("%d passes over a quiet window, want 2", offsets)
		}
	})
}

// TestRowsThatMoveWhileTheyArePagedAreNotLost changes a row on an earlier page
// while later ones are read, which shifts every row behind it by one.
func TestRowsThatMoveWhileTheyArePagedAreNotLost(t *testing.T) {
	for _, step := range []time.Duration{0, time.Millisecond, time.Minute} {
		t.Run(step.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, b := newERP(), newBroker()
				ids := many(s, 20, step)
				time.Sleep(time.Hour)
				moves := ids[:4]
				s.onList = func(entity string, q acumatica.Query) {
					if entity == "Customer" && len(moves) > 0 && (q.Skip == 3 || step > 0) {
						s.customer(moves[0])
						moves = moves[1:]
					}
				}
				p := newPoller(t, s, b)
				round(t, p)
				time.Sleep(10 * time.Second)
				round(t, p)
				if diff := cmp.Diff(ids, everyone(b)); diff != "" {
					t.Errorf("published (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestPassThatShowsARowTwiceProvesNothing: a row that comes twice pushed
// another one off its page, even if the next pass sees exactly the same.
func TestPassThatShowsARowTwiceProvesNothing(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	pass := 0
	p := newPoller(t, newERP(), newBroker(), func(o *Options) {
		o.List = func(_ context.Context, _ string, q acumatica.Query) ([]acumatica.Record, time.Time, error) {
			if q.Skip == 0 {
				pass++
			}
			ids := []string{"a", "b", "c", "d", "e"}
			if pass <= 2 {
				ids = []string{"a", "b", "c", "c", "d"}
			}
			var out []acumatica.Record
			for _, id := range ids[q.Skip:min(q.Skip+q.Top, len(ids))] {
				out = append(out, acumatica.Record{"id": id, "LastModifiedDateTime": acumatica.Value(stamp(at))})
			}
			return out, at, nil
		}
	})
	seen, most := map[string]bool{}, 0
	err := p.pages(t.Context(), &entities()[0], acumatica.Query{Top: 3}, func(rows []row) error {
		most = max(most, len(rows))
		for _, r := range rows {
			seen[r.sight()] = true
		}
		return nil
	})
	if err != nil || len(seen) != 5 || pass != 4 {
		t.Errorf("%d rows after %d passes (%v), want 5 after 4", len(seen), pass, err)
	}
	if most > 3 {
		t.Errorf("%d rows are held at once, want a page", most)
	}
}

func TestWindowThatNeverSettlesLeavesTheCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		p := newPoller(t, s, b)
		round(t, p)
		ids := many(s, 40, 0)
		time.Sleep(time.Minute)
		before := b.cursor(t, "customer")
		n := 0
		s.onList = func(entity string, q acumatica.Query) {
			if entity == "Customer" && q.Skip == 3 {
				s.customer(ids[n])
				n++
			}
		}
		err := p.round(t.Context())
		if fault.Of(err).Code != "source.window_unstable" {
			t.Fatalf("round = %v, want an unstable window", err)
		}
		// The quiet part before the ties may be done; the ties may not.
		if got := b.cursor(t, "customer"); got.Until.Sub(before.Until) > 3*time.Second {
			t.Errorf("cursor = %+v, want it before the unstable rows", got)
		}
		s.onList = nil
		time.Sleep(10 * time.Second)
		round(t, p)
		if diff := cmp.Diff(ids, everyone(b)); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
	})
}

// TestNothingIsLostWhateverHappens saves records at random moments, also while
// pages are read, lets publishes fail and the process restart, and checks that
// in the end every version that could be seen last is on the bus.
func TestNothingIsLostWhateverHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			s, b := newERP(), newBroker()
			p := newPoller(t, s, b)
			ids := rapid.IntRange(1, 30).Draw(rt, "ids")
			change := func() {
				s.customer(fmt.Sprintf("C%02d", rapid.IntRange(0, ids).Draw(rt, "id")))
			}
			s.onList = func(string, acumatica.Query) {
				if rapid.IntRange(0, 3).Draw(rt, "busy") == 0 {
					change()
				}
			}
			for range rapid.IntRange(1, 15).Draw(rt, "steps") {
				switch rapid.IntRange(0, 4).Draw(rt, "step") {
				case 0, 1:
					for range rapid.IntRange(1, 9).Draw(rt, "burst") {
						change()
						time.Sleep(time.Duration(rapid.IntRange(0, 1500).Draw(rt, "pause")) * time.Millisecond)
					}
				case 2:
					p = newPoller(t, s, b)
				case 3:
					left := rapid.IntRange(0, 5).Draw(rt, "failure after")
					b.fail = func(event) error {
						if left--; left < 0 {
							return fault.Newf("bus.unavailable", "no responders")
						}
						return nil
					}
				case 4:
					b.fail = nil
				}
				_ = p.round(t.Context()) // failures are part of it
			}
			b.fail, s.onList = nil, nil
			time.Sleep(10 * time.Second)
			round(t, p)
			checkStored(rt, s, b)
			last := make(map[string]time.Time)
			for _, e := range b.events {
				if e.ev.Time.Before(last[e.lane]) {
					rt.Fatalf("lane %s went back from %v to %v", e.lane, last[e.lane], e.ev.Time)
				}
				last[e.lane] = e.ev.Time
			}
		})
	})
}

// checkStored fails unless the last that is told of every customer is its
// present version.
func checkStored(rt *rapid.T, s *erp, b *broker) {
	last := make(map[string]string)
	for _, e := range b.events {
		id, rest, _ := strings.Cut(e.ev.ID, "@")
		last[id], _, _ = strings.Cut(rest, "~")
	}
	for _, r := range s.rows {
		at, _ := r.Time("LastModifiedDateTime")
		if got, want := last["customer:"+r.ID()], at.UTC().Format(time.RFC3339Nano); got != want {
			rt.Fatalf("the last that is told of %s is of %q, want %s", r.ID(), got, want)
		}
	}
}

func TestSplitAlwaysMakesAWindowSmaller(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		at := func(name string) time.Time {
			return base.Add(time.Duration(rapid.Int64Range(0, 20_000_000).Draw(rt, name)))
		}
		w := window{at("from").Truncate(tick), base.Add(25 * time.Millisecond)}
		if rapid.Bool().Draw(rt, "from the beginning") {
			w.from = time.Time{}
		}
		rows := make([]row, rapid.IntRange(1, 10).Draw(rt, "rows"))
		for i := range rows {
			rows[i].changed = at("changed")
		}
		middle, ok := w.split(rows)
		if ok && (!middle.After(w.from) || !middle.Before(w.until)) {
			rt.Fatalf("split of %v is %v", w, middle)
		}
		if !ok && w.until.Sub(w.from) > tick {
			rt.Fatalf("%v cannot be split", w)
		}
	})
}

func TestFilterSpeaksODataV3(t *testing.T) {
	from := time.Date(2026, 1, 2, 3, 4, 5, 123_456_789, time.FixedZone("", -5*3600))
	got := window{from, from.Add(time.Hour)}.filter("LastModifiedDateTime", "Type eq 'Invoice'", "")
	want := "LastModifiedDateTime ge datetimeoffset'2026-01-02T08:04:05.123+00:00' and " +
		"LastModifiedDateTime lt datetimeoffset'2026-01-02T09:04:05.123+00:00' and Type eq 'Invoice'"
	if got != want {
		t.Errorf("filter = %s\nwant     %s", got, want)
	}
	if got := (window{until: from}).filter("X"); strings.Contains(got, "ge") {
		t.Errorf("filter from the beginning = %s", got)
	}
}
