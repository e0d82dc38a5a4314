package sweep

import (
	"context"
	"encoding/json"
	"fmt"

	"millrace/ingest/webhook"
	"millrace/internal/link"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// An owed is the document that a movement has in the ledger, and the event that
// tells of it.
type owed struct {
	kind, id string // of its link
	unless   string // kind of a link of the same id without which there is nothing to do; empty: none
	told
	livemode bool
	// also is an event of the same document beside event: their flows look
	// which of them tells of it. nil: none.
	also *told
}

// A told is an event of our own making about an object.
type told struct {
	event  string
	object map[string]any
}

// wireCharge is as much of a charge as tells whose it is.
type wireCharge struct {
	ID       string  `json:"id"`
	Object   string  `json:"object"`
	Customer *string `json:"customer"`
	Invoice  *string `json:"invoice"`
	Livemode bool    `json:"livemode"`
}

// check tells the pipeline of a movement whose document is not linked. What is
// on its way, or parked, is told once more and ends as a duplicate
// (Invariant 2).
func (s *Sweeper) check(ctx context.Context, m stripeapi.Movement) (missing bool, err error) {
	o, err := s.owed(m)
	if err != nil || o == nil {
		return false, err
	}
	if o.unless != "" {
		if _, found, err := s.o.Posted(ctx, s.o.Connection, o.unless, o.id); err != nil || !found {
			return false, refused(m, err)
		}
	}
	if _, found, err := s.o.Posted(ctx, s.o.Connection, o.kind, o.id); err != nil || found {
		return false, refused(m, err)
	}
	if missing, err = s.tellOwed(ctx, m, "sweep-"+m.ID, o.told, o.livemode); err != nil || o.also == nil {
		return missing, err
	}
	other, err := s.tellOwed(ctx, m, "sweep-"+m.ID+"-also", *o.also, o.livemode)
	return missing || other, err
}

// tellOwed stores an event of a movement, and reports whether it is new.
func (s *Sweeper) tellOwed(ctx context.Context, m stripeapi.Movement, id string, t told, livemode bool) (fresh bool, err error) {
	body, err := json.Marshal(map[string]any{
		"id": id, "object": "event", "type": t.event, "created": m.Created.Unix(), "livemode": livemode,
		"data": map[string]any{"object": t.object},
	})
	if err != nil {
		return false, odd(m, "%w", err)
	}
	env := webhook.Seal(s.o.Connection, body, webhook.ParseEvent)
	ack, err := s.o.Publish(ctx, s.o.Connection, env.Lane, schemas.Stripe, env.Object, env.Verb, env.Event)
	if err != nil {
		return false, refused(m, fmt.Errorf("publish %s: %w", env.Event.ID, err))
	}
	return !ack.Duplicate, nil
}

// owed is nil for a movement that has no document.
func (s *Sweeper) owed(m stripeapi.Movement) (*owed, error) {
	switch {
	case m.Odd != nil:
		return nil, odd(m, "%w", m.Odd)
	case m.Type == "charge", m.Type == "payment":
		return s.ofPayment(m)
	case m.Category == "refund":
		return s.ofRefund(m)
	case m.Category == "charge_failure", m.Type == "payment_failure_refund":
		return ofFailure(m)
	}
	return nil, nil //nolint:nilnil // most movements have none
}

func (s *Sweeper) ofPayment(m stripeapi.Movement) (*owed, error) {
	ch, err := chargeOf(m, m.Source)
	if err != nil || !s.o.Settle.document(m, ch.Customer != nil) {
		return nil, err
	}
	o := &owed{kind: link.Payment, id: ch.ID, livemode: ch.Livemode}
	o.told = told{"charge.succeeded", map[string]any{"id": ch.ID, "object": "charge", "customer": ch.Customer, "invoice": ch.Invoice}}
	if ch.Invoice != nil { // an invoice that was void when the money came is never paid: then its charge tells
		of := o.told
		o.told, o.also = told{"invoice.paid", map[string]any{"id": *ch.Invoice, "object": "invoice", "customer": ch.Customer}}, &of
	}
	return o, nil
}

// ofRefund tells in the lane of the refund, as it names no customer: there it
// may wait for its payment and hold up nobody.
func (s *Sweeper) ofRefund(m stripeapi.Movement) (*owed, error) {
	if s.o.Settle == nil || !s.o.Settle.Refunds {
		return nil, nil //nolint:nilnil // refunds have no documents
	}
	var re struct {
		ID     string          `json:"id"`
		Object string          `json:"object"`
		Charge json.RawMessage `json:"charge"`
	}
	if err := json.Unmarshal(m.Source, &re); err != nil || re.Object != "refund" || re.ID == "" {
		return nil, odd(m, "its source is no refund")
	}
	if len(re.Charge) == 0 || string(re.Charge) == "null" {
		return nil, nil //nolint:nilnil // Stripe: of something else than a charge
	}
	ch, err := chargeOf(m, re.Charge)
	if err != nil || ch.Customer == nil || !s.o.Settle.document(m, true) {
		return nil, err
	}
	return &owed{
		kind: link.Refund, id: re.ID, livemode: ch.Livemode,
		told: told{"refund.created", map[string]any{"id": re.ID, "object": "refund", "charge": ch.ID}},
	}, nil
}

// ofFailure is the void of a payment, where there is one: most charges that
// fail never had a payment.
func ofFailure(m stripeapi.Movement) (*owed, error) {
	ch, err := chargeOf(m, m.Source)
	if err != nil || ch.Customer == nil {
		return nil, err
	}
	return &owed{
		kind: link.Void, id: ch.ID, unless: link.Payment, livemode: ch.Livemode,
		told: told{"charge.failed", map[string]any{"id": ch.ID, "object": "charge", "customer": ch.Customer}},
	}, nil
}

func chargeOf(m stripeapi.Movement, raw json.RawMessage) (ch wireCharge, err error) {
	if err := json.Unmarshal(raw, &ch); err != nil || ch.Object != "charge" || ch.ID == "" {
		return ch, odd(m, "there is no charge behind it")
	}
	return ch, nil
}
