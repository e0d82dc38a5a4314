package ledger

// role says what the rules make of a movement's amount.
type role uint8

const (
	plain      role = iota // a pair of lines
	chargeRole             // an AR payment, or lines
	failedRole             // the void of an AR payment, or lines
	refundRole             // an AR refund, or lines
	restRole               // what a partial capture left
	feeRole                // the amount itself is a fee
	payoutRole             // the payout's own movement: a journal of its own
)

// A category is a reporting category of Stripe.
type category struct {
	name  string
	title string // for people
	role  role
	// account is the name that stands for the category where its own is not
	// configured.
	account string
}

// categories lists those that Stripe documents, and those of later types that
// belong to none of them, in the order that journals show them.
var categories = []category{
	{"charge", "Charges without a document", chargeRole, "sales"},
	{"partial_capture", "Not captured rest of charges", plain, "sales"},
	{"partial_capture_reversal", "Not captured rest of charges, reversed", restRole, "partial_capture"},
	{"charge_failure", "Charges that failed", failedRole, "sales"},
	{"refund", "Refunds", refundRole, "sales"},
	{"refund_failure", "Refunds that failed", plain, "suspense"},
	{"dispute", "Disputes", plain, ""},
	{"dispute_reversal", "Disputes won", plain, "dispute"},
	{"dispute_lost", "Disputes lost", plain, "write_off"},
	{"fee", "Stripe fees", feeRole, ""},
	{"network_cost", "Network costs", feeRole, "fee.network_cost"},
	{"tax", "Tax on Stripe fees", plain, "fee"},
	{"fx", "Exchange", plain, ""},
	{"payout", "Payouts", payoutRole, "bank"},
	{"payout_reversal", "Payouts that came back", plain, "bank"},
	{"topup", "Top-ups", plain, "bank"},
	{"topup_reversal", "Top-ups, reversed", plain, "topup"},
	{"inbound_transfer", "Transfers from the bank", plain, "bank"},
	{"inbound_transfer_reversal", "Transfers from the bank, reversed", plain, "inbound_transfer"},
	{"transfer", "Transfers to connected accounts", plain, "suspense"},
	{"transfer_reversal", "Transfers to connected accounts, reversed", plain, "transfer"},
	{"connect_collection_transfer", "Collected from connected accounts", plain, "transfer"},
	{"platform_earning", "Application fees earned", plain, "platform"},
	{"platform_earning_refund", "Application fees refunded", plain, "platform_earning"},
	{"connect_reserved_funds", "Reserved for connected accounts", plain, "reserve"},
	{"risk_reserved_funds", "Reserved by Stripe", plain, "reserve"},
	{"payment_network_reserve", "Reserved by a payment network", plain, "reserve"},
	{"payout_minimum_balance", "Kept back as minimum balance", plain, "reserve"},
	{"financing_payout", "Financing received", plain, "financing"},
	{"financing_payout_reversal", "Financing received, reversed", plain, "financing_payout"},
	{"financing_paydown", "Financing paid down", plain, "financing"},
	{"financing_paydown_reversal", "Financing paid down, reversed", plain, "financing_paydown"},
	{"advance", "Advances", plain, "financing"},
	{"advance_funding", "Funding of advances", plain, "financing"},
	{"anticipation_repayment", "Repayment of anticipated funds", plain, "financing"},
	{"issuing_authorization_hold", "Card authorisations held", plain, "issuing"},
	{"issuing_authorization_release", "Card authorisations released", plain, "issuing"},
	{"issuing_dispute", "Disputes of issued cards", plain, "issuing"},
	{"issuing_transaction", "Spending with issued cards", plain, "issuing"},
	{"climate_order_purchase", "Climate orders", plain, "climate"},
	{"climate_order_refund", "Climate orders refunded", plain, "climate_order_purchase"},
	{"contribution", "Climate contributions", plain, "climate"},
	{"unreconciled_customer_funds", "Customer funds not yet reconciled", plain, "suspense"},
	{"obligation", "Obligations", plain, "suspense"},
	{"stripe_balance_payment", "Paid from the Stripe balance", plain, "suspense"},
	{"other_adjustment", "Other adjustments", plain, "adjustment"},
	{"unknown", "Unknown movements", plain, "suspense"},
	{"opening", "Opening balance", plain, ""},
}

