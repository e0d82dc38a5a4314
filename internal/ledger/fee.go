package ledger

import "strings"

// returned ends the category of a fee that was given back.
const returned = ".returned"

// feeKinds lists the kinds of fees and what they are called, in the order that
// journals show them.
var feeKinds = [][2]string{
	{"fee.processing", "Processing fees"},
	{"fee.network_cost", "Network costs passed through"},
	{"fee.dispute", "Dispute fees"},
	{"fee.payout", "Payout fees"},
	{"fee.fx", "Currency conversion fees"},
	{"fee.application", "Application fees of the platform"},
	{"fee.billing", "Billing fees"},
	{"fee.product", "Fees of other Stripe products"},
	{"fee.credit", "Fee credits"},
	{"fee.other", "Other fees"},
	{"tax", "Tax on Stripe fees"},
	{"tax.withheld", "Tax withheld"},
}

// feeTitle is what a kind of fee is called.
func feeTitle(name string) (string, bool) {
	kind, back := strings.CutSuffix(name, returned)
	for _, k := range feeKinds {
		if k[0] == kind && back {
			return k[1] + ", given back", true
		}
		if k[0] == kind {
			return k[1], true
		}
	}
	return "", false
}

// feeOfPart is the kind of one row of a movement's fee_details.
func feeOfPart(c category, f FeePart) (kind, flag string) {
	switch f.Type {
	case "stripe_fee":
		kind = stripeFee(c, f.Description)
	case "payment_method_passthrough_fee":
		kind = "fee.network_cost"
	case "application_fee":
		kind = "fee.application"
	case "tax":
		kind = "tax"
	case "withheld_tax":
		kind = "tax.withheld"
	default:
		kind, flag = "fee.other", "unknown fee "+f.Type
	}
	if f.Amount < 0 {
		kind += returned
	}
	return kind, flag
}

// stripeFee tells Stripe's own fees apart by what they were taken for.
func stripeFee(c category, description string) string {
	text := strings.ToLower(description)
	switch {
	case c.name == "dispute" || c.name == "dispute_reversal" || strings.Contains(text, "dispute"):
		return "fee.dispute"
	case c.name == "payout" || c.name == "payout_reversal" || strings.Contains(text, "payout"):
		return "fee.payout"
	case strings.Contains(text, "conversion") || strings.Contains(text, "exchange"):
		return "fee.fx"
	case strings.Contains(text, "billing") || strings.Contains(text, "invoicing"):
		return "fee.billing"
	}
	return "fee.processing"
}

// feeOfMovement is the kind of a movement that is itself a fee: what Stripe
// bills outside the charges.
func feeOfMovement(c category, m *Movement) string {
	text := strings.ToLower(m.Description)
	kind := "fee.product"
	switch {
	case c.name == "network_cost":
		kind = "fee.network_cost"
	case m.Type == "stripe_fx_fee" || strings.Contains(text, "conversion") || strings.Contains(text, "exchange"):
		kind = "fee.fx"
	case m.Type == "fee_credit_funding":
		return "fee.credit"
	case strings.Contains(text, "dispute"):
		kind = "fee.dispute"
	case strings.Contains(text, "billing") || strings.Contains(text, "invoicing") || strings.Contains(text, "subscription"):
		kind = "fee.billing"
	case strings.Contains(text, "payout"):
		kind = "fee.payout"
	}
	if m.Amount > 0 {
		kind += returned
	}
	return kind
}
