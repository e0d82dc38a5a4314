package stripetwin

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// disputeFee is what a chargeback costs, in minor units.
const disputeFee = 15_00

// evidenceDays is how long a dispute waits for evidence.
const evidenceDays = 9

// A dispute is a customer's objection at the bank. Stripe: an inquiry
// (warning_…) moves no money; a chargeback takes amount and fee with one
// balance transaction, and a second one brings it back when it is won.
type dispute struct {
	head
	Charge, Intent, Currency, Reason, Status string
	Amount                                   int64
	DueBy                                    int64
	Submissions                              int64
	Evidence                                 map[string]string
	Taken, Returned                          string // balance transactions
}

var evidenceTexts = []string{
	"access_activity_log", "billing_address", "cancellation_policy_disclosure", "cancellation_rebuttal", "customer_email_address",
	"customer_name", "customer_purchase_ip", "duplicate_charge_explanation", "duplicate_charge_id", "product_description",
	"refund_policy_disclosure", "refund_refusal_explanation", "service_date", "shipping_address", "shipping_carrier",
	"shipping_date", "shipping_tracking_number", "uncategorized_text",
}

var disputeReasons = []string{
	"bank_cannot_process", "check_returned", "credit_not_processed", "customer_initiated", "debit_not_authorized", "duplicate",
	"fraudulent", "general", "incorrect_account_details", "insufficient_funds", "noncompliant", "product_not_received",
	"product_unacceptable", "subscription_canceled", "unrecognized",
}

var evidenceFiles = []string{
	"cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation", "receipt",
	"refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
}

// final says that the payer's bank has the last word. Stripe: so it is with
// payments from bank accounts, whose late failures come as disputes as well.
func (d *dispute) final() bool { return strings.HasPrefix(d.Charge, "py_") }

func (d *dispute) open() bool {
	switch d.Status {
	case "warning_needs_response", "warning_under_review", "needs_response", "under_review":
		return true
	}
	return false
}

func disputeColumns() []column[dispute] {
	return []column[dispute]{
		by("charge", func(d *dispute) string { return d.Charge }),
		by("payment_intent", func(d *dispute) string { return d.Intent }),
	}
}

func (t *Twin) showDispute(d *dispute) object { return t.renderDispute(d, t.now().Unix()) }

// renderDispute shows the balance transactions in full. Stripe does.
func (t *Twin) renderDispute(d *dispute, now int64) object {
	moves := []any{}
	for _, id := range []string{d.Taken, d.Returned} {
		if m := t.s.Moves.get(id); m != nil {
			moves = append(moves, m.render(now))
		}
	}
	evidence := object{}
	for _, k := range evidenceFiles {
		evidence[k] = nil
	}
	for _, k := range evidenceTexts {
		evidence[k] = orNull(d.Evidence[k])
	}
	o := object{
		"id": d.ID, "object": "dispute", "amount": d.Amount, "balance_transactions": moves, "charge": d.Charge, "created": d.Created,
		"currency": d.Currency, "evidence": evidence,
		"evidence_details": object{
			"due_by": timeOrNull(d.DueBy), "has_evidence": len(d.Evidence) > 0, "past_due": d.open() && now > d.DueBy,
			"submission_count": d.Submissions,
		},
		"is_charge_refundable": d.Taken == "", "livemode": false, "metadata": metadataOf(d.Metadata),
		"payment_intent": orNull(d.Intent), "reason": d.Reason, "status": d.Status,
	}
	if !d.final() {
		o["payment_method_details"] = object{"card": object{"brand": "visa", "network_reason_code": "83"}, "type": "card"}
	}
	return o
}

