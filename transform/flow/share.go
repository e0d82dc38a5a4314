package flow

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

// shares divides an amount among a list of objects that each want "amount",
// the oldest first by "created" and "id": an object whose amount is still there
// gets it. The answer is [{item, fits}] in that order, whatever the order of
// the list.
func shares(m *meter, a []any) (any, error) {
	items, ok := a[0].([]any)
	left, isNumber := asNumber(a[1])
	if !ok || !isNumber {
		return nil, fmt.Errorf("shares: needs a list and a number, not %s and %s", kindOf(a[0]), kindOf(a[1]))
	}
	type wish struct {
		item            map[string]any
		amount, created decimal.Decimal
		id              string
	}
	wishes := make([]wish, len(items))
	for i, item := range items {
		if err := m.tick(1); err != nil {
			return nil, err
		}
		w := wish{}
		w.item, _ = item.(map[string]any)
		var hasAmount, hasCreated bool
		w.amount, hasAmount = asNumber(w.item["amount"])
		w.created, hasCreated = asNumber(w.item["created"])
		w.id, _ = w.item["id"].(string)
		if !hasAmount || !hasCreated || w.id == "" {
			return nil, fmt.Errorf("shares: row %d has no id, amount or created", i+1)
		}
		wishes[i] = w
	}
	slices.SortStableFunc(wishes, func(x, y wish) int { return cmp.Or(x.created.Cmp(y.created), cmp.Compare(x.id, y.id)) })
	out := make([]any, len(wishes))
	for i, w := range wishes {
		fits := w.amount.LessThanOrEqual(left)
		if fits {
			left = left.Sub(w.amount)
		}
		out[i] = map[string]any{"item": w.item, "fits": fits}
	}
	return out, nil
}

// later is the later of two days, YYYY-MM-DD; nothing is before every day.
func later(_ *meter, a []any) (any, error) {
	days := make([]string, 2)
	for i, v := range a {
		s, ok := v.(string)
		if !ok && v != nil {
			return nil, fmt.Errorf("later: %s is not a day", kindOf(v))
		}
		days[i] = s
	}
	if day := max(days[0], days[1]); day != "" {
		return day, nil
	}
	return nil, nil // of two nothings
}
