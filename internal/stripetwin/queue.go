package stripetwin

import (
	"encoding/json"
	"iter"
	"math"
	"slices"
)

// A queue is the store of the deliveries that are still to do, oldest first.
type queue struct {
	s    *state
	rows []*delivery
}

func newQueue(s *state) *queue {
	q := &queue{s: s}
	s.stores = append(s.stores, q)
	s.kinds["dlv"] = q
	return q
}

func (q *queue) find(id string) int {
	return slices.IndexFunc(q.rows, func(d *delivery) bool { return d.id() == id })
}

func (q *queue) put(d *delivery) {
	q.rows = append(q.rows, d)
	q.s.dirty[d.id()] = true
}

func (q *queue) delete(id string) {
	if i := q.find(id); i >= 0 {
		q.rows = slices.Delete(q.rows, i, i+1)
		q.s.dirty[id] = true
	}
}

func (q *queue) restore(line json.RawMessage) error {
	d := new(delivery)
	if err := json.Unmarshal(line, d); err != nil {
		return err
	}
	if i := q.find(d.id()); i >= 0 {
		q.rows[i] = d
		return nil
	}
	q.rows = append(q.rows, d)
	return nil
}

func (q *queue) line(w *jsonWriter, id string) {
	if i := q.find(id); i >= 0 {
		w.other(q.rows[i])
		return
	}
	w.value(nil)
}

func (q *queue) each() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, d := range q.rows {
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