// openDispute disputes what is left of a charge.
func (t *Twin) openDispute(c *call, ch *charge, reason string, inquiry bool) (*dispute, error) {
	if ch.Status != "" || ch.Move == "" || ch.Dispute != "" || ch.Refunded == ch.Amount {
		return nil, invalid("", "", "The charge %s cannot be disputed.", ch.ID)
	}
	if reason != "" && !slices.Contains(disputeReasons, reason) {
		return nil, invalid("", "reason", "Invalid reason: must be one of %s", strings.Join(disputeReasons, ", "))
	}
	usual := "fraudulent"
	if bank := strings.HasPrefix(ch.ID, "py_"); bank && inquiry {
		return nil, invalid("", "inquiry", "Banks do not inquire about %s.", ch.ID)
	} else if bank {
		usual = "debit_not_authorized"
	}
	before := ch.render()
	d := &dispute{
		head: t.newHead(c, t.newID("dp_1", 23)), Charge: ch.ID, Intent: ch.Intent, Currency: ch.Currency, Reason: orElse(reason, usual),
		Status: "warning_needs_response", Amount: ch.Amount - ch.Refunded, DueBy: midnight(c.now, evidenceDays) - 1,
	}
	t.s.Disputes.put(d)
	ch.Dispute = d.ID
	t.touch(&ch.head)
	if !inquiry {
		t.withdraw(c, d)
	}
	o := t.renderDispute(d, c.now)
	t.emit(c, "charge.dispute.created", o)
	t.emitUpdate(c, "charge.updated", before, ch.render())
	if !inquiry {
		t.emit(c, "charge.dispute.funds_withdrawn", o)
	}
	if d.final() {
		t.closeDispute(c, d, false, false)
	}
	return d, nil
}

func (t *Twin) withdraw(c *call, d *dispute) {
	d.Status = "needs_response"
	v := t.fx.conversion(d.Currency, c.now) // Stripe: the rate is not shown
	d.Taken = t.newMove(c, move{
		Type: "adjustment", Category: "dispute", Source: d.ID, Currency: v.currency,
		Description: "Chargeback withdrawal for " + d.Charge, Amount: -v.of(d.Amount), Fees: t.fee(disputeFeeText, disputeFee),
	}).ID
	t.touch(&d.head)
}

// closeDispute decides an open dispute. An inquiry closes without money.
func (t *Twin) closeDispute(c *call, d *dispute, won, feeBack bool) {
	before := t.renderDispute(d, c.now)
	switch {
	case d.Taken == "":
		d.Status = "warning_closed"
	case won:
		d.Status = "won"
		var fees []feePart
		if feeBack {
			fees = feesBack(t.s.Moves.get(d.Taken).Fees, whole)
		}
		v := t.fx.conversion(d.Currency, c.now)
		d.Returned = t.newMove(c, move{
			Type: "adjustment", Category: "dispute_reversal", Source: d.ID, Currency: v.currency,
			Description: "Chargeback reversal for " + d.Charge, Amount: v.of(d.Amount), Fees: fees,
		}).ID
	default:
		d.Status = "lost"
	}
	t.touch(&d.head)
	after := t.renderDispute(d, c.now)
	if d.Returned != "" {
		t.emitUpdate(c, "charge.dispute.funds_reinstated", before, after)
	}
	t.emitUpdate(c, "charge.dispute.closed", before, after)
}

// Dispute lets the payer of a charge object to what is left of it, and returns
// the id of the dispute. An inquiry moves no money.
func (t *Twin) Dispute(ctx context.Context, chargeID, reason string, inquiry bool) (string, error) {
	var id string
	err := t.as(ctx, func(c *call) error {
		ch := t.s.Charges.get(chargeID)
		if ch == nil {
			return missing("charge", chargeID, "charge", http.StatusNotFound)
		}
		d, err := t.openDispute(c, ch, reason, inquiry)
		if err == nil {
			id = d.ID
		}
		return err
	})
	return id, err
}

// EscalateDispute turns an inquiry into a chargeback.
func (t *Twin) EscalateDispute(ctx context.Context, disputeID string) error {
	return t.as(ctx, func(c *call) error {
		d, err := t.openDisputeByID(disputeID)
		if err != nil {
			return err
		}
		if d.Taken != "" {
			return invalid("", "", "The dispute %s is no inquiry.", d.ID)
		}
		if ch := t.s.Charges.get(d.Charge); ch.Refunded == ch.Amount {
			return invalid("", "", "The charge %s was refunded; its inquiry ends without a chargeback.", ch.ID)
		}
		before := t.renderDispute(d, c.now)
		t.withdraw(c, d)
		after := t.renderDispute(d, c.now)
		t.emitUpdate(c, "charge.dispute.updated", before, after)
		t.emit(c, "charge.dispute.funds_withdrawn", after)
		return nil
	})
}

// CloseDispute lets the bank decide. With feeBack a dispute that is won also
// returns its fee, as Stripe did until 2024.
func (t *Twin) CloseDispute(ctx context.Context, disputeID string, won, feeBack bool) error {
	return t.as(ctx, func(c *call) error {
		d, err := t.openDisputeByID(disputeID)
		if err != nil {
			return err
		}
		t.closeDispute(c, d, won, feeBack)
		return nil
	})
}

