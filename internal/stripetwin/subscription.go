package stripetwin

import (
	"net/http"
	"slices"
)

// incompleteFor is how long, in seconds, the first invoice of a subscription
// may stay unpaid.
const incompleteFor = 23 * 3600

// longestTrial is in seconds. Stripe: two years.
const longestTrial = 730 * 24 * 3600

// trialEnd refuses when a trial cannot end.
func trialEnd(end, now int64) error {
	switch {
	case end <= now:
		return invalid("", "trial_end", "The trial end must be in the future.")
	case end > now+longestTrial:
		return invalid("", "trial_end", "Invalid timestamp: can be no more than two years in the future.")
	}
	return nil
}

// A subscription makes an invoice at the start of each of its periods.
type subscription struct {
	head
	Customer, Currency, Status, Collection, Method, Description string
	DaysUntilDue                                                int64
	TaxRates                                                    []string
	Interval                                                    string // of its prices
	Count                                                       int64
	Start, Anchor, PeriodStart, PeriodEnd                       int64
	Periods                                                     int64 // begun since Anchor
	TrialStart, TrialEnd                                        int64
	TrialTold                                                   bool
	AtPeriodEnd                                                 bool // ends then
	CancelAt, CanceledAt, EndedAt                               int64
	Reason, Comment, Feedback                                   string // of the cancellation
	Latest                                                      string // invoice

	fresh bool // nobody has been told of it yet
}

func subColumns() []column[subscription] {
	return []column[subscription]{
		by("customer", func(s *subscription) string { return s.Customer }),
		by("status", func(s *subscription) string { return s.Status }),
		dueAt((*subscription).due),
	}
}

func (s *subscription) ended() bool {
	return s.Status == "canceled" || s.Status == "incomplete_expired"
}

func (t *Twin) renderSub(s *subscription) object {
	data := []any{}
	for si := range t.s.SubItems.find(eq{"subscription": s.ID}, always, nil).oldest() {
		data = append(data, t.renderSubItem(si))
	}
	var days any
	if s.Collection == "send_invoice" {
		days = s.DaysUntilDue
	}
	return object{
		"id": s.ID, "object": "subscription", "application": nil, "application_fee_percent": nil, "automatic_tax": object{"enabled": false, "liability": nil},
		"billing_cycle_anchor": s.Anchor, "billing_cycle_anchor_config": nil, "billing_thresholds": nil, "cancel_at": timeOrNull(s.cancelAt()),
		"cancel_at_period_end": s.AtPeriodEnd, "canceled_at": timeOrNull(s.CanceledAt),
		"cancellation_details": object{"comment": orNull(s.Comment), "feedback": orNull(s.Feedback), "reason": orNull(s.Reason)},
		"collection_method":    s.Collection, "created": s.Created, "currency": s.Currency, "current_period_end": s.PeriodEnd,
		"current_period_start": s.PeriodStart, "customer": s.Customer, "days_until_due": days, "default_payment_method": orNull(s.Method),
		"default_source": nil, "default_tax_rates": t.renderRates(s.TaxRates), "description": orNull(s.Description), "discount": nil,
		"ended_at": timeOrNull(s.EndedAt), "items": object{
			"object": "list", "data": data, "has_more": false, "url": "/v1/subscription_items?subscription=" + s.ID,
		},
		"latest_invoice": orNull(s.Latest), "livemode": false, "metadata": metadataOf(s.Metadata), "next_pending_invoice_item_invoice": nil,
		"on_behalf_of": nil, "pause_collection": nil, "payment_settings": object{
			"payment_method_options": nil, "payment_method_types": nil, "save_default_payment_method": "off",
		},
		"pending_invoice_item_interval": nil, "pending_setup_intent": nil, "pending_update": nil, "schedule": nil, "start_date": s.Start,
		"status": s.Status, "test_clock": nil, "transfer_data": nil, "trial_end": timeOrNull(s.TrialEnd),
		"trial_settings": object{"end_behavior": object{"missing_payment_method": "create_invoice"}}, "trial_start": timeOrNull(s.TrialStart),
	}
}

