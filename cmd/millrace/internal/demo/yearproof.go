package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"millrace/cmd/millrace/internal/proof"
	"millrace/internal/bus"
	"millrace/internal/reconcile"
	"millrace/internal/service"
)

// statements is what millrace reconcile says of the year's months, all at once
// and each by itself, and of its payouts: how many agree, and which do not. It
// is held against the oracle, which knows nothing of it.
func (d *Demo) statements(ctx context.Context, rt *service.Runtime, end time.Time) (agree int, differ []string, err error) {
	o, err := proof.Options(ctx, rt, rt.Bus, d.Config().Connections[0])
	if err != nil {
		return 0, nil, err
	}
	if o.Log, err = remember(ctx, rt.Bus); err != nil {
		return 0, nil, err
	}
	month := func(t time.Time) reconcile.Month { return reconcile.Month(t.Format("2006-01")) }
	first, last := month(yearStart()), month(end.Add(-time.Nanosecond))
	after := end.AddDate(0, 2, 0)
	all, err := reconcile.Months(ctx, o, first, last, false, after)
	if err != nil {
		return 0, nil, err
	}
	for t := yearStart(); month(t) <= last; t = t.AddDate(0, 1, 0) {
		s, err := reconcile.Months(ctx, o, month(t), month(t), false, after)
		if err != nil {
			return 0, nil, err
		}
		all = append(all, s...)
	}
	payouts, err := reconcile.Payouts(ctx, o, first, last)
	if err != nil {
		return 0, nil, err
	}
	for _, id := range payouts {
		s, err := reconcile.ByPayout(ctx, o, id)
		if err != nil {
			return 0, nil, err
		}
		all = append(all, s...)
	}
	for _, s := range all {
		if s.OK() {
			agree++
			continue
		}
		texts := []string{fmt.Sprintf("millrace reconcile: %s %s differs by %s", s.Scope(), s.Currency, s.Difference)}
		for _, f := range s.Findings[:min(len(s.Findings), 3)] {
			texts = append(texts, fmt.Sprintf("%s %s %s: %s", f.Cause, f.ID, f.Amount, f.Detail))
		}
		differ = append(differ, strings.Join(texts, "; "))
	}
	return agree, differ, nil
}

// A memory is the intents of a year that is over: a statement reads them all,
// and here are hundreds of statements.
type memory []*bus.Message

func remember(ctx context.Context, b *bus.Bus) (memory, error) {
	var all memory
	err := b.Scan(ctx, bus.Intents, 1, func(m *bus.Message) error {
		all = append(all, m)
		return nil
	})
	return all, err
}

// Scan hands over all of it, whatever is asked for.
func (all memory) Scan(_ context.Context, _ string, _ uint64, fn func(*bus.Message) error) error {
	for _, m := range all {
		if err := fn(m); err != nil {
			return err
		}
	}
	return nil
}
