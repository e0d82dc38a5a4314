package stripesink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/calls"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/internal/stripeapi"
	"millrace/internal/stripespec"
	"millrace/internal/stripetwin"
	"millrace/schemas"
)

const connection = "default"

// world is a Stripe account with everything that outlives a sink process.
type world struct {
	t        *testing.T
	now      time.Time
	twin     *stripetwin.Twin
	url      string // of the Stripe account
	client   *stripeapi.Client
	api      API // client unless a test puts something in between
	postings map[string]posting.Record
	links    map[string]link.Link
	byStripe map[string]link.Link
	crashAt  int      // the how-manieth point to crash at; 0 is never
	points   []string // that were passed
	saveErr  map[posting.State]error
	failKey  int // the how-manieth write that fails unexecuted, with the failure kept under its key; 0 is none
	failed   map[string]bool
	writes   int
	counter  *calls.Counter // of the last Handle
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldBehind(t, func(h http.Handler) http.Handler { return h })
}

// newWorldBehind puts something before the Stripe account.
func newWorldBehind(t *testing.T, before func(http.Handler) http.Handler) *world {
	t.Helper()
	w := &world{
		t: t, now: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC),
		failed:   map[string]bool{},
		postings: map[string]posting.Record{}, links: map[string]link.Link{}, byStripe: map[string]link.Link{}, saveErr: map[posting.State]error{},
	}
	twin, err := stripetwin.New(stripetwin.Options{APIKey: "sk_test_sink", Now: func() time.Time { return w.now }, SearchLag: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(before(stripespec.Watch(t, twin.Handler())))
	t.Cleanup(srv.Close)
	client, err := stripeapi.New(stripeapi.Config{APIKey: "sk_test_sink", BaseURL: srv.URL, HTTPClient: &http.Client{Transport: w}})
	if err != nil {
		t.Fatal(err)
	}
	w.twin, w.url, w.client, w.api = twin, srv.URL, client, client
	return w
}

// RoundTrip lets one key fail for ever.
func (w *world) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodGet {
		return http.DefaultTransport.RoundTrip(req)
	}
	w.writes++
	key := req.Header.Get("Idempotency-Key")
	if w.writes == w.failKey {
		w.failed[key] = true
	}
	if w.failed[key] {
		rec := httptest.NewRecorder()
		rec.WriteHeader(http.StatusInternalServerError)
		_, _ = rec.WriteString(`{"error":{"type":"api_error","message":"sorry"}}`)
		return rec.Result(), nil
	}
	return http.DefaultTransport.RoundTrip(req)
}

// ByAcumatica and Put make the world a link store.
func (w *world) ByAcumatica(_ context.Context, connection, kind, id string) (link.Link, bool, error) {
	l, found := w.links[connection+" "+kind+" "+id]
	return l, found, nil
}

func (w *world) ByStripe(_ context.Context, connection, kind, id string) (link.Link, bool, error) {
	l, found := w.byStripe[connection+" "+kind+" "+id]
	if now := w.links[connection+" "+kind+" "+l.AcumaticaID]; now.StripeID == id {
		return now, found, nil
	}
	return l, found, nil
}

func (w *world) Swap(_ context.Context, connection string, old, next link.Link) error {
	key := connection + " " + next.Kind + " " + next.AcumaticaID
	now := w.links[key]
	if !slices.ContainsFunc([]link.Link{old, next}, func(l link.Link) bool { return l.StripeID == now.StripeID && maps.Equal(l.Attributes, now.Attributes) }) {
		return fault.Newf("link.changed", "%s stands for %s", now.AcumaticaID, now.StripeID)
	}
	w.links[key] = next
	if stripe := connection + " " + next.Kind + " " + next.StripeID; w.byStripe[stripe].StripeID == "" {
		w.byStripe[stripe] = next // what is there already is not written again
	}
	return nil
}

