package stripetwin

import (
	"iter"
	"net/http"
	"slices"
	"strconv"
)

// paging reads limit; Stripe: 1 to 100, default 10.
func paging(c *call) (int, error) {
	limit := c.form.integer("limit", 10)
	switch {
	case c.form.err != nil:
		return 0, c.form.err
	case limit > 100:
		return 0, invalid("parameter_invalid_integer", "limit", "This value must be less than or equal to 100 (it currently is '%d').", limit)
	case limit < 1:
		return 0, invalid("parameter_invalid_integer", "limit", "This value must be greater than or equal to 1 (it currently is '%d').", limit)
	}
	return int(limit), nil
}

// rows are what a list shows, in its order. Stripe: a cursor only has to
// exist, it need not pass the filters of the list.
type rows[T any] struct {
	after  func(cursor string) (iter.Seq[*T], bool) // those behind the cursor; "" is all
	before func(cursor string) (iter.Seq[*T], bool) // those before it, the nearest first
}

// page answers one page of what a table found.
func page[T any, P rowOf[T]](c *call, l listing[T, P], noun string, render func(*T) object) (object, error) {
	return pageOf(c, rows[T]{
		after: func(cursor string) (iter.Seq[*T], bool) {
			if cursor == "" {
				return l.down(0, l.tb.view), true
			}
			seq, v := l.tb.locate(cursor)
			return l.down(seq, l.tb.view), v != nil
		},
		before: func(cursor string) (iter.Seq[*T], bool) {
			seq, v := l.tb.locate(cursor)
			return l.up(seq, l.tb.view), v != nil
		},
	}, noun, render)
}

// inOrder are rows that are in list order already.
func inOrder[T any](all []*T, id func(*T) string) rows[T] {
	find := func(cursor string) int { return slices.IndexFunc(all, func(v *T) bool { return id(v) == cursor }) }
	return rows[T]{
		after: func(cursor string) (iter.Seq[*T], bool) {
			i := find(cursor)
			return slices.Values(all[i+1:]), i >= 0 || cursor == ""
		},
		before: func(cursor string) (iter.Seq[*T], bool) {
			i := find(cursor)
			back := slices.Clone(all[:max(0, i)])
			slices.Reverse(back)
			return slices.Values(back), i >= 0
		},
	}
}

// pageOf answers one page of a list. Stripe: starting_after goes on behind an
// object, ending_before returns the objects that come right before one, still
// in list order; a cursor that does not exist is refused.
func pageOf[T any](c *call, all rows[T], noun string, render func(*T) object) (object, error) {
	limit, err := paging(c)
	if err != nil {
		return nil, err
	}
	after, before := c.form.str("starting_after", 255), c.form.str("ending_before", 255)
	if c.form.err != nil {
		return nil, c.form.err
	}
	if after != "" && before != "" {
		return nil, invalid("parameters_exclusive", "", "Received both starting_after and ending_before parameters. Please pass in only one.")
	}
	from, ok := all.after(after)
	if !ok {
		return nil, missing(noun, after, "starting_after", http.StatusBadRequest)
	}
	if before != "" {
		if from, ok = all.before(before); !ok {
			return nil, missing(noun, before, "ending_before", http.StatusBadRequest)
		}
	}
	data, more := make([]any, 0, limit), false
	for v := range from {
		if more = len(data) == limit; more {
			break
		}
		data = append(data, render(v))
	}
	if before != "" {
		slices.Reverse(data)
	}
	return object{"object": "list", "data": data, "has_more": more, "url": c.path}, nil
}

// createdFilter reads created=… or created[gt|gte|lt|lte]=….
func createdFilter(c *call) span { return timeFilter(c, "created") }

// timeFilter is createdFilter for another parameter.
func timeFilter(c *call, name string) span {
	sub := c.form.sub(name)
	if sub == nil {
		return always
	}
	if sub.leaf {
		want := c.form.integer(name, 0)
		return span{want, want}
	}
	sub.only("gt", "gte", "lt", "lte")
	s := span{from: sub.integer("gte", always.from), to: sub.integer("lte", always.to)}
	if sub.has("gt") {
		s.from = max(s.from, sub.integer("gt", 0)+1)
	}
	if sub.has("lt") {
		s.to = min(s.to, sub.integer("lt", 0)-1)
	}
	return s
}

// and narrows a range by a comparison of a search.
func (s span) and(cl clause) span {
	at, err := strconv.ParseInt(cl.value, 10, 64)
	if err != nil {
		return s
	}
	switch cl.op {
	case ":":
		return span{max(s.from, at), min(s.to, at)}
	case ">":
		s.from = max(s.from, at+1)
	case ">=":
		s.from = max(s.from, at)
	case "<":
		s.to = min(s.to, at-1)
	case "<=":
		s.to = min(s.to, at)
	}
	return s
}

func (s span) has(at int64) bool { return at >= s.from && at <= s.to }
