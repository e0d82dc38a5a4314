package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"millrace/bench/process"
)

const acumaticaRoot = "/entity/Default/24.200.001/"

var acumaticaBench = bench{
	args: func(objects int) []string {
		return []string{"twin", "acumatica", "--password", "bench", "--scenario", "", "--documents", strconv.Itoa(objects)}
	},
	loads: acumaticaLoads,
}

// acumatica builds the requests for one twin and one session.
type acumatica struct {
	url, cookie string
}

func (a acumatica) request(method, path, body string) *http.Request {
	req, err := http.NewRequest(method, a.url+path, strings.NewReader(body)) //nolint:noctx // a request that began may end
	if err != nil {
		panic(err) // impossible: paths are ours
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Cookie", a.cookie)
	return req
}

func (a *acumatica) login() error {
	res, err := (&http.Client{Timeout: time.Minute}).Do(a.request(http.MethodPost, "/entity/auth/login", `{"name":"admin","password":"bench"}`))
	if err != nil {
		return err
	}
	if err := res.Body.Close(); err != nil {
		return err
	}
	if res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("login: %s", res.Status)
	}
	for _, c := range res.Cookies() {
		a.cookie += c.Name + "=" + c.Value + "; "
	}
	return nil
}

// A value is how Acumatica wraps what a field has.
type value struct {
	Value any `json:"value"`
}

// list reads rows with some fields of them.
func (a acumatica) list(entity, fields, filter string, top, skip int) ([]map[string]value, error) {
	q := url.Values{"$select": {fields}, "$filter": {filter}, "$top": {strconv.Itoa(top)}, "$skip": {strconv.Itoa(skip)}}
	body, err := send(&http.Client{Timeout: time.Minute}, a.request(http.MethodGet, acumaticaRoot+entity+"?"+q.Encode(), ""))
	if err != nil {
		return nil, err
	}
	var raw []map[string]json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, err
	}
	rows := make([]map[string]value, len(raw))
	for i, r := range raw {
		rows[i] = map[string]value{}
		for name := range strings.SplitSeq(fields, ",") {
			var v value
			if err := json.Unmarshal(r[name], &v); err != nil {
				return nil, fmt.Errorf("%s %s: %w", entity, name, err)
			}
			rows[i][name] = v
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: nothing there", entity)
	}
	return rows, nil
}

func acumaticaLoads(_ context.Context, p *process.Process) ([]load, error) {
	a := acumatica{url: p.URL}
	if err := a.login(); err != nil {
		return nil, err
	}
	payments, err := a.list("Payment", "ReferenceNbr,PaymentRef,LastModifiedDateTime", "Type eq 'Payment'", 1000, 0)
	if err != nil {
		return nil, err
	}
	invoices, err := a.list("Invoice", "ReferenceNbr,Customer,Balance", "Type eq 'Invoice' and Status eq 'Open' and cf.String(f='Document.CuryID') eq 'USD'", 300, 0)
	if err != nil {
		return nil, err
	}
	pick := func(n int64, field string) string {
		return fmt.Sprint(payments[n*7919%int64(len(payments))][field].Value)
	}
	reads := func(name string, path func(n int64) string) load {
		return load{name: name, turn: func(n int64, ask func(*http.Request) ([]byte, error)) error {
			_, err := ask(a.request(http.MethodGet, acumaticaRoot+path(n), ""))
			return err
		}}
	}
	filter := func(text string) string { return url.Values{"$filter": {text}}.Encode() }
	var next atomic.Int64
	return []load{
		reads("GET payment by key", func(n int64) string { return "Payment/Payment/" + pick(n, "ReferenceNbr") }),
		reads("list payments by PaymentRef", func(n int64) string { return "Payment?" + filter("PaymentRef eq '"+pick(n, "PaymentRef")+"'") }),
		reads("poll 10 min of LastModifiedDateTime, $top=20", func(n int64) string {
			at, err := time.Parse(time.RFC3339Nano, pick(n, "LastModifiedDateTime"))
			if err != nil {
				panic(err) // the twin wrote it
			}
			const layout = "2006-01-02T15:04:05.999Z"
			return "Payment?$top=20&" + filter("LastModifiedDateTime gt datetimeoffset'"+at.Add(-5*time.Minute).Format(layout)+
				"' and LastModifiedDateTime lt datetimeoffset'"+at.Add(5*time.Minute).Format(layout)+"'")
		}),
		{"PUT payment applied to an invoice", func(_ int64, ask func(*http.Request) ([]byte, error)) error {
			i := invoices[next.Add(1)%int64(len(invoices))]
			_, err := ask(a.request(http.MethodPut, acumaticaRoot+"Payment", a.payment(i["Customer"].Value, i["ReferenceNbr"].Value)))
			return err
		}},
	}, nil
}

// payment pays a cent of an invoice that is open.
func (a acumatica) payment(customer, invoice any) string {
	return fmt.Sprintf(`{"CustomerID":{"value":%q},"PaymentMethod":{"value":"STRIPE"},"CashAccount":{"value":"10250ST"},"PaymentRef":{"value":"pi_%d"},
		"PaymentAmount":{"value":0.01},"Hold":{"value":false},"DocumentsToApply":[{"ReferenceNbr":{"value":%q},"AmountPaid":{"value":0.01}}]}`,
		customer, time.Now().UnixNano(), invoice)
}
