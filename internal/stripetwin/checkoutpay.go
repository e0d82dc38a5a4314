package stripetwin

import (
	"context"
	"html/template"
	"net/http"

	"millrace/internal/money"
)

// complete pays or sets up what the session is for. A decline leaves it open,
// so that the buyer tries again.
func (t *Twin) complete(c *call, cs *session, method string) error {
	if cs.Status != "open" {
		return refused("", "This Checkout Session is %s.", cs.Status)
	}
	if err := t.usable(method, cs.Customer); err != nil {
		return err
	}
	if challenged(t.testOf(method)) {
		return notImplemented("cards that need authentication in checkout")
	}
	m := t.use(c, method)
	if _, bad := declines(m.Test); !bad {
		t.sessionCustomer(c, cs, m)
	}
	var err error
	switch cs.Mode {
	case "payment":
		err = t.completePayment(c, cs, m)
	case "subscription":
		err = t.completeSub(c, cs, m)
	default:
		err = t.completeSetup(c, cs, m)
	}
	if err != nil {
		return err
	}
	cs.Status, cs.BuyerName, cs.BuyerEmail, cs.BuyerPhone, cs.BuyerAddress = "complete", m.Name, orElse(m.Email, cs.Email), m.Phone, m.Address
	if cu := t.s.Customers.get(cs.Customer); cu != nil {
		cs.BuyerEmail = orElse(cs.BuyerEmail, cu.Email)
	}
	t.touch(&cs.head)
	t.emit(c, "checkout.session.completed", t.renderSession(cs))
	return nil
}

// sessionCustomer makes a customer where one is needed. Stripe: for a
// subscription, and for a payment method that is to be used again.
func (t *Twin) sessionCustomer(c *call, cs *session, m *paymentMethod) {
	if cs.Customer != "" || cs.Mode == "setup" || cs.Mode == "payment" && !cs.Always && cs.Later == "" {
		return
	}
	cu := t.newCustomer(c)
	cu.Name, cu.Email, cu.Phone, cu.Address = m.Name, orElse(m.Email, cs.Email), m.Phone, m.Address
	t.s.Customers.put(cu)
	t.emit(c, "customer.created", cu.render())
	cs.Customer = cu.ID
}

// completePayment: a bank account is only charged days later, so the session
// is complete before it is paid.
func (t *Twin) completePayment(c *call, cs *session, m *paymentMethod) error {
	s := t.sessionSums(cs)
	pi := t.s.Intents.get(cs.Intent)
	if pi == nil {
		pi = t.newIntentWith(c, &intent{
			Customer: cs.Customer, Currency: cs.Currency, Description: cs.Description, Amount: s.subtotal + s.onTop, Types: cs.Types,
			Shipping: cs.Shipping, Later: cs.Later, Session: cs.ID,
		}, cs.ChildMetadata)
		cs.Intent = pi.ID
		t.touch(&cs.head)
	}
	ch, err := t.pay(c, pi, m.ID)
	if err != nil {
		return err
	}
	if ch.Status == "" {
		cs.PaymentStatus = "paid"
	}
	return nil
}

func (t *Twin) completeSub(c *call, cs *session, m *paymentMethod) error {
	if d, bad := declines(m.Test); bad {
		return d.refusal()
	}
	if _, err := t.attach(c, m.ID, t.s.Customers.get(cs.Customer)); err != nil {
		return err
	}
	sub := &subscription{Customer: cs.Customer, Collection: "charge_automatically", Start: c.now, Anchor: c.now, Status: "incomplete", Method: m.ID, Description: cs.Description}
	sub.Metadata = cs.ChildMetadata
	if cs.TrialDays > 0 {
		sub.TrialStart, sub.TrialEnd = c.now, c.now+cs.TrialDays*24*3600
	}
	var items []*subItem
	for _, l := range cs.Lines {
		p := t.s.Prices.get(l.Price)
		sub.Currency, sub.Interval, sub.Count = p.Currency, p.Interval, p.Count
		items = append(items, &subItem{Price: p.ID, Quantity: l.Quantity, TaxRates: l.TaxRates})
	}
	sub.fresh = true
	t.startSub(c, sub, items, true)
	sub.fresh = false
	t.emit(c, "customer.subscription.created", t.renderSub(sub))
	t.tellTrial(c, sub)
	cs.Sub, cs.Invoice, cs.PaymentStatus = sub.ID, sub.Latest, "paid"
	if inv := t.s.Invoices.get(sub.Latest); inv.Status == "open" { // a bank account
		cs.PaymentStatus = "unpaid"
		pi := t.s.Intents.get(inv.Intent)
		pi.Session = cs.ID
		t.touch(&pi.head)
	}
	return nil
}

func (t *Twin) completeSetup(c *call, cs *session, m *paymentMethod) error {
	si := t.s.Setups.get(cs.Setup)
	if si == nil {
		si = &setupIntent{Customer: cs.Customer, Description: cs.Description, Types: cs.Types, Usage: "off_session", Status: "requires_payment_method"}
		t.addSetup(c, si, cs.ChildMetadata)
		cs.Setup = si.ID
		t.touch(&cs.head)
	}
	return t.setUp(c, si, m.ID)
}