// exchanges are what an exchange can be of.
var exchanges = map[string]string{
	"fx.charge": "Exchange of charges", "fx.refund": "Exchange of refunds", "fx.charge_failure": "Exchange of charges that failed",
	"fx.partial_capture": "Exchange of the not captured rest of charges",
}

// categoryOfType is the category of a movement whose own is missing or says
// nothing. The 40 types of API version 2023-10-16 and what was added later;
// adjustment is left out, because it may be anything.
var categoryOfType = map[string]string{
	"advance": "advance", "advance_funding": "advance_funding", "anticipation_repayment": "anticipation_repayment",
	"application_fee": "platform_earning", "application_fee_refund": "platform_earning_refund",
	"charge": "charge", "payment": "charge",
	"climate_order_purchase": "climate_order_purchase", "climate_order_refund": "climate_order_refund",
	"connect_collection_transfer": "connect_collection_transfer", "contribution": "contribution",
	"issuing_authorization_hold": "issuing_authorization_hold", "issuing_authorization_release": "issuing_authorization_release",
	"issuing_dispute": "issuing_dispute", "issuing_transaction": "issuing_transaction",
	"obligation_outbound": "obligation", "obligation_reversal_inbound": "obligation",
	"payment_failure_refund": "charge_failure", "payment_reversal": "charge_failure",
	"payment_network_reserve_hold": "payment_network_reserve", "payment_network_reserve_release": "payment_network_reserve",
	"payment_refund": "refund", "refund": "refund", "refund_failure": "refund_failure",
	"payment_unreconciled": "unreconciled_customer_funds",
	"payout":               "payout", "payout_cancel": "payout_reversal", "payout_failure": "payout_reversal",
	"reserve_transaction": "risk_reserved_funds", "reserved_funds": "connect_reserved_funds",
	"stripe_fee": "fee", "stripe_fx_fee": "fee", "tax_fee": "tax",
	"topup": "topup", "topup_reversal": "topup_reversal",
	"transfer": "transfer", "transfer_cancel": "transfer_reversal", "transfer_failure": "transfer_reversal", "transfer_refund": "transfer_reversal",
	// Later versions.
	"fee_credit_funding": "fee", "financing_paydown": "financing_paydown", "tax_fund": "tax",
	"inbound_transfer": "inbound_transfer", "inbound_transfer_reversal": "inbound_transfer_reversal",
	"payout_minimum_balance_hold": "payout_minimum_balance", "payout_minimum_balance_release": "payout_minimum_balance",
	"reserve_hold": "risk_reserved_funds", "reserve_release": "risk_reserved_funds",
	"stripe_balance_payment_debit": "stripe_balance_payment", "stripe_balance_payment_debit_reversal": "stripe_balance_payment",
}

func lookup(name string) (category, bool) {
	for _, c := range categories {
		if c.name == name {
			return c, true
		}
	}
	return category{}, false
}

// classify finds a movement's category, and says what is odd about it.
func classify(m *Movement) (c category, flag string) {
	byType, typeKnown := categoryOfType[m.Type]
	typeKnown = typeKnown || m.Type == "adjustment"
	c, known := lookup(m.Category)
	switch {
	case known && m.Category != "other_adjustment" && c.role != payoutRole:
	case known && m.Type == "payout": // only the type tells a payout's own movement from what belongs to one
	case byType != "":
		c, _ = lookup(byType)
		if known || m.Category == "" || m.Category == m.Type { // later types are their own category
			break
		}
		return c, "unknown category " + m.Category
	case m.Type == "adjustment" && (known || m.Category == ""):
		c, _ = lookup("other_adjustment")
		return c, "an adjustment that Stripe does not explain"
	default:
		c, _ = lookup("unknown")
		return c, "unknown movement: type " + m.Type + ", category " + m.Category
	}
	switch {
	case !typeKnown:
		return c, "unknown type " + m.Type
	case c.role == payoutRole && m.Source.Kind != "payout":
		c.role = plain // nothing would post it as the payout's own
		return c, "the movement of a payout that Stripe does not name"
	}
	return c, ""
}

// title is a category for people.
func title(name string) string {
	if f, ok := feeTitle(name); ok {
		return f
	}
	if x, ok := exchanges[name]; ok {
		return x
	}
	for n := name; n != ""; n = general(n) {
		if c, ok := lookup(n); ok {
			return c.title
		}
	}
	return name
}
