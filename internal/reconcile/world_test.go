package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
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
func now() time.Time { return time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC) }

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
		Created: at(day), Source: source,
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
		Kind: "charge", ID: id, Amount: amount, Currency: "USD", Charge: &ledger.Charge{ID: id, Customer: "cus_1", Captured: amount, Currency: "USD"},
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

// post does what the pipeline does: documents for what they cover, journals for
// the rest of completed payouts.
func (w *world) post() {
	w.t.Helper()
	for _, m := range w.moves {
		parts, err := w.o.Rules.Parts(m)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, p := range parts {
			if p.Cover == ledger.ByDocument && p.Document.Kind == ledger.Payment {
				w.paymentIn(p.Currency, p.Document.ID, p.Effect, m.Created.Format(time.DateOnly))
			}
		}
	}
	w.opening()
	w.units()
	for _, p := range w.payouts {
		if p.Created.Before(w.o.Rules.Start) {
			continue
		}
		if p.Reconciliation == "completed" && w.byPayout() {
			u := ledger.NewUnit(w.o.Rules, p.ID, p.Currency)
			for _, m := range w.moves {
				if w.payout[m.ID] == p.ID {
					if err := u.Add(m); err != nil {
						w.t.Fatal(err)
					}
				}
			}
			w.journals(u.Journals())
		}
		if p.Status == "paid" {
			w.journals(ledger.Bank(w.o.Rules, &p.Movement, p.Arrival))
		}
	}
}

func (w *world) intent(document, key string, fields any, keys map[string]string) {
	data, err := json.Marshal(fields)
	if err != nil {
		w.t.Fatal(err)
	}
	in := schemas.Intent{
		Connection: connection, Lane: "cus_1", Target: schemas.Acumatica, Document: document, Verb: "create", Key: key, Fields: data,
	}
	in.ID = schemas.IntentID(connection, schemas.Acumatica, document, "create", key, "")
	w.intents = append(w.intents, in)
	w.records[in.ID] = posting.Record{IntentID: in.ID, State: posting.Done, Keys: keys}
}

func (w *world) payment(charge string, amount int64, day string) {
	w.t.Helper()
	w.paymentIn("USD", charge, amount, day)
}

func (w *world) paymentIn(currency, charge string, amount int64, day string) {
	w.t.Helper()
	fields := schemas.AcumaticaPayment{
		Type: "Prepayment", CustomerID: w.customer, PaymentMethod: acumaticatwin.SeedPaymentMethod, CashAccount: w.o.CashAccounts[currency],
		CurrencyID: currency, PaymentAmount: decimalOf(amount, currency), PaymentRef: charge, ApplicationDate: day,
	}
	if w.only != nil && !w.only(payment, charge) {
		return
	}
	r := w.put(charge, paymentEntity, "ReleasePayment", fields)
	w.intent("payment", charge, fields, map[string]string{"Type": r.String("Type"), "ReferenceNbr": r.String("ReferenceNbr"), "id": r.ID()})
}

func (w *world) journals(js []ledger.Journal, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, j := range js {
		f := schemas.AcumaticaJournal{
			Module: "GL", CurrencyID: j.Currency, TransactionDate: j.Date, Description: "Stripe " + j.Key + " " + schemas.JournalReference(connection, j.Key),
		}
		for _, l := range j.Lines {
			row := schemas.AcumaticaJournalLine{Account: l.Account, TransactionDescription: l.Description}
			if l.Debit != 0 {
				row.DebitAmount = decimalOf(l.Debit, j.Currency)
			} else {
				row.CreditAmount = decimalOf(l.Credit, j.Currency)
			}
			f.Details = append(f.Details, row)
		}
		w.journal(j.Key, f)
	}
}

func (w *world) journal(key string, f schemas.AcumaticaJournal) {
	w.t.Helper()
	if w.only != nil && !w.only(journal, key) {
		return
	}
	r := w.put(key, journalEntity, "ReleaseJournalTransaction", f)
	w.intent("journal", key, f, map[string]string{"Module": "GL", "BatchNbr": r.String("BatchNbr"), "id": r.ID()})
}

// put creates and releases a document.
func (w *world) put(key, entity, action string, fields any) acumatica.Record {
	w.t.Helper()
	r := w.draft(key, entity, fields)
	w.invoke(entity, action, r.ID())
	return r
}

