package stripetwin

import (
	"net/http"
	"slices"
	"strings"
)

// A route is one endpoint of the API. Parameters in accepts are understood,
// those in later are Stripe's but not the twin's yet, all others are unknown
// to Stripe.
type route struct {
	method  string
	pattern string
	fn      handler
	accepts []string
	later   []string
	kind    string // of the object that is answered, or of those in its data
	list    bool
	do      func(c *call, t *Twin) (object, error)
}

// kinds names the object behind each collection of the API.
var kinds = map[string]string{
	"account": "account", "balance": "balance", "balance_transactions": "balance_transaction", "charges": "charge",
	"credit_notes": "credit_note", "customers": "customer", "disputes": "dispute", "events": "event", "invoiceitems": "invoiceitem", "invoices": "invoice",
	"payment_intents": "payment_intent", "payment_methods": "payment_method", "payment_pages": "checkout.session", "checkout": "checkout.session", "payouts": "payout", "prices": "price", "products": "product", "setup_intents": "setup_intent", "subscription_items": "subscription_item", "subscriptions": "subscription", "tax_rates": "tax_rate", "refunds": "refund", "topups": "topup", "webhook_endpoints": "webhook_endpoint",
}

// with completes a route with the parameters that are still to come.
func (r route) with(later ...string) route {
	r.later = later
	segs := strings.Split(r.pattern, "/") // "", v1, collection, …
	r.kind = kinds[segs[2]]
	last := segs[len(segs)-1]
	r.list = r.method == http.MethodGet && !slices.Contains([]string{"{id}", "account", "balance", "preview", "upcoming"}, last)
	switch last {
	case "lines":
		r.kind = "line_item"
	case "line_items":
		r.kind = "item"
	case "payment_methods":
		r.kind = "payment_method"
	case "refunds":
		r.kind = "refund"
	}
	switch {
	case len(segs) > 4 && segs[4] == "balance_transactions":
		r.kind = "customer_balance_transaction"
	case len(segs) > 4 && segs[4] == "tax_ids":
		r.kind = "tax_id"
	case last == "lines" && segs[2] == "credit_notes":
		r.kind = "credit_note_line_item"
	}
	r.do = func(c *call, t *Twin) (object, error) { return r.call(c, t) }
	return r
}

// call refuses parameters that the route does not know before it runs fn.
func (r route) call(c *call, t *Twin) (object, error) {
	for _, k := range c.form.keys {
		if slices.Contains(r.later, k) {
			return nil, notImplemented("parameter %q of %s %s", k, r.method, r.pattern)
		}
	}
	c.form.only(append([]string{"expand"}, r.accepts...)...)
	if c.form.err != nil {
		return nil, c.form.err
	}
	return r.fn(t, c)
}

func get(pattern string, fn handler, accepts ...string) route {
	return route{method: http.MethodGet, pattern: pattern, fn: fn, accepts: accepts}.with()
}

func list(pattern string, fn handler, accepts ...string) route {
	return get(pattern, fn, append([]string{"limit", "starting_after", "ending_before"}, accepts...)...)
}

func post(pattern string, fn handler, accepts ...string) route {
	return route{method: http.MethodPost, pattern: pattern, fn: fn, accepts: accepts}.with()
}

func del(pattern string, fn handler) route {
	return route{method: http.MethodDelete, pattern: pattern, fn: fn}.with()
}

// stripeOnly are the parts of the API that Stripe has and the twin has not.
// Longer paths below a route of the twin end here as well.
var stripeOnly = []string{
	"/v1/accounts", "/v1/application_fees", "/v1/balance", "/v1/balance_transactions", "/v1/billing_portal", "/v1/charges",
	"/v1/checkout", "/v1/coupons", "/v1/credit_notes", "/v1/customers", "/v1/disputes", "/v1/events", "/v1/files",
	"/v1/invoiceitems", "/v1/invoices", "/v1/payment_intents", "/v1/payment_links", "/v1/payment_methods", "/v1/payouts",
	"/v1/plans", "/v1/prices", "/v1/products", "/v1/promotion_codes", "/v1/quotes", "/v1/refunds", "/v1/reporting",
	"/v1/setup_intents", "/v1/sources", "/v1/subscription_items", "/v1/subscription_schedules", "/v1/subscriptions",
	"/v1/tax_rates", "/v1/test_helpers", "/v1/tokens", "/v1/topups", "/v1/transfers", "/v1/webhook_endpoints",
}

