package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/link"
	"millrace/schemas"
	"millrace/transform/flow"
	"millrace/transform/flows"
)

type stripeFunc func(object, id string, expand []string) (json.RawMessage, error)

func (f stripeFunc) Fetch(_ context.Context, object, id string, expand ...string) (json.RawMessage, error) {
	return f(object, id, expand)
}

type acumaticaFunc func(entity string, keys []string, q acumatica.Query) (acumatica.Record, error)

func (f acumaticaFunc) Get(_ context.Context, entity string, keys []string, q acumatica.Query) (acumatica.Record, error) {
	return f(entity, keys, q)
}

// linkFunc finds by "<side> <kind> <id>".
type linkFunc func(key string) (link.Link, bool, error)

func (f linkFunc) ByAcumatica(_ context.Context, _, kind, id string) (link.Link, bool, error) {
	return f("acumatica " + kind + " " + id)
}

func (f linkFunc) ByStripe(_ context.Context, _, kind, id string) (link.Link, bool, error) {
	return f("stripe " + kind + " " + id)
}

type publishFunc func(in schemas.Intent) (bus.PubAck, error)

func (f publishFunc) PublishIntentFor(_ context.Context, _ *bus.Message, in schemas.Intent) (bus.PubAck, error) {
	return f(in)
}

func (f publishFunc) CloseEvent(context.Context, *bus.Message) error { return nil }

func (f publishFunc) PublishEvent(context.Context, string, string, string, string, string, bus.Event) (bus.PubAck, error) {
	return bus.PubAck{}, errors.New("nothing is told here")
}

// world is a set of fakes that answer from maps and note what they were asked.
type world struct {
	stripe    map[string]string // "invoice in_1" → JSON
	acumatica map[string]string // "Customer/C1" → JSON in wrappers
	links     map[string]link.Link
	published map[string]bool
	log       []string
	fail      map[string]error // by log line prefix
}

func (w *world) did(format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	w.log = append(w.log, line)
	for prefix, err := range w.fail {
		if strings.HasPrefix(line, prefix) {
			return err
		}
	}
	return nil
}

func (w *world) handler(t *testing.T) *Handler {
	t.Helper()
	docs, err := flows.Load()
	if err != nil {
		t.Fatal(err)
	}
	conn := Connection{
		Books: flow.Books{TimeZone: "UTC", PaymentMethod: "STRIPE", CashAccounts: map[string]string{"USD": "10250"}},
		Stripe: stripeFunc(func(object, id string, expand []string) (json.RawMessage, error) {
			if err := w.did("stripe %s %s %v", object, id, expand); err != nil {
				return nil, err
			}
			return json.RawMessage(w.stripe[object+" "+id]), nil
		}),
		Acumatica: acumaticaFunc(func(entity string, keys []string, q acumatica.Query) (acumatica.Record, error) {
			if err := w.did("acumatica %s %v %v %v", entity, keys, q.Expand, q.Custom); err != nil {
				return nil, err
			}
			dec := json.NewDecoder(strings.NewReader(w.acumatica[entity+"/"+strings.Join(keys, "/")]))
			dec.UseNumber()
			rec := acumatica.Record{}
			return rec, dec.Decode(&rec)
		}),
	}
	return New(Options{
		Connections: map[string]Connection{"default": conn},
		Flows:       docs,
		Links: linkFunc(func(key string) (link.Link, bool, error) {
			if err := w.did("link %s", key); err != nil {
				return link.Link{}, false, err
			}
			l, ok := w.links[key]
			return l, ok, nil
		}),
		Publisher: publishFunc(func(in schemas.Intent) (bus.PubAck, error) {
			if err := w.did("publish %s", in.ID); err != nil {
				return bus.PubAck{}, err
			}
			if w.published == nil {
				w.published = map[string]bool{}
			}
			duplicate := w.published[in.ID]
			w.published[in.ID] = true
			return bus.PubAck{Seq: 1, Duplicate: duplicate}, nil
		}),
	})
}

func message(source, object, verb, key, data string) *bus.Message {
	return &bus.Message{
		Stream: bus.Events, Seq: 5,
		Subject: bus.Subject{Stream: bus.Events, Connection: "default", Lane: "C000001", A: source, B: object, C: verb},
		Event:   bus.Event{ID: "evt_1", Type: schemas.EventType(source, object, verb), Subject: key, Data: []byte(data)},
	}
}

func stripeEvent(object, verb, data string) *bus.Message {
	body := fmt.Sprintf(`{"id":"evt_1","object":"event","type":"%s.%s","livemode":false,"data":{"object":%s}}`, object, verb, data)
	return message("stripe", object, verb, "x", body)
}

const (
	customerRecord = `{"id":"g1","rowNumber":1,"CustomerID":{"value":"C000001"},"CustomerName":{"value":"Northwind"},"Status":{"value":"Active"},
		"LastModifiedDateTime":{"value":"2026-03-02T10:00:00.12+00:00"},"MainContact":{"id":"g2","Email":{"value":"a@b.example"},"Phone1":{},"Address":{"id":"g3","City":{"value":"Bonn"},"Country":{"value":"DE"}}},"custom":{}}`
	invoiceRecord = `{"id":"g4","Type":{"value":"Invoice"},"ReferenceNbr":{"value":"AR000001"},"Customer":{"value":"C000001"},"Status":{"value":"Open"},
		"LastModifiedDateTime":{"value":"2026-03-02T10:00:00.12+00:00"},"Amount":{"value":120.5000},"Balance":{"value":120.5000},"DueDate":{"value":"2026-04-01T00:00:00+00:00"},"Description":{},
		"Details":[{"id":"g5","TransactionDescription":{"value":"Work"},"Amount":{"value":100.0000},"LineNbr":{"value":1}}],
		"TaxDetails":[{"id":"g6","TaxID":{"value":"VAT"},"TaxAmount":{"value":20.5000}}],
		"custom":{"Document":{"CuryID":{"type":"CustomStringField","value":"USD"}}}}`
	stripeInvoice = `{"id":"in_1","object":"invoice","status":"paid","paid_out_of_band":false,"customer":"cus_1","number":"AR000001","metadata":{"acumatica_ref_nbr":"AR000001"},
		"payment_intent":"pi_1","charge":{"id":"ch_1","object":"charge","status":"succeeded","amount":12050,"currency":"usd","created":1775012399,"payment_intent":"pi_1","customer":"cus_1",
		"balance_transaction":{"id":"txn_1","amount":12050,"currency":"usd"}}}`
	invoiceHint = `{"id":"g4","Type":"Invoice","ReferenceNbr":"AR000001","Customer":"C000001","Status":"Open"}`
	paidHint    = `{"id":"in_1","object":"invoice","customer":"cus_1","charge":"ch_1"}`
)

func theWorld() *world {
	return &world{
		stripe: map[string]string{"invoice in_1": stripeInvoice},
		acumatica: map[string]string{
			"Customer/C000001": customerRecord, "Invoice/Invoice/AR000001": invoiceRecord,
		},
		links: map[string]link.Link{
			"stripe customer cus_1": {Kind: "customer", AcumaticaID: "C000001", StripeID: "cus_1"},
			"stripe invoice in_1":   {Kind: "invoice", AcumaticaID: "Invoice AR000001", StripeID: "in_1"},
		},
		fail: map[string]error{},
	}
}
