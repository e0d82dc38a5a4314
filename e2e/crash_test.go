package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
)

// traps are the moments of the path at which the process dies. Invariant 7
// must hold at each: afterwards there is exactly one of everything.
var traps = []struct {
	name string
	trap trap
}{
	{"while the first page of invoices is read", on("acumatica", http.MethodGet, "/Invoice", "", false)},
	{"before the Stripe customer is made", on("stripe", http.MethodPost, "/v1/customers", "", false)},
	{"after the Stripe customer is made", on("stripe", http.MethodPost, "/v1/customers", "", true)},
	{"after the draft invoice is made", on("stripe", http.MethodPost, "/v1/invoices", "", true)},
	{"after the first line of the invoice", on("stripe", http.MethodPost, "/v1/invoiceitems", "", true)},
	{"after the invoice is finalised", on("stripe", http.MethodPost, "/finalize", "", true)},
	{"before the webhook of the payment is stored", on("webhook", http.MethodPost, "", `"invoice.paid"`, false)},
	{"after the webhook of the payment is answered", on("webhook", http.MethodPost, "", `"invoice.paid"`, true)},
	{"while the paid invoice is fetched again", on("stripe", http.MethodGet, "/v1/invoices/", "", false)},
	{"before the payment is saved", on("acumatica", http.MethodPut, "/Payment", "", false)},
	{"after the payment is saved", on("acumatica", http.MethodPut, "/Payment", "", true)},
	{"before the payment is released", on("acumatica", http.MethodPost, "/ReleasePayment", "", false)},
	{"after the payment is released", on("acumatica", http.MethodPost, "/ReleasePayment", "", true)},
	{"while the released payment is read back", on("acumatica", http.MethodGet, "/Payment/", "", true)},
	{"after the payment number is written on the invoice", on("stripe", http.MethodPost, "/v1/invoices/", "acumatica_payment_ref", true)},
}

func on(system, method, path, body string, after bool) trap {
	return trap{system: system, after: after, match: func(r *http.Request, text string) bool {
		return r.Method == method && strings.Contains(r.URL.Path, path) && strings.Contains(text, body)
	}}
}

func TestKilledAtAnyMomentThereIsOneOfEverything(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts and kills real processes")
	}
	for _, tt := range traps {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.trap)
			w.roundTrip()
			select {
			case <-w.killed:
			default:
				t.Fatal("the trap was never sprung: this moment is not on the path")
			}
			w.judge()
		})
	}
}

// roundTrip takes the seeded invoices to Stripe, pays them, and waits until the
// money is in Acumatica, restarting the process whenever it is gone.
func (w *world) roundTrip() {
	w.t.Helper()
	w.start()
	w.flow()
}

// flow is roundTrip for a world that runs already.
func (w *world) flow() {
	w.t.Helper()
	invoices := len(w.acumatica.Invoices())
	w.until("every invoice is open in Stripe", func() bool {
		w.revive()
		n := 0
		for _, in := range w.list("invoices?limit=100") {
			if in["status"] == "open" || in["status"] == "paid" {
				n++
			}
		}
		return n == invoices
	})
	for _, in := range w.list("invoices?limit=100&status=open") {
		if err := w.stripe.Pay(w.t.Context(), in["id"].(string)); err != nil {
			w.t.Fatal(err)
		}
	}
	w.until("every invoice is closed in Acumatica", func() bool {
		w.revive()
		for _, in := range w.acumatica.Invoices() {
			if in.Status != "Closed" {
				return false
			}
		}
		return true
	})
	w.until("every payment number is written on its Stripe invoice", func() bool {
		w.revive()
		for _, in := range w.list("invoices?limit=100") {
			if meta, _ := in["metadata"].(map[string]any); meta["acumatica_payment_ref"] == nil {
				return false
			}
		}
		return true
	})
	w.until("nothing is left to do", func() bool {
		w.revive()
		return w.idle()
	})
}

// idle says whether no stage has anything left to do.
func (w *world) idle() bool {
	out, code := w.cli("status", "--json")
	var status struct {
		Result struct {
			Stages []struct {
				Pending    int `json:"pending"`
				AckPending int `json:"ack_pending"`
				Blocked    int `json:"blocked_lanes"`
			} `json:"stages"`
		} `json:"result"`
	}
	if code != 0 || json.Unmarshal([]byte(out), &status) != nil {
		return false
	}
	for _, s := range status.Result.Stages {
		if s.Pending+s.AckPending+s.Blocked > 0 {
			return false
		}
	}
	return len(status.Result.Stages) > 0
}

func (w *world) revive() {
	if w.proc != nil && !w.alive() {
		w.start()
	}
}

// judge compares the books of the twins: they share no code with the
// pipeline.
func (w *world) judge() {
	w.t.Helper()
	t := w.t
	payments := map[string]acumaticatwin.PaymentView{}
	for _, p := range w.acumatica.Payments() {
		if _, twice := payments[p.PaymentRef]; twice {
			t.Errorf("two Acumatica payments for %s", p.PaymentRef)
		}
		if p.Status != "Closed" {
			t.Errorf("payment %s of %s is %s", p.ReferenceNbr, p.PaymentRef, p.Status)
		}
		payments[p.PaymentRef] = p
	}
	numbers := map[string]int{}
	for _, in := range w.list("invoices?limit=100") {
		meta, _ := in["metadata"].(map[string]any)
		number, _ := meta["acumatica_ref_nbr"].(string)
		numbers[number]++
		charge, _ := in["charge"].(string)
		p, ok := payments[charge]
		if !ok || len(p.AppliedTo) != 1 || p.AppliedTo[0].ReferenceNbr != number {
			t.Errorf("stripe %v (%s) paid by %s: acumatica has %+v", in["id"], number, charge, p)
		}
		if in["status"] != "paid" || meta["acumatica_payment_ref"] != p.ReferenceNbr {
			t.Errorf("stripe %v: status %v, acumatica_payment_ref %v, want paid and %s", in["id"], in["status"], meta["acumatica_payment_ref"], p.ReferenceNbr)
		}
	}
	for _, in := range w.acumatica.Invoices() {
		if numbers[in.ReferenceNbr] != 1 {
			t.Errorf("%d Stripe invoices for %s", numbers[in.ReferenceNbr], in.ReferenceNbr)
		}
	}
	if len(payments) != len(numbers) {
		t.Errorf("%d payments for %d invoices", len(payments), len(numbers))
	}
	customers := map[any]int{}
	for _, c := range w.list("customers?limit=100") {
		meta, _ := c["metadata"].(map[string]any)
		customers[meta["acumatica_customer_id"]]++
	}
	for id, n := range customers {
		if n != 1 {
			t.Errorf("%d Stripe customers for %v", n, id)
		}
	}
	total := decimal.Zero
	for _, a := range w.acumatica.TrialBalance() {
		total = total.Add(a.Balance)
	}
	if !total.IsZero() {
		t.Errorf("trial balance = %s", total)
	}
}
