package stripetwin_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/stripetwin"
)

// specFile finds Stripe's OpenAPI description of 2023-10-16 beside the
// repository, or skips.
func specFile(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the package")
		}
		dir = filepath.Dir(dir)
	}
	file := filepath.Join(dir, "..", "shared", "reference", "stripe", "openapi-2023-10-16", "_spec3-subset.json")
	if _, err := os.Stat(file); err != nil {
		t.Skipf("Stripe's API description is not here: %v", err)
	}
	return file
}

type schema struct {
	Required   []string                   `json:"required"`
	Properties map[string]json.RawMessage `json:"properties"`
}

// TestObjectsHaveTheMembersThatStripeRequires: every required member is there,
// no member is of the twin's invention, and none that is not nullable is null.
func TestObjectsHaveTheMembersThatStripeRequires(t *testing.T) {
	raw, err := os.ReadFile(specFile(t))
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Components struct {
			Schemas map[string]schema `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(raw, &spec); err != nil {
		t.Fatal(err)
	}
	tw, sc, srv := start(t, stripetwin.Options{})
	tw.SetWebhook("http://127.0.0.1:1/", "whsec_x")
	cus := newCustomer(t, sc)
	draft, open := newDraft(t, sc, cus.ID, 500), newOpen(t, sc, cus.ID, 500)
	paid := newOpen(t, sc, cus.ID, 500)
	if err := tw.Pay(t.Context(), paid.ID); err != nil {
		t.Fatal(err)
	}
	must(tw.Dispute(t.Context(), shopCharge(t, tw, 900), "", false))(t)
	refundPart(t, sc, shopCharge(t, tw, 900), 100)
	failed := refundPart(t, sc, shopCharge(t, tw, 900), 100)
	if err := tw.FailRefund(t.Context(), failed.ID, "unknown"); err != nil {
		t.Fatal(err)
	}
	if err := tw.Advance(t.Context(), 72*time.Hour); err != nil {
		t.Fatal(err)
	}
	must(tw.PayOut(t.Context(), "usd"))(t)
	newIntent(t, sc, "pm_usBankAccount_success", false)
	held := newIntent(t, sc, "pm_card_visa", true)
	if _, err := sc.PaymentIntents.New(intentParams("pm_card_chargeDeclined", false)); err == nil {
		t.Fatal("not declined")
	}
	must(sc.CreditNotes.New(&stripe.CreditNoteParams{Invoice: &open.ID, Amount: new(int64(100))}))(t)
	fetch := func(path string) map[string]any {
		_, o := send(t, srv, "GET", path, "")
		return o
	}
	first := func(path string) map[string]any { return fetch(path)["data"].([]any)[0].(map[string]any) }
	objects := []map[string]any{
		fetch("/v1/customers/" + cus.ID), fetch("/v1/invoices/" + draft.ID), fetch("/v1/invoices/" + open.ID), fetch("/v1/invoices/" + paid.ID),
		first("/v1/charges"), first("/v1/balance_transactions"), first("/v1/payment_intents"), first("/v1/invoiceitems"),
		first("/v1/invoices/" + paid.ID + "/lines"), first("/v1/events"), first("/v1/webhook_endpoints"), fetch("/v1/balance"),
		first("/v1/charges"), first("/v1/payment_intents"), fetch("/v1/payment_intents/" + held.ID), fetch("/v1/charges/" + held.LatestCharge.ID),
		first("/v1/credit_notes"), first("/v1/refunds"), first("/v1/disputes"), first("/v1/payouts"), fetch("/v1/refunds/" + failed.ID),
	}
	undocumented := map[string]bool{"charge.dispute": true} // recorded on the wire all the same
	for _, o := range objects {
		kind := o["object"].(string)
		s, ok := spec.Components.Schemas[kind]
		if !ok {
			t.Fatalf("no schema for %s", kind)
		}
		for _, name := range s.Required {
			if v, ok := o[name]; !ok || v == nil {
				t.Errorf("%s.%s is required, got %v", kind, name, v)
			}
		}
		for name, v := range o {
			p, known := s.Properties[name]
			if !known {
				if !undocumented[kind+"."+name] {
					t.Errorf("%s.%s is not in the schema", kind, name)
				}
				continue
			}
			var prop struct {
				Nullable bool `json:"nullable"`
			}
			if err := json.Unmarshal(p, &prop); err != nil {
				t.Fatal(err)
			}
			if v == nil && !prop.Nullable {
				t.Errorf("%s.%s is null but must not be", kind, name)
			}
		}
	}
}
