package stage

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/link"
	"millrace/internal/stripeapi"
	"millrace/internal/stripetwin"
	"millrace/schemas"
)

// settling is a stage whose Stripe is the twin, with accounts to settle on.
type settling struct {
	*world
	twin    *stripetwin.Twin
	client  *stripeapi.Client
	handler *Handler
	intents map[string]schemas.Intent
}

var testBooks = config.Books{
	TimeZone: "UTC", PaymentMethod: "STRIPE", CashAccounts: map[string]string{"USD": "10250", "EUR": "10260"},
	Clearing: map[string]config.Account{"USD": {Account: "10250"}, "EUR": {Account: "10260"}},
	Accounts: map[string]config.ByCurrency{
		"bank": {"": {Account: "10200"}}, "fee": {"": {Account: "61000"}}, "dispute": {"": {Account: "12500"}}, "dispute_lost": {"": {Account: "65000"}},
		"sales": {"": {Account: "40000"}}, "fx": {"": {Account: "71500"}}, "suspense": {"": {Account: "19900"}},
	},
}

func settle(t *testing.T, books config.Books) *settling {
	t.Helper()
	start := time.Date(2026, 3, 30, 9, 0, 0, 0, time.UTC)
	twin, err := stripetwin.New(stripetwin.Options{APIKey: twinKey, Now: func() time.Time { return start }, Settle: []string{"usd"}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(twin.Handler())
	t.Cleanup(server.Close)
	client, err := stripeapi.New(stripeapi.Config{APIKey: twinKey, BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	s := &settling{world: theWorld(), twin: twin, client: client, intents: map[string]schemas.Intent{}}
	s.links = map[string]link.Link{}
	s.handler = s.world.handler(t)
	conn := s.handler.o.Connections["default"]
	rules, err := books.Rules()
	if err != nil {
		t.Fatal(err)
	}
	conn.Stripe, conn.Movements, conn.Rules = client, client, &rules
	conn.Books.CashAccounts, conn.Books.Settlement = books.CashAccounts, settlement(books, rules)
	s.handler.o.Connections["default"] = conn
	publish := s.handler.o.Publisher
	s.handler.o.Publisher = publishFunc(func(in schemas.Intent) (bus.PubAck, error) {
		s.intents[in.ID] = in
		return publish.PublishIntentFor(t.Context(), nil, in)
	})
	return s
}

func (s *settling) handle(t *testing.T, object, verb, data string) schemas.Outcome {
	t.Helper()
	out, err := s.handler.Handle(t.Context(), stripeEvent(object, verb, data))
	if err != nil {
		t.Fatalf("%s.%s %s: %v", object, verb, data, err)
	}
	return out
}

// clearing is what all journals and documents published so far do to the
// clearing account of a currency, in its units.
func (s *settling) clearing(t *testing.T, currency, account string) string {
	t.Helper()
	sum := int64(0)
	cents := func(a string) int64 {
		if a == "" {
			return 0
		}
		n, err := strconv.ParseInt(strings.Replace(a, ".", "", 1), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, in := range s.intents {
		var f struct {
			schemas.AcumaticaJournal
			CashAccount, PaymentAmount, Type string
		}
		if err := json.Unmarshal(in.Fields, &f); err != nil {
			t.Fatal(err)
		}
		if f.CurrencyID != currency {
			continue
		}
		for _, l := range f.Details {
			if l.Account == account {
				sum += cents(l.DebitAmount) - cents(l.CreditAmount)
			}
		}
		switch {
		case f.CashAccount != account:
		case f.Type == "Refund":
			sum -= cents(f.PaymentAmount)
		default:
			sum += cents(f.PaymentAmount)
		}
	}
	return fmt.Sprintf("%d.%02d", sum/100, sum%100)
}

func (s *settling) customer(t *testing.T) string {
	t.Helper()
	c, err := s.client.CreateCustomer(t.Context(), "key-1", schemas.StripeCustomer{Name: "Northwind", Metadata: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	s.links["stripe customer "+c.ID] = link.Link{Kind: "customer", AcumaticaID: "C000001", StripeID: c.ID}
	return c.ID
}

func (s *settling) charge(t *testing.T, customer string, amount int64, currency string) string {
	t.Helper()
	id, err := s.twin.ChargeCustomer(t.Context(), customer, amount, currency, "Order")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// refund refunds a part of a charge whose payment is the prepayment 000042, and
// lets the event of it be handled.
func (s *settling) refund(t *testing.T, charge string, amount int64) {
	t.Helper()
	s.post(t, "/v1/refunds", fmt.Sprintf("charge=%s&amount=%d", charge, amount))
	s.posted(charge)
	out := s.handle(t, "charge", "refunded", `{"id":"`+charge+`","object":"charge"}`)
	if want := "published 1 intent: records 1 refund of " + charge; out.Reason != want {
		t.Errorf("got %q, want %q", out.Reason, want)
	}
}

// advance goes on until what is pending is available, or a payout has arrived.
func (s *settling) advance(t *testing.T) {
	t.Helper()
	if err := s.twin.Advance(t.Context(), 3*24*time.Hour); err != nil {
		t.Fatal(err)
	}
}

func (s *settling) payOut(t *testing.T) string {
	t.Helper()
	id, err := s.twin.PayOut(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}