// sessionPaid tells how a delayed payment of a session ended.
func (t *Twin) sessionPaid(c *call, pi *intent, paid bool) {
	cs := t.s.Sessions.get(pi.Session)
	if cs == nil {
		return
	}
	typ := "checkout.session.async_payment_failed"
	if paid {
		typ, cs.PaymentStatus = "checkout.session.async_payment_succeeded", "paid"
		t.touch(&cs.head)
	}
	t.emit(c, typ, t.renderSession(cs))
}

// confirmSession is what the page of a session does when the buyer pays.
func confirmSession(t *Twin, c *call) (object, error) {
	cs, err := t.session(c)
	if err != nil {
		return nil, err
	}
	method, s := c.form.str("payment_method", 255), t.sessionSums(cs)
	expected := c.form.integer("expected_amount", s.subtotal+s.onTop)
	switch {
	case c.form.err != nil:
		return nil, c.form.err
	case method == "":
		return nil, missingParam("payment_method")
	case expected != s.subtotal+s.onTop:
		return nil, refused("", "The amount of the Checkout Session is not the expected one.")
	}
	if err := t.complete(c, cs, method); err != nil {
		return nil, err
	}
	return t.renderSession(cs), nil
}

// CompleteCheckout pays an open session with one of the test payment methods,
// as its buyer does on the hosted page.
func (t *Twin) CompleteCheckout(ctx context.Context, sessionID, method string) error {
	return t.as(ctx, func(c *call) error {
		cs := t.s.Sessions.get(sessionID)
		if cs == nil {
			return missing("checkout.session", sessionID, "session", http.StatusNotFound)
		}
		return t.complete(c, cs, method)
	})
}

const sessionPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Checkout</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:28rem;margin:4rem auto;padding:0 1rem}h1{font-size:2rem;margin:0}
button,select{font:inherit;padding:.6rem 1.6rem;border:0;border-radius:.4rem}button{background:#0b5fff;color:#fff;cursor:pointer}</style></head>
<body><h1>{{.Amount}}</h1>
{{if eq .Status "open"}}<form method="post" action="/c/pay/{{.ID}}"><p><select name="payment_method" aria-label="Payment method">
{{range .Methods}}<option>{{.}}</option>{{end}}</select></p><p><button>Pay</button></p></form>
{{with .Cancel}}<p><a href="{{.}}">Back</a></p>{{end}}
{{else}}<p>This checkout session is {{.Status}}.</p>{{end}}
<p><small>A stand-in for Stripe: no money moves.</small></p></body></html>
`

// A sessionView is what the page of a session shows.
type sessionView struct {
	ID, Status, Amount, Cancel, success string
	Methods                             []string
}

func (t *Twin) sessionView(id string) (sessionView, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	cs := t.s.Sessions.get(id)
	if cs == nil {
		return sessionView{}, false
	}
	v := sessionView{ID: id, Status: cs.Status, Cancel: cs.Cancel, success: cs.successURL(), Amount: "Set up a payment method"}
	if s := t.sessionSums(cs); cs.Mode != "setup" {
		a, err := money.New(s.subtotal+s.onTop, cs.Currency)
		if err != nil {
			return sessionView{}, false
		}
		v.Amount = a.String()
	}
	for _, typ := range cs.Types {
		switch typ {
		case "card":
			v.Methods = append(v.Methods, "pm_card_visa", "pm_card_mastercard", "pm_card_chargeDeclined")
		case "sepa_debit":
			v.Methods = append(v.Methods, "pm_sepaDebit_success", "pm_sepaDebit_failed")
		case "us_bank_account":
			v.Methods = append(v.Methods, "pm_usBankAccount_success", "pm_usBankAccount_accountClosed")
		}
	}
	return v, true
}

// mountCheckout adds the pages of sessions. They need no key.
func (t *Twin) mountCheckout(mux *http.ServeMux) {
	tmpl := template.Must(template.New("session").Parse(sessionPage))
	mux.HandleFunc("GET /c/pay/{id}", func(w http.ResponseWriter, req *http.Request) {
		v, ok := t.sessionView(req.PathValue("id"))
		if !ok {
			http.NotFound(w, req)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = tmpl.Execute(w, v) // the browser went away
	})
	mux.HandleFunc("POST /c/pay/{id}", t.buyerChecksOut)
}

// buyerChecksOut pays and sends the buyer on; pressing the button twice pays
// once. Invariant 2.
func (t *Twin) buyerChecksOut(w http.ResponseWriter, req *http.Request) {
	v, ok := t.sessionView(req.PathValue("id"))
	if !ok {
		http.NotFound(w, req)
		return
	}
	if v.Status != "complete" {
		err := t.CompleteCheckout(req.Context(), v.ID, orElse(req.PostFormValue("payment_method"), "pm_card_visa"))
		if again, _ := t.sessionView(v.ID); err != nil && again.Status != "complete" {
			http.Error(w, err.Error(), asAPIError(err).status)
			return
		}
	}
	http.Redirect(w, req, v.success, http.StatusSeeOther)
}
