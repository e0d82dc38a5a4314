package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/schemas"
)

const (
	invoiceEntity = "Invoice"
	memoType      = "Credit Memo"
)

// memo is a credit memo that we posted. It is not on the clearing account, so
// what becomes of it is noted and no difference.
type memo struct {
	key, currency, date string
	amount              int64 // minor units
	name                string
	cause, detail       string // what became of it; empty: nothing
}

// readMemo takes in the intent of a credit memo that is dated in a wanted month.
func (o *Options) readMemo(all []*truth, m *bus.Message, dated func(day string) bool) error {
	if dated == nil {
		return nil
	}
	var in schemas.Intent
	if err := json.Unmarshal(m.Event.Data, &in); err != nil {
		return fmt.Errorf("intent %d: %w", m.Seq, err)
	}
	var f schemas.AcumaticaCreditMemo
	if err := json.Unmarshal(in.Fields, &f); err != nil {
		return fmt.Errorf("intent %s: %w", in.ID, err)
	}
	n, err := parse(f.Amount, f.CurrencyID)
	if err != nil {
		return fmt.Errorf("intent %s: %w", in.ID, err)
	}
	for _, t := range all {
		if dated(f.Date) && t.memos[in.Key] == nil {
			t.memos[in.Key] = &memo{key: in.Key, currency: f.CurrencyID, date: f.Date, amount: n}
		}
	}
	return nil
}

// readMemos looks what became of the credit memos: most are in one list.
func (p *period) readMemos(ctx context.Context) error {
	if len(p.truth.memos) == 0 {
		return nil
	}
	dates, err := around("Date", string(p.months[0])+"-01", p.months[len(p.months)-1].Last())
	if err != nil {
		return err
	}
	there := map[string]acumatica.Record{}
	q := acumatica.Query{Filter: "Type eq " + acumatica.Quote(memoType) + " and " + dates}
	err = p.o.list(ctx, invoiceEntity, q, func(r acumatica.Record) error {
		there[r.String("ReferenceNbr")] = r
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range p.truth.memos {
		if err := p.o.fate(ctx, m, there); err != nil {
			return fmt.Errorf("%s: %w", m.key, err)
		}
	}
	return nil
}

// fate finds out what became of a credit memo that was posted.
func (o *Options) fate(ctx context.Context, m *memo, there map[string]acumatica.Record) error {
	rec, found, err := o.Postings.Get(ctx, o.Connection, schemas.IntentID(o.Connection, schemas.Acumatica, creditMemo, "create", m.key, ""))
	number := rec.Keys["ReferenceNbr"]
	if err != nil || !found || number == "" {
		return err // it was not posted, or is not wanted any more
	}
	m.name = memoType + " " + number
	r, ok := there[number]
	if !ok {
		r, err = o.ERP.Get(ctx, invoiceEntity, []string{memoType, number}, acumatica.Query{})
		if acumatica.IsNotFound(err) {
			m.cause, m.detail = Deleted, m.name+" is not there any more"
			return nil
		}
		if err != nil {
			return err
		}
	}
	amount, err := minor(r, "Amount", m.currency)
	if err != nil {
		return err
	}
	switch status := r.String("Status"); {
	case status == voided || status == "Canceled":
		m.cause, m.detail = Voided, m.name+" is "+status+" in Acumatica"
	case !slices.Contains([]string{"Open", "Closed", "Reserved"}, status):
		m.cause, m.detail = Unreleased, m.name+" is "+status+": without effect on the ledger"
	case amount != m.amount:
		m.cause = Edited
		m.detail = fmt.Sprintf("%s was edited in Acumatica: amount: posted %s, is %s", m.name, decimalOf(m.amount, m.currency), decimalOf(amount, m.currency))
	case r.Date("Date") != m.date:
		m.cause, m.detail = Edited, fmt.Sprintf("%s was edited in Acumatica: date: posted %s, is %s", m.name, m.date, r.Date("Date"))
	}
	return nil
}

// memoNotes notes what became of the credit memos of a month.
func (p *period) memoNotes(d *draft, month Month) {
	order := func(a, b *memo) int { return cmp.Or(cmp.Compare(a.date, b.date), cmp.Compare(a.key, b.key)) }
	for _, m := range slices.SortedFunc(maps.Values(p.truth.memos), order) {
		if m.cause != "" && m.currency == d.s.Currency && monthOf(m.date) == month {
			d.s.Notes = append(d.s.Notes, Entry{Cause: m.cause, ID: m.key, Date: m.date, Amount: d.show(m.amount), In: []string{m.name}, Detail: m.detail, minorUnits: m.amount})
		}
	}
}
