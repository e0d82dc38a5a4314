package year

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
)

// A buyer is a customer in Acumatica, and in Stripe once it has arrived there.
type buyer struct {
	number   string // in Acumatica
	id       string // in Stripe
	currency string // upper case
}

// A sale is an invoice in Acumatica.
type sale struct {
	number   string
	buyer    *buyer
	currency string
}

// billEvery is how many days lie between two invoices of a customer.
const billEvery = 60

// found adds the customers: most in dollars, every fifth in euros, every tenth
// in pounds.
func (c *company) found() {
	first := []string{"Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ivy", "Juniper"}
	second := []string{"Works", "Labs", "Foods", "Press", "Studio"}
	homes := map[string]acumaticatwin.Address{
		"USD": {Line1: "12 Alder Street", City: "Portland", State: "OR", PostalCode: "97201", Country: "US"},
		"EUR": {Line1: "Oudegracht 12", City: "Utrecht", PostalCode: "3511 AB", Country: "NL"},
		"GBP": {Line1: "12 Boar Lane", City: "Leeds", PostalCode: "LS1 5XY", Country: "GB"},
	}
	for i := range c.Customers {
		b := &buyer{currency: "USD"}
		switch {
		case i%5 == 3:
			b.currency = "EUR"
		case i%10 == 4:
			b.currency = "GBP"
		}
		name := fmt.Sprintf("%s %s %d", first[i%len(first)], second[i/len(first)%len(second)], i+1)
		b.number = c.ERP.AddCustomer(acumaticatwin.Customer{
			Name: name, Email: "ap" + strconv.Itoa(i+1) + "@customer.example", Currency: b.currency, Address: homes[b.currency],
		})
		if b.number == "" {
			c.problem("customer %s was refused", name)
			continue
		}
		c.buyers = append(c.buyers, b)
	}
	c.played.Customers = len(c.buyers)
}

// bill invoices the customers whose turn it is today, and lets them pay.
func (c *company) bill() {
	for i, b := range c.buyers {
		if (c.today+i*7)%billEvery != 0 {
			continue
		}
		lines := make([]acumaticatwin.InvoiceLine, 1+c.dice.IntN(3))
		for n := range lines {
			lines[n] = acumaticatwin.InvoiceLine{
				Description: "Services", Qty: decimal.NewFromInt(1 + c.dice.Int64N(4)), UnitPrice: decimal.New(20_00+c.dice.Int64N(400_00), -2),
			}
		}
		number := c.ERP.AddInvoice(acumaticatwin.Invoice{CustomerID: b.number, Date: c.date().Format("2006-01-02"), Description: "Services", Lines: lines})
		if number == "" {
			c.problem("day %d: an invoice of %s was refused", c.today+1, b.number)
			continue
		}
		c.played.Invoices++
		c.settleSale(c.played.Invoices, sale{number: number, buyer: b, currency: b.currency})
	}
}

// settleSale decides what becomes of an invoice, by its turn.
func (c *company) settleSale(turn int, s sale) {
	days := 3 + c.dice.IntN(20)
	card := func(ctx context.Context) error { return c.pay(ctx, s, "pm_card_visa", nil) }
	after := c.afterwards(turn / 2 % bankReturns)
	switch {
	case turn%12 == 5:
		return // never paid
	case turn%12 == 2 && s.currency == "USD":
		var then func(charge string)
		if turn%24 == 2 {
			then = c.afterwards(bankFails)
		}
		c.later(days, "invoice paid from a bank account", func(ctx context.Context) error { return c.pay(ctx, s, "pm_usBankAccount_success", then) })
	case turn%12 == 3 && s.currency == "USD":
		c.later(days, "invoice paid from a bank account that has too little", func(ctx context.Context) error {
			return c.pay(ctx, s, "pm_usBankAccount_insufficientFunds", nil)
		})
		c.later(days+bankDays+2, "invoice paid by card after that", card)
	case turn%12 == 4:
		c.later(days, "invoice declined", func(ctx context.Context) error {
			if err := c.pay(ctx, s, "pm_card_chargeDeclined", nil); !isRefused(err) {
				return err
			}
			return nil
		})
		c.later(days+2, "invoice paid by card after that", card)
	case turn%12 == 6:
		c.later(days-1, "credit note before payment", func(ctx context.Context) error { return c.credit(ctx, s, "") })
		c.later(days, "invoice paid by card, less a credit note", card)
	case turn%12 == 8:
		c.later(days, "invoice paid by card", card)
		c.later(days+step, "credit note after payment", func(ctx context.Context) error { return c.credit(ctx, s, creditMinor) })
	case turn%2 == 0 && after != nil:
		c.later(days, "invoice paid by card", func(ctx context.Context) error { return c.pay(ctx, s, "pm_card_visa", after) })
	default:
		c.later(days, "invoice paid by card", card)
	}
}

