package simulate

import (
	"context"
	"encoding/json"
	"fmt"

	"millrace/internal/bus"
	"millrace/schemas"
)

// An effect is what an intent brought about, at its place in the target
// system's own order.
type effect struct{ target, document, verb, key string }

// judgeOrder compares, lane by lane, the order of the streams with the order
// in which the other system saw the effects (Invariant 4).
func (w *world) judgeOrder(ctx context.Context, v *verdict, b books) error {
	rank, err := w.effects(ctx, b)
	if err != nil {
		return err
	}
	type lane struct{ target, id string }
	lastEvent, lastEffect := map[lane]uint64{}, map[lane]int{}
	seen := map[string]bool{}
	return w.watch.Scan(ctx, bus.Intents, 1, func(m *bus.Message) error {
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
			v.say(disordered, "lane %s: intent %d comes from event %d, after one of event %d", l.id, m.Seq, in.Cause.EventSeq, lastEvent[l])
		}
		lastEvent[l] = in.Cause.EventSeq
		e := effect{in.Target, in.Document, in.Verb, in.Key}
		at, ok := rank[e]
		if !ok {
			return nil
		}
		delete(rank, e) // a later version of the same thing has another effect
		if at < lastEffect[l] {
			v.say(disordered, "lane %s: the effect of intent %d (%s %s) came before that of an earlier one", l.id, m.Seq, in.Document, in.Key)
		}
		lastEffect[l] = max(lastEffect[l], at)
		return nil
	})
}

// effects ranks what stands in the target systems by when it got there: in
// Acumatica payments by their batch; in Stripe customers, invoices and what was
// written on paid invoices by Stripe's own first event of it.
func (w *world) effects(ctx context.Context, b books) (map[effect]int, error) {
	rank := map[effect]int{}
	charge := map[string]string{} // payment → charge
	for _, pay := range b.payments {
		charge[pay.Type+" "+pay.ReferenceNbr] = pay.PaymentRef
	}
	for n, batch := range b.ledger {
		if id, ok := charge[batch.Description]; ok {
			rank[effect{schemas.Acumatica, "payment", "create", id}] = n + 1
		}
	}
	events, err := list[stripeEvent](ctx, w, "/v1/events")
	if err != nil {
		return nil, err
	}
	for n, e := range events {
		key, ok := e.effect()
		if _, before := rank[key]; ok && !before {
			rank[key] = n + 1
		}
	}
	return rank, nil
}

// effect is what of ours first shows in Stripe with this event, if anything.
func (e stripeEvent) effect() (effect, bool) {
	o, meta := e.Data.Object, e.Data.Object.Metadata
	switch {
	case e.Type == "customer.created" && meta["acumatica_customer_id"] != "":
		return effect{schemas.Stripe, "customer", "upsert", meta["acumatica_customer_id"]}, true
	case e.Type == "invoice.finalized" && meta["acumatica_ref_nbr"] != "":
		return effect{schemas.Stripe, "invoice", "upsert", "Invoice " + meta["acumatica_ref_nbr"]}, true
	case e.Type == "invoice.updated" && meta["acumatica_payment_ref"] != "":
		return effect{schemas.Stripe, "invoice", "annotate", o.ID}, true
	}
	return effect{}, false
}

// judgeBalance: what the clearing account holds is Stripe's balance and what
// Stripe kept or paid out, which no flow books yet.
func (w *world) judgeBalance(ctx context.Context, v *verdict, b books) error {
	moves, err := list[stripeMove](ctx, w, "/v1/balance_transactions")
	if err != nil {
		return err
	}
	var bal stripeBalance
	if err := w.get(ctx, "/v1/balance", &bal); err != nil {
		return err
	}
	var want int64
	for _, sums := range [][]stripeSum{bal.Available, bal.Pending} {
		for _, s := range sums {
			want += s.Amount
		}
	}
	moved := map[string]int{}
	for _, m := range moves {
		want += m.Fee
		if m.Type != "charge" && m.Type != "payment" {
			want -= m.Amount
			continue
		}
		moved[m.Source]++
	}
	for _, c := range b.charges {
		if moved[c.ID] != 1 {
			v.say(broken, "charge %s moved Stripe's balance %d times", c.ID, moved[c.ID])
		}
	}
	if got := v.minor(b.clearing(), "clearing"); got != want {
		v.say(missing, "clearing holds %d, Stripe's balance with fees and payouts is %d", got, want)
	}
	return nil
}
