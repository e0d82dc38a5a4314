package stripetwin

import (
	"slices"
	"strings"
)

// expandable names, per kind of object, the members that hold the id of
// another object (or a list that is left out unless expanded).
var expandable = map[string][]string{
	"invoice": {
		"account_tax_ids", "application", "charge", "customer", "default_payment_method", "default_source", "discounts", "from_invoice",
		"latest_revision", "lines", "on_behalf_of", "payment_intent", "quote", "subscription", "test_clock",
	},
	"charge": {
		"application", "application_fee", "balance_transaction", "customer", "failure_balance_transaction", "invoice",
		"on_behalf_of", "payment_intent", "refunds", "review", "source_transfer", "transfer",
	},
	"payment_intent":      {"application", "customer", "invoice", "latest_charge", "on_behalf_of", "payment_method", "review"},
	"refund":              {"balance_transaction", "charge", "failure_balance_transaction", "payment_intent", "source_transfer_reversal", "transfer_reversal"},
	"dispute":             {"charge", "payment_intent"},
	"payout":              {"balance_transaction", "destination", "failure_balance_transaction", "original_payout", "reversed_by"},
	"checkout.session":    {"customer", "invoice", "line_items", "payment_intent", "payment_link", "setup_intent", "subscription"},
	"credit_note":         {"customer", "customer_balance_transaction", "invoice", "refund"},
	"balance_transaction": {"source"},
	"customer":            {"cash_balance", "default_source", "discount", "invoice_settings", "sources", "subscriptions", "tax", "tax_ids", "test_clock"},
	"invoiceitem":         {"customer", "discounts", "invoice", "price", "subscription", "test_clock"},
	"line_item":           {"discounts", "invoice_item", "price", "subscription", "subscription_item"},
	"invoice_settings":    {"default_payment_method"},
	"item":                {"price"},
	"payment_method":      {"customer"},
	"price":               {"product"},
	"product":             {"default_price", "tax_code"},
	"setup_intent":        {"application", "customer", "latest_attempt", "mandate", "on_behalf_of", "payment_method", "single_use_mandate"},
	"subscription": {
		"application", "customer", "default_payment_method", "default_source", "items", "latest_invoice", "on_behalf_of", "pending_setup_intent",
		"schedule", "test_clock",
	},
	"subscription_item":            {"price"},
	"customer_balance_transaction": {"credit_note", "customer", "invoice"},
	"tax_id":                       {"customer"},
	"topup":                        {"balance_transaction"},
}

// behind is the kind of object that an expandable member names; members that
// are not listed are null in the twin, or (source) of any kind.
var behind = map[string]string{
	"balance_transaction": "balance_transaction", "charge": "charge", "customer": "customer", "invoice": "invoice",
	"invoice_item": "invoiceitem", "latest_charge": "charge", "lines": "line_item", "payment_intent": "payment_intent",
	"default_payment_method": "payment_method", "default_price": "price", "invoice_settings": "invoice_settings", "items": "subscription_item",
	"latest_invoice": "invoice", "line_items": "item", "payment_method": "payment_method", "price": "price", "product": "product",
	"setup_intent": "setup_intent", "subscription": "subscription", "subscription_item": "subscription_item", "failure_balance_transaction": "balance_transaction", "refunds": "refund", "refund": "refund",
	"customer_balance_transaction": "customer_balance_transaction", "credit_note": "credit_note",
	"destination": "bank_account", "tax_ids": "tax_id",
}

// absent are members that are left out unless expanded and that the twin
// cannot make.
var absent = map[string][]string{"customer": {"cash_balance", "sources", "subscriptions", "tax"}}

// checkExpand refuses bad paths before anything is executed. Stripe: at most
// four levels; on lists the path starts with "data.".
func checkExpand(r route, paths []string) error {
	for _, path := range paths {
		segs := strings.Split(path, ".")
		if len(segs) > 4 {
			return invalid("", "expand", "You cannot expand more than 4 levels of a property. Property: %s", path)
		}
		kind, inList := r.kind, r.list
		for i := 0; i < len(segs) && kind != ""; i++ {
			switch {
			case inList && path == "total_count" && strings.HasSuffix(r.pattern, "/search"):
				kind = ""
			case inList && segs[i] == "data":
				inList = false
			case inList:
				return invalid("", "expand", "This property cannot be expanded (%s). You may want to try expanding 'data.%s' instead.", path, path)
			case !slices.Contains(expandable[kind], segs[i]):
				return invalid("", "expand", "This property cannot be expanded (%s).", segs[i])
			case slices.Contains(absent[kind], segs[i]):
				return notImplemented("expanding %s of a %s", segs[i], kind)
			default:
				inList = slices.Contains([]string{"items", "line_items", "lines", "refunds", "tax_ids"}, segs[i])
				kind = behind[segs[i]]
			}
		}
	}
	return nil
}

// expand replaces the ids on a path that checkExpand let pass by the objects
// they name.
func (t *Twin) expand(o object, segs []string) {
	if len(segs) == 0 {
		return
	}
	if list, ok := o["data"].([]any); ok && segs[0] == "data" {
		for _, v := range list {
			if el, ok := v.(object); ok {
				t.expand(el, segs[1:])
			}
		}
		return
	}
	switch v := o[segs[0]].(type) {
	case string:
		if target := t.lookup(v); target != nil {
			o[segs[0]] = target
			t.expand(target, segs[1:])
		}
	case object:
		t.expand(v, segs[1:])
	case nil:
		if list := t.leftOut(o, segs[0]); list != nil {
			o[segs[0]] = list
			t.expand(list, segs[1:])
		}
	}
}

// leftOut is a list that is shown only when expanded, or nil.
func (t *Twin) leftOut(o object, member string) object {
	id, _ := o["id"].(string)
	switch {
	case o["object"] == "charge" && member == "refunds":
		return t.embeddedRefunds(id)
	case o["object"] == "checkout.session" && member == "line_items":
		return t.embeddedSessionLines(id)
	case o["object"] == "customer" && member == "tax_ids" && o["deleted"] == nil:
		return t.embeddedTaxIDs(id)
	}
	return nil
}

// lookup renders whatever object has the id, or nil.
func (t *Twin) lookup(id string) object {
	if strings.HasPrefix(id, bankPrefix) {
		return t.renderBank(id)
	}
	st := t.s.storeOf(id)
	if st == nil {
		return nil
	}
	return st.expanded(t, id)
}
