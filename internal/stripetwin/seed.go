package stripetwin

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// MaxObjects bounds Options.Objects.
const MaxObjects = 1_000_000

// A scenario is what a new twin starts with. It is built by the twin's own
// operations on the twin's own clock, so that everything that holds for a twin
// holds for it; the same scenario has the same ids and amounts each time, on
// dates that end now.
type scenario struct {
	days   int // before now
	build  func(b *builder) error
	settle []string // Options.Settle unless they say otherwise
	daily  bool     // Options.DailyPayouts
}

// scenarioOf finds what Options.Seed and Options.Objects ask for; nil is
// nothing.
func scenarioOf(o Options) (*scenario, error) {
	if o.Seed == "empty" {
		o.Seed = ""
	}
	switch {
	case o.Objects < 0 || o.Objects > MaxObjects:
		return nil, fmt.Errorf("objects %d: want 0 to %d", o.Objects, MaxObjects)
	case o.Seed == "quick" && o.Objects > 0:
		return nil, errors.New("the scenario quick has no size; use year")
	case o.Seed == "" && o.Objects == 0:
		return nil, nil
	case o.Seed == "quick":
		return &scenario{days: 10, build: (*builder).quick}, nil
	case o.Seed == "year" || o.Seed == "":
		size := max(o.Objects, yearObjects)
		return &scenario{
			days: 365, settle: []string{"usd", "eur", "gbp"}, daily: true,
			build: func(b *builder) error { return b.year(size) },
		}, nil
	}
	return nil, fmt.Errorf("scenario %q: want quick, year or empty", o.Seed)
}

// A builder builds a scenario. The first error ends it.
type builder struct {
	t      *Twin
	random *mathrand.Rand
	routes map[string]route // by method and pattern
	at     time.Time        // what the twin's clock shows
	end    time.Time
	err    error
}

// seed builds the scenario into a twin that serves nobody yet, and saves it.
func (t *Twin) seed(name string, sc *scenario) error {
	end := t.now().UTC().Truncate(time.Second)
	b := &builder{t: t, end: end, at: end.Add(-time.Duration(sc.days) * 24 * time.Hour), routes: map[string]route{}}
	for _, r := range t.routes {
		b.routes[r.method+" "+r.pattern] = r
	}
	b.random = mathrand.New(mathrand.NewChaCha8(sha256.Sum256([]byte("choices of " + name)))) //nolint:gosec // the same each time
	clock, file := t.now, t.j
	t.now, t.j = func() time.Time { return b.at }, &journal{}
	t.dice = mathrand.NewChaCha8(sha256.Sum256([]byte("ids of " + name)))
	t.quiet = end.Unix() - eventWindow
	t.s.Account, t.s.Opened = t.newID("acct_1", 15), b.at.Unix()
	err := sc.build(b)
	b.until(end)
	t.now, t.j, t.dice, t.quiet = clock, file, nil, 0
	if err = cmp.Or(err, b.err); err != nil {
		return fmt.Errorf("scenario %s: %w", name, err)
	}
	return t.j.save(t.s)
}

// do runs one call of the API and returns what it answers. A payment that is
// declined answers nothing.
func (b *builder) do(endpoint, id, form string) object {
	var o object
	if b.err != nil {
		return o
	}
	err := b.t.as(context.Background(), func(c *call) error { //nolint:contextcheck // New has none
		f, bad := parseForm(form)
		if bad != nil {
			return bad
		}
		r, ok := b.routes[endpoint]
		if !ok {
			return fmt.Errorf("no endpoint %s", endpoint)
		}
		c.form, c.id, c.path = f, id, strings.ReplaceAll(r.pattern, "{id}", id)
		var err error
		o, err = r.do(c, b.t)
		return err
	})
	if e, ok := errors.AsType[*apiError](err); ok && e.status == http.StatusPaymentRequired {
		return nil
	}
	if err != nil {
		b.err = fmt.Errorf("%s %s: %w", endpoint, form, err)
	}
	return o
}

// until lets the time pass, and what is due happen.
func (b *builder) until(at time.Time) {
	for b.err == nil && b.at.Before(at) {
		next := time.Unix(midnight(b.at.Unix(), 1), 0).UTC()
		if next.After(at) {
			next = at
		}
		b.at = next
		b.err = b.t.as(context.Background(), func(*call) error { return nil }) //nolint:contextcheck // New has none
	}
}

// chance is true in so many of a thousand cases.
func (b *builder) chance(perMille int) bool { return b.random.IntN(1000) < perMille }

func str(o object, member string) string {
	s, _ := o[member].(string)
	return s
}

// quick is a handful of everything: customers, invoices in each state, a
// payment in a shop, a refund, a dispute, a payout.
func (b *builder) quick() error {
	var customers []string
	for i, name := range []string{"Alder & Birch", "Cedar Works", "Dogwood Labs"} {
		customers = append(customers, str(b.do("POST /v1/customers", "", fmt.Sprintf("name=%s&email=billing%%40example.com&metadata[erp_id]=C%03d",
			strings.ReplaceAll(strings.ReplaceAll(name, "&", "%26"), " ", "+"), i+1)), "id"))
	}
	bill := func(customer string, amount int) string {
		b.do("POST /v1/invoiceitems", "", fmt.Sprintf("customer=%s&amount=%d&currency=usd&description=Consulting", customer, amount))
		return str(b.do("POST /v1/invoices", "", "pending_invoice_items_behavior=include&collection_method=send_invoice&days_until_due=30&customer="+customer), "id")
	}
	bill(customers[0], 120_00) // stays a draft
	open, paid := bill(customers[1], 250_00), bill(customers[2], 480_00)
	b.do("POST /v1/invoices/{id}/finalize", open, "")
	b.do("POST /v1/invoices/{id}/pay", paid, "payment_method=pm_card_visa")
	shop := b.do("POST /v1/payment_intents", "", "amount=4200&currency=usd&confirm=true&payment_method=pm_card_visa&description=Shop&customer="+customers[0])
	b.do("POST /v1/payment_intents", "", "amount=9900&currency=usd&confirm=true&payment_method=pm_card_createDispute&customer="+customers[1])
	b.until(b.at.Add(4 * 24 * time.Hour))
	b.do("POST /v1/refunds", "", "amount=1200&charge="+str(shop, "latest_charge"))
	b.do("POST /v1/payouts", "", "amount=10000&currency=usd")
	return nil
}
