package stage

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/bus"
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
	for _, version := range []string{"22.200.001", "23.200.001", "24.200.001"} {
		t.Run(version, func(t *testing.T) {
			client, err := acumatica.New(acumatica.Config{
				BaseURL: server.URL, Tenant: "Company", Endpoint: "Default/" + version, Username: "api", Password: "secret",
			})
			if err != nil {
				t.Fatal(err)
			}
			w := theWorld()
			w.links = map[string]link.Link{}
			h := w.handler(t)
			h.o.Connections["default"] = Connection{Acumatica: client, Books: flow.Books{TimeZone: "UTC"}}
			for _, kind := range []struct{ entity, object string }{{"Customer", "customer"}, {"Invoice", "invoice"}} {
				if applied := handleAll(t, h, client, kind.entity, kind.object); applied == 0 {
					t.Errorf("no %s came through", kind.object)
				}
			}
		})
	}
}

// handleAll handles the event of every record and counts those that came
// through.
func handleAll(t *testing.T, h *Handler, client *acumatica.Client, entity, object string) (applied int) {
	t.Helper()
	records, _, err := client.List(t.Context(), entity, acumatica.Query{})
	if err != nil || len(records) == 0 {
		t.Fatalf("%s: %d records, %v", entity, len(records), err)
	}
	for _, rec := range records {
		data, err := json.Marshal(rec.Plain())
		if err != nil {
			t.Fatal(err)
		}
		out, err := h.Handle(t.Context(), message("acumatica", object, "changed", "", string(data)))
		if err != nil {
			t.Errorf("%s: %v", data, err)
		}
		if out.Outcome == schemas.Applied {
			applied++
		}
		t.Logf("%s %s: %s %v", object, out.Outcome, out.Reason, out.Intents)
	}
	return applied
}

// TestFilesOfAnInvoiceAreNamed reads an invoice with a file as the twin serves
// it.
func TestFilesOfAnInvoiceAreNamed(t *testing.T) {
	twin, err := acumaticatwin.New(acumaticatwin.Options{Tenant: "Company", Username: "api", Password: "secret", Seed: acumaticatwin.SeedQuick})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(twin.Handler())
	t.Cleanup(server.Close)
	client, err := acumatica.New(acumatica.Config{BaseURL: server.URL, Tenant: "Company", Endpoint: "Default/24.200.001", Username: "api", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	open, _, err := client.List(t.Context(), "Invoice", acumatica.Query{Filter: "Type eq 'Invoice' and Status eq 'Open'", Top: 1})
	if err != nil || len(open) != 1 {
		t.Fatalf("%v, %v", open, err)
	}
	number := open[0].String("ReferenceNbr")
	attach(t, server.URL, "/entity/Default/24.200.001/Invoice/Invoice/"+number+"/files/quote.pdf")
	h := theWorld().handler(t)
	h.o.Connections["default"] = Connection{Acumatica: client, Books: flow.Books{TimeZone: "UTC", AcumaticaPage: "https://erp/Main?"}}
	var fields schemas.StripeInvoice
	h.o.Publisher = publishFunc(func(in schemas.Intent) (bus.PubAck, error) {
		if in.Document != "invoice" {
			return bus.PubAck{Seq: 1}, nil
		}
		return bus.PubAck{Seq: 1}, json.Unmarshal(in.Fields, &fields)
	})
	data, err := json.Marshal(open[0].Plain())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Handle(t.Context(), message("acumatica", "invoice", "changed", "", string(data))); err != nil {
		t.Fatal(err)
	}
	if got := fields.Metadata["acumatica_files"]; got != "quote.pdf" {
		t.Errorf("files %q of %+v", got, fields)
	}
	if got, want := fields.Metadata["acumatica_url"], "https://erp/Main?ScreenId=AR301000&DocType=INV&RefNbr="+number; got != want {
		t.Errorf("url %s, want %s", got, want)
	}
}

// attach puts a file to a record, which our own client never does.
func attach(t *testing.T, base, path string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	api := &http.Client{Jar: jar}
	for _, r := range []struct{ method, path, body string }{
		{http.MethodPost, "/entity/auth/login", `{"name":"api","password":"secret","tenant":"Company"}`},
		{http.MethodPut, path, "%PDF"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), r.method, base+r.path, strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := api.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			t.Fatalf("%s: %s", r.path, resp.Status)
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
