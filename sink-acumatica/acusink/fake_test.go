package acusink

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/schemas"
)

// erp is the part of Acumatica that a payment meets: it numbers documents by
// itself, ignores fields it does not know, keeps unreleased documents out of
// the ledger and cuts connections when told to.
type erp struct {
	mu       sync.Mutex
	docs     map[string]map[string]any // by ReferenceNbr
	next     int
	requests []string
	before   func(method, path string) int       // a status to fail with before anything happens; 0 = go on
	after    func(method, path string) bool      // true = the work is done, then the connection is cut
	saved    func(doc map[string]any)            // business logic that overrides what was sent
	body     func(method, path string) string    // body of a failure
	put      func(sent map[string]any)           // looks at what was sent
	onSearch func(e *erp)                        // runs with the lock held
	status   func(doc map[string]any) (s string) // status after release
}

func newERP() *erp { return &erp{docs: map[string]map[string]any{}, next: 1} }

func (e *erp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.Path, "/auth/") {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/entity/Default/24.200.001/")
	e.requests = append(e.requests, r.Method+" "+path)
	if e.before != nil {
		if status := e.before(r.Method, path); status != 0 {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			if e.body != nil {
				_, _ = io.WriteString(w, e.body(r.Method, path))
			}
			return
		}
	}
	status, answer := e.work(r, path)
	if e.after != nil && e.after(r.Method, path) {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if answer != nil {
		_ = json.NewEncoder(w).Encode(answer)
	}
}

func (e *erp) work(r *http.Request, path string) (int, any) {
	parts := strings.Split(path, "/")
	switch {
	case r.Method == http.MethodPut:
		return e.create(r)
	case r.Method == http.MethodPost:
		return e.release(r)
	case r.Method == http.MethodGet && len(parts) == 1:
		return e.list(r)
	}
	doc, ok := e.docs[parts[2]]
	if !ok || val(doc, "Type") != parts[1] {
		return 500, map[string]any{"exceptionType": "PX.Api.ContractBased.NoEntitySatisfiesTheConditionException", "exceptionMessage": "No entity satisfies the condition."}
	}
	if r.Method == http.MethodDelete {
		if val(doc, "Status") == "Closed" || val(doc, "Status") == "Open" {
			return 500, map[string]any{"exceptionType": "PX.Data.PXException", "exceptionMessage": "The document is released."}
		}
		delete(e.docs, parts[2])
		return http.StatusNoContent, nil
	}
	return 200, expand(doc, r)
}

var known = []string{"Type", "CustomerID", "PaymentMethod", "CashAccount", "CurrencyID", "PaymentRef", "PaymentAmount", "ApplicationDate", "Description", "Branch", "DocumentsToApply"}

func (e *erp) create(r *http.Request) (int, any) {
	var sent map[string]any
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	if err := d.Decode(&sent); err != nil {
		return 400, nil
	}
	if e.put != nil {
		e.put(sent)
	}
	doc := map[string]any{"id": fmt.Sprintf("guid-%d", e.next), "ReferenceNbr": acumatica.Value(fmt.Sprintf("%06d", e.next)), "Status": acumatica.Value("Balanced")}
	e.next++
	for _, name := range known {
		if v, ok := sent[name]; ok {
			doc[name] = v
		}
	}
	doc["ApplicationDate"] = acumatica.Value(val(doc, "ApplicationDate") + "T00:00:00+00:00")
	if e.saved != nil {
		e.saved(doc)
	}
	e.docs[val(doc, "ReferenceNbr")] = doc
	return 200, expand(doc, r)
}

func (e *erp) release(r *http.Request) (int, any) {
	var sent struct {
		Entity map[string]any `json:"entity"`
	}
	_ = json.NewDecoder(r.Body).Decode(&sent)
	doc, ok := e.docs[val(sent.Entity, "ReferenceNbr")]
	if !ok || val(doc, "Status") != "Balanced" {
		return 500, map[string]any{"exceptionType": "PX.Data.PXException", "exceptionMessage": "The document cannot be released in its status."}
	}
	if e.status != nil {
		doc["Status"] = acumatica.Value(e.status(doc))
		return http.StatusNoContent, nil
	}
	status := "Open"
	if rows, ok := doc["DocumentsToApply"].([]any); ok && len(rows) > 0 {
		status = "Closed"
		row := rows[0].(map[string]any)
		doc["ApplicationHistory"] = []any{map[string]any{
			"DisplayDocType": row["DocType"], "DisplayRefNbr": row["ReferenceNbr"], "AmountPaid": row["AmountPaid"],
		}}
		doc["DocumentsToApply"] = []any{}
	}
	doc["Status"] = acumatica.Value(status)
	return http.StatusNoContent, nil
}

var refFilter = regexp.MustCompile(`PaymentRef eq '([^']*)' and CustomerID eq '([^']*)'`)

func (e *erp) list(r *http.Request) (int, any) {
	if e.onSearch != nil {
		e.onSearch(e)
	}
	m := refFilter.FindStringSubmatch(r.URL.Query().Get("$filter"))
	list := []any{}
	for _, nbr := range slices.Backward(slices.Sorted(maps.Keys(e.docs))) {
		if doc := e.docs[nbr]; m != nil && strings.EqualFold(val(doc, "PaymentRef"), m[1]) && val(doc, "CustomerID") == m[2] {
			list = append(list, expand(doc, r))
		}
	}
	return 200, list
}

// expand leaves out what was not asked for, as Acumatica does.
func expand(doc map[string]any, r *http.Request) map[string]any {
	out := maps.Clone(doc)
	for _, name := range []string{"DocumentsToApply", "ApplicationHistory"} {
		if !strings.Contains(r.URL.Query().Get("$expand"), name) {
			delete(out, name)
		}
	}
	return out
}

func val(doc map[string]any, field string) string { return acumatica.Record(doc).String(field) }

// add puts a document with our reference there, as an earlier send would.
func (e *erp) add(nbr, status string) {
	amount := json.Number("120.50")
	e.docs[nbr] = map[string]any{
		"id": "guid-" + nbr, "ReferenceNbr": acumatica.Value(nbr), "Status": acumatica.Value(status),
		"Type": acumatica.Value("Payment"), "CustomerID": acumatica.Value("C1"), "PaymentMethod": acumatica.Value("STRIPE"),
		"CashAccount": acumatica.Value("10250"), "CurrencyID": acumatica.Value("USD"), "PaymentRef": acumatica.Value("ch_1"),
		"PaymentAmount": acumatica.Value(amount), "ApplicationDate": acumatica.Value("2024-01-15T00:00:00+00:00"),
		"DocumentsToApply": []any{map[string]any{
			"DocType": acumatica.Value("Invoice"), "ReferenceNbr": acumatica.Value("AR000001"), "AmountPaid": acumatica.Value(amount),
		}},
	}
}

// in reports the numbers of all documents with that status.
func (e *erp) in(status string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []string
	for _, nbr := range slices.Sorted(maps.Keys(e.docs)) {
		if val(e.docs[nbr], "Status") == status {
			list = append(list, nbr)
		}
	}
	return list
}

func (e *erp) count() int { return len(e.seen()) }

func (e *erp) seen() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.requests)
}

