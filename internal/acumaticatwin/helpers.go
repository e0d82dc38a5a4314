package acumaticatwin

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// A Customer is what AddCustomer and POST /_twin/customers take.
type Customer struct {
	Name     string  `json:"name"`
	Email    string  `json:"email"`
	Phone    string  `json:"phone"`
	Currency string  `json:"currency"` // "" is USD
	Terms    string  `json:"terms"`    // "" is NET30
	TaxZone  string  `json:"tax_zone"` // "" is untaxed; see SeedTaxZone
	Status   string  `json:"status"`   // "" is Active
	Address  Address `json:"address"`
}

// An Address is a postal address; Country is an ISO 3166 code.
type Address struct {
	Line1      string `json:"line1"`
	Line2      string `json:"line2"`
	City       string `json:"city"`
	State      string `json:"state"`
	PostalCode string `json:"postal_code"`
	Country    string `json:"country"`
}

// An Invoice is what AddInvoice and POST /_twin/invoices take.
type Invoice struct {
	Type          string        `json:"type"` // "" is Invoice; or Credit Memo
	CustomerID    string        `json:"customer_id"`
	Date          string        `json:"date"`  // 2006-01-02; "" is today
	Terms         string        `json:"terms"` // "" is the customer's
	Description   string        `json:"description"`
	CustomerOrder string        `json:"customer_order"`
	Currency      string        `json:"currency"`   // "" is the customer's
	Unreleased    bool          `json:"unreleased"` // stay Balanced
	Lines         []InvoiceLine `json:"lines"`
}

// An InvoiceLine is one line; a negative price is a discount line.
type InvoiceLine struct {
	Description string          `json:"description"`
	InventoryID string          `json:"inventory_id"`
	Qty         decimal.Decimal `json:"qty"`
	UnitPrice   decimal.Decimal `json:"unit_price"`
	Taxable     bool            `json:"taxable"`
}

// AddCustomer saves a customer through the same rules as the API and returns
// its id; "" when the rules refuse it, with the reason in the log.
func (t *Twin) AddCustomer(c Customer) (customerID string) {
	id, err := t.addCustomer(c)
	if err != nil {
		t.o.Log.Error("acumatica twin customer refused", "error", err)
	}
	return id
}

// AddInvoice saves and releases an invoice through the same rules as the API
// and returns its number; "" when the rules refuse it, with the reason in the
// log.
func (t *Twin) AddInvoice(i Invoice) (refNbr string) {
	ref, err := t.addInvoice(i)
	if err != nil {
		t.o.Log.Error("acumatica twin invoice refused", "error", err)
	}
	return ref
}

