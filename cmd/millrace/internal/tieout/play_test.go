package tieout

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
	"millrace/internal/stripetwin"
)

// A player does what the script says.
type player struct {
	*world
	did, refusals map[string]int

	buyers   []buyer
	invoices []string // in Stripe, open
	charges  []string // that succeeded or are pending
	refunds  []string
	disputes []string
	payouts  []string // automatic
	byHand   []string // standard payouts made by hand
	topups   []string
}

type buyer struct{ id, currency string }

func play(w *world, s script) *player {
	p := &player{world: w, did: map[string]int{}, refusals: map[string]int{}}
	p.found()
	for i, acts := range s.days {
		for _, a := range acts {
			p.try(a)
		}
		p.pass(day)
		if i%step == step-1 {
			p.catchUp()
		}
	}
	p.end()
	return p
}

// step is after how many days the pipeline catches up. Meanwhile what is given
// back may overtake what was charged.
const step = 3

// found makes the customers with their invoices, and waits until they are in
// Stripe.
func (p *player) found() {
	const invoices = 3
	want := 0
	currencies := map[string]string{}
	for i, currency := range []string{"USD", "EUR", "GBP", "USD"} {
		number := p.erp.AddCustomer(acumaticatwin.Customer{
			Name: "Buyer " + strconv.Itoa(i), Email: "buyer" + strconv.Itoa(i) + "@customer.example", Currency: currency,
			Address: acumaticatwin.Address{Line1: "12 Alder Street", City: "Portland", State: "OR", PostalCode: "97201", Country: "US"},
		})
		currencies[number] = currency
		for n := range invoices {
			nbr := p.erp.AddInvoice(acumaticatwin.Invoice{
				CustomerID: number, Date: p.now().Format("2006-01-02"), Description: "Services",
				Lines: []acumaticatwin.InvoiceLine{{Description: "Services", Qty: decimal.NewFromInt(1), UnitPrice: decimal.New(int64(50_00+i*11_11+n*20_03), -2)}},
			})
			if nbr == "" {
				p.t.Fatalf("an invoice of %s was refused", number)
			}
			want++
		}
	}
	p.until("customers and invoices are in Stripe", func() bool {
		p.invoices = nil
		for _, inv := range p.list("/v1/invoices?limit=100&status=open") {
			p.invoices = append(p.invoices, inv.ID)
		}
		return len(p.invoices) == want
	})
	for _, c := range p.list("/v1/customers?limit=100") {
		p.buyers = append(p.buyers, buyer{c.ID, currencies[c.Metadata["acumatica_customer_id"]]})
	}
	slices.SortFunc(p.buyers, func(a, b buyer) int { return strings.Compare(a.id, b.id) })
	p.catchUp()
}

// end lets everything come to its end: what is pending becomes available, all
// of it is paid out and arrives.
func (p *player) end() {
	for range 2 {
		for i := range 3 { // what comes to nothing is never paid out
			p.try(act{do: "movement", kind: "stripe_fee", how: 1 + i})
		}
		p.pass(9 * day)
		p.catchUp()
		for _, currency := range []string{"usd", "eur", "gbp"} {
			_, _ = p.stripe.PayOut(p.t.Context(), currency) // nothing may be there
		}
		p.pass(4 * day)
	}
	p.catchUp()
}

func (p *player) try(a act) {
	err := p.act(a)
	switch {
	case err == nil:
		p.did[a.do]++
	case errors.Is(err, errNothing) || isRefused(err) || isTwinRefusal(err):
		p.refusals[a.do]++
	default:
		p.t.Errorf("%s: %v", a, err)
	}
}

// errNothing: there is nothing yet that it could be done to.
var errNothing = errors.New("nothing")

// isTwinRefusal: the twin's own methods answer as its API does, with a type
// that nobody else can name.
func isTwinRefusal(err error) bool {
	for _, words := range []string{"not_implemented", "connection", "context"} {
		if strings.Contains(err.Error(), words) {
			return false
		}
	}
	return true
}

func pick(from []string, n int) (string, error) {
	if len(from) == 0 {
		return "", errNothing
	}
	return from[n%len(from)], nil
}

func (p *player) act(a act) error {
	switch a.do {
	case "charge", "guest", "bank debit", "failing debit", "partial capture", "declined":
		return p.charge(a)
	case "invoice":
		return p.payInvoice(a)
	case "refund", "partial refund", "refund fails":
		return p.refund(a)
	case "dispute", "inquiry", "escalate", "dispute lost", "dispute won", "dispute won with its fee":
		return p.dispute(a)
	case "movement":
		return p.book(a)
	}
	return p.treasury(a)
}

