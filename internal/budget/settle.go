package budget

import (
	"cmp"
	"slices"
	"time"
)

// limits are what is configured.
type limits struct {
	slots int // 0: no limit
	pace  pace
}

// demand is what a process has and wants when it settles with the record.
type demand struct {
	used    [classes]int         // slots with a request under way
	idle    [classes]int         // slots held without one
	tokens  [classes]int         // in hand and still good
	waiting [classes][]time.Time // requests, by the time since when
	linger  bool                 // idle slots may stay if nobody wants them
}

func (d demand) wants() bool { return len(d.waiting[posting])+len(d.waiting[polling]) > 0 }

// line is what waits in a class when n of it were served.
func (d demand) line(c class, n int) line {
	if q := d.waiting[c]; n < len(q) {
		return line{len(q) - n, q[n]}
	}
	return line{}
}

// verdict is what comes of it, once the record is stored.
type verdict struct {
	slots, tokens [classes]int // idle slots and tokens in hand from now on
	wake          time.Time    // when to settle again at the latest; zero: when something happens
}

func (v *verdict) wakeAt(t time.Time) {
	if v.wake.IsZero() || t.Before(v.wake) {
		v.wake = t
	}
}

// place is a line of a process in the queue of all.
type place struct {
	id    string
	class class
	line  line
	rank  time.Time // who comes first; polling lets others go first for a while
}

// settle is one turn of a process: it gives back what it does not use, and
// takes what it is due when everybody who comes before it takes his. It is pure:
// nothing is true until the record is stored.
func settle(old record, l limits, me string, d demand, now time.Time) (record, verdict) {
	r := old.clone()
	r.setBack(l.pace, now)
	before := r.Workers[me]
	r.prune(now)
	delete(r.Workers, me)
	mine := worker{Waiting: [classes]line{d.line(posting, 0), d.line(polling, 0)}}
	if l.slots > 0 {
		mine.Slots = d.used
	}
	t := newTill(r, l, mine, now)
	v := verdict{tokens: d.tokens}
	if now.Before(r.NotBefore) {
		v.tokens = [classes]int{} // they will not live that long
		if d.wants() {
			v.wakeAt(r.NotBefore)
		}
	} else {
		t.serve(queue(r, me, mine), me, d, &v)
	}
	r.Spent = l.pace.take(r.Spent, now, t.paid)
	for c := range classes {
		if l.slots > 0 {
			mine.Slots[c] += v.slots[c]
		}
		mine.Waiting[c] = d.line(c, t.served[c])
	}
	r.keep(me, mine, before, now, &v)
	if mine.Waiting != ([classes]line{}) {
		for _, w := range r.Workers { // a slot may come free by itself
			if w.Slots != ([classes]int{}) && w.Until.After(now) {
				v.wakeAt(w.Until)
			}
		}
	}
	return r, v
}

// keep puts the worker into the record, with the times that keep it there.
func (r record) keep(me string, w, before worker, now time.Time, v *verdict) {
	holds, waits := w.Slots != ([classes]int{}), w.Waiting != ([classes]line{})
	if !holds && !waits {
		return
	}
	w.Until, w.Asked = before.Until, before.Asked
	if holds && (w.Slots != before.Slots || w.Until.Sub(now) < slotTTL*2/3) {
		w.Until = now.Add(slotTTL)
	}
	if waits && (w.Asked.Add(lineTTL/3).Before(now) || before.Waiting == ([classes]line{})) {
		w.Asked = now
	}
	if holds {
		v.wakeAt(w.Until.Add(-slotTTL*2/3 + time.Millisecond))
	} else {
		w.Until = time.Time{}
	}
	if waits {
		v.wakeAt(w.Asked.Add(lineTTL / 2))
	} else {
		w.Asked = time.Time{}
	}
	r.Workers[me] = w
}

// queue is everything that waits, first come first.
func queue(r record, me string, mine worker) []place {
	var q []place
	add := func(id string, w worker) {
		for c, l := range w.Waiting {
			if l.Count > 0 {
				p := place{id, class(c), l, l.Since}
				if p.class == polling {
					p.rank = l.Since.Add(patience)
				}
				q = append(q, p)
			}
		}
	}
	for id, w := range r.Workers {
		add(id, w)
	}
	add(me, mine)
	slices.SortFunc(q, func(a, b place) int {
		return cmp.Or(a.rank.Compare(b.rank), cmp.Compare(a.class, b.class), cmp.Compare(a.id, b.id))
	})
	return q
}