var customerParams = []string{
	"address", "balance", "description", "email", "invoice_prefix", "invoice_settings", "metadata", "name",
	"next_invoice_sequence", "phone", "preferred_locales", "shipping", "tax_exempt",
}

var customerLater = []string{
	"bank_account", "card", "cash_balance", "coupon", "default_alipay_account", "default_bank_account", "default_card",
	"default_source", "promotion_code", "source", "tax", "tax_id_data", "test_clock",
}

var invoiceParams = []string{
	"auto_advance", "collection_method", "custom_fields", "days_until_due", "default_payment_method", "default_tax_rates", "description", "due_date",
	"effective_at", "footer", "metadata", "number", "statement_descriptor",
}

var invoiceLater = []string{
	"account_tax_ids", "application_fee_amount", "automatic_tax", "default_source",
	"discounts", "from_invoice", "issuer", "on_behalf_of", "payment_settings", "rendering", "shipping_cost", "shipping_details",
	"subscription", "transfer_data",
}

var itemParams = []string{
	"amount", "description", "discountable", "metadata", "period", "price", "price_data", "quantity", "tax_rates", "unit_amount", "unit_amount_decimal",
}

var itemLater = []string{"discounts", "subscription", "tax_behavior", "tax_code"}

// apiRoutes is the whole of the API that the twin implements.
func apiRoutes() []route {
	return slices.Concat([]route{
		post("/v1/customers", createCustomer, append([]string{"payment_method"}, customerParams...)...).with(customerLater...),
		list("/v1/customers", listCustomers, "created", "email").with("test_clock"),
		get("/v1/customers/search", searchCustomers, "query", "limit", "page"),
		get("/v1/customers/{id}", getCustomer),
		del("/v1/customers/{id}", deleteCustomer),
		post("/v1/customers/{id}", updateCustomer, customerParams...).with(customerLater...),

		post("/v1/customers/{customer}/balance_transactions", createBalanceChange, "amount", "currency", "description", "metadata"),
		list("/v1/customers/{customer}/balance_transactions", listBalanceChanges),
		get("/v1/customers/{customer}/balance_transactions/{id}", getBalanceChange),
		post("/v1/customers/{customer}/balance_transactions/{id}", updateBalanceChange, "description", "metadata"),

		post("/v1/invoiceitems", createItem, append([]string{"customer", "currency", "invoice"}, itemParams...)...).with(itemLater...),
		list("/v1/invoiceitems", listItems, "created", "customer", "invoice", "pending"),
		get("/v1/invoiceitems/{id}", getItem),
		post("/v1/invoiceitems/{id}", updateItem, itemParams...).with("discounts", "tax_behavior", "tax_code"),
		del("/v1/invoiceitems/{id}", deleteItem),

		get("/v1/account", getAccount),
		get("/v1/balance", getBalance),
		list("/v1/balance_transactions", listMoves, "created", "currency", "payout", "source", "type"),
		get("/v1/balance_transactions/{id}", getMove),
		list("/v1/charges", listCharges, "created", "customer", "payment_intent").with("transfer_group"),
		get("/v1/charges/search", searchCharges, "query", "limit", "page"),
		get("/v1/charges/{id}", getCharge),
		list("/v1/payment_intents", listIntents, "created", "customer"),
		post("/v1/payment_intents", createIntent, "amount", "capture_method", "confirm", "currency", "customer", "description",
			"confirmation_method", "mandate_data", "metadata", "off_session", "payment_method", "payment_method_types", "return_url", "setup_future_usage", "shipping").with(
			"application_fee_amount", "automatic_payment_methods", "error_on_requires_action", "mandate", "on_behalf_of", "payment_method_configuration",
			"payment_method_data", "payment_method_options", "radar_options", "receipt_email", "statement_descriptor", "statement_descriptor_suffix", "transfer_data", "transfer_group", "use_stripe_sdk"),
		get("/v1/payment_intents/search", searchIntents, "query", "limit", "page"),
		get("/v1/payment_intents/{id}", getIntent),
		post("/v1/payment_intents/{id}/confirm", confirmIntent, "off_session", "payment_method", "return_url"),
		post("/v1/payment_intents/{id}/capture", captureIntent, "amount_to_capture"),
		post("/v1/payment_intents/{id}/cancel", cancelIntentCall, "cancellation_reason"),

		list("/v1/events", listEvents, "created", "delivery_success", "type", "types"),
		get("/v1/events/{id}", getEvent),
		post("/v1/webhook_endpoints", createEndpoint, "api_version", "description", "enabled_events", "metadata", "url").with("connect"),
		list("/v1/webhook_endpoints", listEndpoints),
		get("/v1/webhook_endpoints/{id}", getEndpoint),
		post("/v1/webhook_endpoints/{id}", updateEndpoint, "description", "disabled", "enabled_events", "metadata", "url"),
		del("/v1/webhook_endpoints/{id}", deleteEndpoint),
	}, invoiceRoutes(), moneyRoutes(), methodRoutes(), setupRoutes(), productRoutes(), priceRoutes(), taxRateRoutes(), taxIDRoutes(), subscriptionRoutes(), checkoutRoutes())
}