func (t *Twin) openDisputeByID(id string) (*dispute, error) {
	d := t.s.Disputes.get(id)
	if d == nil {
		return nil, missing("dispute", id, "dispute", http.StatusNotFound)
	}
	if !d.open() {
		return nil, refused("", "This dispute is already closed")
	}
	return d, nil
}

func getDispute(t *Twin, c *call) (object, error) {
	d := t.s.Disputes.get(c.id)
	if d == nil {
		return nil, missing("dispute", c.id, "dispute", http.StatusNotFound)
	}
	return t.renderDispute(d, c.now), nil
}

func listDisputes(t *Twin, c *call) (object, error) {
	of, pi, created := c.form.str("charge", 255), c.form.str("payment_intent", 255), createdFilter(c)
	return page(c, t.s.Disputes.find(eq{"charge": of, "payment_intent": pi}, created, nil), "dispute", func(d *dispute) object { return t.renderDispute(d, c.now) })
}

// updateDispute hands evidence in. Stripe: in test mode the texts
// winning_evidence and losing_evidence decide at once.
func updateDispute(t *Twin, c *call) (object, error) {
	d := t.s.Disputes.get(c.id)
	if d == nil {
		return nil, missing("dispute", c.id, "dispute", http.StatusNotFound)
	}
	meta, submit := c.form.metadata(d.Metadata), c.form.boolean("submit", true)
	given := map[string]string{}
	if ev := c.form.sub("evidence"); ev != nil {
		ev.only(evidenceTexts...)
		for _, k := range ev.keys {
			given[k] = ev.str(k, 20_000)
		}
	}
	if c.form.err != nil {
		return nil, c.form.err
	}
	if c.form.has("evidence") && !d.open() {
		return nil, refused("", "This dispute is already closed")
	}
	before := t.renderDispute(d, c.now)
	d.Metadata = meta
	for k, v := range d.Evidence {
		if _, again := given[k]; !again {
			given[k] = v
		}
	}
	handedIn := submit && c.form.has("evidence")
	d.Evidence = given
	if handedIn {
		d.Submissions++
		if d.Taken == "" {
			d.Status = "warning_under_review"
		} else {
			d.Status = "under_review"
		}
	}
	t.touch(&d.head)
	t.emitUpdate(c, "charge.dispute.updated", before, t.renderDispute(d, c.now))
	switch text := given["uncategorized_text"]; {
	case handedIn && text == "winning_evidence":
		t.closeDispute(c, d, true, false)
	case handedIn && text == "losing_evidence":
		t.closeDispute(c, d, false, false)
	}
	return t.renderDispute(d, c.now), nil
}

// closeDisputeCall is POST /v1/disputes/{id}/close: giving in.
func closeDisputeCall(t *Twin, c *call) (object, error) {
	d, err := t.openDisputeByID(c.id)
	if err != nil {
		return nil, err
	}
	t.closeDispute(c, d, false, false)
	return t.renderDispute(d, c.now), nil
}

// controlDispute opens a dispute, or decides or escalates the one that is
// named.
func (t *Twin) controlDispute(w http.ResponseWriter, req *http.Request) {
	var in struct {
		Charge  string `json:"charge"`
		Reason  string `json:"reason"`
		Inquiry bool   `json:"inquiry"`
		Dispute string `json:"dispute"`
		Outcome string `json:"outcome"` // won, lost or escalate
		FeeBack bool   `json:"fee_back"`
	}
	if !readJSON(w, req, &in) {
		return
	}
	var err error
	id := in.Dispute
	switch {
	case id == "":
		id, err = t.Dispute(req.Context(), in.Charge, in.Reason, in.Inquiry)
	case in.Outcome == "escalate":
		err = t.EscalateDispute(req.Context(), id)
	case in.Outcome == "won" || in.Outcome == "lost":
		err = t.CloseDispute(req.Context(), id, in.Outcome == "won", in.FeeBack)
	default:
		err = invalid("", "outcome", "outcome must be won, lost or escalate")
	}
	if err != nil {
		refuseJSON(w, err)
		return
	}
	sendJSON(w, http.StatusOK, map[string]string{"dispute": id})
}
