package mirrorproof

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/shopspring/decimal"
)

// What is read of Acumatica, in the stand-in's names.
type (
	books struct {
		invoices  []document
		payments  []payment
		customers []customer
	}
	document struct {
		Type     string          `json:"type"`
		Number   string          `json:"reference_nbr"`
		Status   string          `json:"status"`
		Currency string          `json:"currency_id"`
		Balance  decimal.Decimal `json:"balance"`
	}
	payment struct {
		Type   string          `json:"type"`
		Ref    string          `json:"payment_ref"`
		Amount decimal.Decimal `json:"payment_amount"`
	}
	customer struct {
		id     string
		active bool
	}
)

func readBooks(ctx context.Context, s Sources) (books, error) {
	var b books
	if err := s.ERP(ctx, "/_twin/invoices", &b.invoices); err != nil {
		return b, err
	}
	if err := s.ERP(ctx, "/_twin/payments", &b.payments); err != nil {
		return b, err
	}
	var rows []struct {
		CustomerID, Status struct {
			Value string `json:"value"`
		}
	}
	if err := s.ERP(ctx, "/entity/"+s.Endpoint+"/Customer?$select=CustomerID,Status", &rows); err != nil {
		return b, err
	}
	for _, r := range rows {
		b.customers = append(b.customers, customer{strings.TrimSpace(r.CustomerID.Value), r.Status.Value == "Active"})
	}
	return b, nil
}

// Metadata keys under which Stripe's objects carry Acumatica's numbers.
const (
	metaInvoice  = "acumatica_ref_nbr"
	metaCustomer = "acumatica_customer_id"
)

// What is read of Stripe.
type (
	stripe struct {
		byNumber  map[string][]object // invoices, by the number of their document
		customers []object
		charges   []object
	}
	object struct {
		ID        string            `json:"id"`
		Number    string            `json:"number"`
		Status    string            `json:"status"`
		Currency  string            `json:"currency"`
		Amount    int64             `json:"amount"`
		Paid      int64             `json:"amount_paid"`
		Remaining int64             `json:"amount_remaining"`
		Charge    string            `json:"charge"`
		Outside   bool              `json:"paid_out_of_band"`
		Intent    *intent           `json:"payment_intent"`
		Metadata  map[string]string `json:"metadata"`
	}
)

// An intent is that of an invoice, or of nothing: elsewhere it is but an id.
type intent struct {
	Status string `json:"status"`
}

// UnmarshalJSON takes an id for an intent of which nothing is known.
func (i *intent) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return nil
	}
	type plain intent
	return json.Unmarshal(data, (*plain)(i))
}

func readStripe(ctx context.Context, s Sources) (stripe, error) {
	shown := stripe{byNumber: map[string][]object{}}
	invoices, err := list(ctx, s, "/v1/invoices", "data.payment_intent")
	if err != nil {
		return shown, err
	}
	for _, i := range invoices {
		if number := i.Metadata[metaInvoice]; number != "" {
			shown.byNumber[number] = append(shown.byNumber[number], i)
		}
	}
	if shown.customers, err = list(ctx, s, "/v1/customers", ""); err != nil {
		return shown, err
	}
	shown.charges, err = list(ctx, s, "/v1/charges", "")
	return shown, err
}

// list reads a list to its end, newest first. Stripe: at most 100 a page.
func list(ctx context.Context, s Sources, path, expand string) ([]object, error) {
	var all []object
	for {
		q := url.Values{"limit": {"100"}}
		if expand != "" {
			q.Set("expand[]", expand)
		}
		if len(all) > 0 {
			q.Set("starting_after", all[len(all)-1].ID)
		}
		var page struct {
			Data    []object `json:"data"`
			HasMore bool     `json:"has_more"`
		}
		if err := s.Stripe(ctx, path+"?"+q.Encode(), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Data...)
		if !page.HasMore {
			return all, nil
		}
	}
}

// payable is what a buyer can pay of a document, and what its invoices are.
// A currency that is not the document's counts in full.
func (s stripe) payable(number, currency string) (sum decimal.Decimal, story string) {
	var texts []string
	for _, i := range s.byNumber[number] {
		if i.Status == "open" {
			sum = sum.Add(decimal.New(i.Remaining, -places(strings.ToUpper(i.Currency))))
			if currency != "" && !strings.EqualFold(i.Currency, currency) {
				texts = append(texts, "in "+i.Currency)
			}
		}
		text := i.Number + " " + i.Status
		if i.Outside {
			text += " outside"
		}
		texts = append(texts, text)
	}
	return sum, strings.Join(texts, ", ")
}

// paidByCharge reports a document for which money came in Stripe.
func (s stripe) paidByCharge(number string) bool {
	for _, i := range s.byNumber[number] {
		if i.Status == "paid" && i.Charge != "" && i.Paid > 0 && !i.Outside {
			return true
		}
	}
	return false
}

// debited reports a document of which a bank is being asked. Stripe: nothing can
// be changed meanwhile, and nothing else be paid.
func (s stripe) debited(number string) bool {
	for _, i := range s.byNumber[number] {
		if i.Status == "open" && i.Intent != nil && i.Intent.Status == "processing" {
			return true
		}
	}
	return false
}
