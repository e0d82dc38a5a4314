package fault

var flowCodes = []Code{
	{"flow.document_invalid", Misconfigured, "A flow document cannot be loaded.", "correct the lines that the message names, then start again"},
	{"flow.connection_unknown", Misconfigured, "The event belongs to a connection that the configuration does not have.", "add the connection to the config file, or restore the name it had, then restart"},
	{"flow.fetch_unsupported", Invalid, "The flow reads from a system that this connection has no client for.", "report it: the flow and this connection do not fit together"},
	{"flow.expression_failed", Invalid, "An expression of the flow could not be computed from this event.", "correct the document that the step named in the message reads, then release: millrace parked release --lane <customer> --reason <why>"},
	{"flow.field_invalid", Invalid, "A field of the target document got a value that it cannot hold.", "correct the field in the source system, then release: millrace parked release --lane <customer> --reason <why>"},
	{"flow.budget_exceeded", Invalid, "Evaluating the flow took more steps or memory than one event may.", "split the document if it has an extreme number of lines, then release: millrace parked release --lane <customer> --reason <why>"},
	{"flow.rounds_exceeded", Invalid, "The flow asked for more reads, one after the other, than one event may.", "report it: the flow needs too many dependent steps"},
	{"flow.deadline", Transient, "Evaluating the flow took too long on this machine.", "nothing: it is tried again; when it repeats, give the service more CPU"},
	{"flow.currency_unknown", Rejected, "The document has no currency, or one that Millrace has no minor units for.", "check the document's currency, and that the API user may read it, then release: millrace parked release --lane <customer> --reason <why>"},
	{"flow.amount_inexact", Rejected, "An amount cannot be written in whole minor units of its currency, or does not fit.", "correct the amount in the source document, then release: millrace parked release --lane <customer> --reason <why>"},
	{"flow.total_mismatch", Rejected, "The lines of the document do not add up to its balance.", "look for discounts, inclusive taxes or rounding on the invoice; once the sums agree, or it is closed, release: millrace parked release --lane <customer> --reason <why>"},
	{"flow.status_unknown", Rejected, "The document has a status that Millrace does not know.", "look at the document in Acumatica; once it has a usual status, release: millrace parked release --lane <customer> --reason <why>"},
	{"flow.credit_note_voided", Rejected, "A Stripe credit note over an invoice from Acumatica is void, so its credit memo must not stand.", "reverse the credit memo in Acumatica if it is there (its customer order is the credit note), then: millrace parked skip --lane <customer> --reason <why>"},
	{"flow.customer_unmapped", Rejected, "The money belongs to no customer that Acumatica knows.", "put acumatica_customer_id into the Stripe customer's metadata, save that customer in Acumatica so that the two are linked, then release: millrace parked release --lane <customer> --reason <why>"},
	{"flow.link_pending", Transient, "The Stripe invoice or customer came from Acumatica, but its link is not written yet.", "nothing: it goes on as soon as the sink has written the link"},
	{"flow.balance_transaction_pending", Transient, "Stripe has not written the balance transaction of the charge yet.", "nothing: it goes on as soon as Stripe has"},
	{"flow.cross_currency", Rejected, "The charge settles in another currency than it was made in.", "record this payment by hand; conversion is not posted automatically"},
	{"flow.settlement_mismatch", Rejected, "Stripe's balance moved by another amount than the charge says, for example after a partial capture.", "compare the charge with its balance transaction in the Stripe dashboard, and record the payment by hand"},
	{"flow.cash_account_missing", Rejected, "No cash account is configured for the settlement currency.", "set books.cash_accounts for that currency in the config file, restart, then release: millrace parked release --lane <customer> --reason <why>"},
	{"flow.payment_method_missing", Rejected, "No Acumatica payment method is configured for Stripe charges.", "set books.payment_method in the config file, restart, then release: millrace parked release --lane <customer> --reason <why>"},
}
