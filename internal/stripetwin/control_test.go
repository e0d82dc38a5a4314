package stripetwin_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/stripetwin"
)

func TestControlAPI(t *testing.T) {
	hook, got := receiver(t, always(200))
	tw, sc, srv := start(t, stripetwin.Options{})
	run(t, tw)
	if res, _ := send(t, srv, "POST", "/_twin/webhook", `{"url":"`+hook.URL+`","secret":"`+secret+`"}`); res.StatusCode != http.StatusOK {
		t.Fatalf("webhook: status %d", res.StatusCode)
	}
	cus := newCustomer(t, sc)
	res, out := send(t, srv, "POST", "/_twin/charge", `{"customer":"`+cus.ID+`","amount":777,"currency":"usd","description":"shop"}`)
	id, _ := out["charge"].(string)
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(id, "ch_") {
		t.Fatalf("charge: status %d, %v", res.StatusCode, out)
	}
	for _, ev := range wait(t, got, 4) {
		if ev.Type == "charge.succeeded" && (ev.Data.Object["id"] != id || ev.Request.ID != "") {
			t.Fatalf("charge.succeeded: %v, request %+v", ev.Data.Object["id"], ev.Request)
		}
	}
	if _, out = send(t, srv, "GET", "/_twin/requests", ""); len(out["requests"].([]any)) != 1 {
		t.Fatalf("only API requests are logged: %v", out)
	}
	if _, out = send(t, srv, "GET", "/_twin", ""); len(out["api"].([]any)) < 30 || len(out["not_implemented"].([]any)) == 0 {
		t.Fatalf("self description: %v", out)
	}
	for _, bad := range []struct{ path, body string }{
		{"/_twin/charge", `{"customer":"cus_x","amount":1,"currency":"usd"}`},
		{"/_twin/charge", `{"amount":0,"currency":"usd"}`},
		{"/_twin/charge", `{"amount":1,"currency":"xyz"}`},
		{"/_twin/charge", `{"price":1}`},
		{"/_twin/webhook", `{}`},
		{"/_twin/faults", `{"mode":"status:200"}`},
	} {
		if res, _ := send(t, srv, "POST", bad.path, bad.body); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s %s: status %d, want 400", bad.path, bad.body, res.StatusCode)
		}
	}
}

func TestControlSaysWhatItWants(t *testing.T) {
	_, _, srv := start(t, stripetwin.Options{})
	const minor = "want a whole number of minor units (5000 is 50.00 USD, and 5000 JPY), got a "
	for _, tt := range []struct{ path, body, want string }{
		{"/_twin/charge", `{"amount":"50.00","currency":"usd"}`, "amount: " + minor + "string"},
		{"/_twin/charge", `{"amount":50.5,"currency":"usd"}`, "amount: " + minor + "number 50.5"},
		{"/_twin/charge", `{"currency":5}`, "currency: want a string, got a number"},
		{"/_twin/charge", `[]`, "the body: want an object, got an array"},
		{"/_twin/balance_transaction", `{"fee":"1"}`, "fee: " + minor + "string"},
		{"/_twin/dispute", `{"inquiry":"yes"}`, "inquiry: want true or false, got a string"},
	} {
		res, out := send(t, srv, "POST", tt.path, tt.body)
		if got, _ := out["error"].(string); res.StatusCode != http.StatusBadRequest || got != tt.want {
			t.Errorf("%s %s: status %d, %q, want %q", tt.path, tt.body, res.StatusCode, got, tt.want)
		}
	}
}

func TestHostedPageShowsTheAmountAndEscapes(t *testing.T) {
	_, sc, srv := start(t, stripetwin.Options{})
	cus := must(sc.Customers.New(&stripe.CustomerParams{Name: new("<script>x</script>")}))(t)
	in := newOpen(t, sc, cus.ID, 1234_56)
	res, err := srv.Client().Get(in.HostedInvoiceURL)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	page := string(body)
	if !strings.Contains(page, "1234.56 USD") || !strings.Contains(page, "<button>Pay</button>") || strings.Contains(page, "<script>") {
		t.Fatalf("page: %s", page)
	}
}