// till is what is there to be given.
type till struct {
	l      limits
	now    time.Time
	spent  time.Time
	free   int          // slots
	polls  int          // slots that polling holds, of everybody
	served [classes]int // of this process
	paid   int          // tokens of this process
}

func newTill(r record, l limits, mine worker, now time.Time) *till {
	t := &till{l: l, now: now, spent: r.Spent, free: unlimited}
	if l.slots == 0 {
		return t
	}
	t.free = l.slots - mine.Slots[posting] - mine.Slots[polling]
	t.polls = mine.Slots[polling]
	for _, w := range r.Workers {
		t.free -= w.Slots[posting] + w.Slots[polling]
		t.polls += w.Slots[polling]
	}
	t.free = max(0, t.free)
	return t
}

// serve gives down the queue. What others are due is left for them: they take
// it as soon as they see it.
func (t *till) serve(q []place, me string, d demand, v *verdict) {
	others := false
	for _, p := range q {
		inHand := 0
		if p.id == me {
			inHand = d.tokens[p.class]
		}
		n := min(p.line.Count, t.slots(p), inHand+t.tokens(p))
		t.give(p.class, n, max(0, n-inHand))
		if p.id == me {
			t.paid += max(0, n-inHand)
			v.slots[p.class] += n
			v.tokens[p.class] = max(n, inHand)
			t.served[p.class] = n
			t.again(p, n, v)
		}
		others = others || p.id != me
	}
	if others {
		return
	}
	for c := range classes {
		if t.served[c] > 0 {
			extra := t.l.pace.spare(t.tokens(place{class: c, rank: t.now.Add(patience)}))
			t.give(c, 0, extra)
			t.paid += extra
			v.tokens[c] += extra
		}
		if d.linger && t.l.slots > 0 {
			extra := max(0, min(d.idle[c]-v.slots[c], t.slots(place{class: c, rank: t.now.Add(patience)})))
			t.give(c, extra, 0)
			v.slots[c] += extra
		}
	}
}

func (t *till) give(c class, slots, tokens int) {
	t.spent = t.l.pace.take(t.spent, t.now, tokens)
	if t.l.slots == 0 {
		return
	}
	t.free -= slots
	if c == polling {
		t.polls += slots
	}
}

// yields: polling that has not waited for long leaves a part alone.
func (t *till) yields(p place) bool { return p.class == polling && p.rank.After(t.now) }

func (t *till) slots(p place) int {
	if t.l.slots > 1 && t.yields(p) {
		return max(0, min(t.free, t.l.slots-1-t.polls))
	}
	return t.free
}

func (t *till) tokens(p place) int {
	n := t.l.pace.left(t.spent, t.now)
	if t.yields(p) {
		n = max(0, n-t.l.pace.reserve())
	}
	return n
}

// again sets the time for what is still waiting in this process.
func (t *till) again(p place, n int, v *verdict) {
	if n == p.line.Count {
		return
	}
	if t.yields(p) {
		v.wakeAt(p.rank)
	}
	if t.l.pace.gap == 0 || t.slots(p) == 0 {
		return
	}
	need := 1
	if t.yields(p) {
		need += t.l.pace.reserve()
	}
	v.wakeAt(later(t.l.pace.ready(t.spent, need), t.now.Add(time.Millisecond)))
}

// changed says whether a record must be stored: not when all that differs is
// what is void anyway, or how many wait. Since when they do matters as soon as
// others wait too: all must see the same queue.
func changed(old, r record, me string) bool {
	a, b := old.Workers[me], r.Workers[me]
	alone := r.contended(me).IsZero()
	for c := range classes {
		if (a.Waiting[c].Count > 0) != (b.Waiting[c].Count > 0) || !alone && !a.Waiting[c].Since.Equal(b.Waiting[c].Since) {
			return true
		}
	}
	return !old.Spent.Equal(r.Spent) || !old.NotBefore.Equal(r.NotBefore) || old.Slowness != r.Slowness ||
		a.Slots != b.Slots || !a.Until.Equal(b.Until) || !a.Asked.Equal(b.Asked)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
