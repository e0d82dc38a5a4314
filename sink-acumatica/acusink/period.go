package acusink

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
)

// postpone answers a refusal because of the period. Where the books say so, a
// journal keeps its date and is put into the next period that is open.
// Acumatica: the post period of a batch may differ from that of its date; an AR
// document's follows its date, so that one waits for a person.
func (w *work) postpone(ctx context.Context, refused error) error {
	j, ok := w.doc.(*journal)
	if !ok || !w.conn.NextOpenPeriod || j.postPeriod != "" || fault.Of(refused).Code != "acumatica.period_closed" {
		return refused
	}
	period, err := w.nextOpen(ctx, j.TransactionDate)
	if err != nil {
		return fmt.Errorf("%w; look for the next open period: %w", err, refused)
	}
	if period == "" {
		return refused
	}
	j.postPeriod = period
	w.notes = append(w.notes, "in period "+period+", because that of its date is closed")
	return nil
}

// remake answers a release that was refused because of the period, which was
// closed after the document was saved or is only looked at then: where the books
// say so, the unreleased document is deleted, and made anew in the next period
// that is open. A crash in between ends the same way: the document is gone.
func (w *work) remake(ctx context.Context, saved acumatica.Record, refused error) error {
	if err := w.postpone(ctx, refused); err != nil {
		return err
	}
	if err := w.remove(ctx, saved, "is in a closed period"); err != nil {
		return err
	}
	return w.unsent(ctx, nil)
}

// nextOpen is the first open period that starts after a date, MMYYYY; empty if
// there is none.
func (w *work) nextOpen(ctx context.Context, date string) (string, error) {
	years, _, err := w.conn.Client.List(ctx, "FinancialPeriod", acumatica.Query{Expand: []string{"Details"}})
	if err != nil {
		return "", err
	}
	var open []acumatica.Record
	for _, year := range years {
		for _, p := range year.Rows("Details") {
			if p.Date("StartDate") > date && p.String("Status") == "Open" && !p.Bool("AdjustmentPeriod") {
				open = append(open, p)
			}
		}
	}
	if len(open) == 0 {
		return "", nil
	}
	first := slices.MinFunc(open, func(a, b acumatica.Record) int { return strings.Compare(a.Date("StartDate"), b.Date("StartDate")) })
	return strings.ReplaceAll(first.String("FinancialPeriodID"), "-", ""), nil
}