// creditMinor is what a credit note is over, in minor units.
const creditMinor = "500"

// credit takes back a part of an invoice; what has been paid is refunded.
func (c *company) credit(ctx context.Context, s sale, refund string) error {
	path := "/v1/invoices?status=open"
	if refund != "" {
		path = "/v1/invoices?status=paid"
	}
	id, err := c.inStripe(ctx, s.number, c.arrived, path, "acumatica_ref_nbr")
	if err != nil {
		return err
	}
	_, err = c.post(ctx, "/v1/credit_notes", "invoice", id, "amount", creditMinor, "refund_amount", refund, "reason", "product_unsatisfactory")
	return err
}

func isRefused(err error) bool {
	_, ok := errors.AsType[refused](err)
	return ok
}

// pay lets the buyer pay an invoice once it is in Stripe, and then do what
// comes after it with its charge.
func (c *company) pay(ctx context.Context, s sale, method string, after func(charge string)) error {
	id, err := c.inStripe(ctx, s.number, c.arrived, "/v1/invoices?status=open", "acumatica_ref_nbr")
	if err != nil {
		return err
	}
	if _, err := c.post(ctx, "/v1/invoices/"+id+"/pay", "payment_method", method); err != nil {
		return err
	}
	if after == nil {
		return nil
	}
	var inv struct {
		Intent string `json:"payment_intent"` // the invoice shows no charge before it succeeds
	}
	if err := c.ask(ctx, http.MethodGet, "/v1/invoices/"+id, "", &inv); err != nil {
		return err
	}
	pi, err := c.call(ctx, http.MethodGet, "/v1/payment_intents/"+inv.Intent, "")
	if err != nil {
		return err
	}
	after(pi.Charge)
	return nil
}

// inStripe finds the id of what came from Acumatica. What has not arrived is
// waited for.
func (c *company) inStripe(ctx context.Context, number string, known map[string]string, path, key string) (string, error) {
	for _, wait := range []func(context.Context) error{nil, nil, c.Quiet, c.Quiet} {
		if id := known[number]; id != "" {
			return id, nil
		}
		if wait != nil {
			if err := wait(ctx); err != nil {
				return "", err
			}
		}
		if err := c.index(ctx, path, key, known); err != nil {
			return "", err
		}
	}
	if id := known[number]; id != "" {
		return id, nil
	}
	return "", fmt.Errorf("%s is not in Stripe", number)
}

// customer is the id of a buyer in Stripe.
func (c *company) customer(ctx context.Context, b *buyer) (string, error) {
	if b.id != "" {
		return b.id, nil
	}
	ids := map[string]string{}
	id, err := c.inStripe(ctx, b.number, ids, "/v1/customers?", "acumatica_customer_id")
	for _, other := range c.buyers {
		other.id = ids[other.number]
	}
	return id, err
}

// inDollars is the buyer of a turn who has an American bank account.
func (c *company) inDollars(turn int) *buyer {
	i := slices.IndexFunc(c.buyers, func(b *buyer) bool { return b.currency == "USD" })
	for n := range c.buyers {
		if b := c.buyers[(turn+n)%len(c.buyers)]; b.currency == "USD" {
			return b
		}
	}
	return c.buyers[i]
}
