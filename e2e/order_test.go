package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"millrace/internal/acumaticatwin"
)

// heldBack keeps webhooks of some types, and hands over the others.
type heldBack struct {
	mu     sync.Mutex
	types  []string
	bodies map[string][]byte // by type; the newest
}

func (h *heldBack) handler(w *world) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var e struct{ Type string }
		if err != nil || json.Unmarshal(body, &e) != nil {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		if slices.Contains(h.types, e.Type) {
			h.mu.Lock()
			h.bodies[e.Type] = body
			h.mu.Unlock()
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		w.forward(rw, r)
	})
}

func (h *heldBack) has(typ string) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.bodies[typ]
}

// TestARefundMayArriveBeforeItsPayment: the webhook of a refund is stored first,
// that of the payment behind it in the same lane. Both are posted, once, and
// nothing is parked; so it is in the other order.
func TestARefundMayArriveBeforeItsPayment(t *testing.T) {
	t.Parallel()
	for _, order := range [][]string{{"charge.refunded", "charge.succeeded", "invoice.paid"}, {"invoice.paid", "charge.succeeded", "charge.refunded"}} {
		t.Run(order[0]+" first", func(t *testing.T) {
			held := &heldBack{types: order, bodies: map[string][]byte{}}
			w := newWorld(t, trap{})
			w.more = []string{
				"MILLRACE_CLEARING=USD=" + acumaticatwin.SeedClearing()["USD"], "MILLRACE_SWEEP_INTERVAL=1s",
				"MILLRACE_ACCOUNTS=bank=" + acumaticatwin.SeedBanks()["USD"] + accounts(),
			}
			w.stripe.SetWebhook(w.serve(held.handler(w)), webhookSecret)
			w.start()
			invoices := len(w.acumatica.Invoices())
			w.until("every invoice is open in Stripe", func() bool { return len(w.list("invoices?limit=100&status=open")) == invoices })
			w.until("nothing is left to do", w.idle)
			in := w.list("invoices?limit=100&status=open")[0]
			customer := in["customer"].(string)
			charges := []func() string{func() string { return w.order(customer) }, func() string { return w.paid(in["id"].(string)) }}
			for i, pay := range charges {
				charge := pay()
				refund := w.post("/v1/refunds", url.Values{"charge": {charge}, "amount": {"300"}})
				w.until("Stripe told of the refund", func() bool { return bytes.Contains(held.has("charge.refunded"), []byte(charge)) })
				for _, typ := range order {
					body := held.has(typ)
					if !bytes.Contains(body, []byte(charge)) {
						continue // of the other one
					}
					if code := w.deliver(body, webhookSecret); code != http.StatusOK {
						t.Errorf("%s: %d", typ, code)
					}
				}
				w.until("payment and refund are posted", func() bool { return w.settled(charge) == 1 && w.settled(refund) == 1 })
				for _, typ := range order { // the same, told by other events
					again := bytes.ReplaceAll(held.has(typ), []byte(`"evt_`), fmt.Appendf(nil, `"evt_again%d_`, i))
					if code := w.deliver(again, webhookSecret); code != http.StatusOK {
						t.Errorf("%s again: %d", typ, code)
					}
				}
			}
			w.until("nothing is left to do", w.idle)
			refs := map[string]int{}
			for _, p := range w.acumatica.Payments() {
				refs[p.PaymentRef]++
			}
			for ref, n := range refs {
				if n != 1 {
					t.Errorf("%d documents carry %s", n, ref)
				}
			}
			if len(refs) != 2*len(charges) {
				t.Errorf("%d payments and refunds: %v", len(refs), refs)
			}
		})
	}
}

// accounts are the seeded ones, as the environment spells them.
func accounts() string {
	var b strings.Builder
	for name, account := range acumaticatwin.SeedAccounts() {
		fmt.Fprintf(&b, ",%s=%s", name, account)
	}
	return b.String()
}

// settled counts the released payments and refunds with that reference.
func (w *world) settled(ref string) (n int) {
	for _, p := range w.acumatica.Payments() {
		if p.PaymentRef == ref && (p.Status == "Open" || p.Status == "Closed") {
			n++
		}
	}
	return n
}

// order makes a charge without an invoice, paid the charge of an invoice.
func (w *world) order(customer string) string {
	w.t.Helper()
	id, err := w.stripe.ChargeCustomer(w.t.Context(), customer, 5000, "usd", "Order")
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) paid(invoice string) string {
	w.t.Helper()
	if err := w.stripe.Pay(w.t.Context(), invoice); err != nil {
		w.t.Fatal(err)
	}
	for _, in := range w.list("invoices?limit=100") {
		if in["id"] == invoice {
			return in["charge"].(string)
		}
	}
	w.t.Fatalf("no invoice %s", invoice)
	return ""
}

// post makes something in Stripe and returns its id.
func (w *world) post(path string, form url.Values) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.stripeURL+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+stripeKey)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var made struct{ ID string }
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil || res.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %d, %v", path, res.StatusCode, err)
	}
	return made.ID
}
