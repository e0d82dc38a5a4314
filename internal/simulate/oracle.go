package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
	"millrace/internal/bus"
	"millrace/schemas"
)

// A verdict gathers what is wrong, in words.
type verdict []string

func (v *verdict) say(format string, args ...any) { *v = append(*v, fmt.Sprintf(format, args...)) }

// judge compares the books of both systems with what was done: each movement
// in Stripe has exactly one ledger effect of the right amount, each invoice
// stands once on the other side, the ids agree on both sides, the trial
// balance is zero and the clearing account holds what Stripe charged.
func (p *player) judge(b books) verdict {
	var v verdict
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, problem := range p.problems {
		v.say("%s", problem)
	}
	for _, id := range p.customers {
		n := 0
		for _, c := range b.customers {
			if c.Metadata["acumatica_customer_id"] == id {
				n++
			}
		}
		if n != 1 {
			v.say("customer %s stands %d times in Stripe", id, n)
		}
	}
	if len(b.customers) != len(p.customers) {
		v.say("Stripe has %d customers, Acumatica %d", len(b.customers), len(p.customers))
	}
	for _, nbr := range p.invoices {
		p.judgeInvoice(&v, b, nbr)
	}
	p.judgePayments(&v, b)
	judgeLedger(&v, b)
	return v
}

func (p *player) judgeInvoice(v *verdict, b books, nbr string) {
	var mine []stripeInvoice
	for _, s := range b.sales {
		if s.Metadata["acumatica_ref_nbr"] == nbr && s.Status != "draft" {
			mine = append(mine, s)
		}
	}
	i := slices.IndexFunc(b.invoices, func(i acumaticatwin.InvoiceView) bool { return i.ReferenceNbr == nbr && i.Type == "Invoice" })
	if i < 0 || len(mine) != 1 {
		v.say("invoice %s stands %d times in Stripe", nbr, len(mine))
		return
	}
	inv, sale := b.invoices[i], mine[0]
	if got := minor(inv.Amount); got != sale.Total {
		v.say("invoice %s is %d, in Stripe %d", nbr, got, sale.Total)
	}
	status, open := "paid", decimal.Zero
	if p.unpaid[nbr] {
		status, open = "open", inv.Amount
	}
	if sale.Status != status || !inv.Balance.Equal(open) {
		v.say("invoice %s is %s in Stripe, %s with %s open in Acumatica; want %s and %s", nbr, sale.Status, inv.Status, inv.Balance, status, open)
	}
	if ref := sale.Metadata["acumatica_payment_ref"]; status == "paid" && !slices.ContainsFunc(b.payments, func(p acumaticatwin.PaymentView) bool {
		return p.PaymentRef == sale.Charge && strings.HasSuffix(ref, p.ReferenceNbr) && ref != ""
	}) {
		v.say("Stripe invoice %s names payment %q, which is not that of charge %s", sale.ID, ref, sale.Charge)
	}
}

func (p *player) judgePayments(v *verdict, b books) {
	for _, c := range b.charges {
		var mine []acumaticatwin.PaymentView
		for _, pay := range b.payments {
			if pay.PaymentRef == c.ID {
				mine = append(mine, pay)
			}
		}
		if len(mine) != 1 {
			v.say("charge %s has %d payments", c.ID, len(mine))
			continue
		}
		typ, status := "Payment", "Closed"
		if c.Invoice == "" {
			typ, status = "Prepayment", "Open"
		}
		if pay := mine[0]; pay.Type != typ || pay.Status != status || minor(pay.PaymentAmount) != c.Amount {
			v.say("charge %s of %d is %s %s, %s, %s", c.ID, c.Amount, pay.Type, pay.ReferenceNbr, pay.Status, pay.PaymentAmount)
		}
	}
	if len(b.payments) != len(b.charges) {
		v.say("%d payments for %d charges", len(b.payments), len(b.charges))
	}
	for _, id := range p.charges {
		if !slices.ContainsFunc(b.charges, func(c stripeCharge) bool { return c.ID == id }) {
			v.say("charge %s is not in Stripe", id)
		}
	}
}

// judgeLedger: every payment was posted once, the books balance, and the
// clearing account holds what Stripe took in.
func judgeLedger(v *verdict, b books) {
	posted := map[string]int{}
	for _, batch := range b.ledger {
		posted[batch.Description]++
	}
	for _, pay := range b.payments {
		if n := posted[pay.Type+" "+pay.ReferenceNbr]; n != 1 {
			v.say("%s %s was posted %d times", pay.Type, pay.ReferenceNbr, n)
		}
	}
	sum, clearing, charged := decimal.Zero, decimal.Zero, int64(0)
	for _, a := range b.trial {
		sum = sum.Add(a.Balance)
		if a.Account == acumaticatwin.SeedCashAccountUSD || a.Account == "10250" {
			clearing = clearing.Add(a.Balance)
		}
	}
	for _, c := range b.charges {
		charged += c.Amount
	}
	if !sum.IsZero() {
		v.say("the trial balance is %s", sum)
	}
	if minor(clearing) != charged {
		v.say("clearing holds %s, Stripe charged %d", clearing, charged)
	}
}

func minor(d decimal.Decimal) int64 { return d.Shift(2).IntPart() }

// An effect is a document that an intent made, at its place in the target
// system's own order.
type effect struct{ target, document, key string }

// judgeOrder compares, lane by lane, the order of the streams with the order
// in which the other system saw the effects (Invariant 4).
func (w *world) judgeOrder(ctx context.Context, b books) (verdict, error) {
	var v verdict
	rank := effects(b)
	type lane struct{ target, id string }
	lastEvent, lastEffect := map[lane]uint64{}, map[lane]int{}
	seen := map[string]bool{}
	err := w.watch.Scan(ctx, bus.Intents, 1, func(m *bus.Message) error {
		var in schemas.Intent
		if err := json.Unmarshal(m.Event.Data, &in); err != nil {
			return fmt.Errorf("intent %d: %w", m.Seq, err)
		}
		if seen[in.ID] {
			return nil
		}
		seen[in.ID] = true
		l := lane{in.Target, m.Subject.Lane}
		if in.Cause.EventSeq < lastEvent[l] {
			v.say("lane %s: intent %d comes from event %d, after one of event %d", l.id, m.Seq, in.Cause.EventSeq, lastEvent[l])
		}
		lastEvent[l] = in.Cause.EventSeq
		at, ok := rank[effect{in.Target, in.Document, in.Key}]
		if !ok {
			return nil
		}
		if at < lastEffect[l] {
			v.say("lane %s: the effect of intent %d (%s %s) came before that of an earlier one", l.id, m.Seq, in.Document, in.Key)
		}
		lastEffect[l] = max(lastEffect[l], at)
		return nil
	})
	return v, err
}

// effects ranks what stands in the target systems by when it got there:
// payments by their batch, invoices by their place in Stripe's list.
func effects(b books) map[effect]int {
	rank := map[effect]int{}
	charge := map[string]string{} // payment → charge
	for _, pay := range b.payments {
		charge[pay.Type+" "+pay.ReferenceNbr] = pay.PaymentRef
	}
	for n, batch := range b.ledger {
		if id, ok := charge[batch.Description]; ok {
			rank[effect{schemas.Acumatica, "payment", id}] = n + 1
		}
	}
	for n, sale := range b.sales {
		rank[effect{schemas.Stripe, "invoice", "Invoice " + sale.Metadata["acumatica_ref_nbr"]}] = n + 1
	}
	return rank
}
