package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"millrace/bench/process"
)

const stripeKey = "sk_test_bench"

var stripeBench = bench{
	args: func(objects int) []string {
		return []string{"twin", "stripe", "--api-key", stripeKey, "--objects", strconv.Itoa(objects)}
	},
	loads: stripeLoads,
}

// stripe builds the requests for one twin.
type stripe struct{ url string }

func (s stripe) get(path string) *http.Request { return s.request(http.MethodGet, path, "") }

func (s stripe) request(method, path, form string) *http.Request {
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(form)) //nolint:noctx // a request that began may end
	if err != nil {
		panic(err) // impossible: paths are ours
	}
	req.Header.Set("Authorization", "Bearer "+stripeKey)
	return req
}

func (s stripe) post(path, form, key string) *http.Request {
	req := s.request(http.MethodPost, path, form)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Idempotency-Key", key)
	return req
}

// ids reads the ids of the newest objects of a list.
func (s stripe) ids(path string, pages int) ([]string, error) {
	var out []string
	client := &http.Client{Timeout: time.Minute}
	for range pages {
		full := path
		if len(out) > 0 {
			full += "&starting_after=" + out[len(out)-1]
		}
		body, err := send(client, s.get(full))
		if err != nil {
			return nil, err
		}
		var list struct {
			Data []struct {
				ID string `json:"id"`
			} `json:"data"`
		}
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if len(list.Data) == 0 {
			break
		}
		for _, o := range list.Data {
			out = append(out, o.ID)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: nothing there", path)
	}
	return out, nil
}

func stripeLoads(_ context.Context, p *process.Process) ([]load, error) {
	s := stripe{url: p.URL}
	charges, err := s.ids("/v1/charges?limit=100", 50)
	if err != nil {
		return nil, err
	}
	customers, err := s.ids("/v1/customers?limit=100", 20)
	if err != nil {
		return nil, err
	}
	payouts, err := s.ids("/v1/payouts?limit=100&status=paid", 3)
	if err != nil {
		return nil, err
	}
	run := strconv.FormatInt(time.Now().UnixNano(), 36)
	reads := func(name string, path func(n int64) string) load {
		return load{name: name, turn: func(n int64, ask func(*http.Request) ([]byte, error)) error {
			_, err := ask(s.get(path(n)))
			return err
		}}
	}
	pick := func(from []string, n int64) string { return from[n*7919%int64(len(from))] }
	return []load{
		reads("GET charge", func(n int64) string { return "/v1/charges/" + pick(charges, n) }),
		reads("list 10 charges of a customer", func(n int64) string { return "/v1/charges?customer=" + pick(customers, n) }),
		reads("list 10 balance transactions of a payout", func(n int64) string {
			return "/v1/balance_transactions?payout=" + pick(payouts, n)
		}),
		reads("list 100 balance transactions of a payout", func(n int64) string {
			return "/v1/balance_transactions?limit=100&payout=" + pick(payouts, n)
		}),
		{"create and confirm a payment intent", func(n int64, ask func(*http.Request) ([]byte, error)) error {
			form := "amount=4200&currency=usd&confirm=true&payment_method=pm_card_visa&customer=" + pick(customers, n)
			_, err := ask(s.post("/v1/payment_intents", form, fmt.Sprint(run, "-pi-", n)))
			return err
		}},
		{"invoice: item, create, pay", func(n int64, ask func(*http.Request) ([]byte, error)) error {
			return s.bill(ask, pick(customers, n), fmt.Sprint(run, "-in-", n))
		}},
	}, nil
}

// bill makes an invoice and pays it.
func (s stripe) bill(ask func(*http.Request) ([]byte, error), customer, key string) error {
	body, err := ask(s.post("/v1/invoices", "currency=usd&customer="+customer, key+"-a"))
	if err != nil {
		return err
	}
	var inv struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(body, &inv); err != nil {
		return err
	}
	if _, err := ask(s.post("/v1/invoiceitems", "amount=1500&currency=usd&customer="+customer+"&invoice="+inv.ID, key+"-b")); err != nil {
		return err
	}
	_, err = ask(s.post("/v1/invoices/"+inv.ID+"/pay", "payment_method=pm_card_visa", key+"-c"))
	return err
}