// change lets a test reach in while no request is under way.
func (e *erp) change(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
}

// memory is the durable state: postings with compare-and-swap, links, intents.
type memory struct {
	told    []schemas.Outcome
	doubts  []Doubt
	mu      sync.Mutex
	rev     map[string]int
	records map[string][]byte
	links   map[string]link.Link
	intents []schemas.Intent
}

func newMemory() *memory {
	return &memory{rev: map[string]int{}, records: map[string][]byte{}, links: map[string]link.Link{}}
}

type memoryPosting struct {
	m   *memory
	key string
	rev int
	rec posting.Record
}

func (p *memoryPosting) Data() *posting.Record { return &p.rec }

func (p *memoryPosting) Renew(context.Context) error { return nil }

func (p *memoryPosting) Save(context.Context) error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if p.m.rev[p.key] != p.rev {
		return fault.Newf("posting.fenced", "save %s", p.key)
	}
	data, err := json.Marshal(p.rec)
	if err != nil {
		return err
	}
	p.rev++
	p.m.rev[p.key], p.m.records[p.key] = p.rev, data
	return nil
}

func (m *memory) Claim(ctx context.Context, connection, id string) (Posting, error) {
	m.mu.Lock()
	p := &memoryPosting{m: m, key: connection + " " + id, rev: m.rev[connection+" "+id], rec: posting.Record{IntentID: id, State: posting.Planned}}
	if data, ok := m.records[p.key]; ok {
		p.rec = posting.Record{}
		if err := json.Unmarshal(data, &p.rec); err != nil {
			m.mu.Unlock()
			return nil, err
		}
	}
	m.mu.Unlock()
	if p.rec.State == posting.Done {
		return p, nil
	}
	return p, p.Save(ctx)
}

func (m *memory) Put(_ context.Context, _ string, l link.Link) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, ok := m.links[linkKey(l.Kind, l.StripeID)]; ok && old.AcumaticaID != l.AcumaticaID {
		return fault.Newf("link.conflict", "%s", old.AcumaticaID)
	}
	m.links[linkKey(l.Kind, l.StripeID)] = l
	return nil
}