func (w *world) invoke(entity, action, id string) {
	w.t.Helper()
	if err := w.erp.Invoke(w.t.Context(), entity, action, map[string]any{"id": id}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) draft(key, entity string, fields any) acumatica.Record {
	w.t.Helper()
	data, err := json.Marshal(fields)
	if err != nil {
		w.t.Fatal(err)
	}
	var plain map[string]any
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(&plain); err != nil {
		w.t.Fatal(err)
	}
	plain["Hold"] = false
	if w.edit != nil && key == w.editKey {
		w.edit(plain)
	}
	r, err := w.erp.Put(w.t.Context(), entity, wrapped(plain), acumatica.Query{})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func wrapped(plain map[string]any) map[string]any {
	body := map[string]any{}
	for name, v := range plain {
		if rows, ok := v.([]any); ok {
			list := make([]any, len(rows))
			for i, row := range rows {
				list[i] = wrapped(row.(map[string]any))
			}
			body[name] = list
			continue
		}
		body[name] = acumatica.Value(v)
	}
	return body
}

// months proves from first through last.
func (w *world) months(first, last Month) []*Statement {
	w.t.Helper()
	all, err := Months(w.t.Context(), w.o, first, last, false, now())
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func (w *world) ofPayout(id string) *Statement {
	w.t.Helper()
	all, err := Payout(w.t.Context(), w.o, id)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(all) != 1 {
		w.t.Fatalf("%d statements", len(all))
	}
	return all[0]
}

// noSource is that of a movement without one.
var noSource = ledger.Source{}

// numberOf is the number of the payment with the reference.
func (w *world) numberOf(ref string) string {
	for _, p := range w.twin.Payments() {
		if p.PaymentRef == ref {
			return p.ReferenceNbr
		}
	}
	w.t.Fatalf("no payment %s", ref)
	return ""
}

// void voids a prepayment as a person does.
func (w *world) void(number string) {
	w.t.Helper()
	keys := func(kind string) map[string]any {
		return map[string]any{"Type": acumatica.Value(kind), "ReferenceNbr": acumatica.Value(number)}
	}
	if err := w.erp.Invoke(w.t.Context(), paymentEntity, "VoidPayment", keys("Prepayment")); err != nil {
		w.t.Fatal(err)
	}
	if err := w.erp.Invoke(w.t.Context(), paymentEntity, "ReleasePayment", keys("Voided Payment")); err != nil {
		w.t.Fatal(err)
	}
}

// again posts a journal a second time.
func (w *world) again(key string) {
	for _, in := range w.intents {
		if in.Key != key {
			continue
		}
		var f schemas.AcumaticaJournal
		if err := json.Unmarshal(in.Fields, &f); err != nil {
			w.t.Fatal(err)
		}
		w.put(key, journalEntity, "ReleaseJournalTransaction", f)
	}
}

func (w *world) byPayout() bool { return !w.o.ByDay && w.o.Rules.Fees != ledger.FeesPerTransaction }

// opening posts what the balance was at the start.
func (w *world) opening() {
	var sum int64
	for _, m := range w.moves {
		if m.Created.Before(w.o.Rules.Start) {
			sum += m.Net
		}
	}
	w.journals(ledger.Opening(w.o.Rules, sum, "USD"))
}

// units posts days that are over, or movements one by one.
func (w *world) units() {
	w.t.Helper()
	units := map[string]*ledger.Unit{}
	for _, m := range w.moves {
		id := m.ID
		switch day := m.Created.Format(time.DateOnly); {
		case w.byPayout() || w.o.ByDay && day >= now().Format(time.DateOnly):
			continue
		case w.o.ByDay:
			id = day
		}
		if units[id] == nil {
			units[id] = ledger.NewUnit(w.o.Rules, id, m.Currency)
		}
		if err := units[id].Add(m); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, u := range units {
		w.journals(u.Journals())
	}
}

// carry posts the journal of an intent.
func (w *world) carry(in schemas.Intent) {
	w.t.Helper()
	var f schemas.AcumaticaJournal
	if err := json.Unmarshal(in.Fields, &f); err != nil {
		w.t.Fatal(err)
	}
	w.journal(in.Key, f)
}
