package stripetwin

import "net/http"

func getSubItem(t *Twin, c *call) (object, error) {
	si := t.s.SubItems.get(c.id)
	if si == nil {
		return nil, missing("subscription item", c.id, "item", http.StatusNotFound)
	}
	return t.renderSubItem(si), nil
}

func listSubItems(t *Twin, c *call) (object, error) {
	id := c.form.str("subscription", 255)
	if id == "" {
		return nil, missingParam("subscription")
	}
	if t.s.Subs.get(id) == nil {
		return nil, missing("subscription", id, "subscription", http.StatusBadRequest)
	}
	return page(c, t.s.SubItems.find(eq{"subscription": id}, always, nil), "subscription item", t.renderSubItem)
}

// reshape changes one item of a subscription and tells of it.
func (t *Twin) reshape(c *call, s *subscription, old, si *subItem) {
	before := t.renderSub(s)
	t.changeSubItem(c, s, old, si, c.form.str("proration_behavior", 40) != "none")
	t.touch(&s.head)
	t.emitUpdate(c, "customer.subscription.updated", before, t.renderSub(s))
}

// reshapable returns the subscription with the id while it can change.
func (t *Twin) reshapable(c *call, id string) (*subscription, error) {
	c.form.choice("proration_behavior", "create_prorations", "create_prorations", "none")
	c.form.choice("payment_behavior", "allow_incomplete", "allow_incomplete")
	s := t.s.Subs.get(id)
	switch {
	case c.form.err != nil:
		return nil, c.form.err
	case id == "":
		return nil, missingParam("subscription")
	case s == nil || s.ended():
		return nil, missing("subscription", id, "subscription", http.StatusBadRequest)
	}
	return s, nil
}

// oldSubItem returns the item in the path and its subscription while it can
// change.
func (t *Twin) oldSubItem(c *call) (*subItem, *subscription, error) {
	old := t.s.SubItems.get(c.id)
	if old == nil {
		return nil, nil, missing("subscription item", c.id, "item", http.StatusNotFound)
	}
	s, err := t.reshapable(c, old.Sub)
	return old, s, err
}

func createSubItem(t *Twin, c *call) (object, error) {
	s, err := t.reshapable(c, c.form.str("subscription", 255))
	if err != nil {
		return nil, err
	}
	si := &subItem{Quantity: 1}
	if err := t.subItemFields(c, s, si, c.form); err != nil {
		return nil, err
	}
	t.reshape(c, s, nil, si)
	return t.renderSubItem(si), nil
}

func updateSubItem(t *Twin, c *call) (object, error) {
	old, s, err := t.oldSubItem(c)
	if err != nil {
		return nil, err
	}
	changed := *old
	if err := t.subItemFields(c, s, &changed, c.form); err != nil {
		return nil, err
	}
	t.reshape(c, s, old, &changed)
	return t.renderSubItem(old), nil
}

func deleteSubItem(t *Twin, c *call) (object, error) {
	old, s, err := t.oldSubItem(c)
	if err != nil {
		return nil, err
	}
	if t.s.SubItems.find(eq{"subscription": s.ID}, always, func(si *subItem) bool { return si.ID != old.ID }).first() == nil {
		return nil, lastItem()
	}
	t.reshape(c, s, old, nil)
	return object{"id": c.id, "object": "subscription_item", "deleted": true}, nil
}

func subItemRoutes() []route {
	fields := []string{"metadata", "payment_behavior", "price", "price_data", "proration_behavior", "quantity", "tax_rates"}
	return []route{
		post("/v1/subscription_items", createSubItem, append([]string{"subscription"}, fields...)...).with("billing_thresholds", "proration_date"),
		list("/v1/subscription_items", listSubItems, "subscription"),
		get("/v1/subscription_items/{id}", getSubItem),
		post("/v1/subscription_items/{id}", updateSubItem, fields...).with("billing_thresholds", "off_session", "proration_date"),
		delWith("/v1/subscription_items/{id}", deleteSubItem, "proration_behavior").with("clear_usage", "proration_date"),
	}
}