func (s *subscription) cancelAt() int64 {
	if s.AtPeriodEnd {
		return s.PeriodEnd
	}
	return s.CancelAt
}

// subMetadata is what an invoice shows of its subscription's metadata.
func (t *Twin) subMetadata(inv *invoice) any {
	if s := t.s.Subs.get(inv.Sub); s != nil {
		return metadataOf(s.Metadata)
	}
	return nil
}

// subFields reads what create and update share.
func (t *Twin) subFields(c *call, s *subscription) error {
	f := c.form
	f.set(&s.Description, "description", 500)
	f.set(&s.Method, "default_payment_method", 255)
	s.Collection = f.choice("collection_method", s.Collection, "charge_automatically", "send_invoice")
	s.DaysUntilDue = f.integer("days_until_due", s.DaysUntilDue)
	s.AtPeriodEnd = f.boolean("cancel_at_period_end", s.AtPeriodEnd)
	s.Metadata = f.metadata(s.Metadata)
	f.boolean("off_session", false)
	f.choice("payment_behavior", "allow_incomplete", "allow_incomplete", "default_incomplete", "error_if_incomplete")
	f.choice("proration_behavior", "create_prorations", "create_prorations", "none")
	if f.has("cancel_at") {
		s.CancelAt = 0
		if f.str("cancel_at", 20) != "" {
			s.CancelAt = f.integer("cancel_at", 0)
		}
	}
	if f.has("default_tax_rates") {
		s.TaxRates = t.rates(f, "default_tax_rates")
	}
	if end := f.sub("trial_settings"); end != nil {
		if b := end.sub("end_behavior"); b != nil && b.str("missing_payment_method", 40) != "create_invoice" {
			f.fail(notImplemented("trial_settings other than create_invoice"))
		}
	}
	switch {
	case f.err != nil:
		return f.err
	case s.Collection == "send_invoice" && !f.has("days_until_due") && s.DaysUntilDue == 0:
		return missingParam("days_until_due")
	case s.Collection != "send_invoice" && f.has("days_until_due"):
		return invalid("", "days_until_due", "days_until_due can only be set if collection_method is send_invoice.")
	case s.AtPeriodEnd && s.CancelAt != 0:
		return invalid("", "cancel_at", "You can only specify one of cancel_at and cancel_at_period_end.")
	case s.CancelAt != 0 && s.CancelAt <= c.now:
		return invalid("", "cancel_at", "cancel_at must be in the future.")
	}
	if f.has("default_payment_method") && s.Method != "" {
		return t.usable(s.Method, s.Customer)
	}
	return nil
}

// trial reads trial_period_days or trial_end of a new subscription. Stripe: at
// most two years.
func (s *subscription) trial(c *call) error {
	f := c.form
	days, end := f.integer("trial_period_days", 0), int64(0)
	if f.has("trial_end") && f.str("trial_end", 20) != "now" {
		end = f.integer("trial_end", 0)
	}
	switch {
	case f.err != nil:
		return f.err
	case f.has("trial_period_days") && f.has("trial_end"):
		return invalid("parameters_exclusive", "", "You may only specify one of these parameters: trial_period_days, trial_end.")
	case days < 0 || days > 730:
		return invalid("", "trial_period_days", "The maximum number of trial period days is 730 (2 years).")
	case days > 0:
		end = c.now + days*24*3600
	}
	if end == 0 {
		return nil
	}
	s.TrialStart, s.TrialEnd = c.now, end
	return trialEnd(end, c.now)
}

