package stripespec

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestAnswersAreHeldAgainstTheDescription(t *testing.T) {
	d := load()
	if d.Info.Version != "2023-10-16" {
		t.Fatalf("description of %s", d.Info.Version)
	}
	refund := `{"id":"re_1","object":"refund","amount":1,"balance_transaction":null,"charge":"ch_1","created":1,"currency":"usd","metadata":{},"payment_intent":null,"reason":null,"receipt_number":null,"source_transfer_reversal":null,"status":"succeeded","transfer_reversal":null}`
	event := `{"id":"evt_1","object":"event","api_version":"2023-10-16","created":1,"livemode":false,"pending_webhooks":0,"type":"refund.created","request":null,"data":{"object":` + refund + `}}`
	const refunds = "/v1/refunds/re_1"
	tests := []struct {
		name, path string
		status     int
		body       string
		want       string // a part of the one problem; "" for none
	}{
		{"a legal object", refunds, 200, refund, ""},
		{"a search has its own path", "/v1/customers/search", 200, `{"object":"search_result","data":[],"has_more":false,"next_page":null,"url":"/v1/customers/search"}`, ""},
		{"an unknown member", refunds, 200, strings.Replace(refund, `"amount"`, `"surprise":1,"amount"`, 1), "$.surprise: is not in the description"},
		{"a missing member", refunds, 200, strings.Replace(refund, `"amount":1,`, "", 1), "$.amount: is missing"},
		{"a wrong type", refunds, 200, strings.Replace(refund, `"amount":1`, `"amount":"1"`, 1), "$.amount: 1 is no integer"},
		{"a fraction", refunds, 200, strings.Replace(refund, `"amount":1`, `"amount":1.5`, 1), "$.amount: 1.5 is no integer"},
		{"a null", refunds, 200, strings.Replace(refund, `"amount":1`, `"amount":null`, 1), "must not be"},
		{"metadata that is no text", refunds, 200, strings.Replace(refund, `"metadata":{}`, `"metadata":{"a":1}`, 1), "$.metadata.a"},
		{"an object where an expansion of another kind belongs", refunds, 200, strings.Replace(refund, `"ch_1"`, refund, 1), "no kind that is allowed"},
		{"a path that is not Stripe's", "/v1/refund", 200, refund, "not in the description"},
		{"an error", refunds, 404, `{"error":{"type":"invalid_request_error","code":"resource_missing","param":"id","message":"no"}}`, ""},
		{"an error of no known type", refunds, 404, `{"error":{"type":"odd"}}`, "odd is none of"},
		{"an event", "/v1/events/evt_1", 200, event, ""},
		{"an event about a wrong object", "/v1/events/evt_1", 200, strings.Replace(event, `"amount":1,`, "", 1), "$.data.object.amount: is missing"},
		{"a list", "/v1/refunds", 200, `{"object":"list","has_more":false,"url":"/v1/refunds","data":[` + refund + `,{}]}`, "$.data[1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := d.judge(http.MethodGet, tt.path, tt.status, []byte(tt.body))
			if tt.want == "" && len(got) == 0 {
				return
			}
			if tt.want == "" || !slices.ContainsFunc(got, func(p string) bool { return strings.Contains(p, tt.want) }) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