func invoiceRoutes() []route {
	return []route{
		post("/v1/invoices", createInvoice, append([]string{"currency", "customer", "pending_invoice_items_behavior"}, invoiceParams...)...).with(invoiceLater...),
		list("/v1/invoices", listInvoices, "collection_method", "created", "customer", "status", "subscription").with("due_date"),
		get("/v1/invoices/upcoming", func(*Twin, *call) (object, error) { return nil, notImplemented("the upcoming invoice") }),
		get("/v1/invoices/search", searchInvoices, "query", "limit", "page"),
		get("/v1/invoices/{id}", getInvoice),
		post("/v1/invoices/{id}", updateInvoice, invoiceParams...).with(invoiceLater...),
		del("/v1/invoices/{id}", deleteInvoice),
		post("/v1/invoices/{id}/finalize", finalizeInvoice, "auto_advance"),
		post("/v1/invoices/{id}/pay", payInvoice, "off_session", "paid_out_of_band", "payment_method").with("forgive", "mandate", "source"),
		post("/v1/invoices/{id}/mark_uncollectible", writeOffInvoice),
		post("/v1/invoices/{id}/send", sendInvoice),
		post("/v1/invoices/{id}/void", voidInvoice),
		list("/v1/invoices/{id}/lines", listLines),
	}
}

// moneyRoutes are what moves money back.
func moneyRoutes() []route {
	return []route{
		post("/v1/refunds", createRefund, "amount", "charge", "metadata", "payment_intent", "reason").with(
			"currency", "customer", "instructions_email", "origin", "refund_application_fee", "reverse_transfer"),
		list("/v1/refunds", listRefunds, "charge", "created", "payment_intent"),
		get("/v1/refunds/{id}", getRefund),
		post("/v1/refunds/{id}", updateRefund, "metadata"),
		list("/v1/charges/{id}/refunds", listRefunds),

		post("/v1/credit_notes", createNote, noteParams...).with("shipping_cost"),
		get("/v1/credit_notes/preview", previewNote, noteParams...).with("shipping_cost"),
		list("/v1/credit_notes/preview/lines", previewNoteLines, noteParams...).with("shipping_cost"),
		list("/v1/credit_notes", listNotes, "customer", "invoice"),
		get("/v1/credit_notes/{id}", getNote),
		post("/v1/credit_notes/{id}", updateNote, "memo", "metadata"),
		list("/v1/credit_notes/{id}/lines", listNoteLines),
		post("/v1/credit_notes/{id}/void", voidNote),

		list("/v1/disputes", listDisputes, "charge", "created", "payment_intent"),
		get("/v1/disputes/{id}", getDispute),
		post("/v1/disputes/{id}", updateDispute, "evidence", "metadata", "submit"),
		post("/v1/disputes/{id}/close", closeDisputeCall),

		post("/v1/topups", createTopup, "amount", "currency", "description", "metadata", "statement_descriptor", "transfer_group").with("source"),
		list("/v1/topups", listTopups, "created", "status").with("amount"),
		get("/v1/topups/{id}", getTopup),
		post("/v1/topups/{id}", updateTopup, "description", "metadata"),
		post("/v1/topups/{id}/cancel", cancelTopup),

		post("/v1/payouts", createPayout, "amount", "currency", "description", "metadata", "method").with(
			"destination", "source_type", "statement_descriptor"),
		list("/v1/payouts", listPayouts, "arrival_date", "created", "status").with("destination"),
		get("/v1/payouts/{id}", getPayout),
		post("/v1/payouts/{id}", updatePayout, "metadata"),
		post("/v1/payouts/{id}/cancel", cancelPayout),
	}
}
