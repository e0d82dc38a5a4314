package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/bus"
	"millrace/internal/ledger"
	"millrace/internal/posting"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

const connection = "default"

// now is the clock of everything.
func now() time.Time { return time.Date(2026, 5, 12, 12, 0, 0, 0, time.UTC) }

func at(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t.Add(10 * time.Hour)
}

// world is a Stripe account as lists, Acumatica's twin, and what a sink would
// have left of the postings.
type world struct {
	t        testing.TB
	o        Options
	twin     *acumaticatwin.Twin
	erp      *acumatica.Client
	customer string
	moves    []*ledger.Movement // oldest first
	payout   map[string]string  // movement → payout
	payouts  []stripeapi.Payout // oldest first
	intents  []schemas.Intent
	records  map[string]posting.Record

	only    func(kind, key string) bool // what is posted; nil: all
	edit    func(fields map[string]any) // what people make of the document with the key
	editKey string
	applied map[string]*schemas.AcumaticaApplication // by charge
	dated   map[string]string                        // charge → date of its payment; otherwise that of the charge
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	twin, err := acumaticatwin.New(acumaticatwin.Options{Tenant: "Books", Username: "u", Password: "p", Now: now})
	if err != nil {
		tb.Fatal(err)
	}
	srv := httptest.NewServer(twin.Handler())
	tb.Cleanup(srv.Close)
	client, err := acumatica.New(acumatica.Config{BaseURL: srv.URL, Tenant: "Books", Endpoint: "Default/24.200.001", Username: "u", Password: "p"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Close(context.WithoutCancel(tb.Context())) })
	w := &world{t: tb, twin: twin, erp: client, payout: map[string]string{}, records: map[string]posting.Record{}}
	w.customer = twin.AddCustomer(acumaticatwin.Customer{Name: "Buyer"})
	rules := ledger.Rules{Location: time.UTC, Clearing: map[string]ledger.Account{}, Accounts: map[string]map[string]ledger.Account{"bank": {}}}
	for currency, account := range acumaticatwin.SeedClearing() {
		rules.Clearing[currency] = ledger.Account{Account: account}
	}
	for currency, account := range acumaticatwin.SeedBanks() {
		rules.Accounts["bank"][currency] = ledger.Account{Account: account}
	}
	for name, account := range acumaticatwin.SeedAccounts() {
		rules.Accounts[name] = map[string]ledger.Account{"": {Account: account}}
	}
	w.o = Options{
		Connection: connection, Rules: rules, Charges: true,
		CashAccounts: map[string]string{"USD": acumaticatwin.SeedCashAccountUSD, "EUR": acumaticatwin.SeedCashAccountEUR},
		Stripe:       w, Balance: w.balance, ERP: client, Postings: w, Log: w,
	}
	return w
}

// move adds a movement; payout is the one that takes it.
func (w *world) move(day, kind, category string, amount, fee int64, payout string, source ledger.Source) *ledger.Movement {
	m := &ledger.Movement{
		ID: fmt.Sprintf("txn_%03d", len(w.moves)), Type: kind, Category: category, Amount: amount, Fee: fee, Net: amount - fee, Currency: "USD",
		Created: at(day), AvailableOn: at(day).AddDate(0, 0, 2), Source: source,
	}
	if fee != 0 {
		m.Fees = []ledger.FeePart{{Type: "stripe_fee", Amount: fee, Currency: "USD"}}
	}
	w.moves = append(w.moves, m)
	if payout != "" {
		w.payout[m.ID] = payout
	}
	return m
}

func (w *world) charge(day string, amount, fee int64, payout string) *ledger.Movement {
	id := fmt.Sprintf("ch_%03d", len(w.moves))
	return w.move(day, "charge", "charge", amount, fee, payout, ledger.Source{
		Kind: "charge", ID: id, Amount: amount, Currency: "USD", Charge: &ledger.Charge{ID: id, Customer: "cus_1", Status: "succeeded", Captured: amount, Currency: "USD", Created: at(day)},
	})
}

// pay makes the payout of what it was named for.
func (w *world) pay(id, created, arrival string) {
	var sum int64
	for _, m := range w.moves {
		if w.payout[m.ID] == id {
			sum += m.Net
		}
	}
	own := w.move(created, "payout", "payout", -sum, 0, id, ledger.Source{Kind: "payout", ID: id})
	arrives, err := time.Parse(time.DateOnly, arrival)
	if err != nil {
		w.t.Fatal(err)
	}
	w.payouts = append(w.payouts, stripeapi.Payout{
		ID: id, Amount: sum, Currency: "USD", Status: "paid", Automatic: true, Reconciliation: "completed", Created: at(created), Arrival: arrives, Movement: *own,
	})
}

