package reconcile

import (
	"context"
	"maps"
	"slices"
	"time"
)

// withMonths lets the write-off of a month count for the differences of a
// payout in it: all of them are ended where the month agrees.
func (t *truth) withMonths(ctx context.Context, d *draft) error {
	if d.off() == 0 {
		return nil
	}
	months := map[Month]bool{}
	for _, f := range d.s.Findings {
		months[monthOf(f.Date)] = true
	}
	var keys []string
	for _, m := range slices.Sorted(maps.Keys(months)) {
		key := t.writtenOff(writeOffOf(string(m), d.s.Currency))
		if key == "" {
			return nil
		}
		all, err := Months(ctx, *t.o, m, m, true, time.Time{})
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(s *Statement) bool { return s.Currency == d.s.Currency && s.OK() }) {
			d.s.waiting = key
			return nil
		}
		keys = append(keys, key)
	}
	n := -d.net()
	d.posted[writeOff] += n
	d.docs[writeOff] += n
	d.written += n
	for _, key := range keys {
		d.s.Notes = append(d.s.Notes, Entry{Cause: WrittenOff, ID: key, Amount: d.show(n), Detail: "with its month", minorUnits: n})
	}
	return nil
}
