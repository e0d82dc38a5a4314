package year

import "millrace/internal/stripetwin"

// A regular is a movement that Stripe makes by itself, each month or at a time
// of the year.
type regular struct {
	what string
	at   int // tenths of the year; -1: each month
	m    stripetwin.Movement
}

// ofGuest stands for the charge of a guest as the source of a movement. Stripe:
// what takes a payment back names it.
const ofGuest = "guest"

// regulars have every type of movement that nothing else in the year causes,
// two that came with later versions of Stripe, and one that nobody knows.
var regulars = []regular{
	{"fee for billing", -1, stripetwin.Movement{Type: "stripe_fee", Amount: -23_40, Description: "Billing - Usage Fee"}},
	{"fee for Radar", -1, stripetwin.Movement{Type: "stripe_fee", Amount: -7_15, Description: "Radar for Fraud Teams"}},
	{"tax on fees", -1, stripetwin.Movement{Type: "tax_fee", Amount: -6_11, Description: "Tax on Stripe fees"}},
	{"network cost", 1, stripetwin.Movement{Type: "stripe_fee", Category: "network_cost", Amount: -12_02, Description: "Card network costs"}},
	{"fee for currencies", 8, stripetwin.Movement{Type: "stripe_fx_fee", Amount: -2_22, Description: "Currency conversion"}},

	{"reserve held", 2, stripetwin.Movement{Type: "reserve_transaction", Amount: -250_00, Description: "Reserve"}},
	{"reserve released", 4, stripetwin.Movement{Type: "reserve_transaction", Amount: 250_00, Description: "Reserve released"}},
	{"reserve held by a network", 2, stripetwin.Movement{Type: "payment_network_reserve_hold", Amount: -90_00, Description: "Network reserve"}},
	{"reserve released by a network", 5, stripetwin.Movement{Type: "payment_network_reserve_release", Amount: 90_00, Description: "Network reserve released"}},
	{"reserve for a partner", 3, stripetwin.Movement{Type: "reserved_funds", Amount: -40_00, Description: "Reserved for connected accounts"}},
	{"reserve for a partner released", 7, stripetwin.Movement{Type: "reserved_funds", Amount: 40_00, Description: "Reserve for connected accounts released"}},

	{"transfer", 3, stripetwin.Movement{Type: "transfer", Amount: -75_00, Description: "Transfer to a partner"}},
	{"transfer comes back", 4, stripetwin.Movement{Type: "transfer_refund", Amount: 20_00, Description: "Transfer reversed"}},
	{"transfer cancelled", 6, stripetwin.Movement{Type: "transfer_cancel", Amount: 15_00, Description: "Transfer cancelled"}},
	{"transfer failed", 7, stripetwin.Movement{Type: "transfer_failure", Amount: 25_00, Description: "Transfer failed"}},
	{"application fee", 5, stripetwin.Movement{Type: "application_fee", Amount: 14_90, Description: "Application fee"}},
	{"application fee refunded", 6, stripetwin.Movement{Type: "application_fee_refund", Amount: -4_90, Description: "Application fee refunded"}},
	{"collected from a partner", 8, stripetwin.Movement{Type: "connect_collection_transfer", Amount: 44_00, Description: "Negative balance collected"}},

	{"financing received", 1, stripetwin.Movement{Type: "advance", Amount: 2_000_00, Description: "Capital"}},
	{"financing paid back", 3, stripetwin.Movement{Type: "financing_paydown", Amount: -700_00, Description: "Capital paydown"}},
	{"financing paid back", 5, stripetwin.Movement{Type: "financing_paydown", Amount: -1_400_00, Description: "Capital paydown"}},
	{"advance funded", 2, stripetwin.Movement{Type: "advance_funding", Amount: 120_00, Description: "Funding of an advance"}},
	{"anticipation paid back", 4, stripetwin.Movement{Type: "anticipation_repayment", Amount: -120_00, Description: "Anticipation repayment"}},
	{"obligation", 5, stripetwin.Movement{Type: "obligation_outbound", Amount: -60_00, Description: "Obligation"}},
	{"obligation reversed", 8, stripetwin.Movement{Type: "obligation_reversal_inbound", Amount: 60_00, Description: "Obligation reversed"}},

	{"issued card: hold", 7, stripetwin.Movement{Type: "issuing_authorization_hold", Amount: -18_45, Description: "Card authorisation"}},
	{"issued card: release", 7, stripetwin.Movement{Type: "issuing_authorization_release", Amount: 18_45, Description: "Card authorisation released"}},
	{"issued card", 7, stripetwin.Movement{Type: "issuing_transaction", Amount: -18_45, Description: "Card spending"}},
	{"issued card: dispute", 8, stripetwin.Movement{Type: "issuing_dispute", Amount: 18_45, Description: "Card spending disputed"}},

	{"climate", 5, stripetwin.Movement{Type: "contribution", Amount: -9_99, Description: "Climate contribution"}},
	{"climate order", 6, stripetwin.Movement{Type: "climate_order_purchase", Amount: -50_00, Description: "Climate order"}},
	{"climate order refunded", 8, stripetwin.Movement{Type: "climate_order_refund", Amount: 50_00, Description: "Climate order refunded"}},

	{"customer funds", 7, stripetwin.Movement{Type: "payment_unreconciled", Amount: 31_00, Description: "Unreconciled funds"}},
	{"payment reversed", 6, stripetwin.Movement{Type: "payment_reversal", Amount: -2_70, Source: ofGuest, Description: "Payment reversed"}},
	{"adjustment", 3, stripetwin.Movement{Type: "adjustment", Amount: -3_33, Description: "Correction by Stripe"}},
	{"large correction", 9, stripetwin.Movement{Type: "adjustment", Amount: -9_000_00, Description: "Correction by Stripe"}},
	{"large correction taken back", 9, stripetwin.Movement{Type: "adjustment", Amount: 9_000_00, Days: 9, Description: "Correction by Stripe"}},

	{"transfer from the bank", 2, stripetwin.Movement{Type: "inbound_transfer", Category: "inbound_transfer", Amount: 300_00, Description: "Inbound transfer", Future: true}},
	{"tax refunded", 4, stripetwin.Movement{Type: "tax_fund", Category: "tax_fund", Amount: 1_20, Description: "Tax on fees returned", Future: true}},
	{"unknown type", 6, stripetwin.Movement{Type: "orbital_levy", Category: "orbital_levy", Amount: -1_07, Description: "Levy", Future: true}},
}
