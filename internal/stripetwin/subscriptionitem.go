package stripetwin

import (
	"net/http"
	"time"

	"github.com/shopspring/decimal"
)

// A subItem is a price and how many of it a subscription has.
type subItem struct {
	head
	Sub, Price string
	Quantity   int64
	TaxRates   []string
}

func subItemColumns() []column[subItem] {
	return []column[subItem]{by("subscription", func(si *subItem) string { return si.Sub })}
}

func (t *Twin) renderSubItem(si *subItem) object {
	return object{
		"id": si.ID, "object": "subscription_item", "billing_thresholds": nil, "created": si.Created, "metadata": metadataOf(si.Metadata),
		"price": t.s.Prices.get(si.Price).render(), "quantity": si.Quantity, "subscription": si.Sub, "tax_rates": t.renderRates(si.TaxRates),
	}
}

func (t *Twin) addSubItem(c *call, s *subscription, si *subItem) {
	si.head, si.Sub = withMetadata(t.newHead(c, t.newID("si_", 14)), si.Metadata), s.ID
	t.s.SubItems.put(si)
}

// newSubItems reads the items of a new subscription, which takes its currency
// and interval from them. Stripe: all prices recur in the same rhythm.
func (t *Twin) newSubItems(c *call, s *subscription) ([]*subItem, error) {
	list := c.form.sub("items")
	if list == nil || len(list.keys) == 0 {
		return nil, missingParam("items")
	}
	var items []*subItem
	for _, i := range list.keys {
		el := list.sub(i)
		el.only("metadata", "price", "price_data", "quantity", "tax_rates")
		si := &subItem{Quantity: 1}
		if err := t.subItemFields(c, s, si, el); err != nil {
			return nil, err
		}
		items = append(items, si)
	}
	if len(items) > 20 {
		return nil, invalid("", "items", "You can specify up to 20 items.")
	}
	if cur := c.form.currency(s.Currency); c.form.err != nil || cur != s.Currency {
		return nil, refused("", "The price specified does not support the currency %s.", cur)
	}
	return items, nil
}

func (t *Twin) subItemFields(c *call, s *subscription, si *subItem, f *form) error {
	si.Metadata, si.Quantity = f.metadata(si.Metadata), f.integer("quantity", si.Quantity)
	if f.has("tax_rates") {
		si.TaxRates = t.rates(f, "tax_rates")
	}
	if si.Quantity < 0 {
		return invalid("parameter_invalid_integer", f.name("quantity"), "This value must be greater than or equal to 0 (it currently is '%d').", si.Quantity)
	}
	if c.form.err != nil {
		return c.form.err
	}
	p := t.s.Prices.get(si.Price)
	var err error
	switch {
	case f.has("price_data"):
		p, err = t.priceFrom(c, f.sub("price_data"), true)
	case f.has("price"):
		p, err = t.price(f.str("price", 255), f.name("price"), http.StatusBadRequest)
		if err == nil && p.Inactive {
			err = refused("", "The price specified is inactive. This field only accepts active prices.")
		}
	case p == nil:
		err = missingParam(f.name("price"))
	}
	switch {
	case err != nil:
		return err
	case p.Interval == "":
		return refused("", "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.")
	case s.Interval == "":
		s.Currency, s.Interval, s.Count = p.Currency, p.Interval, p.Count
	case s.Currency != p.Currency:
		return refused("", "The price specified only supports `%s`. This doesn't match the expected currency: `%s`.", p.Currency, s.Currency)
	case s.Interval != p.Interval || s.Count != p.Count:
		if s.ID != "" {
			return notImplemented("another billing interval of a subscription")
		}
		return refused("", "Currency and interval fields must match across all plans on this subscription. Found mismatch in interval field.")
	}
	si.Price = p.ID
	return p.payable(f.name("quantity"), si.Quantity)
}

