// Package stripesink makes intents true in Stripe: customers, invoices over what
// is open in the books, products, and metadata. It does so exactly once whatever crashes: each
// step is recorded before it is taken, every write has an idempotency key, and
// what may have happened unseen is looked for before it is done again. An
// invoice is finalised only when Stripe computes the total that the books have.
package stripesink

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/internal/service"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// name of the stage and of the service.
const name = "sink-stripe"

// Service is the Stripe sink of all connections.
var Service = service.Service{Name: name, Run: run}

func run(ctx context.Context, rt *service.Runtime) error {
	apis := make(map[string]API, len(rt.Config.Connections))
	for _, c := range rt.Config.Connections {
		client, err := rt.Stripe(c)
		if err != nil {
			return err
		}
		apis[c.Name] = client
	}
	store := posting.New(rt.Bus, name+"-"+uuid.NewString())
	return rt.Bus.Run(ctx, New(apis, claims(store), link.New(rt.Bus)).Stage(rt.Config.ConnectionNames()))
}

// claims adapts the posting store to Claim.
func claims(store *posting.Store) Claim {
	return func(ctx context.Context, connection, intentID string) (*Held, error) {
		p, err := store.Claim(ctx, connection, intentID)
		if err != nil {
			return nil, err
		}
		return &Held{Record: &p.Record, Save: p.Save, Renew: p.Renew}, nil
	}
}

// Held is a posting that this worker holds. Save stores the record and
// prolongs the hold; when it fails the worker stops without another write.
// Renew only prolongs it, beside the work.
type Held struct {
	*posting.Record
	Save, Renew func(context.Context) error
}

// Claim returns the posting of an intent, held by this worker unless it is
// Done already.
type Claim func(ctx context.Context, connection, intentID string) (*Held, error)

// Links is what the sink needs of the link store. Put succeeds for a pair that
// is there already and refuses one that contradicts it; Swap replaces the link
// old of an Acumatica id, unless it is another one by now; Move lets a Stripe id
// stand for another Acumatica id, which stood for before; Release lets an
// Acumatica id stand for nothing.
type Links interface {
	ByAcumatica(ctx context.Context, connection, kind, id string) (link.Link, bool, error)
	ByStripe(ctx context.Context, connection, kind, id string) (link.Link, bool, error)
	Put(ctx context.Context, connection string, l link.Link) error
	Swap(ctx context.Context, connection string, old, next link.Link) error
	Move(ctx context.Context, connection string, before, next link.Link) error
	Release(ctx context.Context, connection string, old link.Link) error
}

// Customers is what the sink needs of Stripe to keep customers.
type Customers interface {
	CreateCustomer(ctx context.Context, key string, f schemas.StripeCustomer) (stripeapi.Customer, error)
	GetCustomer(ctx context.Context, id string) (stripeapi.Customer, error)
	UpdateCustomer(ctx context.Context, key, id string, f schemas.StripeCustomer) (stripeapi.Customer, error)
	ListCustomers(ctx context.Context, since time.Time) ([]stripeapi.Customer, error)
	SearchCustomers(ctx context.Context, tags ...stripeapi.Tag) ([]stripeapi.Customer, error)
	SearchCustomersBy(ctx context.Context, field, value string) ([]stripeapi.Customer, error)
	AnnotateCustomer(ctx context.Context, key, id string, metadata map[string]string) (stripeapi.Customer, error)
	CreateTaxID(ctx context.Context, key, customer string, x stripeapi.TaxID) (stripeapi.TaxID, error)
	DeleteTaxID(ctx context.Context, customer, id string) error
}

// Drafts is what the sink needs of Stripe to make a draft invoice.
type Drafts interface {
	CreateInvoice(ctx context.Context, key string, d stripeapi.Draft) (stripeapi.Invoice, error)
	AddInvoiceItem(ctx context.Context, key string, inv stripeapi.Invoice, item stripeapi.Item) (stripeapi.Item, error)
	ListItems(ctx context.Context, invoice string) ([]stripeapi.Item, error)
	DeleteDraft(ctx context.Context, id string) error
}

// Invoices is what the sink needs of Stripe to bring an invoice to its end.
type Invoices interface {
	GetInvoice(ctx context.Context, id string) (stripeapi.Invoice, error)
	ListInvoices(ctx context.Context, customer string, since time.Time) ([]stripeapi.Invoice, error)
	SearchInvoices(ctx context.Context, key, value string) ([]stripeapi.Invoice, error)
	Finalize(ctx context.Context, key, id string) (stripeapi.Invoice, error)
	EditInvoice(ctx context.Context, key, id string, e stripeapi.Edit) (stripeapi.Invoice, error)
	AnnotateInvoice(ctx context.Context, key, id string, metadata map[string]string) (stripeapi.Invoice, error)
}

// Corrections are what the sink needs of Stripe to lower or end an invoice.
type Corrections interface {
	CreateCreditNote(ctx context.Context, key string, n stripeapi.CreditNote) (stripeapi.CreditNote, error)
	PayOutOfBand(ctx context.Context, key, id string) (stripeapi.Invoice, error)
	VoidInvoice(ctx context.Context, key, id string) (stripeapi.Invoice, error)
	WriteOff(ctx context.Context, key, id string) (stripeapi.Invoice, error)
	SendInvoice(ctx context.Context, key, id string) (stripeapi.Invoice, error)
}

