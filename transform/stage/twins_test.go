package stage

import (
	"encoding/json"
	"net/http/httptest"
	"testing"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/stripeapi"
	"millrace/internal/stripetwin"
	"millrace/schemas"
	"millrace/transform/flow"
)

const twinKey = "sk_test_51TransformStage"

// TestFlowsReadWhatAcumaticaServes runs the flows over every customer and
// invoice of the twin's quick scenario, through the real client: the field
// names and the shape that flows rely on are the ones on the wire.
func TestFlowsReadWhatAcumaticaServes(t *testing.T) {
	twin, err := acumaticatwin.New(acumaticatwin.Options{Tenant: "Company", Username: "api", Password: "secret", Seed: acumaticatwin.SeedQuick})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(twin.Handler())
	t.Cleanup(server.Close)
	client, err := acumatica.New(acumatica.Config{
		BaseURL: server.URL, Tenant: "Company", Endpoint: "Default/24.200.001", Username: "api", Password: "secret",
	})
	if err != nil {
		t.Fatal(err)
	}
	w := theWorld()
	w.links = map[string]link.Link{}
	h := w.handler(t)
	h.o.Connections["default"] = Connection{Acumatica: client, Books: flow.Books{TimeZone: "UTC"}}
	for _, kind := range []struct{ entity, object string }{{"Customer", "customer"}, {"Invoice", "invoice"}} {
		records, _, err := client.List(t.Context(), kind.entity, acumatica.Query{})
		if err != nil || len(records) == 0 {
			t.Fatalf("%s: %d records, %v", kind.entity, len(records), err)
		}
		applied := 0
		for _, rec := range records {
			data, err := json.Marshal(rec.Plain())
			if err != nil {
				t.Fatal(err)
			}
			out, err := h.Handle(t.Context(), message("acumatica", kind.object, "changed", "", string(data)))
			if err != nil {
				t.Errorf("%s: %v", data, err)
			}
			if out.Outcome == schemas.Applied {
				applied++
			}
			t.Logf("%s %s: %s %v", kind.object, out.Outcome, out.Reason, out.Intents)
		}
		if applied == 0 {
			t.Errorf("no %s came through", kind.object)
		}
	}
}

// TestFlowsReadWhatStripeServes is the same for a charge.
func TestFlowsReadWhatStripeServes(t *testing.T) {
	twin, err := stripetwin.New(stripetwin.Options{APIKey: twinKey})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(twin.Handler())
	t.Cleanup(server.Close)
	client, err := stripeapi.New(stripeapi.Config{APIKey: twinKey, BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	customer, err := client.CreateCustomer(t.Context(), "key-1", schemas.StripeCustomer{Name: "Northwind", Metadata: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	w := theWorld()
	w.links["stripe customer "+customer.ID] = link.Link{Kind: "customer", AcumaticaID: "C000001", StripeID: customer.ID}
	h := w.handler(t)
	conn := h.o.Connections["default"]
	conn.Stripe = client
	h.o.Connections["default"] = conn
	for _, tt := range []struct{ name, customer, code string }{
		{"a mapped customer", customer.ID, ""},
		{"a guest", "", "flow.customer_unmapped"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id, err := twin.ChargeCustomer(t.Context(), tt.customer, 12050, "usd", "Shop order 7")
			if err != nil {
				t.Fatal(err)
			}
			out, err := h.Handle(t.Context(), stripeEvent("charge", "succeeded", `{"id":"`+id+`","object":"charge","invoice":null}`))
			if tt.code != "" {
				if err == nil || fault.Of(err).Code != tt.code {
					t.Errorf("got %+v, %v; want %s", out, err, tt.code)
				}
				return
			}
			if want := "default/acumatica/payment/create/" + id; err != nil || len(out.Intents) != 1 || out.Intents[0] != want {
				t.Errorf("got %+v, %v", out, err)
			}
		})
	}
}
