package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// InvoiceBack says where an Acumatica invoice shows the Stripe invoice.
type InvoiceBack struct {
	Note   bool          `yaml:"note"` // one line of the note; default no
	Fields InvoiceFields `yaml:"fields"`
}

// InvoiceFields are text fields that a customisation has added to the form of
// invoices, "<View>.<Field>"; empty: not written.
type InvoiceFields struct {
	HostedInvoiceURL string `yaml:"hosted_invoice_url"` // the page where it is paid; some 250 characters
	StripeInvoiceID  string `yaml:"stripe_invoice_id"`
	PaymentState     string `yaml:"payment_state"` // open, processing, payment failed, paid, uncollectible, void
}

// CustomerBack says where an Acumatica customer shows the Stripe customer.
type CustomerBack struct {
	Note   bool           `yaml:"note"`
	Fields CustomerFields `yaml:"fields"`
}

// CustomerFields are those of the form of customers.
type CustomerFields struct {
	StripeCustomerID string `yaml:"stripe_customer_id"`
}

// Chosen are the fields that were chosen, by what they show.
func (f InvoiceFields) Chosen() map[string]string {
	return chosen(map[string]string{
		"hosted_invoice_url": f.HostedInvoiceURL, "stripe_invoice_id": f.StripeInvoiceID, "payment_state": f.PaymentState,
	})
}

// Chosen are the fields that were chosen, by what they show.
func (f CustomerFields) Chosen() map[string]string {
	return chosen(map[string]string{"stripe_customer_id": f.StripeCustomerID})
}

func chosen(fields map[string]string) map[string]string {
	maps.DeleteFunc(fields, func(_, field string) bool { return field == "" })
	return fields
}

var customField = regexp.MustCompile(`^[A-Za-z]\w*\.[A-Za-z]\w*$`)

// otherForm tells a view that only the other form has: AR301000 and SO303000 have no BAccount,
// AR303000 has no Document.
func otherForm(path, view string) bool {
	views := map[string][]string{
		"invoices":  {"BAccount", "CurrentCustomer", "DefContact", "DefAddress", "DefLocation"},
		"customers": {"Document", "CurrentDocument", "Transactions"},
	}
	return slices.Contains(views[path[strings.LastIndex(path, ".")+1:]], view)
}

// writeBack checks the names of the fields. Writing to a field of the form
// itself would change the books.
func (v *validator) writeBack(path string, fields map[string]string) {
	taken := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		field, at := fields[name], path+".write_back.fields."+name
		switch {
		case !customField.MatchString(field):
			v.add(at, "such as Document.UsrStripeURL", "%q is not <View>.<Field>", field)
		case !addedField.MatchString(field):
			v.add(at, "the name of a field of a customisation begins with Usr, that of a user-defined field with Attribute", "%q is a field of Acumatica's own", field)
		case otherForm(path, strings.Split(field, ".")[0]):
			v.add(at, "use the view that the form has it in: Document of invoices, BAccount of customers", "%q is of another form", field)
		case taken[field] != "":
			v.add(at, "", "%s is the field of %s already", field, taken[field])
		}
		taken[field] = name
	}
}

var addedField = regexp.MustCompile(`\.(Usr|Attribute)\w+$`)