// EachMovement is Stripe's list.
func (w *world) EachMovement(_ context.Context, q stripeapi.MovementQuery, each func(*ledger.Movement) error) error {
	for _, m := range slices.Backward(w.moves) {
		if q.Payout != "" && w.payout[m.ID] != q.Payout || m.Created.Before(q.From) || !q.Until.IsZero() && !m.Created.Before(q.Until) {
			continue
		}
		if err := each(m); err != nil {
			return err
		}
	}
	return nil
}

// ListPayouts is Stripe's list, on one page.
func (w *world) ListPayouts(_ context.Context, q stripeapi.PayoutQuery) (page []stripeapi.Payout, more bool, err error) {
	for _, p := range slices.Backward(w.payouts) {
		outside := func(t, from, until time.Time) bool { return t.Before(from) || !until.IsZero() && !t.Before(until) }
		if !outside(p.Created, q.CreatedFrom, q.CreatedUntil) && !outside(p.Arrival, q.ArrivalFrom, q.ArrivalUntil) {
			page = append(page, p)
		}
	}
	return page, false, nil
}

// GetPayout finds a payout.
func (w *world) GetPayout(_ context.Context, id string) (stripeapi.Payout, error) {
	for _, p := range w.payouts {
		if p.ID == id {
			return p, nil
		}
	}
	return stripeapi.Payout{}, fmt.Errorf("no payout %s", id)
}

func (w *world) balance(context.Context) (map[string]int64, error) {
	sum := map[string]int64{}
	for _, m := range w.moves {
		sum[m.Currency] += m.Net
	}
	return sum, nil
}

// Get is the store of postings.
func (w *world) Get(_ context.Context, _, intentID string) (posting.Record, bool, error) {
	r, ok := w.records[intentID]
	return r, ok, nil
}

// Scan is the stream of intents.
func (w *world) Scan(_ context.Context, _ string, _ uint64, fn func(*bus.Message) error) error {
	for i, in := range w.intents {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		m := &bus.Message{
			Stream: bus.Intents, Seq: uint64(i + 1),
			Subject: bus.Subject{Stream: bus.Intents, Connection: in.Connection, Lane: in.Lane, A: in.Target, B: in.Document, C: in.Verb},
			Event:   bus.Event{ID: in.ID, Subject: in.Key, Data: data},
		}
		if err := fn(m); err != nil {
			return err
		}
	}
	return nil
}

// months proves from first through last.
func (w *world) months(first, last Month) []*Statement {
	w.t.Helper()
	all, err := Months(w.t.Context(), w.o, first, last, false, now())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range all {
		w.foots(s)
	}
	return all
}

// foots adds up the page: the findings, with what was written off of them, are
// the headline, which is the difference of the clearing account; and that
// account's balances are its movements apart.
func (w *world) foots(s *Statement) {
	w.t.Helper()
	minor := func(text string) int64 {
		n, err := parse(text, s.Currency)
		if err != nil {
			w.t.Fatal(err)
		}
		return n
	}
	var found, written int64
	for _, f := range s.Findings {
		found += minor(f.Difference)
	}
	for _, e := range s.Notes {
		if e.Cause == WrittenOff {
			written += minor(e.Amount)
		}
	}
	if n := minor(s.Difference); n != found && n != found+written {
		w.t.Errorf("the findings are %d, with what is written off %d: %s", found, found+written, dump(s))
	}
	if b := s.Clearing; b != nil && (b.Difference != s.Difference || minor(b.Opening)+minor(b.Movements) != minor(b.Clearing)) {
		w.t.Errorf("the clearing account does not foot: %s", dump(s))
	}
}

func (w *world) ofPayout(id string) *Statement {
	w.t.Helper()
	all, err := ByPayout(w.t.Context(), w.o, id)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(all) != 1 {
		w.t.Fatalf("%d statements", len(all))
	}
	w.foots(all[0])
	return all[0]
}

// wrong is what is wrong without signs.
func (s *Statement) wrong() string { return decimalOf(s.off, s.Currency) }
