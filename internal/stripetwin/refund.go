package stripetwin

import (
	"context"
	"net/http"
	"strings"

	"millrace/internal/money"
)

// A refund gives money of a charge back. Stripe: it succeeds at once with a
// card and may still fail later.
type refund struct {
	head
	Charge, Intent, Currency, Reason string
	Status, FailureReason            string
	Amount                           int64
	Move, FailureMove                string // balance transactions
}

func (r *refund) render() object {
	o := object{
		"id": r.ID, "object": "refund", "amount": r.Amount, "balance_transaction": orNull(r.Move), "charge": r.Charge,
		"created": r.Created, "currency": r.Currency, "metadata": metadataOf(r.Metadata), "payment_intent": orNull(r.Intent),
		"reason": orNull(r.Reason), "receipt_number": nil, "source_transfer_reversal": nil, "status": r.Status,
		"transfer_reversal": nil,
	}
	if r.Status == "failed" {
		o["failure_reason"], o["failure_balance_transaction"] = r.FailureReason, r.FailureMove
	}
	return o
}

func refundColumns() []column[refund] {
	return []column[refund]{
		by("charge", func(r *refund) string { return r.Charge }),
		by("payment_intent", func(r *refund) string { return r.Intent }),
	}
}

// createRefund is POST /v1/refunds: of a charge, or of the latest charge of an
// intent.
func createRefund(t *Twin, c *call) (object, error) {
	ch, err := t.refundable(c)
	if err != nil {
		return nil, err
	}
	left := ch.Amount - ch.Refunded
	amount := c.form.integer("amount", left)
	reason := c.form.choice("reason", "", "duplicate", "fraudulent", "requested_by_customer")
	meta := c.form.metadata(nil)
	switch {
	case c.form.err != nil:
		return nil, c.form.err
	case left == 0:
		return nil, refused("charge_already_refunded", "Charge %s has already been refunded.", ch.ID)
	case amount < 1:
		return nil, invalid("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	case amount > left:
		e := refused("", "Refund amount (%s) is greater than unrefunded amount on charge (%s)", display(amount, ch.Currency), display(left, ch.Currency))
		e.param = "amount"
		return nil, e
	}
	r := t.refund(c, ch, amount, reason, meta)
	return r.render(), nil
}

func (t *Twin) refundable(c *call) (*charge, error) {
	id, pid := c.form.str("charge", 255), c.form.str("payment_intent", 255)
	switch {
	case id != "" && pid != "":
		return nil, invalid("parameters_exclusive", "", "You may only specify one of these parameters: charge, payment_intent.")
	case pid != "":
		pi := t.s.Intents.get(pid)
		if pi == nil {
			return nil, missing("payment_intent", pid, "payment_intent", http.StatusBadRequest)
		}
		if id = pi.Charge; id == "" {
			return nil, refused("", "This PaymentIntent (%s) does not have a successful charge to refund.", pid)
		}
	case id == "":
		return nil, invalid("parameter_missing", "", "One of the following params should be provided for this request: payment_intent or charge.")
	}
	ch := t.s.Charges.get(id)
	if ch == nil {
		return nil, missing("charge", id, "charge", http.StatusBadRequest)
	}
	if d := t.s.Disputes.get(ch.Dispute); d != nil && d.Taken != "" {
		return nil, refused("charge_disputed", "Charge %s has been charged back; cannot issue a refund.", ch.ID)
	}
	if ch.Status != "" || ch.Move == "" {
		return nil, refused("", "The charge %s cannot be refunded: it took no money.", ch.ID)
	}
	return ch, nil
}

// refund books a refund and tells of it.
func (t *Twin) refund(c *call, ch *charge, amount int64, reason string, meta map[string]string) *refund {
	before := ch.render()
	r := t.newRefund(c, ch, amount, "refund", t.feeShare(ch, amount), c.now)
	r.Reason, r.Metadata = reason, meta
	t.emitUpdate(c, "charge.refunded", before, ch.render())
	t.emit(c, "refund.created", r.render())
	return r
}

func (t *Twin) newRefund(c *call, ch *charge, amount int64, category string, fees []feePart, available int64) *refund {
	r := &refund{
		head: t.newHead(c, t.newID(ch.moveType("re_3", "pyr_1"), 23)), Charge: ch.ID, Intent: ch.Intent, Currency: ch.Currency,
		Status: "succeeded", Amount: amount,
	}
	v := t.fx.conversion(ch.Currency, c.now) // Stripe: the rate of the day of the refund
	r.Move = t.newMove(c, move{
		Type: ch.moveType("refund", "payment_refund"), Category: category, Source: r.ID, Currency: v.currency, Rate: v.shown(),
		AvailableOn: available, Description: strings.TrimSpace("REFUND FOR CHARGE (" + ch.Description + ")"), Amount: -v.of(amount), Fees: fees,
	}).ID
	t.s.Refunds.put(r)
	ch.Refunded += amount
	t.touch(&ch.head)
	return r
}

// feeShare is what of a charge's fee goes back with a refund: in proportion,
// and with the last refund whatever is left of it.
func (t *Twin) feeShare(ch *charge, amount int64) []feePart {
	m := t.s.Moves.get(ch.Move)
	if !t.feeBack || m == nil {
		return nil
	}
	all, done := ch.captured(), ch.Refunded-ch.Uncaptured // what was never taken has no fee
	return feesBack(m.Fees, func(fee int64) int64 { return fee*(done+amount)/all - fee*done/all })
}

// SetRefundFees says whether refunds from now on give their share of the
// charge's fee back: Stripe has done so for some accounts and some time.
func (t *Twin) SetRefundFees(back bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.feeBack = back
}

func (t *Twin) controlRefundFees(w http.ResponseWriter, req *http.Request) {
	var in struct {
		Back bool `json:"back"`
	}
	if !readJSON(w, req, &in) {
		return
	}
	t.SetRefundFees(in.Back)
	sendJSON(w, http.StatusOK, map[string]bool{"back": in.Back})
}

// FailRefund lets a refund fail after the fact, as a bank does that cannot
// take it: the money comes back to the balance. The reason is one of Stripe's,
// such as expired_or_canceled_card.
func (t *Twin) FailRefund(ctx context.Context, refundID, reason string) error {
	return t.as(ctx, func(c *call) error {
		r := t.s.Refunds.get(refundID)
		if r == nil {
			return missing("refund", refundID, "refund", http.StatusNotFound)
		}
		ch := t.s.Charges.get(r.Charge)
		if r.Status == "failed" || t.s.Moves.get(r.Move).Category != "refund" {
			return invalid("", "", "The refund %s cannot fail.", r.ID)
		}
		before, taken := r.render(), t.s.Moves.get(r.Move)
		r.Status, r.FailureReason = "failed", orElse(reason, "unknown")
		r.FailureMove = t.newMove(c, move{
			Type: ch.moveType("refund_failure", "payment_refund"), Category: "refund_failure", Source: r.ID, Currency: taken.Currency, Rate: taken.Rate,
			Description: "REFUND FAILURE", Amount: -taken.Amount, Fees: feesBack(taken.Fees, whole),
		}).ID
		t.touch(&r.head)
		ch.Refunded -= r.Amount
		t.touch(&ch.head)
		after := r.render()
		t.emitUpdate(c, "charge.refund.updated", before, after)
		t.emitUpdate(c, "refund.updated", before, after)
		return nil
	})
}

func (t *Twin) controlFailRefund(w http.ResponseWriter, req *http.Request) {
	var in struct {
		Refund string `json:"refund"`
		Reason string `json:"reason"`
	}
	if !readJSON(w, req, &in) {
		return
	}
	if err := t.FailRefund(req.Context(), in.Refund, in.Reason); err != nil {
		refuseJSON(w, err)
		return
	}
	sendJSON(w, http.StatusOK, map[string]string{"refund": in.Refund})
}

func getRefund(t *Twin, c *call) (object, error) {
	r := t.s.Refunds.get(c.id)
	if r == nil {
		return nil, missing("refund", c.id, "id", http.StatusNotFound)
	}
	return r.render(), nil
}

func updateRefund(t *Twin, c *call) (object, error) {
	r := t.s.Refunds.get(c.id)
	if r == nil {
		return nil, missing("refund", c.id, "id", http.StatusNotFound)
	}
	meta := c.form.metadata(r.Metadata)
	if c.form.err != nil {
		return nil, c.form.err
	}
	before := r.render()
	r.Metadata = meta
	t.touch(&r.head)
	after := r.render()
	t.emitUpdate(c, "charge.refund.updated", before, after)
	t.emitUpdate(c, "refund.updated", before, after)
	return after, nil
}

// listRefunds lists all refunds, or those of the charge in the path.
func listRefunds(t *Twin, c *call) (object, error) {
	of, pi, created := c.form.str("charge", 255), c.form.str("payment_intent", 255), createdFilter(c)
	if c.id != "" {
		if of = c.id; t.s.Charges.get(of) == nil {
			return nil, missing("charge", of, "id", http.StatusNotFound)
		}
	}
	return page(c, t.s.Refunds.find(eq{"charge": of, "payment_intent": pi}, created, nil), "refund", (*refund).render)
}

// embeddedRefunds is the first page of a charge's refunds.
func (t *Twin) embeddedRefunds(chargeID string) object {
	data, more := []any{}, false
	for r := range t.s.Refunds.find(eq{"charge": chargeID}, always, nil).newest() {
		if more = len(data) == embeddedLineCount; more {
			break
		}
		data = append(data, r.render())
	}
	return object{
		"object": "list", "data": data, "has_more": more, "url": "/v1/charges/" + chargeID + "/refunds",
	}
}

// display writes an amount as Stripe's messages do.
func display(minor int64, currency string) string {
	a := money.Amount{Minor: minor, Currency: strings.ToUpper(currency)}
	if d, err := a.Decimal(); err == nil && currency == "usd" {
		return "$" + d.StringFixed(2)
	}
	return a.String()
}