// newPatch makes a patch of name and value pairs; empty values are left out.
func newPatch(pairs ...string) *patch {
	p := &patch{fields: map[string]*string{}, one: map[string]*patch{}, many: map[string][]*patch{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := pairs[i+1]; v != "" {
			p.fields[pairs[i]] = &v
		}
	}
	return p
}

func (c Customer) patch() *patch {
	p := newPatch("CustomerName", c.Name, "CurrencyID", c.Currency, "Terms", c.Terms, "TaxZone", c.TaxZone, "Status", c.Status)
	p.one["MainContact"] = newPatch("Email", c.Email, "Phone1", c.Phone)
	a := c.Address
	p.one["MainContact"].one["Address"] = newPatch("AddressLine1", a.Line1, "AddressLine2", a.Line2, "City", a.City,
		"State", a.State, "PostalCode", a.PostalCode, "Country", a.Country)
	return p
}

func (t *Twin) addCustomer(c Customer) (string, error) {
	r, err := t.insert(entityCustomer, c.patch(), "")
	if err != nil {
		return "", err
	}
	return r.get("CustomerID"), nil
}

func (t *Twin) addInvoice(i Invoice) (string, error) {
	if len(i.Lines) == 0 {
		return "", errors.New(`lines: want at least one, such as {"description": "Chairs", "qty": "2", "unit_price": "50"}; without, the invoice is over nothing`)
	}
	p := newPatch("Type", i.Type, "Customer", i.CustomerID, "Date", i.Date, "Terms", i.Terms, "Description", i.Description,
		"CustomerOrder", i.CustomerOrder, curyID, i.Currency, "Hold", "false")
	for _, l := range i.Lines {
		category := ""
		if l.Taxable {
			category = SeedTaxCategory
		}
		p.many["Details"] = append(p.many["Details"], newPatch("TransactionDescription", l.Description, "InventoryID", l.InventoryID,
			"Qty", l.Qty.String(), "UnitPrice", l.UnitPrice.String(), "TaxCategory", category))
	}
	then := "ReleaseInvoice"
	if i.Unreleased {
		then = ""
	}
	r, err := t.insert(entityInvoice, p, then)
	if err != nil {
		return "", err
	}
	return r.get("ReferenceNbr"), nil
}

// insert saves one record and runs an action on it, both or neither.
func (t *Twin) insert(name string, p *patch, then string) (*record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	x, e := t.begin(), t.cat[name]
	r, bad := x.upsert(e, nil, p)
	if !bad.empty() {
		return nil, fmt.Errorf("http %d: %w", http.StatusUnprocessableEntity, bad.err())
	}
	if then != "" {
		if fail := e.actions[then](x, r); fail != nil {
			return nil, fail
		}
	}
	return r, t.commit(x)
}

// err joins the texts of all problems.
func (p *problems) err() error {
	var texts []string
	for _, fields := range p.fields {
		for f, text := range fields {
			texts = append(texts, strings.TrimPrefix(f+": "+text, ": "))
		}
	}
	slices.Sort(texts)
	return errors.New(strings.Join(texts, "; "))
}

// A PaymentView is a payment as a bookkeeper sees it.
type PaymentView struct {
	Type          string          `json:"type"`
	ReferenceNbr  string          `json:"reference_nbr"`
	Status        string          `json:"status"`
	CustomerID    string          `json:"customer_id"`
	PaymentRef    string          `json:"payment_ref"`
	CurrencyID    string          `json:"currency_id"`
	PaymentAmount decimal.Decimal `json:"payment_amount"`
	Charges       decimal.Decimal `json:"charges"`    // finance charges, which the cash account does not get
	AppliedTo     []AppliedTo     `json:"applied_to"` // released applications first, then those that are not
}

// AppliedTo is one application of a payment.
type AppliedTo struct {
	ReferenceNbr string          `json:"reference_nbr"`
	Amount       decimal.Decimal `json:"amount"`
}

// Payments returns all payments, prepayments, refunds and voids, ordered by type and number.
func (t *Twin) Payments() []PaymentView {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	views := []PaymentView{}
	for r := range t.begin().walk(entityPayment, "") {
		if r.get("Type") == typeCreditMemo {
			continue
		}
		v := PaymentView{
			Type: r.get("Type"), ReferenceNbr: r.get("ReferenceNbr"), Status: r.get("Status"), CustomerID: r.get("CustomerID"),
			PaymentRef: r.get("PaymentRef"), CurrencyID: r.get("CurrencyID"), PaymentAmount: r.dec("PaymentAmount"), AppliedTo: []AppliedTo{},
		}
		for _, l := range r.Many[partCharges] {
			v.Charges = v.Charges.Add(l.dec("Amount"))
		}
		for _, h := range r.Many[partHistory] {
			v.AppliedTo = append(v.AppliedTo, AppliedTo{h.get("AdjustedRefNbr"), h.dec("AmountPaid")})
		}
		for _, l := range r.Many[partApply] {
			v.AppliedTo = append(v.AppliedTo, AppliedTo{l.get("ReferenceNbr"), l.dec("AmountPaid")})
		}
		views = append(views, v)
	}
	return views
}

// An InvoiceView is an invoice or credit memo as a bookkeeper sees it.
type InvoiceView struct {
	Type          string          `json:"type"`
	ReferenceNbr  string          `json:"reference_nbr"`
	Status        string          `json:"status"`
	CustomerID    string          `json:"customer_id"`
	CustomerOrder string          `json:"customer_order"`
	CurrencyID    string          `json:"currency_id"`
	Date          string          `json:"date"`
	DueDate       string          `json:"due_date"`
	Amount        decimal.Decimal `json:"amount"`
	TaxTotal      decimal.Decimal `json:"tax_total"`
	Balance       decimal.Decimal `json:"balance"`
	BaseBalance   decimal.Decimal `json:"base_balance"` // in the base currency
}

// Invoices returns all invoices and credit memos, ordered by type and number.
func (t *Twin) Invoices() []InvoiceView {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	views := []InvoiceView{}
	for r := range t.begin().walk(entityInvoice, "") {
		views = append(views, viewInvoice(r))
	}
	return views
}

func viewInvoice(r *record) InvoiceView {
	return InvoiceView{
		Type: r.get("Type"), ReferenceNbr: r.get("ReferenceNbr"), Status: r.get("Status"), CustomerID: r.get("Customer"),
		CustomerOrder: r.get("CustomerOrder"), CurrencyID: r.get(curyID), Date: r.get("Date"), DueDate: r.get("DueDate"),
		Amount: r.dec("Amount"), TaxTotal: r.dec("TaxTotal"), Balance: r.dec("Balance"), BaseBalance: baseLeft(r, r.dec("Balance")),
	}
}