func (p *player) charge(a act) error {
	b := p.buyers[a.which%len(p.buyers)]
	currency, method, capture := strings.ToLower(b.currency), "pm_card_visa", ""
	switch a.do {
	case "guest":
		b.id, currency = "", []string{currency, currency, "chf", "jpy"}[a.how%4]
	case "bank debit", "failing debit":
		if method = "pm_usBankAccount_success"; a.do == "failing debit" {
			method = "pm_usBankAccount_insufficientFunds"
		}
		i := slices.IndexFunc(p.buyers, func(b buyer) bool { return b.currency == "USD" })
		b, currency = p.buyers[i], "usd"
	case "partial capture":
		capture = "manual"
	case "declined":
		method = "pm_card_chargeDeclined"
	}
	var pi object
	err := p.post("/v1/payment_intents", &pi, "amount", strconv.FormatInt(a.amount, 10), "currency", currency, "confirm", "true",
		"payment_method", method, "customer", b.id, "capture_method", capture, "description", "Order")
	if err == nil && capture != "" {
		err = p.post("/v1/payment_intents/"+pi.ID+"/capture", &pi, "amount_to_capture", strconv.FormatInt(1+a.amount*int64(1+a.how%9)/10, 10))
	}
	if err == nil && pi.Latest != "" {
		p.charges = append(p.charges, pi.Latest)
	}
	return err
}

func (p *player) payInvoice(a act) error {
	if len(p.invoices) == 0 {
		return errNothing
	}
	i := a.which % len(p.invoices)
	id := p.invoices[i]
	p.invoices = slices.Delete(p.invoices, i, i+1)
	var inv object
	err := p.post("/v1/invoices/"+id+"/pay", &inv, "payment_method", "pm_card_visa")
	if err == nil && inv.Charge != "" {
		p.charges = append(p.charges, inv.Charge)
	}
	return err
}

func (p *player) refund(a act) error {
	if a.do == "refund fails" {
		id, err := pick(p.refunds, a.which)
		if err == nil {
			err = p.stripe.FailRefund(p.t.Context(), id, "expired_or_canceled_card")
		}
		return err
	}
	charge, err := pick(p.charges, a.which)
	if err != nil {
		return err
	}
	amount := ""
	if a.do == "partial refund" {
		amount = strconv.FormatInt(1+a.amount%20_00, 10)
	}
	var r object
	if err = p.post("/v1/refunds", &r, "charge", charge, "amount", amount); err == nil {
		p.refunds = append(p.refunds, r.ID)
	}
	return err
}

func (p *player) dispute(a act) error {
	ctx := p.t.Context()
	if a.do == "dispute" || a.do == "inquiry" {
		charge, err := pick(p.charges, a.which)
		if err != nil {
			return err
		}
		id, err := p.stripe.Dispute(ctx, charge, "", a.do == "inquiry")
		if err == nil {
			p.disputes = append(p.disputes, id)
		}
		return err
	}
	id, err := pick(p.disputes, a.which)
	switch {
	case err != nil:
		return err
	case a.do == "escalate":
		return p.stripe.EscalateDispute(ctx, id)
	}
	return p.stripe.CloseDispute(ctx, id, a.do != "dispute lost", a.do == "dispute won with its fee")
}

// book is a movement that Stripe makes by itself.
func (p *player) book(a act) error {
	m := stripetwin.Movement{
		Type: a.kind, Amount: a.amount - 450_00, Currency: []string{"", "", "eur", "gbp"}[a.how%4], Days: []int{0, 2}[a.how%2], Description: "By Stripe",
	}
	if a.kind == unknown {
		m.Future, m.Category = true, unknown
	}
	if a.how%5 == 0 {
		m.Fee = a.amount%7_00 - 50
	}
	id, err := p.stripe.Book(p.t.Context(), m)
	if err == nil && id != "" {
		p.did["type "+a.kind]++
	}
	return err
}

func (p *player) treasury(a act) error {
	ctx := p.t.Context()
	var o object
	switch a.do {
	case "pay out":
		id, err := p.stripe.PayOut(ctx, []string{"usd", "eur", "gbp"}[a.which%3])
		if err == nil {
			p.payouts = append(p.payouts, id)
		}
		return err
	case "payout by hand", "instant payout":
		method := "standard"
		if a.do == "instant payout" {
			method = "instant"
		}
		err := p.post("/v1/payouts", &o, "amount", strconv.FormatInt(a.amount/3, 10), "currency", []string{"usd", "usd", "eur", "gbp"}[a.which%4], "method", method)
		if err == nil && method == "standard" {
			p.byHand = append(p.byHand, o.ID)
		}
		return err
	case "payout fails":
		id, err := pick(slices.Concat(p.payouts, p.byHand), a.which)
		if err == nil {
			err = p.stripe.FailPayout(ctx, id, "account_closed")
		}
		return err
	case "payout cancelled":
		if err := p.post("/v1/payouts", &o, "amount", strconv.FormatInt(a.amount/9, 10), "currency", "usd"); err != nil {
			return err
		}
		return p.post("/v1/payouts/"+o.ID+"/cancel", &o)
	case "top-up":
		err := p.post("/v1/topups", &o, "amount", strconv.FormatInt(a.amount, 10), "currency", "usd", "description", "Top-up")
		if err == nil {
			p.topups = append(p.topups, o.ID)
		}
		return err
	case "top-up fails":
		id, err := pick(p.topups, a.which)
		if err == nil {
			err = p.stripe.FailTopup(ctx, id, "insufficient_funds")
		}
		return err
	case "bank account abroad":
		return p.ask("POST", "/_twin/rates", strings.NewReader(`{"settle":["usd","eur","gbp"]}`), &struct{}{})
	}
	return errors.New("nobody knows how")
}
