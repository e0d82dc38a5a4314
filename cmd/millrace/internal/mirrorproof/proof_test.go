package mirrorproof

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// answers are what a system says to a path, without its query.
type answers map[string]string

func (a answers) get(_ context.Context, path string, into any) error {
	path, _, _ = strings.Cut(path, "?")
	text, ok := a[path]
	if !ok {
		return fmt.Errorf("no answer for %s", path)
	}
	return json.Unmarshal([]byte(text), into)
}

func TestEveryDifferenceIsFound(t *testing.T) {
	erp := answers{
		"/_twin/invoices": `[
			{"type":"Invoice","reference_nbr":"AR1","status":"Open","currency_id":"USD","balance":"10"},
			{"type":"Invoice","reference_nbr":"AR2","status":"Open","currency_id":"USD","balance":"10"},
			{"type":"Invoice","reference_nbr":"AR3","status":"Closed","currency_id":"USD","balance":"0"},
			{"type":"Invoice","reference_nbr":"AR4","status":"On Hold","currency_id":"USD","balance":"10"},
			{"type":"Invoice","reference_nbr":"AR5","status":"Open","currency_id":"JPY","balance":"10"},
			{"type":"Invoice","reference_nbr":"AR6","status":"Open","currency_id":"USD","balance":"7"},
			{"type":"Invoice","reference_nbr":"AR7","status":"Open","currency_id":"USD","balance":"7"},
			{"type":"Invoice","reference_nbr":"AR8","status":"Reserved","currency_id":"USD","balance":"7"},
			{"type":"Debit Memo","reference_nbr":"DM1","status":"Open","currency_id":"USD","balance":"3"},
			{"type":"Credit Memo","reference_nbr":"CM1","status":"Open","currency_id":"USD","balance":"10"}]`,
		"/_twin/payments":             `[{"type":"Payment","payment_ref":"ch_1","payment_amount":"7"},{"type":"Voided Payment","payment_ref":"ch_1","payment_amount":"-7"}]`,
		"/entity/Default/24/Customer": `[{"CustomerID":{"value":"C1"},"Status":{"value":"Active"}},{"CustomerID":{"value":"C2"},"Status":{"value":"Active"}},{"CustomerID":{"value":"C3"},"Status":{"value":"Inactive"}}]`,
	}
	invoice := func(number, status string, remaining int, more string) string {
		return fmt.Sprintf(`{"id":"in_%s","number":%q,"status":%q,"currency":"usd","amount_remaining":%d,"metadata":{"acumatica_ref_nbr":%q}%s}`, number, number, status, remaining, number, more)
	}
	stripe := answers{
		"/v1/invoices": `{"data":[` + strings.Join([]string{
			invoice("AR1", "open", 1000, ""), invoice("AR1", "void", 1000, ""), invoice("AR2", "open", 1000, ""), invoice("AR2", "open", 1, ""),
			invoice("AR3", "open", 100, ""), invoice("AR4", "open", 1000, ""), strings.Replace(invoice("AR5", "open", 10, ""), "usd", "jpy", 1),
			invoice("AR6", "paid", 0, `,"charge":"ch_1","amount_paid":700`), invoice("AR7", "paid", 0, `,"charge":"ch_1","amount_paid":700,"paid_out_of_band":true`),
			invoice("AR8", "open", 700, ""), invoice("AR9", "open", 500, ""),
		}, ",") + `]}`,
		"/v1/customers": `{"data":[{"id":"cus_1","metadata":{"acumatica_customer_id":"C1"}},{"id":"cus_2","metadata":{"acumatica_customer_id":"C1"}},{"id":"cus_3","metadata":{}}]}`,
		"/v1/charges":   `{"data":[{"id":"ch_1","status":"succeeded","currency":"usd","amount":700},{"id":"ch_2","status":"succeeded","currency":"usd","amount":100},{"id":"ch_3","status":"failed","currency":"usd","amount":100}]}`,
	}
	p, err := Prove(t.Context(), Sources{Stripe: stripe.get, ERP: erp.get, Endpoint: "Default/24", Reviewed: map[string]bool{"AR6": true, "AR7": true, "AR3": true}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range p.Differences {
		got = append(got, fmt.Sprint(d.Number, " ", d.Open, " ", d.Payable, " ", d.Over(), " ", d.Review))
	}
	want := []string{"AR2 10 10.01 true false", "AR3 0 1 true false", "AR4 0 10 true false", "AR6 7 0 false true", "AR7 7 0 false false", "AR8 0 7 true false", "AR9 0 5 true false", "DM1 3 0 false false"}
	if !slices.Equal(got, want) {
		t.Errorf("differences\n%s", strings.Join(got, "\n"))
	}
	twice := []string{
		"charge ch_2 over 1 stands in Acumatica as 0", "customer C1 stands 2 times in Stripe", "customer C2 stands 0 times in Stripe",
	}
	if !slices.Equal(p.Twice, twice) || p.Compared != 9 || p.Invoices != 8 {
		t.Errorf("%d compared, %d invoices, %q", p.Compared, p.Invoices, p.Twice)
	}
}
