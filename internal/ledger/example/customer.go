package example

import "millrace/internal/ledger"

// charges are the examples about money that comes in.
func charges() []Example {
	return []Example{
		{
			Title: "A customer pays an invoice", Text: "The charge has a customer, so an AR payment covers its amount the moment the charge succeeds, and is applied to the invoice. What is left for the payout's journal is the fee, and the tax on it.",
			Movements: moves(move("charge", "charge", 10_000).from("charge", "ch_1", "cus_1", 10_000, "USD").
				processing(320).fee("tax", "VAT", 61)),
		},
		{
			Title: "A customer pays without an invoice", Text: "The charge has a customer and no invoice from Acumatica: a prepayment, on the customer's prepayment account and not on the receivables. It is owed to the customer until somebody applies it to an invoice.",
			Prepaid:   true,
			Movements: moves(move("charge", "charge", 10_000).from("charge", "ch_1", "cus_1", 10_000, "USD").processing(320)),
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
			Title: "A paid invoice is refunded", Text: "With refunds: ar_refund, the default. Acumatica gives back what is left of a payment, and of one that is applied to its invoice in full nothing is. So the refund is two documents: a credit memo that debits the account refund, and an AR refund that pays it out. " +
				"The invoice stays closed. With refunds: credit_memo it is always so, also where the payment has something left. " +
				"Where the invoice has sales tax, the credit memo still has one line: it debits the account refund with all of the amount, and no tax is taken off what is owed to the tax agency. That is a known limit. What of the refund is tax is then for the accountant: before the tax period is closed, a tax adjustment of output tax (Acumatica: form TX301000, type Adjust Output) takes it from the account refund; a plain journal would not be in the tax report.",
			Movements: moves(
				move("charge", "charge", 10_000).from("charge", "ch_1", "cus_1", 10_000, "USD").processing(320),
				move("refund", "refund", -2_500).from("refund", "re_1", "cus_1", 2_500, "USD").on(9)),
		},
		{
			Title: "A prepayment is refunded, and Stripe gives the fee back", Text: "The payment is applied to nothing, or has enough left: one AR refund gives it back, with no credit memo. A fee that is given back has a category of its own.",
			Prepaid: true,
			Movements: moves(
				move("charge", "charge", 2_500).from("charge", "ch_1", "cus_1", 2_500, "USD").processing(80),
				move("refund", "refund", -2_500).from("refund", "re_1", "cus_1", 2_500, "USD").fee("stripe_fee", "Stripe processing fee refund", -80).on(9)),
		},
		{
			Title: "A refund without a document", Text: "With refunds: journal, and for charges of nobody, the journal takes the refund to its account.",
			Rules:     func(r *ledger.Rules) { r.Refunds = ledger.RefundJournal },
			Movements: moves(move("refund", "refund", -2_500).from("refund", "re_1", "cus_1", 2_500, "USD")),
		},
		{
			Title: "A refund fails", Text: "The customer's bank sends the money back. The credit memo and the AR refund stay as they are: the customer is owed the money until it is paid out another way.",
			Movements: moves(
				move("payment_refund", "refund", -2_500).from("refund", "re_1", "cus_1", 2_500, "USD"),
				move("refund_failure", "refund_failure", 2_500).from("refund", "re_1", "cus_1", 2_500, "USD").on(12)),
		},
		{
			Title: "A bank debit fails", Text: "Stripe moves the amount while the debit is pending and takes it back when it fails. The AR payment is made only when a debit succeeds, so neither the payment nor its void exists, and nothing is posted but the fee.",
			Unmade: true,
			Movements: moves(
				move("payment", "charge", 8_000).from("charge", "py_1", "cus_1", 8_000, "USD").captured(0),
				move("payment_failure_refund", "charge_failure", -8_000).from("charge", "py_1", "cus_1", 8_000, "USD").captured(0).on(9).
					fee("stripe_fee", "Failed debit fee", 400)),
		},
		{
			Title: "A bank debit fails after it was paid", Text: "The debit succeeded, and the bank takes it back later: the AR payment exists, and is voided. The invoice is open again.",
			Movements: moves(
				move("payment", "charge", 8_000).from("charge", "py_1", "cus_1", 8_000, "USD"),
				move("payment_failure_refund", "charge_failure", -8_000).from("charge", "py_1", "cus_1", 8_000, "USD").on(19)),
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
