package stripetwin_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"millrace/internal/stripetwin"
)

func balanceSum(t *testing.T, sc *client.API) int64 {
	t.Helper()
	b := must(sc.Balance.Get(nil))(t)
	return b.Available[0].Amount + b.Pending[0].Amount
}

// disputedCharge pays an invoice with a card whose payments are disputed.
func disputedCharge(t *testing.T, sc *client.API, method string) (*stripe.Charge, *stripe.Dispute) {
	t.Helper()
	in := newOpen(t, sc, newCustomer(t, sc).ID, 100_00) // fee 320
	paid := must(sc.Invoices.Pay(in.ID, &stripe.InvoicePayParams{PaymentMethod: &method}))(t)
	it := sc.Disputes.List(&stripe.DisputeListParams{Charge: &paid.Charge.ID})
	if !it.Next() {
		t.Fatalf("no dispute: %v", it.Err())
	}
	return must(sc.Charges.Get(paid.Charge.ID, nil))(t), it.Dispute()
}

func TestDisputeTakesAmountAndFeeWithOneBalanceTransaction(t *testing.T) {
	tests := []struct {
		name         string
		won, feeBack bool
		status       stripe.DisputeStatus
		moves        int
		sum          int64
		events       []string
	}{
		{"won, the fee stays", true, false, "won", 2, 96_80 - 15_00, []string{"charge.dispute.funds_reinstated", "charge.dispute.closed"}},
		{"won, the fee returns", true, true, "won", 2, 96_80, []string{"charge.dispute.funds_reinstated", "charge.dispute.closed"}},
		{"lost", false, false, "lost", 1, -3_20 - 15_00, []string{"charge.dispute.closed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tw, sc, _ := start(t, stripetwin.Options{})
			ch, d := disputedCharge(t, sc, "pm_card_createDispute")
			bt := d.BalanceTransactions[0]
			if d.Status != "needs_response" || !ch.Disputed || len(d.BalanceTransactions) != 1 || bt.Type != "adjustment" ||
				bt.ReportingCategory != "dispute" || bt.Amount != -100_00 || bt.Fee != 15_00 || bt.Net != -115_00 || bt.FeeDetails[0].Description != "Dispute fee" {
				t.Fatalf("dispute %+v, balance transaction %+v", d, bt)
			}
			var e *stripe.Error
			if _, err := sc.Refunds.New(&stripe.RefundParams{Charge: &ch.ID}); !errors.As(err, &e) || e.Code != stripe.ErrorCodeChargeDisputed {
				t.Errorf("refund of a disputed charge: %v", err)
			}
			if err := tw.CloseDispute(t.Context(), d.ID, tt.won, tt.feeBack); err != nil {
				t.Fatal(err)
			}
			d = must(sc.Disputes.Get(d.ID, nil))(t)
			if d.Status != tt.status || len(d.BalanceTransactions) != tt.moves || d.IsChargeRefundable {
				t.Errorf("closed: %+v", d)
			}
			if got := balanceSum(t, sc); got != tt.sum {
				t.Errorf("balance %d, want %d", got, tt.sum)
			}
			want := append([]string{"charge.dispute.created", "charge.dispute.funds_withdrawn"}, tt.events...)
			if got := eventsOf(t, sc, d.ID); !slices.Equal(got, want) {
				t.Errorf("events %v, want %v", got, want)
			}
			if err := tw.CloseDispute(t.Context(), d.ID, true, true); err == nil {
				t.Error("closed twice")
			}
		})
	}
}

func TestInquiryMovesNoMoneyUntilItEscalates(t *testing.T) {
	_, sc, srv := start(t, stripetwin.Options{})
	_, d := disputedCharge(t, sc, "pm_card_createDisputeInquiry")
	if d.Status != "warning_needs_response" || len(d.BalanceTransactions) != 0 || !d.IsChargeRefundable || balanceSum(t, sc) != 96_80 {
		t.Fatalf("inquiry: %+v", d)
	}
	send(t, srv, "POST", "/_twin/dispute", `{"dispute":"`+d.ID+`","outcome":"escalate"}`)
	p := &stripe.DisputeParams{Evidence: &stripe.DisputeEvidenceParams{UncategorizedText: new("winning_evidence")}}
	won := must(sc.Disputes.Update(d.ID, p))(t)
	if won.Status != "won" || won.EvidenceDetails.SubmissionCount != 1 || len(won.BalanceTransactions) != 2 {
		t.Fatalf("after the evidence: %+v", won)
	}
	want := []string{
		"charge.dispute.created", "charge.dispute.updated", "charge.dispute.funds_withdrawn", "charge.dispute.updated",
		"charge.dispute.funds_reinstated", "charge.dispute.closed",
	}
	if got := eventsOf(t, sc, d.ID); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	_, quiet := disputedCharge(t, sc, "pm_card_createDisputeInquiry")
	if o := must(sc.Disputes.Close(quiet.ID, &stripe.DisputeParams{}))(t); o.Status != "warning_closed" || len(o.BalanceTransactions) != 0 {
		t.Errorf("closed inquiry: %+v", o)
	}
}