func createSub(t *Twin, c *call) (object, error) {
	cu, err := t.customerParam(c)
	if err != nil {
		return nil, err
	}
	s := &subscription{Customer: cu.ID, Collection: "charge_automatically", Start: c.now, Anchor: c.now, Status: "incomplete"}
	if err := t.subFields(c, s); err != nil {
		return nil, err
	}
	if err := s.trial(c); err != nil {
		return nil, err
	}
	items, err := t.newSubItems(c, s)
	if err != nil {
		return nil, err
	}
	behaviour := c.form.str("payment_behavior", 40)
	if err := t.canBePaid(s, items, behaviour); err != nil {
		return nil, err
	}
	s.fresh = true
	t.startSub(c, s, items, behaviour != "default_incomplete")
	s.fresh = false
	t.emit(c, "customer.subscription.created", t.renderSub(s))
	t.tellTrial(c, s)
	return t.renderSub(s), nil
}

// canBePaid refuses a subscription whose first invoice could not be charged.
func (t *Twin) canBePaid(s *subscription, items []*subItem, behaviour string) error {
	var sum int64
	for _, si := range items {
		sum += t.s.Prices.get(si.Price).times(si.Quantity)
	}
	if s.TrialEnd != 0 || s.Collection == "send_invoice" || sum == 0 || behaviour == "default_incomplete" {
		return nil
	}
	method := t.defaultMethod(s.Customer, s.Method)
	if method == "" {
		return refused("resource_missing", "This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.")
	}
	if err := t.usable(method, s.Customer); err != nil {
		return err
	}
	if m := t.s.Methods.get(method); m != nil && behaviour == "error_if_incomplete" {
		if d, bad := declines(m.Test); bad {
			return d.refusal()
		}
	}
	return nil
}

// startSub stores a new subscription and makes its first invoice, which is
// finalised at once, and paid when that is wanted.
func (t *Twin) startSub(c *call, s *subscription, items []*subItem, pay bool) {
	meta := s.Metadata
	s.head = t.newHead(c, t.newID("sub_1", 23))
	s.Metadata = meta
	s.PeriodStart, s.PeriodEnd = c.now, s.step(c.now, 1)
	if s.TrialEnd != 0 {
		s.Status, s.Anchor, s.PeriodEnd = "trialing", s.TrialEnd, s.TrialEnd
	}
	if s.AtPeriodEnd {
		s.CanceledAt, s.Reason = c.now, "cancellation_requested"
	}
	t.s.Subs.put(s)
	for _, si := range items {
		t.addSubItem(c, s, si)
	}
	inv := t.cycleInvoice(c, s, "subscription_create")
	if s.Collection == "send_invoice" {
		if s.Status == "incomplete" {
			s.Status = "active"
		}
		return
	}
	inv.AutoAdvance = pay
	if err := t.finalize(c, inv, pay); err != nil {
		panic("stripetwin: " + err.Error()) // impossible: it is a draft with lines
	}
	if pay && inv.Status == "open" {
		t.collect(c, inv)
	}
}

func (t *Twin) sub(c *call) (*subscription, error) {
	s := t.s.Subs.get(c.id)
	if s == nil {
		return nil, missing("subscription", c.id, "id", http.StatusNotFound)
	}
	return s, nil
}

func getSub(t *Twin, c *call) (object, error) {
	s, err := t.sub(c)
	if err != nil {
		return nil, err
	}
	return t.renderSub(s), nil
}

// listSubs leaves out canceled ones unless they are asked for.
func listSubs(t *Twin, c *call) (object, error) {
	f := c.form
	status := f.choice("status", "", "active", "all", "canceled", "ended", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid")
	want := eq{"customer": f.str("customer", 255)}
	if !slices.Contains([]string{"", "all", "ended"}, status) {
		want["status"] = status
	}
	price := f.str("price", 255)
	rows := t.s.Subs.find(want, createdFilter(c), func(s *subscription) bool {
		if status == "" && s.Status == "canceled" || status == "ended" && !s.ended() {
			return false
		}
		return price == "" || t.s.SubItems.find(eq{"subscription": s.ID}, always, func(si *subItem) bool { return si.Price == price }).first() != nil
	})
	return page(c, rows, "subscription", t.renderSub)
}

func searchSubs(t *Twin, c *call) (object, error) { return search(t, c, t.s.Subs, t.renderSub) }
