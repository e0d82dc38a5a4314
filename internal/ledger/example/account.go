package example

// stripes are the examples about Stripe's own fees, and what moves between the
// bank, Stripe and connected accounts.
func stripes() []Example {
	return []Example{
		{
			Title: "Fees that are billed outside of charges", Text: "These movements are fees themselves; their kind follows from the category, the type and the description.",
			Movements: moves(
				move("stripe_fee", "fee", -4_000).about("Billing - Usage Fee"),
				move("stripe_fee", "fee", -1_200).about("Radar for Fraud Teams"),
				move("stripe_fee", "network_cost", -2_345).about("Card network costs"),
				move("stripe_fx_fee", "fee", -310).about("Currency conversion"),
				move("tax_fee", "tax", -820).about("VAT on fees"),
				move("fee_credit_funding", "fee", 500).about("Fee credits"),
				move("stripe_fee", "fee", 150).about("Radar correction")),
		},
		{
			Title: "Top-ups", Text: "Money from the bank, and back to it.",
			Movements: moves(
				move("topup", "topup", 50_000).of("topup", "tu_1"),
				move("topup_reversal", "topup_reversal", -20_000).of("topup", "tu_1"),
				move("inbound_transfer", "inbound_transfer", 10_000).of("inbound_transfer", "ibt_1"),
				move("inbound_transfer_reversal", "inbound_transfer_reversal", -10_000).of("inbound_transfer", "ibt_1")),
		},
		{
			Title: "Connected accounts", Text: "What is passed on to connected accounts, and what comes back or is collected from them.",
			Movements: moves(
				move("transfer", "transfer", -30_000).of("transfer", "tr_1"),
				move("transfer_refund", "transfer_reversal", 5_000).of("transfer_reversal", "trr_1"),
				move("connect_collection_transfer", "connect_collection_transfer", 2_000)),
		},
		{
			Title: "Earnings of a platform", Text: "Application fees, and those refunded.",
			Movements: moves(
				move("application_fee", "platform_earning", 1_000).of("application_fee", "fee_1"),
				move("application_fee_refund", "platform_earning_refund", -400).of("fee_refund", "fr_1")),
		},
	}
}

// others are the examples about the less usual products.
func others() []Example {
	return []Example{
		{
			Title: "Reserves", Text: "Still our money, only not to be paid out: an asset beside the clearing account.",
			Movements: moves(
				move("reserve_transaction", "risk_reserved_funds", -10_000),
				move("reserve_release", "", 4_000),
				move("reserved_funds", "connect_reserved_funds", -3_000),
				move("payout_minimum_balance_hold", "payout_minimum_balance_hold", -5_000),
				move("payout_minimum_balance_release", "payout_minimum_balance_release", 5_000),
				move("payment_network_reserve_hold", "payment_network_reserve_hold", -600)),
		},
		{
			Title: "Financing", Text: "Loans and advances are a liability; what is withheld pays it down.",
			Movements: moves(
				move("financing_payout", "financing_payout", 100_000),
				move("financing_payout_reversal", "financing_payout_reversal", -10_000),
				move("financing_paydown", "financing_paydown", -6_000),
				move("financing_paydown_reversal", "financing_paydown_reversal", 1_000),
				move("advance", "advance", 20_000),
				move("advance_funding", "advance_funding", -20_000),
				move("anticipation_repayment", "anticipation_repayment", -700)),
		},
		{
			Title: "Issued cards", Text: "An authorisation holds money and is released when the transaction takes it.",
			Movements: moves(
				move("issuing_authorization_hold", "issuing_authorization_hold", -2_000),
				move("issuing_authorization_release", "issuing_authorization_release", 2_000),
				move("issuing_transaction", "issuing_transaction", -1_950),
				move("issuing_dispute", "issuing_dispute", 1_950)),
		},
		{
			Title: "Climate", Text: "Orders, their refunds, and contributions.",
			Movements: moves(
				move("climate_order_purchase", "climate_order_purchase", -3_000),
				move("climate_order_refund", "climate_order_refund", 1_000),
				move("contribution", "contribution", -250)),
		},
		{
			Title: "What a person has to look at", Text: "Customer funds that match no invoice yet, obligations, purchases from the balance, adjustments without a reason and types that nobody knows are posted all the same, to suspense where they have no account, so that clearing is right; the last two are flagged.",
			Movements: moves(
				move("payment_unreconciled", "unreconciled_customer_funds", 9_000),
				move("obligation_outbound", "obligation_outbound", -500),
				move("stripe_balance_payment_debit", "stripe_balance_payment_debit", -300),
				move("adjustment", "other_adjustment", -120).about("Correction"),
				move("lunar_dust", "lunar_dust", 77)),
		},
	}
}
