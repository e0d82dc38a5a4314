package stage

import (
	"fmt"
	"strings"

	"millrace/internal/bus"
	"millrace/internal/link"
	"millrace/schemas"
	"millrace/transform/flow"
)

// hintOf is the object as the event carried it, or the reason why the event
// cannot be handled. Amounts are never taken from it: flows read the object
// again.
func hintOf(m *bus.Message, livemode bool) (hint map[string]any, reason string) {
	data, err := flow.Decode(m.Event.Data)
	if err != nil {
		return nil, "the event's data is not JSON"
	}
	body, ok := data.(map[string]any)
	if !ok {
		return nil, "the event's data is not an object"
	}
	switch m.Subject.A {
	case schemas.Stripe:
		return stripeHint(body, livemode)
	case schemas.Acumatica:
		return body, ""
	}
	return nil, fmt.Sprintf("no flow handles events of %q", m.Subject.A)
}

// stripeHint takes the object out of a webhook body. Stripe: v2 "thin" events
// have another object name and no data.object.
func stripeHint(body map[string]any, livemode bool) (hint map[string]any, reason string) {
	if object, _ := body["object"].(string); object != "event" {
		return nil, fmt.Sprintf("a body of kind %q is not a Stripe event", object)
	}
	live, ok := body["livemode"].(bool)
	if !ok {
		return nil, "the Stripe event does not say whether it is live or test"
	}
	if live != livemode {
		return nil, fmt.Sprintf("a %s event on a %s connection", mode(live), mode(livemode))
	}
	data, _ := body["data"].(map[string]any)
	if hint, ok = data["object"].(map[string]any); !ok {
		return nil, "the Stripe event carries no object"
	}
	return hint, ""
}

func mode(live bool) string {
	if live {
		return "live mode"
	}
	return "test mode"
}

func eventOf(m *bus.Message, hint map[string]any) flow.Event {
	return flow.Event{
		ID:         m.Event.ID,
		Type:       m.Event.Type,
		Connection: m.Subject.Connection,
		Lane:       m.Subject.Lane,
		Source:     m.Subject.A,
		Object:     m.Subject.B,
		Verb:       m.Subject.C,
		Key:        m.Event.Subject,
		Seq:        m.Seq,
		Time:       m.Event.Time,
		Hint:       hint,
	}
}

// refs collects every id of the story, once each.
type refs struct {
	list []schemas.Ref
}

// maxRef bounds an id that is taken over; Stripe: ids have at most 255
// characters.
const maxRef = 255

func (r *refs) add(system, kind, id string) {
	if kind == "" || id == "" || len(id) > maxRef {
		return
	}
	for _, x := range r.list {
		if x.System == system && x.Kind == kind && x.ID == id {
			return
		}
	}
	r.list = append(r.list, schemas.Ref{System: system, Kind: kind, ID: id})
}

// source takes the ids out of an object of either system.
func (r *refs) source(system, object string, v map[string]any) {
	if system == schemas.Stripe {
		r.stripe(object, v)
		return
	}
	r.acumatica(v)
}

func (r *refs) stripe(object string, v map[string]any) {
	id, _ := v["id"].(string)
	r.add(schemas.Stripe, object, id)
	for _, kind := range []string{"customer", "invoice", "charge", "payment_intent", "balance_transaction"} {
		switch x := v[kind].(type) {
		case string:
			r.add(schemas.Stripe, kind, x)
		case map[string]any: // expanded
			r.stripe(kind, x)
		}
	}
}

func (r *refs) acumatica(v map[string]any) {
	kind, _ := v["Type"].(string)
	number, _ := v["ReferenceNbr"].(string)
	if kind != "" && number != "" {
		r.add(schemas.Acumatica, "Invoice", kind+" "+number)
	}
	for _, key := range []string{"CustomerID", "Customer"} {
		id, _ := v[key].(string)
		r.add(schemas.Acumatica, "Customer", id)
	}
	item, _ := v["InventoryID"].(string)
	kind = "StockItem"
	if _, other := v["BaseUnit"]; other { // StockItem calls it BaseUOM
		kind = "NonStockItem"
	}
	r.add(schemas.Acumatica, kind, strings.TrimSpace(item))
}

// fact takes the ids out of what a flow has asked for.
func (r *refs) fact(n flow.Need, fact any) {
	v, ok := fact.(map[string]any)
	if !ok {
		return
	}
	if n.Fetch != nil {
		r.source(n.Fetch.System, n.Fetch.Object, v)
		return
	}
	if n.Link == nil {
		return
	}
	words := linkWords[n.Link.Kind]
	id, _ := v["stripe_id"].(string)
	if strings.HasPrefix(id, "cn_") {
		words[0] = "credit_note"
	}
	r.add(schemas.Stripe, words[0], id)
	id, _ = v["acumatica_id"].(string)
	r.add(schemas.Acumatica, words[1], id)
}

// linkWords are the words of Stripe and of Acumatica for both ends of a link. A
// credit memo may also be of a credit note; a journal is of nothing that has a
// word in Stripe.
var linkWords = map[string][2]string{
	link.Customer: {"customer", "Customer"}, link.Invoice: {"invoice", "Invoice"}, link.Product: {"product", ""}, link.Payment: {"charge", "Payment"}, link.Void: {"charge", "Payment"},
	link.Refund: {"refund", "Payment"}, link.CreditMemo: {"refund", "Invoice"}, link.Journal: {"", "JournalTransaction"},
}