// planItems reads the items of an update and returns what it changes.
func (t *Twin) planItems(c *call, s *subscription) ([]func(), error) {
	list := c.form.sub("items")
	if list == nil {
		return nil, nil
	}
	prorate := c.form.str("proration_behavior", 40) != "none"
	stay := map[string]bool{} // by id; those that are named are out
	for si := range t.s.SubItems.find(eq{"subscription": s.ID}, always, nil).newest() {
		stay[si.ID] = true
	}
	left := len(stay)
	var plan []func()
	for _, i := range list.keys {
		el := list.sub(i)
		el.only("deleted", "id", "metadata", "price", "price_data", "quantity", "tax_rates")
		id := el.str("id", 255)
		old := t.s.SubItems.get(id)
		switch {
		case !el.has("id"):
			left++
		case old == nil || old.Sub != s.ID:
			return nil, missing("subscription item", id, el.name("id"), http.StatusBadRequest)
		case !stay[id]:
			return nil, invalid("", el.name("id"), "The subscription item %s is named more than once.", id)
		}
		delete(stay, id)
		if el.boolean("deleted", false) {
			if old == nil {
				return nil, missingParam(el.name("id"))
			}
			left--
			plan = append(plan, func() { t.changeSubItem(c, s, old, nil, prorate) })
			continue
		}
		si := &subItem{Quantity: 1}
		if old != nil {
			*si = *old
		}
		if err := t.subItemFields(c, s, si, el); err != nil {
			return nil, err
		}
		plan = append(plan, func() { t.changeSubItem(c, s, old, si, prorate) })
	}
	if c.form.err != nil {
		return nil, c.form.err
	}
	if left == 0 {
		return nil, lastItem()
	}
	return plan, nil
}

func lastItem() *apiError {
	return refused("", "A subscription must have at least one active plan. If you'd like to cancel this subscription, please use the cancel endpoint.")
}

// changeSubItem replaces old by si; either may be nil. Stripe: the time that
// is left of the period is credited at the old price and charged at the new
// one, to the second, as pending invoice items.
func (t *Twin) changeSubItem(c *call, s *subscription, old, si *subItem, prorate bool) {
	if prorate && s.Status == "active" && (old == nil || si == nil || old.Price != si.Price || old.Quantity != si.Quantity) {
		if old != nil {
			t.prorate(c, s, old, -1, "Unused time on ")
		}
		if si != nil {
			if si.ID == "" {
				t.addSubItem(c, s, si)
			}
			t.prorate(c, s, si, 1, "Remaining time on ")
		}
	}
	switch {
	case si == nil:
		t.s.SubItems.delete(old.ID)
	case old != nil:
		*old = *si
		t.touch(&old.head)
	case si.ID == "":
		t.addSubItem(c, s, si)
	}
}

func (t *Twin) prorate(c *call, s *subscription, si *subItem, sign int64, text string) {
	p := t.s.Prices.get(si.Price)
	left, whole := s.PeriodEnd-c.now, s.PeriodEnd-s.PeriodStart
	amount := decimal.NewFromInt(sign*p.times(si.Quantity)).Mul(decimal.NewFromInt(left)).DivRound(decimal.NewFromInt(whole), 0)
	if amount.IsZero() {
		return
	}
	it := &item{
		Customer: s.Customer, Currency: s.Currency, Amount: amount.IntPart(), Quantity: si.Quantity, Price: p.ID, Product: p.Product,
		Unit: amount.DivRound(decimal.NewFromInt(max(1, si.Quantity)), 12).String(), Start: c.now, End: s.PeriodEnd, Sub: s.ID, SubItem: si.ID, Proration: true,
		TaxRates: si.TaxRates, Description: text + t.productName(p) + " after " + time.Unix(c.now, 0).UTC().Format("02 Jan 2006"),
	}
	it.head, it.Line = t.newHead(c, t.newID("ii_1", 23)), t.newID("il_1", 23)
	t.s.Items.put(it)
	t.emit(c, "invoiceitem.created", t.renderItem(it))
}

func (t *Twin) productName(p *price) string {
	if pr := t.s.Products.get(p.Product); pr != nil {
		return pr.Name
	}
	return p.Product
}
