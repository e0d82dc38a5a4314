package stripetwin

import "net/http"

// A setupIntent keeps a payment method for later without taking money.
type setupIntent struct {
	head
	Customer, Method, Description, Status, Usage, CancelReason, Secret string
	Types                                                              []string
	Failure                                                            *failure
}

func setupColumns() []column[setupIntent] {
	return []column[setupIntent]{
		by("payment_method", func(si *setupIntent) string { return si.Method }),
		by("customer", func(si *setupIntent) string { return si.Customer }),
	}
}

func (si *setupIntent) render() object {
	types := strList(si.Types)
	if len(types) == 0 {
		types = append(types, "card")
	}
	var action any
	if si.Status == "requires_action" {
		action = object{"type": "use_stripe_sdk", "use_stripe_sdk": object{}}
	}
	return object{
		"id": si.ID, "object": "setup_intent", "application": nil, "automatic_payment_methods": nil, "cancellation_reason": orNull(si.CancelReason),
		"client_secret": si.ID + "_secret_" + si.Secret, "created": si.Created, "customer": orNull(si.Customer), "description": orNull(si.Description),
		"flow_directions": nil, "last_setup_error": si.Failure.render(), "latest_attempt": nil, "livemode": false, "mandate": nil, "metadata": metadataOf(si.Metadata),
		"next_action": action, "on_behalf_of": nil, "payment_method": orNull(si.Method), "payment_method_configuration_details": nil,
		"payment_method_options": object{}, "payment_method_types": types, "single_use_mandate": nil, "status": si.Status, "usage": si.Usage,
	}
}

func createSetup(t *Twin, c *call) (object, error) {
	f := c.form
	si := &setupIntent{
		Customer: f.str("customer", 255), Description: f.str("description", 1000), Types: f.list("payment_method_types"),
		Usage: f.choice("usage", "off_session", "off_session", "on_session"), Status: "requires_payment_method",
	}
	meta, method, confirm := f.metadata(nil), f.str("payment_method", 255), f.boolean("confirm", false)
	f.str("return_url", 5000)
	switch {
	case f.err != nil:
		return nil, f.err
	case si.Customer != "" && t.customer(si.Customer) == nil:
		return nil, missing("customer", si.Customer, "customer", http.StatusBadRequest)
	case confirm && method == "":
		return nil, missingParam("payment_method")
	}
	if method != "" {
		if err := t.usable(method, si.Customer); err != nil {
			return nil, err
		}
	}
	t.addSetup(c, si, meta)
	switch {
	case confirm:
		if err := t.setUp(c, si, method); err != nil {
			return nil, err
		}
	case method != "":
		si.Status, si.Method = "requires_confirmation", t.use(c, method).ID
		t.touch(&si.head)
	}
	return si.render(), nil
}

func (t *Twin) addSetup(c *call, si *setupIntent, meta map[string]string) {
	si.head, si.Secret = t.newHead(c, t.newID("seti_1", 23)), t.newID("", 25)
	si.Metadata = meta
	t.s.Setups.put(si)
	t.emit(c, "setup_intent.created", si.render())
}

// setUp confirms. Stripe: the payment method is attached to the customer.
func (t *Twin) setUp(c *call, si *setupIntent, method string) error {
	m := t.use(c, method)
	t.touch(&si.head)
	if d, bad := declines(m.Test); bad && m.Test != "pm_card_chargeCustomerFail" {
		si.Status, si.Failure = "requires_payment_method", &failure{Cause: d.code, Reason: d.reason, Text: d.message}
		t.emit(c, "setup_intent.setup_failed", si.render())
		e := d.refusal()
		e.extra["setup_intent"] = si.render()
		return e
	}
	si.Method, si.Failure = m.ID, nil
	if challenged(m.Test) {
		si.Status = "requires_action"
		t.emit(c, "setup_intent.requires_action", si.render())
		return nil
	}
	si.Status = "succeeded"
	if cu := t.s.Customers.get(si.Customer); cu != nil {
		if _, err := t.attach(c, m.ID, cu); err != nil {
			return err
		}
	}
	t.emit(c, "setup_intent.succeeded", si.render())
	return nil
}

func (t *Twin) setup(c *call) (*setupIntent, error) {
	si := t.s.Setups.get(c.id)
	if si == nil {
		return nil, missing("setupintent", c.id, "intent", http.StatusNotFound)
	}
	return si, nil
}

func unexpectedSetup(si *setupIntent, verb string) error {
	return refused("setup_intent_unexpected_state", "You cannot %s this SetupIntent because it has a status of %s.", verb, si.Status)
}

func confirmSetup(t *Twin, c *call) (object, error) {
	si, err := t.setup(c)
	if err != nil {
		return nil, err
	}
	method := orElse(c.form.str("payment_method", 255), si.Method)
	c.form.str("return_url", 5000)
	switch {
	case c.form.err != nil:
		return nil, c.form.err
	case si.Status == "succeeded" || si.Status == "canceled" || method == "":
		return nil, unexpectedSetup(si, "confirm")
	}
	if err := t.usable(method, si.Customer); err != nil {
		return nil, err
	}
	if err := t.setUp(c, si, method); err != nil {
		return nil, err
	}
	return si.render(), nil
}

func cancelSetup(t *Twin, c *call) (object, error) {
	si, err := t.setup(c)
	if err != nil {
		return nil, err
	}
	reason := c.form.choice("cancellation_reason", "", "abandoned", "duplicate", "requested_by_customer")
	switch {
	case c.form.err != nil:
		return nil, c.form.err
	case si.Status == "succeeded" || si.Status == "canceled":
		return nil, unexpectedSetup(si, "cancel")
	}
	si.Status, si.CancelReason = "canceled", reason
	t.touch(&si.head)
	t.emit(c, "setup_intent.canceled", si.render())
	return si.render(), nil
}

func getSetup(t *Twin, c *call) (object, error) {
	si, err := t.setup(c)
	if err != nil {
		return nil, err
	}
	return si.render(), nil
}

func listSetups(t *Twin, c *call) (object, error) {
	rows := t.s.Setups.find(eq{"payment_method": c.form.str("payment_method", 255), "customer": c.form.str("customer", 255)}, createdFilter(c), nil)
	return page(c, rows, "setupintent", (*setupIntent).render)
}

func setupRoutes() []route {
	later := []string{
		"attach_to_self", "automatic_payment_methods", "flow_directions", "mandate_data", "on_behalf_of", "payment_method_configuration",
		"payment_method_data", "payment_method_options", "single_use", "use_stripe_sdk",
	}
	return []route{
		post("/v1/setup_intents", createSetup, "confirm", "customer", "description", "metadata", "payment_method", "payment_method_types", "return_url", "usage").with(later...),
		list("/v1/setup_intents", listSetups, "created", "customer", "payment_method").with("attach_to_self"),
		get("/v1/setup_intents/{id}", getSetup),
		post("/v1/setup_intents/{id}/confirm", confirmSetup, "payment_method", "return_url").with(later...),
		post("/v1/setup_intents/{id}/cancel", cancelSetup, "cancellation_reason"),
	}
}