func (w *world) Put(_ context.Context, connection string, l link.Link) error {
	key := connection + " " + l.Kind + " " + l.AcumaticaID
	for _, old := range []link.Link{w.links[key], w.byStripe[connection+" "+l.Kind+" "+l.StripeID]} {
		if old.StripeID != "" && (old.StripeID != l.StripeID || old.AcumaticaID != l.AcumaticaID) {
			return fault.Newf("link.conflict", "%s is already linked with %s", old.AcumaticaID, old.StripeID)
		}
	}
	w.links[key], w.byStripe[connection+" "+l.Kind+" "+l.StripeID] = l, l
	return nil
}

func (w *world) Move(_ context.Context, connection string, _, next link.Link) error {
	stripe := connection + " " + next.Kind + " " + next.StripeID
	if old := connection + " " + next.Kind + " " + w.byStripe[stripe].AcumaticaID; w.links[old].StripeID == next.StripeID {
		delete(w.links, old)
	}
	w.links[connection+" "+next.Kind+" "+next.AcumaticaID], w.byStripe[stripe] = next, next
	return nil
}

func (w *world) Release(_ context.Context, connection string, old link.Link) error {
	if key := connection + " " + old.Kind + " " + old.AcumaticaID; w.links[key].StripeID == old.StripeID {
		delete(w.links, key)
	}
	return nil
}

func (w *world) claim(_ context.Context, connection, intentID string) (*Held, error) {
	key := connection + " " + intentID
	r, found := w.postings[key]
	if !found {
		r = posting.Record{IntentID: intentID, State: posting.Planned}
	}
	r.Keys = maps.Clone(r.Keys)
	h := &Held{Record: &r, Renew: func(context.Context) error { return nil }}
	h.Save = func(context.Context) error {
		if err := w.saveErr[r.State]; err != nil {
			return err
		}
		stored := r
		stored.Keys = maps.Clone(r.Keys)
		stored.Updated = w.now
		r.Updated = w.now
		w.postings[key] = stored
		return nil
	}
	return h, nil
}

type crash struct{ point string }

var errCrash = errors.New("crashed")

// handle lets a new sink process handle the intent, which may crash.
func (w *world) handle(in schemas.Intent, stored time.Time) (out schemas.Outcome, err error) {
	w.t.Helper()
	defer func() {
		if r := recover(); r != nil {
			c, ok := r.(crash)
			if !ok {
				panic(r)
			}
			out, err = schemas.Outcome{}, fmt.Errorf("at %q: %w", c.point, errCrash)
		}
	}()
	s := New(map[string]API{connection: w.api}, w.claim, w)
	s.now = func() time.Time { return w.now }
	w.points = nil
	s.at = func(point string) {
		if w.points = append(w.points, point); len(w.points) == w.crashAt {
			w.crashAt = 0
			panic(crash{point})
		}
	}
	data, err := json.Marshal(in)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, counter := calls.With(w.t.Context())
	w.counter = counter
	return s.Handle(ctx, &bus.Message{
		Stream: bus.Intents, Subject: bus.Subject{Connection: connection}, Stored: stored, Event: bus.Event{ID: in.ID, Data: data},
	})
}

// apply handles an intent that must end as how.
func (w *world) apply(in schemas.Intent, how string) schemas.Outcome {
	w.t.Helper()
	out, err := w.handle(in, w.now)
	if err != nil || out.Outcome != how {
		w.t.Fatalf("got %q %q, %v; want %s", out.Outcome, out.Reason, err, how)
	}
	return out
}

// refuse handles an intent that must fail with the code.
func (w *world) refuse(in schemas.Intent, code string) error {
	w.t.Helper()
	out, err := w.handle(in, w.now)
	if err == nil {
		w.t.Fatalf("ended %s: %s; want %s", out.Outcome, out.Reason, code)
	}
	if got := fault.Of(err).Code; got != code {
		w.t.Fatalf("got %v; want %s", err, code)
	}
	return err
}

func (w *world) cost(reads, writes int64) {
	w.t.Helper()
	if r, n := w.counter.StripeReads.Load(), w.counter.StripeWrites.Load(); r != reads || n != writes {
		w.t.Errorf("cost %d reads and %d writes, want %d and %d", r, n, reads, writes)
	}
}

