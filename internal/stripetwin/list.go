package stripetwin

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
)

// newest returns the records that pass keep, newest first.
func newest[T record](all map[string]T, keep func(T) bool) []T {
	return slices.SortedFunc(func(yield func(T) bool) {
		for v := range maps.Values(all) {
			if keep(v) && !yield(v) {
				return
			}
		}
	}, func(a, b T) int { return cmp.Compare(b.top().Seq, a.top().Seq) })
}

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

// A locator splits rows at the object with an id: rows[:i] come before it in
// the list, rows[j:] behind it. The object itself need not be in rows.
type locator func(id string) (i, j int, ok bool)

// bySeq locates any object of all in rows that are newest first. Stripe: a
// cursor only has to exist, it need not pass the filters of the list.
func bySeq[T record](rows []T, all map[string]T) locator {
	return func(id string) (int, int, bool) {
		at, ok := all[id]
		if !ok {
			return 0, 0, false
		}
		i, found := slices.BinarySearchFunc(rows, at.top().Seq, func(r T, seq int64) int { return cmp.Compare(seq, r.top().Seq) })
		if found {
			return i, i + 1, true
		}
		return i, i, true
	}
}

// page cuts one page out of rows, which are in list order. Stripe:
// starting_after goes on behind an object, ending_before returns the objects
// that come right before one, still in list order; a cursor that does not
// exist is refused.
func page[T any](c *call, rows []T, locate locator, noun string, render func(T) object) (object, error) {
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
	more := false
	if after != "" {
		_, j, ok := locate(after)
		if !ok {
			return nil, missing(noun, after, "starting_after", http.StatusBadRequest)
		}
		rows = rows[j:]
	}
	if before != "" {
		i, _, ok := locate(before)
		if !ok {
			return nil, missing(noun, before, "ending_before", http.StatusBadRequest)
		}
		more = i > limit
		rows = rows[max(0, i-limit):i]
	}
	if len(rows) > limit {
		more, rows = true, rows[:limit]
	}
	data := make([]any, 0, len(rows))
	for _, r := range rows {
		data = append(data, render(r))
	}
	return object{"object": "list", "data": data, "has_more": more, "url": c.path}, nil
}

// createdFilter reads created=… or created[gt|gte|lt|lte]=….
func createdFilter(c *call) func(created int64) bool { return timeFilter(c, "created") }

// timeFilter is createdFilter for another parameter.
func timeFilter(c *call, name string) func(at int64) bool {
	sub := c.form.sub(name)
	if sub == nil {
		return func(int64) bool { return true }
	}
	if sub.leaf {
		want := c.form.integer(name, 0)
		return func(at int64) bool { return at == want }
	}
	sub.only("gt", "gte", "lt", "lte")
	gt, gte := sub.integer("gt", -1), sub.integer("gte", 0)
	lt, lte := sub.integer("lt", 1<<62), sub.integer("lte", 1<<62)
	return func(at int64) bool { return at > gt && at >= gte && at < lt && at <= lte }
}
