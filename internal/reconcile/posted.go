package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"millrace/internal/bus"
	"millrace/internal/ledger"
	"millrace/schemas"
)

// read finds the intents of the items, and those of ours that are dated in a
// wanted month and that nothing at Stripe asks for, in one pass for all.
func (o *Options) read(ctx context.Context, all []*truth, dated func(day string) bool) error {
	index := map[itemKey][]*truth{}
	for _, t := range all {
		for k := range t.items {
			index[k] = append(index[k], t)
		}
	}
	err := o.Log.Scan(ctx, bus.Intents, 1, func(m *bus.Message) error {
		s := m.Subject
		kind := kindOf(s.B, s.C)
		if s.Connection != o.Connection || s.A != schemas.Acumatica || kind == "" {
			return nil
		}
		key := itemKey{kind, m.Event.Subject}
		if kind == creditMemo {
			return o.readMemo(all, m, dated)
		}
		takers := index[key]
		if dated != nil || kind == journal && strings.HasPrefix(key.key, writeOffKey) {
			takers = all
		}
		for _, t := range takers {
			if err := t.intent(m, key, dated); err != nil {
				return err
			}
		}
		return nil
	})
	for _, t := range all {
		if err == nil {
			err = t.withdraw(ctx)
		}
	}
	return err
}

// intent takes one in. The first one with an id is the one that was posted
// (Invariant 2).
func (t *truth) intent(m *bus.Message, key itemKey, dated func(day string) bool) error {
	isWriteOff := strings.HasPrefix(key.key, writeOffKey)
	if isWriteOff {
		t.written[key.key] = true
		t.again(key)
	}
	i := t.items[key]
	if t.seen[key] || i == nil && dated == nil {
		return nil
	}
	var in schemas.Intent
	if err := json.Unmarshal(m.Event.Data, &in); err != nil {
		return fmt.Errorf("intent %d: %w", m.Seq, err)
	}
	p, err := t.posted(key.kind, in)
	if err != nil {
		return fmt.Errorf("intent %s: %w", in.ID, err)
	}
	if i == nil {
		if key.kind == journal && t.part {
			t.others[schemas.JournalReference(t.o.Connection, key.key)] = &unread{key.key, p}
		}
		lost := key.kind == journal && strings.HasSuffix(key.key, lostKey) && !t.part
		if !dated(p.date) || len(p.effect) == 0 && !lost {
			return nil
		}
		i = &item{itemKey: key, currency: p.currency, date: p.date, lanes: []string{in.Lane}}
		t.items[key] = i
	}
	t.seen[key] = true
	if isWriteOff || i.loss != 0 { // their date is ours to say
		i.date = p.date
	}
	if dated != nil && key.kind != journal && !dated(i.date) && monthOf(p.date) == monthOf(i.date) {
		return nil // it is not asked for, and the balance is as its date says
	}
	if isWriteOff {
		i.why = whyOf(in)
	}
	i.posted = p
	i.lanes = append(i.lanes, in.Lane)
	return nil
}

// kindOf is the kind of item that an intent is about; empty for none.
func kindOf(document, verb string) string {
	switch document + " " + verb {
	case "payment create":
		return payment
	case "payment void":
		return paymentVoid
	case "refund create":
		return refund
	case "journal create":
		return journal
	case "creditmemo create":
		return creditMemo
	}
	return ""
}

// posted is what an intent says. What it cannot say is for the sink to refuse.
func (t *truth) posted(kind string, in schemas.Intent) (*posted, error) {
	if kind == journal {
		return t.postedJournal(in)
	}
	p := &posted{id: in.ID, lane: in.Lane, effect: side{}}
	var f struct { // what payments and refunds have in common
		CashAccount     string                    `json:"CashAccount"`
		CurrencyID      string                    `json:"CurrencyID"`
		PaymentAmount   string                    `json:"PaymentAmount"`
		ApplicationDate string                    `json:"ApplicationDate"`
		Charges         []schemas.AcumaticaCharge `json:"Charges"`

		DocumentsToApply []schemas.AcumaticaApplication `json:"DocumentsToApply"`
	}
	if err := json.Unmarshal(in.Fields, &f); err != nil {
		return nil, err
	}
	p.account, p.currency, p.date = f.CashAccount, f.CurrencyID, f.ApplicationDate
	if kind == paymentVoid && f.PaymentAmount == "" {
		return p, nil // it names the payment; the amount is that one's
	}
	amount, err := parse(f.PaymentAmount, f.CurrencyID)
	if err != nil {
		return nil, err
	}
	switch kind {
	case payment:
		p.effect["charge"] = amount
	case paymentVoid:
		p.effect["charge_failure"] = -amount
	default:
		p.effect["refund"] = -amount
	}
	for _, a := range f.DocumentsToApply {
		n, err := parse(a.AmountPaid, f.CurrencyID)
		if err != nil {
			return nil, err
		}
		p.applied += n
	}
	for _, c := range f.Charges {
		fee, err := parse(c.Amount, f.CurrencyID)
		if err != nil {
			return nil, err
		}
		p.effect[onPayment] -= fee
	}
	return p, nil
}

func (t *truth) postedJournal(in schemas.Intent) (*posted, error) {
	var f schemas.AcumaticaJournal
	if err := json.Unmarshal(in.Fields, &f); err != nil {
		return nil, err
	}
	p := &posted{id: in.ID, lane: in.Lane, currency: f.CurrencyID, date: f.TransactionDate, effect: side{}}
	for _, l := range f.Details {
		debit, err := parse(l.DebitAmount, f.CurrencyID)
		if err != nil {
			return nil, err
		}
		credit, err := parse(l.CreditAmount, f.CurrencyID)
		if err != nil {
			return nil, err
		}
		p.lines = append(p.lines, line{l.Account, debit - credit})
		p.places = append(p.places, place{l.Subaccount, l.BranchID})
		if l.Account == t.o.Rules.Clearing[f.CurrencyID].Account {
			p.effect[t.names.told(in.Key, words(l.TransactionDescription))] += debit - credit
		}
	}
	return p, nil
}

// catalog finds the category of a line by its words: that is what both intents
// and batches carry. Categories that are called alike count as one.
type catalog map[string]string

func newCatalog() catalog {
	c := catalog{}
	for _, name := range ledger.Categories() {
		if title := ledger.Title(name); c[title] == "" {
			c[title] = name
		}
	}
	return c
}

// of is the category that a name counts as.
func (c catalog) of(name string) string { return cmp.Or(c[ledger.Title(name)], name) }

// told is the category of a line of the journal with that key.
func (c catalog) told(key, text string) string {
	if strings.HasPrefix(key, writeOffKey) {
		return writeOff
	}
	return cmp.Or(c[text], other)
}

func parse(s, currency string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return 0, err
	}
	return minorOf(d, currency)
}

// sameLines compares what was posted with what is there, whatever the order.
func sameLines(a, b []line) bool {
	order := func(x, y line) int {
		return cmp.Or(strings.Compare(x.account, y.account), cmp.Compare(x.amount, y.amount))
	}
	return slices.Equal(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order))
}
