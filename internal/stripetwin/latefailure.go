package stripetwin

import (
	"context"
	"net/http"
	"strings"
)

// FailCharge lets the payment from a bank account fail after it had succeeded,
// as a bank does that returns a debit late: the money leaves the balance again.
// The code is one of Stripe's, such as account_closed. What the payment was for
// stays paid: nobody but the charge tells of it.
func (t *Twin) FailCharge(ctx context.Context, chargeID, code string) error {
	return t.as(ctx, func(c *call) error {
		ch := t.s.Charges.get(chargeID)
		if ch == nil {
			return missing("charge", chargeID, "charge", http.StatusNotFound)
		}
		if !strings.HasPrefix(ch.ID, "py_") || ch.Status != "" || ch.Refunded != 0 || ch.Dispute != "" {
			return invalid("", "", "The charge %s cannot fail: only a payment from a bank account that succeeded, and that is neither refunded nor disputed.", ch.ID)
		}
		ch.FailureCode, ch.FailureText = orElse(code, "insufficient_funds"), "The bank returned the payment."
		t.failCharge(c, ch)
		return nil
	})
}

// failCharge takes what a payment had moved back, and tells of it.
func (t *Twin) failCharge(c *call, ch *charge) {
	ch.Status = "failed"
	t.touch(&ch.head)
	taken := t.s.Moves.get(ch.Move)
	ch.FailureMove = t.newMove(c, move{
		Type: "payment_failure_refund", Category: "charge_failure", Source: ch.ID, Currency: taken.Currency, Rate: taken.Rate,
		Description: "PAYMENT FAILURE", Amount: -taken.Amount, Fees: feesBack(taken.Fees, whole),
	}).ID
	t.emit(c, "charge.failed", ch.render())
}

func (t *Twin) controlFailCharge(w http.ResponseWriter, req *http.Request) {
	var in struct {
		Charge      string `json:"charge"`
		FailureCode string `json:"failure_code"`
	}
	if !readJSON(w, req, &in) {
		return
	}
	if err := t.FailCharge(req.Context(), in.Charge, in.FailureCode); err != nil {
		refuseJSON(w, err)
		return
	}
	sendJSON(w, http.StatusOK, map[string]string{"charge": in.Charge})
}
