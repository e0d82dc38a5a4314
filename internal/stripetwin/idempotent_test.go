package stripetwin_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"millrace/internal/stripetwin"
)

// A sender sends writes under idempotency keys, as a client does that retries
// whatever it got no answer for.
type sender struct {
	t    *testing.T
	tw   *stripetwin.Twin
	srv  *httptest.Server
	cus  string
	open string         // an invoice to credit
	paid string         // a charge to refund
	has  map[string]int // objects by list
	n    int            // keys used
}

// write is one operation: it makes exactly one object of the list.
type write struct{ list, path, form string }

func (s *sender) writes(rt *rapid.T) write {
	amount := rapid.Int64Range(50, 500).Draw(rt, "amount")
	return rapid.SampledFrom([]write{
		{"customers", "customers", fmt.Sprintf("name=Ada%d", amount)},
		{"payment_intents", "payment_intents", fmt.Sprintf("amount=%d&currency=usd&confirm=true&payment_method=pm_card_visa", amount)},
		{"payment_intents", "payment_intents", fmt.Sprintf("amount=%d&currency=usd&confirm=true&payment_method=pm_card_chargeDeclined", amount)},
		{"refunds", "refunds", fmt.Sprintf("charge=%s&amount=%d", s.paid, amount)},
		{"invoices", "invoices", "customer=" + s.cus},
		{"invoiceitems", "invoiceitems", fmt.Sprintf("customer=%s&amount=%d&currency=usd", s.cus, amount)},
		{"credit_notes", "credit_notes", fmt.Sprintf("invoice=%s&amount=%d", s.open, amount)},
		{"topups", "topups", fmt.Sprintf("amount=%d&currency=usd", amount)},
		{"payouts", "payouts", fmt.Sprintf("amount=%d&currency=usd", amount)},
		{"customers/" + s.cus + "/balance_transactions", "customers/" + s.cus + "/balance_transactions", fmt.Sprintf("amount=%d&currency=usd", amount)},
	}).Draw(rt, "write")
}

// post returns status 0 where no whole answer came.
func (s *sender) post(path, form, key string) (status int, body string) {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.srv.URL+"/v1/"+path, io.NopCloser(strings.NewReader(form)))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testKey)
	req.Header.Set("Idempotency-Key", key)
	res, err := s.srv.Client().Do(req)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, ""
	}
	return res.StatusCode, string(raw)
}

func (s *sender) count(list string) (n int) {
	for cursor := ""; ; {
		_, page := send(s.t, s.srv, http.MethodGet, "/v1/"+list+"?limit=100"+cursor, "")
		data := page["data"].([]any)
		n += len(data)
		if page["has_more"] != true {
			return n
		}
		cursor = "&starting_after=" + data[len(data)-1].(map[string]any)["id"].(string)
	}
}

// makes says whether a write with the answer has made its object: a decline
// leaves its PaymentIntent behind.
func makes(w write, status int) bool {
	return status == http.StatusOK || status == http.StatusPaymentRequired && w.list == "payment_intents"
}

func (s *sender) retry(rt *rapid.T) {
	w := s.writes(rt)
	s.n++
	key := fmt.Sprintf("key-%d", s.n)
	mode := rapid.SampledFrom([]string{"", "cut_before", "cut_after_commit", "status:429", "cut_body"}).Draw(rt, "fault")
	if mode != "" {
		if err := s.tw.AddFault(stripetwin.Fault{Method: "POST", PathPrefix: "/v1/" + w.path, Count: rapid.IntRange(1, 2).Draw(rt, "times"), Mode: mode}); err != nil {
			rt.Fatal(err)
		}
	}
	var status int
	var body string
	for tries := 0; status == 0 || status == http.StatusTooManyRequests; tries++ {
		if status, body = s.post(w.path, w.form, key); tries > 5 {
			rt.Fatalf("no answer to %v", w)
		}
	}
	if makes(w, status) {
		s.has[w.list]++
	}
	for range rapid.IntRange(1, 2).Draw(rt, "again") {
		again, bodyAgain := s.post(w.path, w.form, key)
		if again == 0 {
			continue
		}
		if status < 400 && (again != status || bodyAgain != body) {
			rt.Fatalf("%v answered %d, then %d: %s", w, status, again, bodyAgain)
		}
	}
	if status < 400 {
		if code, b := s.post(w.path, w.form+"&metadata[x]=y", key); code != http.StatusBadRequest || !strings.Contains(b, "idempotency_error") {
			rt.Fatalf("%v with other parameters: %d %s", w, code, b)
		}
	}
	if n := s.count(w.list); n != s.has[w.list] {
		rt.Fatalf("%v under %q: %d objects, want %d", w, mode, n, s.has[w.list])
	}
}

// race sends one write several times at once.
func (s *sender) race(rt *rapid.T) {
	w := s.writes(rt)
	s.n++
	key := fmt.Sprintf("key-%d", s.n)
	var wg sync.WaitGroup
	answers := make([]string, 4)
	statuses := make([]int, len(answers))
	for i := range answers {
		wg.Go(func() { statuses[i], answers[i] = s.post(w.path, w.form, key) })
	}
	wg.Wait()
	done := ""
	for i, a := range answers {
		if statuses[i] == http.StatusConflict {
			continue
		}
		if makes(w, statuses[i]) && done == "" {
			done = a
			s.has[w.list]++
		}
		if done != "" && a != done {
			rt.Fatalf("two answers under one key: %s and %s", done, a)
		}
	}
	if n := s.count(w.list); n != s.has[w.list] {
		rt.Fatalf("%v at once: %d objects, want %d", w, n, s.has[w.list])
	}
}

// TestARetryNeverMakesASecondObject: whatever goes wrong on the way, one key
// makes at most one object, and the same answer for ever.
func TestARetryNeverMakesASecondObject(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tw, sc, srv := start(t, stripetwin.Options{Now: atNoon})
		must(tw.Book(t.Context(), stripetwin.Movement{Type: "topup", Amount: 1_000_00}))(t)
		cus := newCustomer(t, sc).ID
		s := &sender{t: t, tw: tw, srv: srv, cus: cus, open: newOpen(t, sc, cus, 90_00).ID, paid: shopCharge(t, tw, 80_00)}
		s.has = map[string]int{"customers": 1, "payment_intents": 2, "invoices": 1, "invoiceitems": 1}
		for range rapid.IntRange(1, 6).Draw(rt, "writes") {
			rapid.SampledFrom([]func(*rapid.T){s.retry, s.retry, s.race}).Draw(rt, "how")(rt)
		}
	})
}

func TestAnAnswerThatWasCutIsGivenOnTheRetry(t *testing.T) {
	tw, _, srv := start(t, stripetwin.Options{})
	s := &sender{t: t, tw: tw, srv: srv}
	if err := tw.AddFault(stripetwin.Fault{Method: "POST", PathPrefix: "/v1/payment_intents", Count: 1, Mode: "cut_after_commit"}); err != nil {
		t.Fatal(err)
	}
	const form = "amount=5000&currency=usd&confirm=true&payment_method=pm_card_visa"
	if status, _ := s.post("payment_intents", form, "k"); status != 0 {
		t.Fatalf("not cut: %d", status)
	}
	if s.count("charges") != 1 {
		t.Fatal("the money did not move")
	}
	status, body := s.post("payment_intents", form, "k")
	var pi struct{ Status string }
	if err := json.Unmarshal([]byte(body), &pi); err != nil || status != 200 || pi.Status != "succeeded" || s.count("charges") != 1 {
		t.Fatalf("%d %s, %d charges", status, body, s.count("charges"))
	}
}
