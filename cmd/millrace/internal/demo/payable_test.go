package demo

import (
	"testing"
	"time"
)

func TestMoreThanWasOpenSinceTheLastChangeIsSeen(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	// 100 are asked for at 1 and done at 2, 60 at 5 and done at 6, 80 at 9.
	h := &history{totals: []int64{100, 60, 80}, made: []time.Time{at(1), at(5), at(9)}, settled: []time.Time{at(2), at(6), {}}}
	for _, c := range []struct {
		name        string
		sum         int64
		from, until int
		over        bool
	}{
		{"all of it", 100, 3, 4, false},
		{"the credit note is on its way", 100, 5, 6, false},
		{"after the credit note", 100, 7, 8, true},
		{"two invoices at once", 120, 5, 6, true},
		{"more is open again, and may be done already", 80, 10, 11, false},
		{"more than that", 81, 10, 11, true},
	} {
		p := &payable{docs: map[string]*history{"AR1": h}, seen: []sight{{"AR1", c.sum, at(c.from), at(c.until)}}}
		if looked, over := p.verdict(); looked != 1 || (len(over) == 1) != c.over {
			t.Errorf("%s: %v", c.name, over)
		}
	}
	p := &payable{docs: map[string]*history{}, seen: []sight{{"AR2", 1, at(1), at(2)}}}
	if _, over := p.verdict(); len(over) != 1 {
		t.Error("one that nobody asked for can be paid")
	}
}
