package acumaticatwin

import "cmp"

// addressOrder gives an order the customer's addresses and contacts, for each
// that the client did not set for this order alone.
func (x *tx) addressOrder(c, r *record) {
	for _, to := range []struct{ name, from, own string }{
		{"BillTo", "BillingContact", "BillingContactOverride"},
		{"ShipTo", "ShippingContact", "ShippingContactOverride"},
	} {
		from := c.One["MainContact"]
		if special := c.One[to.from]; special != nil && c.yes(to.own) {
			from = special
		}
		if from == nil {
			continue
		}
		if !r.yes(to.name + "ContactOverride") {
			r.One[to.name+"Contact"] = x.copyOf(r.One[to.name+"Contact"], from, "Attention", "Email", "Phone1")
			r.One[to.name+"Contact"].setDefault("BusinessName", cmp.Or(from.get("CompanyName"), c.get("CustomerName")))
		}
		if a := from.One["Address"]; a != nil && !r.yes(to.name+"AddressOverride") {
			r.One[to.name+"Address"] = x.copyOf(r.One[to.name+"Address"], a, "AddressLine1", "AddressLine2", "City", "Country", "PostalCode", "State")
		}
	}
}

// copyOf is a record with the id of the one it replaces and the named fields of
// another.
func (x *tx) copyOf(old, from *record, names ...string) *record {
	if old == nil {
		old = newRecord(x.newID())
	}
	r := newRecord(old.ID)
	for _, name := range names {
		r.setDefault(name, from.get(name))
	}
	return r
}