// Products is what the sink needs of Stripe to keep products and their prices.
type Products interface {
	CreateProduct(ctx context.Context, key string, f schemas.StripeProduct) (stripeapi.Product, error)
	GetProduct(ctx context.Context, id string) (stripeapi.Product, error)
	UpdateProduct(ctx context.Context, key, id string, f schemas.StripeProduct) (stripeapi.Product, error)
	ListProducts(ctx context.Context, since time.Time) ([]stripeapi.Product, error)
	SearchProducts(ctx context.Context, tags ...stripeapi.Tag) ([]stripeapi.Product, error)
}

// Prices is what the sink needs of Stripe to say what a product costs.
type Prices interface {
	CreatePrice(ctx context.Context, key string, x stripeapi.Price) (stripeapi.Price, error)
	ListPrices(ctx context.Context, product string) ([]stripeapi.Price, error)
	SetPriceActive(ctx context.Context, key, id string, active bool) (stripeapi.Price, error)
	SetDefaultPrice(ctx context.Context, key, product, price string) (stripeapi.Product, error)
}

// API is one Stripe account. Every write under the same key must happen at
// most once for as long as Stripe keeps keys.
type API interface {
	Customers
	Drafts
	Invoices
	Corrections
	Products
	Prices
}

// Sink handles the intents that target Stripe. Safe for concurrent use.
type Sink struct {
	apis  map[string]API // by connection
	claim Claim
	links Links
	now   func() time.Time
	at    func(point string) // called between any two steps; tests crash there
}

// New returns a sink for the connections that apis has.
func New(apis map[string]API, claim Claim, links Links) *Sink {
	return &Sink{apis: apis, claim: claim, links: links, now: time.Now, at: func(string) {}}
}

// Stage is the consumer that feeds the sink.
func (s *Sink) Stage(connections []string) bus.Stage {
	return bus.Stage{Name: name, Stream: bus.Intents, Target: schemas.Stripe, Connections: connections, Handle: s.Handle, Skip: s.Skip}
}

// work is one intent being handled.
type work struct {
	*Sink
	api    API
	in     schemas.Intent
	stored time.Time // when the broker stored the intent
	p      *Held
	letGo  func() error // ends the renewing of the hold; may be called again
}

// Handle makes one intent true.
func (s *Sink) Handle(ctx context.Context, m *bus.Message) (schemas.Outcome, error) {
	w := &work{Sink: s, stored: m.Stored, letGo: func() error { return nil }}
	var err error
	if w.in, err = decodeIntent(m); err != nil {
		return schemas.Outcome{}, err
	}
	in := w.in
	api, found := s.apis[in.Connection]
	if !found {
		return schemas.Outcome{}, fault.Newf("stripe.config", "connection %q is not configured", in.Connection)
	}
	w.api = api
	var out schemas.Outcome
	defer func() { _ = w.letGo() }() // also when a step panics
	switch in.Document + " " + in.Verb {
	case "customer upsert":
		out, err = w.customer(ctx)
	case "invoice upsert":
		out, err = w.mirror(ctx)
	case "product upsert":
		out, err = w.product(ctx)
	case "invoice annotate", "customer annotate":
		out, err = w.annotate(ctx)
	default:
		return schemas.Outcome{}, fault.Newf("stripe.document_unknown", "document %q, verb %q", in.Document, in.Verb)
	}
	if err != nil {
		if w.p != nil {
			err = posting.Blame(ctx, w.letGo, w.p.Save, err)
		}
		return schemas.Outcome{}, fmt.Errorf("%s %s %s: %w", in.Verb, in.Document, in.Key, err)
	}
	return out, nil
}

// decodeIntent refuses an intent that contradicts itself or its message: what
// it stands for is ambiguous (Invariant 8).
func decodeIntent(m *bus.Message) (schemas.Intent, error) {
	var in schemas.Intent
	if err := json.Unmarshal(m.Event.Data, &in); err != nil {
		return in, fault.Newf("stripe.fields_invalid", "intent: %w", err)
	}
	if in.ID == "" || in.Key == "" || in.Target != schemas.Stripe || in.Connection != m.Subject.Connection {
		return in, fault.Newf("stripe.fields_invalid",
			"intent %q for %q of connection %q, key %q, on a subject of connection %q", in.ID, in.Target, in.Connection, in.Key, m.Subject.Connection)
	}
	if m.Event.ID != in.ID {
		return in, fault.Newf("stripe.fields_invalid", "intent %q: its message has the id %q", in.ID, m.Event.ID)
	}
	return in, nil
}

// outcome fills what the sink knows; the bus fills the rest.
func (w *work) outcome(how, reason string, refs ...schemas.Ref) schemas.Outcome {
	all := append([]schemas.Ref(nil), w.in.Refs...)
	for _, ref := range refs {
		all = addRef(all, ref)
	}
	return schemas.Outcome{
		Connection: w.in.Connection, Lane: w.in.Lane, Stage: name, Document: w.in.Document, Outcome: how, Reason: reason,
		EventID: w.in.Cause.EventID, EventType: w.in.Cause.EventType, IntentID: w.in.ID, Refs: all,
	}
}

// addRef adds ref, or completes the one of the same thing.
func addRef(refs []schemas.Ref, ref schemas.Ref) []schemas.Ref {
	for i, r := range refs {
		if r.System == ref.System && r.Kind == ref.Kind && r.ID == ref.ID {
			if r.URL == "" {
				refs[i].URL = ref.URL
			}
			return refs
		}
	}
	return append(refs, ref)
}
