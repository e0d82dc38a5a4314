package stripetwin

import "maps"

// updateSub is POST /v1/subscriptions/{id}.
func updateSub(t *Twin, c *call) (object, error) {
	s, err := t.sub(c)
	if err != nil {
		return nil, err
	}
	changed := *s
	if err := t.subFields(c, &changed); err != nil {
		return nil, err
	}
	f := c.form
	trialEnds := f.has("trial_end") && f.str("trial_end", 20) == "now"
	if f.has("trial_end") && !trialEnds {
		end := f.integer("trial_end", 0)
		switch {
		case f.err != nil:
			return nil, f.err
		case s.Status != "trialing":
			return nil, notImplemented("a trial of a subscription that has none")
		}
		if err := trialEnd(end, c.now); err != nil {
			return nil, err
		}
		changed.TrialEnd, changed.PeriodEnd, changed.Anchor = end, end, end
	}
	changed.cancellation(c)
	switch {
	case f.err != nil:
		return nil, f.err
	case s.ended():
		return nil, refused("", "A canceled subscription can only update its cancellation_details and metadata.")
	}
	plan, err := t.planItems(c, s)
	if err != nil {
		return nil, err
	}
	before := t.renderSub(s)
	*s = changed
	t.touch(&s.head)
	for _, do := range plan {
		do()
	}
	if trialEnds && s.Status == "trialing" {
		t.endTrial(c, s)
	}
	after := t.renderSub(s)
	t.emitUpdate(c, "customer.subscription.updated", before, after)
	return after, nil
}

// cancellation notes that somebody asked for the end, or took that back.
func (s *subscription) cancellation(c *call) {
	if d := c.form.sub("cancellation_details"); d != nil {
		d.only("comment", "feedback")
		d.set(&s.Comment, "comment", 5000)
		s.Feedback = d.choice("feedback", s.Feedback, "customer_service", "low_quality", "missing_features", "other", "switched_service", "too_complex", "too_expensive", "unused")
	}
	if !c.form.has("cancel_at_period_end") && !c.form.has("cancel_at") {
		return
	}
	s.CanceledAt, s.Reason = 0, ""
	if s.AtPeriodEnd || s.CancelAt != 0 {
		s.CanceledAt, s.Reason = c.now, "cancellation_requested"
	}
}

// endTrial begins the first paid period now.
func (t *Twin) endTrial(c *call, s *subscription) {
	s.TrialEnd, s.PeriodEnd, s.Anchor, s.TrialTold = c.now, c.now, c.now, true
	s.nextPeriod()
	inv := t.cycleInvoice(c, s, "subscription_update")
	if err := t.finalize(c, inv, true); err == nil && inv.Status == "open" && inv.Collection == "charge_automatically" {
		t.collect(c, inv)
	}
}

// cancelSub is DELETE /v1/subscriptions/{id}: it ends now.
func cancelSub(t *Twin, c *call) (object, error) {
	s, err := t.sub(c)
	if err != nil {
		return nil, err
	}
	changed := *s
	changed.cancellation(c)
	for _, k := range []string{"invoice_now", "prorate"} {
		if c.form.boolean(k, false) {
			return nil, notImplemented("%s when a subscription is canceled", k)
		}
	}
	switch {
	case c.form.err != nil:
		return nil, c.form.err
	case s.ended():
		return nil, missing("subscription", s.ID, "id", 404)
	}
	*s = changed
	t.endSub(c, s, "cancellation_requested")
	return t.renderSub(s), nil
}

// endSub cancels. Stripe: invoices that are not paid no longer go on by
// themselves.
func (t *Twin) endSub(c *call, s *subscription, reason string) {
	s.Status, s.EndedAt, s.Reason = "canceled", c.now, orElse(s.Reason, reason)
	if s.CanceledAt == 0 {
		s.CanceledAt = c.now
	}
	t.touch(&s.head)
	t.haltInvoices(c, s)
	t.emit(c, "customer.subscription.deleted", t.renderSub(s))
}

func (t *Twin) haltInvoices(c *call, s *subscription) {
	for inv := range t.s.Invoices.find(eq{"subscription": s.ID}, always, nil).newest() {
		if !inv.AutoAdvance || inv.Status != "open" && inv.Status != "draft" {
			continue
		}
		before := t.renderInvoice(inv)
		inv.AutoAdvance, inv.FinalizeAt, inv.AttemptAt = false, 0, 0
		t.touch(&inv.head)
		t.emitUpdate(c, "invoice.updated", before, t.renderInvoice(inv))
	}
}

func subscriptionRoutes() []route {
	shared := []string{
		"cancel_at", "cancel_at_period_end", "collection_method", "days_until_due", "default_payment_method", "default_tax_rates", "description",
		"items", "metadata", "off_session", "payment_behavior", "proration_behavior", "trial_end", "trial_settings",
	}
	later := []string{
		"add_invoice_items", "application_fee_percent", "automatic_tax", "backdate_start_date", "billing_cycle_anchor", "billing_cycle_anchor_config",
		"billing_thresholds", "coupon", "default_source", "invoice_settings", "on_behalf_of", "pause_collection", "payment_settings",
		"pending_invoice_item_interval", "promotion_code", "proration_date", "transfer_data", "trial_from_plan",
	}
	return append([]route{
		post("/v1/subscriptions", createSub, append([]string{"currency", "customer", "trial_period_days"}, shared...)...).with(later...),
		list("/v1/subscriptions", listSubs, "created", "customer", "price", "status").with(
			"automatic_tax", "collection_method", "current_period_end", "current_period_start", "test_clock"),
		get("/v1/subscriptions/search", searchSubs, "query", "limit", "page"),
		get("/v1/subscriptions/{id}", getSub),
		post("/v1/subscriptions/{id}", updateSub, append([]string{"cancellation_details"}, shared...)...).with(later...),
		delWith("/v1/subscriptions/{id}", cancelSub, "cancellation_details", "invoice_now", "prorate"),
	}, subItemRoutes()...)
}

// delWith is del for an endpoint that takes parameters.
func delWith(pattern string, fn handler, accepts ...string) route {
	r := del(pattern, fn)
	r.accepts = accepts
	return r.with()
}

// withMetadata starts the metadata of an object that had its own before it
// had a head.
func withMetadata(h head, meta map[string]string) head {
	maps.Copy(h.Metadata, meta)
	return h
}
