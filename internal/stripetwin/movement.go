package stripetwin

import (
	"context"
	"net/http"
	"slices"
)

// categories are the reporting categories of every type of balance
// transaction; the first is the usual one. financing_paydown is recorded on
// the wire although Stripe's list of types lacks it.
var categories = map[string][]string{
	"adjustment":                      {"other_adjustment", "dispute", "dispute_reversal", "refund_failure", "fee"},
	"advance":                         {"advance"},
	"advance_funding":                 {"advance_funding"},
	"anticipation_repayment":          {"anticipation_repayment"},
	"application_fee":                 {"platform_earning"},
	"application_fee_refund":          {"platform_earning_refund"},
	"charge":                          {"charge"},
	"climate_order_purchase":          {"climate_order_purchase"},
	"climate_order_refund":            {"climate_order_refund"},
	"connect_collection_transfer":     {"connect_collection_transfer"},
	"contribution":                    {"contribution"},
	"financing_paydown":               {"financing_paydown"},
	"issuing_authorization_hold":      {"issuing_authorization_hold"},
	"issuing_authorization_release":   {"issuing_authorization_release"},
	"issuing_dispute":                 {"issuing_dispute"},
	"issuing_transaction":             {"issuing_transaction"},
	"obligation_outbound":             {"other_adjustment"},
	"obligation_reversal_inbound":     {"other_adjustment"},
	"payment":                         {"charge"},
	"payment_failure_refund":          {"charge_failure"},
	"payment_network_reserve_hold":    {"risk_reserved_funds"},
	"payment_network_reserve_release": {"risk_reserved_funds"},
	"payment_refund":                  {"refund", "refund_failure"},
	"payment_reversal":                {"charge_failure"},
	"payment_unreconciled":            {"unreconciled_customer_funds"},
	"payout":                          {"payout"},
	"payout_cancel":                   {"payout_reversal"},
	"payout_failure":                  {"payout_reversal"},
	"refund":                          {"refund", "partial_capture_reversal"},
	"refund_failure":                  {"refund_failure"},
	"reserve_transaction":             {"risk_reserved_funds"},
	"reserved_funds":                  {"connect_reserved_funds"},
	"stripe_fee":                      {"fee", "network_cost"},
	"stripe_fx_fee":                   {"fee"},
	"tax_fee":                         {"tax"},
	"topup":                           {"topup"},
	"topup_reversal":                  {"topup_reversal"},
	"transfer":                        {"transfer"},
	"transfer_cancel":                 {"transfer_reversal"},
	"transfer_failure":                {"transfer_reversal"},
	"transfer_refund":                 {"transfer_reversal"},
}

// A Movement is a balance transaction that no request of the API can cause:
// what Stripe bills, holds back, lends or corrects by itself.
type Movement struct {
	Type        string `json:"type"`     // one of Stripe's 40, or financing_paydown
	Category    string `json:"category"` // reporting category; "" is the usual one of the type
	Amount      int64  `json:"amount"`   // minor units; negative takes from the balance
	Fee         int64  `json:"fee"`      // minor units; negative is given back
	Currency    string `json:"currency"` // "" is the account's default
	Description string `json:"description"`
	Source      string `json:"source"` // id of the object that caused it; "" is none
	Days        int    `json:"days"`   // until it is available at 00:00 UTC; 0 is at once
	Future      bool   `json:"future"` // type and category are of a version of Stripe that nobody knows yet: any text
}

// Book adds a movement to the balance and returns the id of its balance
// transaction.
func (t *Twin) Book(ctx context.Context, in Movement) (string, error) {
	var id string
	err := t.as(ctx, func(c *call) error {
		known := categories[in.Type]
		if in.Future && in.Type != "" && in.Category != "" {
			known = []string{in.Category}
		}
		if len(known) == 0 {
			return invalid("", "type", "There is no balance transaction of type %q.", in.Type)
		}
		if in.Category != "" && !slices.Contains(known, in.Category) {
			return invalid("", "category", "The reporting category of a %s is one of %v.", in.Type, known)
		}
		cur, err := parseCurrency(orElse(in.Currency, t.fx.home()))
		if err != nil {
			return err
		}
		if in.Source != "" && t.lookup(in.Source) == nil {
			return missing("source", in.Source, "source", http.StatusBadRequest)
		}
		m := move{
			Type: in.Type, Category: orElse(in.Category, known[0]), Amount: in.Amount, Currency: cur, Description: in.Description, Source: in.Source,
		}
		if in.Fee != 0 {
			m.Fees = []feePart{{stripeFeeKind, processingFee, in.Fee}}
		}
		if in.Days > 0 {
			m.AvailableOn = midnight(c.now, in.Days)
		}
		id = t.newMove(c, m).ID
		return nil
	})
	return id, err
}

func (t *Twin) controlMovement(w http.ResponseWriter, req *http.Request) {
	var in Movement
	if !readJSON(w, req, &in) {
		return
	}
	id, err := t.Book(req.Context(), in)
	if err != nil {
		refuseJSON(w, err)
		return
	}
	sendJSON(w, http.StatusOK, map[string]string{"balance_transaction": id})
}