func (m *memory) ByStripe(_ context.Context, _, kind, id string) (link.Link, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.links[linkKey(kind, id)]
	return l, ok, nil
}

// linkKey is the id alone for payments.
func linkKey(kind, id string) string { return strings.TrimPrefix(kind+" "+id, link.Payment+" ") }

func (m *memory) PublishIntent(_ context.Context, in schemas.Intent) (bus.PubAck, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, x := range m.intents {
		if x.ID == in.ID {
			return bus.PubAck{Duplicate: true}, nil
		}
	}
	m.intents = append(m.intents, in)
	return bus.PubAck{Seq: uint64(len(m.intents))}, nil
}

func (m *memory) PublishOutcome(_ context.Context, o schemas.Outcome) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = append(m.told, o)
	return nil
}

func (m *memory) Add(_ context.Context, d Doubt) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.doubts = append(m.doubts, d)
	return nil
}

func (m *memory) List(context.Context, string) ([]Doubt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.doubts), nil
}

func (m *memory) Remove(_ context.Context, d Doubt) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.doubts = slices.DeleteFunc(m.doubts, func(x Doubt) bool { return x.Intent.ID == d.Intent.ID })
	return nil
}

func (m *memory) state(t *testing.T) posting.Record {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	var rec posting.Record
	for _, data := range m.records {
		if err := json.Unmarshal(data, &rec); err != nil {
			t.Fatal(err)
		}
	}
	return rec
}

// bench is one sink before one erp; clock is advanced by hand.
type bench struct {
	erp   *erp
	mem   *memory
	sink  *Sink
	clock time.Time
	url   string
}

const settleDelay = 30 * time.Second

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{erp: newERP(), mem: newMemory(), clock: time.Date(2024, 1, 15, 12, 0, 0, 0, time.UTC)}
	srv := httptest.NewServer(b.erp)
	t.Cleanup(srv.Close)
	b.url = srv.URL
	b.restart(t)
	return b
}

// restart is a new process on the same durable state.
func (b *bench) restart(t *testing.T) {
	t.Helper()
	client, err := acumatica.New(acumatica.Config{
		BaseURL: b.url, Endpoint: "Default/24.200.001", Username: "u", Password: "password", Timeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	b.sink = New(Options{
		Connections: map[string]Connection{"default": {Client: client, SettleDelay: settleDelay}},
		Postings:    b.mem, Links: b.mem, Publisher: b.mem, Doubts: b.mem,
	})
	b.sink.now = func() time.Time { return b.clock }
}

func intent(edit func(*schemas.Intent, map[string]any)) schemas.Intent {
	fields := map[string]any{
		"Type": "Payment", "CustomerID": "C1", "PaymentMethod": "STRIPE", "CashAccount": "10250", "CurrencyID": "USD",
		"PaymentAmount": "120.50", "PaymentRef": "ch_1", "ApplicationDate": "2024-01-15",
		"DocumentsToApply": []any{map[string]any{"DocType": "Invoice", "ReferenceNbr": "AR000001", "AmountPaid": "120.50"}},
	}
	in := schemas.Intent{
		Connection: "default", Lane: "cus_1", Target: schemas.Acumatica, Document: "payment", Verb: "create", Key: "ch_1",
		Cause:     schemas.Cause{EventID: "evt_1", EventType: "io.millrace.stripe.invoice.paid.v1", EventSeq: 7},
		Refs:      []schemas.Ref{{System: schemas.Stripe, Kind: "invoice", ID: "in_1"}},
		WriteBack: &schemas.WriteBack{Object: "invoice", ID: "in_1", MetadataKey: "acumatica_payment"},
	}
	if edit != nil {
		edit(&in, fields)
	}
	in.Fields, _ = json.Marshal(fields)
	if in.ID == "" {
		in.ID = schemas.IntentID(in.Connection, in.Target, in.Document, in.Verb, in.Key, in.Version)
	}
	return in
}

func (b *bench) message(in schemas.Intent) *bus.Message {
	data, _ := json.Marshal(in)
	return &bus.Message{
		Stream: bus.Intents, Seq: 1, Stored: b.clock.Add(-time.Second),
		Subject: bus.Subject{Stream: bus.Intents, Connection: "default", Lane: "cus_1", A: schemas.Acumatica, B: in.Document, C: in.Verb},
		Event:   bus.Event{ID: in.ID, Data: data},
	}
}

func (b *bench) handle(t *testing.T) (schemas.Outcome, error) {
	t.Helper()
	return b.sink.Handle(t.Context(), b.message(intent(nil)))
}
