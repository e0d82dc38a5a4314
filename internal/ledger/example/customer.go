package example

import "millrace/internal/ledger"

// charges are the examples about money that comes in.
func charges() []Example {
	return []Example{
		{
			Title: "A customer pays", Text: "The charge has a customer, so an AR payment covers its amount the moment the charge succeeds. What is left for the payout's journal is the fee, and the tax on it.",
			Movements: moves(move("charge", "charge", 10_000).from("charge", "ch_1", "cus_1", 10_000, "USD").
				processing(320).fee("tax", "VAT", 61)),
		},
		{
			Title: "Nobody's charge", Text: "The charge has no customer: the journal takes its amount to sales.",
			Movements: moves(move("payment", "charge", 5_000).from("charge", "py_1", "", 5_000, "USD").processing(175)),
		},
		{
			Title: "Every kind of fee on one charge", Text: "Each row of a movement's fee details is posted by its kind. A name without an account of its own falls to the more general one: here all but tax to fee.",
			Movements: moves(move("charge", "charge", 10_000).from("charge", "ch_1", "cus_1", 10_000, "USD").
				processing(250).fee("payment_method_passthrough_fee", "Interchange", 70).fee("application_fee", "Acme application fee", 100).
				fee("stripe_fee", "Currency conversion fee", 100).fee("tax", "VAT", 61)),
		},
		{
			Title: "The fee as a charge on the payment", Text: "With fees: payment_charges, Stripe's own fee and the network's are on the AR payment. Tax stays in the journal, because a payment charge has only the account of its entry type. So do the fees of bank debits, which may fail when there is no payment yet, or later, when it is voided.",
			Rules: func(r *ledger.Rules) { r.Fees = ledger.FeesOnPayments },
			Movements: moves(move("charge", "charge", 10_000).from("charge", "ch_1", "cus_1", 10_000, "USD").
				processing(320).fee("tax", "VAT", 61)),
		},
		{
			Title: "A customer pays in another currency, and gets a part back", Text: "The documents are in euros, on the clearing account of euros; Stripe holds dollars. A journal in euros empties that clearing account against the exchange account, a journal in dollars takes exactly what Stripe says. No rate is computed: what is left on the exchange account, in the base currency, is the realised difference.",
			Movements: moves(
				move("charge", "charge", 10_873).from("charge", "ch_1", "cus_1", 10_000, "EUR").processing(365),
				move("refund", "refund", -3_294).from("refund", "re_1", "cus_1", 3_000, "EUR").on(9)),
		},
		{
			Title: "A part of the authorised amount is captured", Text: "Stripe moves the whole amount and takes the rest back. The AR payment is for what was captured; the rest and its reversal meet on one account (here that of sales, which stands for partial_capture).",
			Movements: moves(
				move("charge", "charge", 10_000).from("charge", "ch_1", "cus_1", 7_000, "USD").processing(233),
				move("refund", "partial_capture_reversal", -3_000).from("refund", "re_1", "cus_1", 3_000, "USD").captured(7_000)),
		},
		{
			Title: "A part is captured in another currency", Text: "The same with an exchange: both movements go to the exchange account, and so does the document.",
			Movements: moves(
				move("charge", "charge", 10_873).from("charge", "ch_1", "cus_1", 7_000, "EUR"),
				move("refund", "partial_capture_reversal", -3_262).from("refund", "re_1", "cus_1", 3_000, "EUR").captured(7_000)),
		},
	}
}

// returns are the examples about money that goes back to customers.
func returns() []Example {
	return []Example{
		{
			Title: "A refund, and the fee that Stripe gives back", Text: "An AR refund covers the amount. A fee that is given back has a category of its own.",
			Movements: moves(move("refund", "refund", -2_500).from("refund", "re_1", "cus_1", 2_500, "USD").
				fee("stripe_fee", "Stripe processing fee refund", -80)),
		},
		{
			Title: "A refund without a document", Text: "With refunds: journal, and for charges of nobody, the journal takes the refund to its account.",
			Rules:     func(r *ledger.Rules) { r.Refunds = ledger.RefundJournal },
			Movements: moves(move("refund", "refund", -2_500).from("refund", "re_1", "cus_1", 2_500, "USD")),
		},
		{
			Title: "A refund fails", Text: "The customer's bank sends the money back. The AR refund stays as it is: the customer is owed the money until it is paid out another way.",
			Movements: moves(
				move("payment_refund", "refund", -2_500).from("refund", "re_1", "cus_1", 2_500, "USD"),
				move("refund_failure", "refund_failure", 2_500).from("refund", "re_1", "cus_1", 2_500, "USD").on(12)),
		},
		{
			Title: "A bank debit fails", Text: "Stripe moves the amount while the debit is pending and takes it back when it fails. The AR payment is made only when a debit succeeds, so neither the payment nor its void exists, and nothing is posted but the fee.",
			Movements: moves(
				move("payment", "charge", 8_000).from("charge", "py_1", "cus_1", 8_000, "USD").captured(0),
				move("payment_failure_refund", "charge_failure", -8_000).from("charge", "py_1", "cus_1", 8_000, "USD").captured(0).on(9).
					fee("stripe_fee", "Failed debit fee", 400)),
		},
		{
			Title: "A bank debit of nobody fails", Text: "Without a customer both movements are lines, on accounts that sales stands for.",
			Movements: moves(
				move("payment", "charge", 8_000).from("charge", "py_1", "", 8_000, "USD"),
				move("payment_failure_refund", "charge_failure", -8_000).from("charge", "py_1", "", 8_000, "USD").on(9)),
		},
		{
			Title: "A dispute is opened and won", Text: "The invoice stays paid: what the bank withdrew is a receivable until the dispute is decided. Won, it comes back, and Stripe may give the fee back.",
			Movements: moves(
				move("adjustment", "dispute", -10_000).from("dispute", "dp_1", "cus_1", 10_000, "USD").fee("stripe_fee", "Dispute fee", 1_500),
				move("adjustment", "dispute_reversal", 10_000).from("dispute", "dp_1", "cus_1", 10_000, "USD").fee("stripe_fee", "Dispute fee refund", -1_500).on(24)),
		},
		{
			Title: "A dispute is lost", Text: "Nothing moves at Stripe. A journal of its own, when Stripe closes the dispute, makes the receivable a loss.",
			Movements: moves(move("adjustment", "dispute", -10_000).from("dispute", "dp_1", "cus_1", 10_000, "USD").fee("stripe_fee", "Dispute fee", 1_500)),
			Lost:      &Lost{Dispute: "dp_1", Amount: 10_000, At: day(28)},
		},
	}
}