// customers returns every customer there is.
func (w *world) customers() []stripeapi.Customer {
	w.t.Helper()
	all, err := w.client.ListCustomers(w.t.Context(), time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// invoices returns every invoice of the linked customer C1.
func (w *world) invoices() []stripeapi.Invoice {
	w.t.Helper()
	all, err := w.client.ListInvoices(w.t.Context(), w.links[connection+" customer C1"].StripeID, time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// oneInvoice checks that there is exactly the invoice that the intent asks
// for: finalised, with each line once, and linked.
func (w *world) oneInvoice(in schemas.Intent) {
	w.t.Helper()
	var f schemas.StripeInvoice
	if err := json.Unmarshal(in.Fields, &f); err != nil {
		w.t.Fatal(err)
	}
	all := w.invoices()
	if len(all) != 1 {
		w.t.Fatalf("%d invoices, want 1: %+v", len(all), all)
	}
	inv := all[0]
	if inv.Status != "open" || inv.Total != f.Total || inv.Number != f.Number || inv.Metadata[metaIntent] != in.ID {
		w.t.Errorf("invoice %+v", inv)
	}
	items, err := w.client.ListItems(w.t.Context(), inv.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	var got, want []string
	for _, item := range items {
		got = append(got, fmt.Sprint(item.Description, item.Amount))
	}
	for _, line := range f.Lines {
		want = append(want, fmt.Sprint(line.Description, line.Amount))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("items %v, want %v", got, want)
	}
	l := w.links[connection+" invoice "+in.Key]
	if l.StripeID != inv.ID || l.Attributes["hosted_invoice_url"] != inv.HostedURL || inv.HostedURL == "" {
		w.t.Errorf("link %+v", l)
	}
}

// oneCustomer checks that there is exactly one, linked with C1.
func (w *world) oneCustomer() {
	w.t.Helper()
	all := w.customers()
	if len(all) != 1 || all[0].Metadata[metaCustomer] != "C1" || w.links[connection+" customer C1"].StripeID != all[0].ID {
		w.t.Fatalf("customers %+v, links %+v", all, w.links)
	}
}

func intent(document, verb, key, version string, fields any) schemas.Intent {
	data, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return schemas.Intent{
		ID:         schemas.IntentID(connection, schemas.Stripe, document, verb, key, version),
		Connection: connection, Lane: "C1", Target: schemas.Stripe, Document: document, Verb: verb, Key: key, Version: version,
		Cause:  schemas.Cause{EventID: "evt-" + key, EventType: "io.millrace.acumatica." + document + ".updated.v1"},
		Refs:   []schemas.Ref{{System: schemas.Acumatica, Kind: "Customer", ID: "C1"}},
		Fields: data,
	}
}

func customerIntent(version, name string) schemas.Intent {
	return intent("customer", "upsert", "C1", version, schemas.StripeCustomer{
		Name: name, Email: "ap@c1.example", Address: &schemas.StripeAddress{Line1: "1 Way", Country: "US"},
		Metadata: map[string]string{"acumatica_customer_id": "C1", "acumatica_note_id": "n-1"},
	})
}

func invoiceFields() schemas.StripeInvoice {
	return schemas.StripeInvoice{
		Customer: schemas.LinkRef{Kind: "customer", ID: "C1"}, Currency: "usd", Number: "AR000123", Description: "March", DueDate: "2026-03-31",
		Lines: []schemas.StripeInvoiceLine{{Description: "work", Amount: 10000}, {Description: "tax", Amount: 2550}, {Description: "discount", Amount: -500}},
		Total: 12050, Metadata: map[string]string{"acumatica_invoice": "AR000123"},
	}
}

func invoiceIntent(change func(*schemas.StripeInvoice)) schemas.Intent {
	f := invoiceFields()
	if change != nil {
		change(&f)
	}
	return intent("invoice", "upsert", "Invoice AR000123", "2026-03-01T09:00:00Z 120.5 Open", f)
}

func hasRef(out schemas.Outcome, kind, prefix string) bool {
	return slices.ContainsFunc(out.Refs, func(r schemas.Ref) bool {
		return r.System == schemas.Stripe && r.Kind == kind && strings.HasPrefix(r.ID, prefix)
	})
}
