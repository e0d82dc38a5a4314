package stripetwin

import (
	"net/http"
	"slices"
	"strings"
)

// sessionFor is how long, in seconds, a checkout session is open unless its
// maker says otherwise. Stripe: 30 minutes to 24 hours.
const sessionFor = 24 * 3600

// A session is a checkout page: what to buy or to set up, and what came of it.
type session struct {
	head
	Mode, Status, PaymentStatus          string
	Customer, Email, Currency, Reference string
	Success, Cancel                      string // addresses to go to
	Types                                []string
	Lines                                []sessionLine
	Intent, Setup, Sub, Invoice          string
	ExpiresAt                            int64
	Always                               bool // customer_creation
	Later, Description                   string
	Shipping                             *shipping
	ChildMetadata                        map[string]string // of the intent or the subscription
	TrialDays                            int64
	BuyerName, BuyerEmail, BuyerPhone    string
	BuyerAddress                         *address
}

// A sessionLine is a price and how many of it.
type sessionLine struct {
	ID, Price   string
	Quantity    int64
	Description string
	TaxRates    []string
}

func sessionColumns() []column[session] {
	return []column[session]{
		by("payment_intent", func(cs *session) string { return cs.Intent }),
		by("subscription", func(cs *session) string { return cs.Sub }),
		by("customer", func(cs *session) string { return cs.Customer }),
		by("status", func(cs *session) string { return cs.Status }),
		dueAt(func(cs *session) int64 {
			if cs.Status != "open" {
				return 0
			}
			return cs.ExpiresAt
		}),
	}
}

// sums adds up the lines.
func (t *Twin) sessionSums(cs *session) sums {
	var s sums
	for _, l := range cs.Lines {
		amount := t.s.Prices.get(l.Price).times(l.Quantity)
		s.subtotal += amount
		onTop, inside := split(t.taxes(l.TaxRates, amount))
		s.onTop, s.inside = s.onTop+onTop, s.inside+inside
	}
	return s
}

func (t *Twin) renderSessionLine(l *sessionLine) object {
	p := t.s.Prices.get(l.Price)
	amount := p.times(l.Quantity)
	taxes := t.taxes(l.TaxRates, amount)
	onTop, inside := split(taxes)
	return object{
		"id": l.ID, "object": "item", "amount_discount": int64(0), "amount_subtotal": amount, "amount_tax": onTop + inside,
		"amount_total": amount + onTop, "currency": p.Currency, "description": l.Description, "price": p.render(), "quantity": l.Quantity,
	}
}

func (t *Twin) renderSession(cs *session) object {
	o := object{
		"id": cs.ID, "object": "checkout.session", "after_expiration": nil, "allow_promotion_codes": nil, "amount_subtotal": nil, "amount_total": nil,
		"automatic_tax": object{"enabled": false, "liability": nil, "status": nil}, "billing_address_collection": nil, "cancel_url": orNull(cs.Cancel),
		"client_reference_id": orNull(cs.Reference), "client_secret": nil, "consent": nil, "consent_collection": nil, "created": cs.Created,
		"currency": orNull(cs.Currency), "currency_conversion": nil, "custom_fields": []any{},
		"custom_text": object{"after_submit": nil, "shipping_address": nil, "submit": nil, "terms_of_service_acceptance": nil},
		"customer":    orNull(cs.Customer), "customer_creation": nil, "customer_details": nil, "customer_email": orNull(cs.Email), "expires_at": cs.ExpiresAt,
		"invoice": orNull(cs.Invoice), "invoice_creation": nil, "livemode": false, "locale": nil, "metadata": metadataOf(cs.Metadata), "mode": cs.Mode,
		"payment_intent": orNull(cs.Intent), "payment_link": nil, "payment_method_collection": "always", "payment_method_configuration_details": nil,
		"payment_method_options": object{}, "payment_method_types": strList(cs.Types), "payment_status": cs.PaymentStatus,
		"phone_number_collection": object{"enabled": false}, "recovered_from": nil, "setup_intent": orNull(cs.Setup),
		"shipping_address_collection": nil, "shipping_cost": nil, "shipping_details": cs.Shipping.render(), "shipping_options": []any{},
		"status": cs.Status, "submit_type": nil, "subscription": orNull(cs.Sub), "success_url": orNull(cs.Success), "total_details": nil,
		"ui_mode": "hosted", "url": nil,
	}
	if cs.Status == "open" {
		o["url"] = t.baseURL + "/c/pay/" + cs.ID
	}
	if cs.Status == "complete" {
		o["customer_details"] = object{
			"address": orBlank(cs.BuyerAddress), "email": orNull(cs.BuyerEmail), "name": orNull(cs.BuyerName), "phone": orNull(cs.BuyerPhone),
			"tax_exempt": "none", "tax_ids": []any{},
		}
	}
	if cs.Mode == "payment" {
		o["payment_method_collection"] = "if_required"
		o["customer_creation"] = "if_required"
		if cs.Always {
			o["customer_creation"] = "always"
		}
		o["invoice_creation"] = object{"enabled": false, "invoice_data": object{
			"account_tax_ids": nil, "custom_fields": nil, "description": nil, "footer": nil, "issuer": nil, "metadata": object{}, "rendering_options": nil,
		}}
	}
	if cs.Mode != "setup" {
		s := t.sessionSums(cs)
		o["amount_subtotal"], o["amount_total"] = s.subtotal, s.subtotal+s.onTop
		o["total_details"] = object{"amount_discount": int64(0), "amount_shipping": int64(0), "amount_tax": s.onTop + s.inside}
	}
	return o
}

