package stripetwin

import (
	"cmp"
	"container/heap"
	"encoding/json"
	"iter"
	"maps"
	"math"
	"slices"
	"time"
)

// A queue is the store of the deliveries that are still to do, in a lane for
// each endpoint, so that a deaf one holds nobody up.
type queue struct {
	s     *state
	rows  map[string]*delivery // by id
	lanes map[string]*lane     // by endpoint
}

func newQueue(s *state) *queue {
	q := &queue{s: s, rows: map[string]*delivery{}, lanes: map[string]*lane{}}
	s.stores = append(s.stores, q)
	s.kinds["dlv"] = q
	return q
}

// A lane is the deliveries to one endpoint.
type lane struct {
	waiting schedule
	held    []*delivery // until a later one has gone past, oldest first
	busy    int         // attempts that are under way
	passed  int64       // the latest delivery, by Seq, that was tried
}

// release lets those go on that a later delivery has passed or that were held
// for long enough, and returns when the next one was.
func (l *lane) release(wall time.Time) (wait time.Duration) {
	wait = maxWait
	l.held = slices.DeleteFunc(l.held, func(d *delivery) bool {
		left := d.heldUntil.Sub(wall)
		if !d.done && left > 0 && l.passed < d.Seq {
			wait = min(wait, left)
			return false
		}
		heap.Push(&l.waiting, d)
		return true
	})
	return wait
}

// A schedule is a heap of deliveries by when they are due.
type schedule []*delivery

func (s schedule) Len() int { return len(s) }

// Less implements sort.Interface.
func (s schedule) Less(i, j int) bool {
	return cmp.Or(s[i].next.Compare(s[j].next), cmp.Compare(s[i].Seq, s[j].Seq)) < 0
}
func (s schedule) Swap(i, j int) { s[i], s[j] = s[j], s[i] }

// Push implements heap.Interface.
func (s *schedule) Push(x any) { *s = append(*s, x.(*delivery)) }

// Pop implements heap.Interface.
func (s *schedule) Pop() any {
	last := len(*s) - 1
	d := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	return d
}

func (q *queue) lane(endpoint string) *lane {
	l := q.lanes[endpoint]
	if l == nil {
		l = &lane{}
		q.lanes[endpoint] = l
	}
	return l
}

func (q *queue) put(d *delivery) {
	q.add(d)
	q.s.dirty[d.id()] = true
}

func (q *queue) add(d *delivery) {
	if old := q.rows[d.id()]; old != nil {
		old.done = true
	}
	q.rows[d.id()] = d
	heap.Push(&q.lane(d.Endpoint).waiting, d)
}

// delete ends a delivery; its lane finds out when it comes up.
func (q *queue) delete(id string) {
	if d := q.rows[id]; d != nil {
		d.done = true
		delete(q.rows, id)
		q.s.dirty[id] = true
	}
}

// hurry makes all deliveries to an endpoint due at once.
func (q *queue) hurry(endpoint string) {
	l := q.lane(endpoint)
	for _, d := range l.held {
		heap.Push(&l.waiting, d)
	}
	l.held = nil
	for _, d := range l.waiting {
		d.next = time.Time{}
	}
	heap.Init(&l.waiting)
}

func (q *queue) restore(line json.RawMessage) error {
	d := new(delivery)
	if err := json.Unmarshal(line, d); err != nil {
		return err
	}
	q.add(d)
	return nil
}

func (q *queue) line(w *jsonWriter, id string) {
	if d := q.rows[id]; d != nil {
		w.other(d)
		return
	}
	w.value(nil)
}

func (q *queue) each() iter.Seq[string] {
	rows := slices.SortedFunc(maps.Values(q.rows), func(a, b *delivery) int { return cmp.Compare(a.Seq, b.Seq) })
	return func(yield func(string) bool) {
		for _, d := range rows {
			if !yield(d.id()) {
				return
			}
		}
	}
}

func (q *queue) len() int { return len(q.rows) }

func (q *queue) mark(string) {}

func (q *queue) settle() {}

func (q *queue) forget() {}

func (q *queue) expanded(*Twin, string) object { return nil }

func (q *queue) wakesAt() int64 { return math.MaxInt64 }
