package stripetwin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
)

// mountControl adds the control API: what a person or a script does to the
// twin that cannot be done to Stripe. It needs no key.
func (t *Twin) mountControl(mux *http.ServeMux) {
	mux.HandleFunc("GET /_twin", func(w http.ResponseWriter, _ *http.Request) { sendJSON(w, http.StatusOK, t.selfDescription()) })
	mux.HandleFunc("GET /_twin/requests", func(w http.ResponseWriter, _ *http.Request) {
		sendJSON(w, http.StatusOK, map[string][]Request{"requests": t.Requests()})
	})
	mux.HandleFunc("POST /_twin/charge", t.controlCharge)
	mux.HandleFunc("POST /_twin/refund/fail", t.controlFailRefund)
	mux.HandleFunc("POST /_twin/refund/fees", t.controlRefundFees)
	mux.HandleFunc("POST /_twin/authenticate", t.controlAuthenticate)
	mux.HandleFunc("POST /_twin/advance", t.controlAdvance)
	mux.HandleFunc("POST /_twin/balance_transaction", t.controlMovement)
	mux.HandleFunc("POST /_twin/topup/fail", t.controlTopup)
	mux.HandleFunc("GET /_twin/rates", t.controlRates)
	mux.HandleFunc("POST /_twin/rates", t.controlRates)
	mux.HandleFunc("POST /_twin/payout", t.controlPayout)
	mux.HandleFunc("POST /_twin/charge/fail", t.controlFailCharge)
	mux.HandleFunc("POST /_twin/dispute", t.controlDispute)
	mux.HandleFunc("POST /_twin/webhook", t.controlWebhook)
	mux.HandleFunc("POST /_twin/events/resend", t.controlResend)
	mux.HandleFunc("GET /_twin/webhooks", t.controlTrouble)
	mux.HandleFunc("POST /_twin/webhooks", t.controlTrouble)
	mux.HandleFunc("POST /_twin/webhook_endpoints/{id}/roll", t.controlRoll)
	mux.Handle("/_twin/faults", t.faults)
}

// selfDescription says what the twin can do and what it cannot.
func (t *Twin) selfDescription() map[string]any {
	var api []string
	for _, r := range t.routes {
		api = append(api, r.method+" "+r.pattern)
	}
	slices.Sort(api)
	return map[string]any{
		"api_version": APIVersion,
		"api":         api,
		"hosted":      []string{"GET /i/{invoice}", "POST /i/{invoice}/pay", "GET /c/pay/{session}", "POST /c/pay/{session} payment_method"},
		"control": []string{
			"GET /_twin", "GET /_twin/requests", "POST /_twin/charge {customer, amount, currency, description} (amount in minor units: 5000 is 50.00 USD)",
			"POST /_twin/advance {by}", "POST /_twin/payout {currency} or {payout, failure_code}",
			"POST /_twin/balance_transaction {type, amount, fee, currency, description, category, source, days, future} (amount and fee in minor units)",
			"POST /_twin/topup/fail {topup, failure_code}",
			"GET /_twin/rates", "POST /_twin/rates {rates: {eur: \"1.0838\"}, settle: [usd]} (price of one unit in US dollars; the currencies with a balance)",
			"POST /_twin/authenticate {payment_intent, fail}", "POST /_twin/refund/fail {refund, reason}", "POST /_twin/charge/fail {charge, failure_code}",
			"POST /_twin/refund/fees {back} (whether refunds from now on give their share of the fee back)",
			"POST /_twin/dispute {charge, reason, inquiry} or {dispute, outcome: won|lost|escalate, fee_back}",
			"POST /_twin/webhook {url, secret}", "POST /_twin/webhook_endpoints/{id}/roll {overlap}",
			"POST /_twin/events/resend {events: [evt_…]}", "GET /_twin/webhooks", "POST /_twin/webhooks {duplicate, delay: [min, max], reorder, two_events, seed, chunked, retries: test|live}",
			"GET /_twin/faults", "POST /_twin/faults {method, path_prefix, count, after, probability, seed, from, for, retry_after, mode} or a list of such", "DELETE /_twin/faults",
		},
		"not_implemented": []string{
			"taxes and shipping of credit notes, coupons and discounts, plans, sources, quotes, payment links, test clocks (advance the twin's own)",
			"tiered and metered prices, pausing and backdating subscriptions, another interval of one, the upcoming invoice, subscription schedules",
			"sending e-mail, PDF, Stripe versions other than " + APIVersion,
			"everything else of Stripe that api does not list is answered with status 501 and code twin_not_implemented",
		},
	}
}

func (t *Twin) controlCharge(w http.ResponseWriter, req *http.Request) {
	var in struct {
		Customer    string `json:"customer"`
		Amount      int64  `json:"amount"` // minor units
		Currency    string `json:"currency"`
		Description string `json:"description"`
	}
	if !readJSON(w, req, &in) {
		return
	}
	id, err := t.ChargeCustomer(req.Context(), in.Customer, in.Amount, in.Currency, in.Description)
	if err != nil {
		refuseJSON(w, err)
		return
	}
	sendJSON(w, http.StatusOK, map[string]string{"charge": id})
}

func (t *Twin) controlWebhook(w http.ResponseWriter, req *http.Request) {
	var in struct {
		URL    string `json:"url"`
		Secret string `json:"secret"`
	}
	if !readJSON(w, req, &in) {
		return
	}
	if in.URL == "" || in.Secret == "" {
		refuseJSON(w, errors.New("url and secret are required"))
		return
	}
	t.SetWebhook(in.URL, in.Secret)
	sendJSON(w, http.StatusOK, map[string]string{"url": in.URL})
}

func readJSON(w http.ResponseWriter, req *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, req.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if errors.Is(err, io.EOF) {
		err = errors.New("the body is empty: want a JSON object, {} at least; GET /_twin lists its fields")
	}
	if err != nil {
		refuseJSON(w, wanted(err))
		return false
	}
	return true
}

// wanted says what a member should have been, in words of JSON instead of Go.
func wanted(err error) error {
	e, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return err
	}
	kind := e.Type.Kind()
	want := orElse(map[reflect.Kind]string{
		reflect.Int: "a whole number", reflect.Int64: "a whole number", reflect.Float64: "a number", reflect.Bool: "true or false",
		reflect.Struct: "an object", reflect.Map: "an object", reflect.Slice: "a list",
	}[kind], "a "+kind.String())
	if e.Field == "amount" || e.Field == "fee" {
		want += " of minor units (5000 is 50.00 USD, and 5000 JPY)"
	}
	got := "a " + e.Value
	if e.Value == "array" || e.Value == "object" {
		got = "an " + e.Value
	}
	return fmt.Errorf("%s: want %s, got %s", orElse(e.Field, "the body"), want, got)
}

// refuseJSON answers 400, or the status that the API would have answered.
func refuseJSON(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if e, ok := errors.AsType[*apiError](err); ok {
		status = e.status
	}
	sendJSON(w, status, map[string]string{"error": err.Error()})
}

func sendJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // the client went away
}