// sessionLines reads line_items.
func (t *Twin) sessionLines(c *call, cs *session) error {
	list := c.form.sub("line_items")
	if list == nil {
		return nil
	}
	for _, i := range list.keys {
		el := list.sub(i)
		el.only("price", "price_data", "quantity", "tax_rates")
		l := sessionLine{Quantity: el.integer("quantity", 1), TaxRates: t.rates(el, "tax_rates")}
		if l.Quantity < 1 {
			return invalid("parameter_invalid_integer", el.name("quantity"), "This value must be greater than or equal to 1.")
		}
		var p *price
		var err error
		if data := el.sub("price_data"); data != nil {
			p, err = t.priceFrom(c, data, false)
		} else {
			p, err = t.price(el.str("price", 255), el.name("price"), http.StatusBadRequest)
			if err == nil && p.Inactive {
				err = refused("", "The price specified is inactive. This field only accepts active prices.")
			}
		}
		switch {
		case err != nil:
			return err
		case c.form.err != nil:
			return c.form.err
		case cs.Mode == "payment" && p.Interval != "":
			return refused("", "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.")
		case cs.Currency != "" && cs.Currency != p.Currency:
			return refused("", "All prices on a Checkout Session must have the same currency.")
		case cs.Mode == "subscription" && p.Interval == "":
			return notImplemented("one-time prices in a checkout session of mode subscription")
		}
		if err := p.payable(el.name("quantity"), l.Quantity); err != nil {
			return err
		}
		l.ID, l.Price, l.Description, cs.Currency = t.newID("li_1", 23), p.ID, t.productName(p), p.Currency
		cs.Lines = append(cs.Lines, l)
	}
	return nil
}

// child reads what the intent or the subscription is to be like.
func (cs *session) child(f *form) {
	if d := f.sub("payment_intent_data"); d != nil {
		cs.refuse(f, d, "description", "metadata", "setup_future_usage", "shipping")
		cs.Description, cs.ChildMetadata, cs.Shipping = d.str("description", 1000), d.metadata(nil), shippingFrom(d)
		cs.Later = d.choice("setup_future_usage", "", "on_session", "off_session")
	}
	if d := f.sub("subscription_data"); d != nil {
		cs.refuse(f, d, "description", "metadata", "trial_period_days")
		cs.Description, cs.ChildMetadata, cs.TrialDays = d.str("description", 500), d.metadata(nil), d.integer("trial_period_days", 0)
	}
	if d := f.sub("setup_intent_data"); d != nil {
		cs.refuse(f, d, "description", "metadata")
		cs.Description, cs.ChildMetadata = d.str("description", 1000), d.metadata(nil)
	}
}

// refuse names the parameters in d that the twin has not.
func (cs *session) refuse(f, d *form, known ...string) {
	for _, k := range d.keys {
		if !slices.Contains(known, k) {
			f.fail(notImplemented("parameter %q", d.name(k)))
		}
	}
}

func createSession(t *Twin, c *call) (object, error) {
	f := c.form
	cs := &session{
		Mode: f.choice("mode", "", "payment", "setup", "subscription"), Status: "open", PaymentStatus: "unpaid", Customer: f.str("customer", 255),
		Email: f.str("customer_email", 512), Reference: f.str("client_reference_id", 200), Success: f.str("success_url", 5000), Cancel: f.str("cancel_url", 5000),
		Types: f.list("payment_method_types"), ExpiresAt: f.integer("expires_at", c.now+sessionFor), Currency: f.currency(""),
		Always: f.choice("customer_creation", "if_required", "always", "if_required") == "always",
	}
	f.choice("ui_mode", "hosted", "hosted")
	f.choice("locale", "auto", "auto", "en")
	meta := f.metadata(nil)
	cs.child(f)
	if len(cs.Types) == 0 {
		cs.Types = []string{"card"}
	}
	i := slices.IndexFunc(cs.Types, func(typ string) bool { return !slices.Contains([]string{"card", "sepa_debit", "us_bank_account"}, typ) })
	switch {
	case f.err != nil:
		return nil, f.err
	case cs.Mode == "":
		return nil, missingParam("mode")
	case cs.Success == "":
		return nil, missingParam("success_url")
	case i >= 0:
		return nil, notImplemented("payment method type %q", cs.Types[i])
	case cs.Customer != "" && cs.Email != "":
		return nil, invalid("parameters_exclusive", "", "You may only specify one of these parameters: customer, customer_email.")
	case cs.Customer != "" && t.customer(cs.Customer) == nil:
		return nil, missing("customer", cs.Customer, "customer", http.StatusBadRequest)
	case cs.Mode != "setup" && !f.has("line_items"):
		return nil, missingParam("line_items")
	case cs.ExpiresAt < c.now+30*60 || cs.ExpiresAt > c.now+sessionFor:
		return nil, invalid("", "expires_at", "The `expires_at` timestamp must be at least 30 minutes and less than 24 hours from Checkout Session creation.")
	}
	if cs.Mode == "setup" {
		cs.PaymentStatus, cs.Currency = "no_payment_required", ""
	}
	if err := t.sessionLines(c, cs); err != nil {
		return nil, err
	}
	if s := t.sessionSums(cs); cs.Mode == "payment" {
		if err := payableAmount("line_items", s.subtotal+s.onTop, cs.Currency); err != nil {
			return nil, err
		}
	}
	cs.head = withMetadata(t.newHead(c, t.newID("cs_test_a1", 56)), meta)
	t.s.Sessions.put(cs)
	return t.renderSession(cs), nil
}

