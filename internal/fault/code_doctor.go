package fault

var doctorCodes = []Code{
	{"doctor.findings", Rejected, "The doctor found something that is wrong.", "see each finding; what has a code is explained by: millrace errors explain <code>"},
	{"doctor.endpoint_lacks", Misconfigured, "The endpoint lacks an entity, a field or an action that Millrace uses.", "configure a newer endpoint, such as Default/24.200.001, or add what is missing to the tenant's own endpoint (SM207060)"},
	{"doctor.rows_hidden", Misconfigured, "Acumatica hides records from the API user: others name them, and the user cannot read them. They would be missing in Stripe without a word.", "take the API user out of the restriction groups that hide them, or add it to those that show them; check its branches and acumatica.branch"},
	{"doctor.rows_none", Misconfigured, "A list is empty for the API user, although the ledger shows that there are such documents.", "give the API user access to the branch of the documents and set acumatica.branch; check its restriction groups"},
	{"doctor.numbers_missing", Rejected, "Numbers are missing between those of the documents that the API user sees. They were deleted, belong to another type, or are hidden.", "look one of them up in Acumatica as an administrator; when it exists, check the restriction groups and branches of the API user"},
	{"doctor.ledger_account", Misconfigured, "An account of the books does not exist in Acumatica, is inactive, or is of another currency.", "create or activate it (GL202500), or correct books.clearing and books.accounts"},
	{"doctor.cash_account", Misconfigured, "A clearing cash account may not be used with the payment method, or is of another currency.", "allow it for the payment method in receivables (CA204000), or correct books.cash_accounts"},
	{"doctor.payment_method", Misconfigured, "The payment method does not exist in Acumatica, is inactive, or is not for receivables.", "create or activate it (CA204000), or correct books.payment_method"},
	{"doctor.period_closed", Misconfigured, "The financial period of today is not open.", "open it (GL503000) or generate it (GL201000)"},
	{"doctor.clock", Misconfigured, "The clock of this machine and that of the other system differ by more than signatures allow.", "correct the clock of the machine that is off (NTP)"},
	{"doctor.webhook", Misconfigured, "No webhook endpoint that is switched on is registered in Stripe, so events come only as often as they are swept.", "add the public address of ingest, /webhooks/stripe, in the Stripe dashboard (Developers, Webhooks) and put its signing secret into the configuration"},
	{"doctor.webhook_events", Misconfigured, "The webhook endpoints of Stripe are not sent all events that flows live on; those come only as often as they are swept.", "add the events that the message names to the endpoint (Stripe dashboard, Developers, Webhooks)"},
	{"doctor.currency", Misconfigured, "Stripe keeps a balance in a currency that has no clearing account.", "add the currency to books.cash_accounts and books.clearing; until then its payments are parked"},
	{"doctor.write_back_field", Misconfigured, "A field that write-back should fill cannot be read in Acumatica.", "correct its name in write_back, <View>.<Field> as the customisation has it, or add the field to the form and publish the customisation"},
	{"doctor.nothing_known", Transient, "It could not be told: what would tell it cannot be read.", "repair what keeps it from being read, and run millrace doctor again"},
}