func (t *Twin) session(c *call) (*session, error) {
	cs := t.s.Sessions.get(c.id)
	if cs == nil {
		return nil, missing("checkout.session", c.id, "session", http.StatusNotFound)
	}
	return cs, nil
}

func getSession(t *Twin, c *call) (object, error) {
	cs, err := t.session(c)
	if err != nil {
		return nil, err
	}
	return t.renderSession(cs), nil
}

func listSessions(t *Twin, c *call) (object, error) {
	f := c.form
	rows := t.s.Sessions.find(eq{
		"payment_intent": f.str("payment_intent", 255), "subscription": f.str("subscription", 255), "customer": f.str("customer", 255),
		"status": f.choice("status", "", "complete", "expired", "open"),
	}, createdFilter(c), nil)
	return page(c, rows, "checkout.session", t.renderSession)
}

// embeddedSessionLines is the first page of a session's lines.
func (t *Twin) embeddedSessionLines(id string) object {
	cs, data := t.s.Sessions.get(id), []any{}
	for i := range cs.Lines[:min(len(cs.Lines), embeddedLineCount)] {
		data = append(data, t.renderSessionLine(&cs.Lines[i]))
	}
	return object{
		"object": "list", "data": data, "has_more": len(cs.Lines) > embeddedLineCount, "url": "/v1/checkout/sessions/" + id + "/line_items",
	}
}

func listSessionLines(t *Twin, c *call) (object, error) {
	cs, err := t.session(c)
	if err != nil {
		return nil, err
	}
	all := make([]*sessionLine, 0, len(cs.Lines))
	for i := range cs.Lines {
		all = append(all, &cs.Lines[i])
	}
	return pageOf(c, inOrder(all, func(l *sessionLine) string { return l.ID }), "line item", t.renderSessionLine)
}

func expireSessionCall(t *Twin, c *call) (object, error) {
	cs, err := t.session(c)
	if err != nil {
		return nil, err
	}
	if cs.Status != "open" {
		return nil, refused("", "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `%s`.", cs.Status)
	}
	t.expireSession(c, cs)
	return t.renderSession(cs), nil
}

func (t *Twin) expireSession(c *call, cs *session) {
	cs.Status, cs.ExpiresAt = "expired", min(cs.ExpiresAt, c.now)
	t.touch(&cs.head)
	t.emit(c, "checkout.session.expired", t.renderSession(cs))
}

func checkoutRoutes() []route {
	return []route{
		post("/v1/checkout/sessions", createSession, "cancel_url", "client_reference_id", "currency", "customer", "customer_creation", "customer_email",
			"expires_at", "line_items", "locale", "metadata", "mode", "payment_intent_data", "payment_method_types", "setup_intent_data", "subscription_data",
			"success_url", "ui_mode").with(
			"after_expiration", "allow_promotion_codes", "automatic_tax", "billing_address_collection", "consent_collection", "custom_fields", "custom_text",
			"customer_update", "discounts", "invoice_creation", "payment_method_collection", "payment_method_configuration", "payment_method_options",
			"phone_number_collection", "redirect_on_completion", "return_url", "shipping_address_collection", "shipping_options", "submit_type",
			"tax_id_collection"),
		list("/v1/checkout/sessions", listSessions, "created", "customer", "payment_intent", "status", "subscription").with("customer_details", "payment_link"),
		get("/v1/checkout/sessions/{id}", getSession),
		list("/v1/checkout/sessions/{id}/line_items", listSessionLines),
		post("/v1/checkout/sessions/{id}/expire", expireSessionCall),
		// What the page itself calls; the command-line tool does so too.
		get("/v1/payment_pages/{id}", getSession),
		post("/v1/payment_pages/{id}/confirm", confirmSession, "expected_amount", "payment_method"),
	}
}

// successURL is where the buyer goes when all is well.
func (cs *session) successURL() string {
	return strings.ReplaceAll(cs.Success, "{CHECKOUT_SESSION_ID}", cs.ID)
}
