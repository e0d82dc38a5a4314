// Package flow turns an event and what its source system says now into
// intents, by the rules of a flow document. It is pure: the same document and
// input give the same result on every machine, at any time. It reads no clock
// and no network; what it needs to know it asks for, and the caller comes back
// with the answer.
//
// A document is a graph of named steps:
//
//	id: acumatica-customer
//	version: 1
//	trigger: {source: acumatica, object: customer, verbs: [changed], if: hint.CustomerID != nil}
//	steps:
//	  - id: customer            # fetch: read the object again from its system
//	    fetch: {system: acumatica, object: Customer, key: hint.CustomerID, expand: [MainContact]}
//	  - id: seen                # optional: nil where it is not there; else that is an error
//	    fetch: {system: acumatica, object: Invoice, key: [hint.Type, hint.ReferenceNbr], optional: true}
//	  - id: known               # link: the pair of ids, or nil
//	    link: {kind: customer, side: acumatica, id: hint.CustomerID}
//	  - id: unit                # settle: the journals of a payout, a day or a movement
//	    settle: {unit: payout, key: payout.id}
//	  - id: name                # let: a value that later steps use by name
//	    let: trim(customer.CustomerName)
//	  - id: active              # when: go on, or skip, park or retry
//	    when: customer.Status == "Active"
//	    otherwise: {skip: "customer ${customer.CustomerID} is ${customer.Status}"}
//	  - id: paid                # retry: as soon as an event that comes first is handled, for one
//	    when: payment != nil
//	    otherwise: {retry: {code: flow.link_pending, reason: "not posted yet", first: {event: '"charge.succeeded"', id: charge.id}}}
//	intents:
//	  - id: customer
//	    target: stripe
//	    document: customer
//	    verb: upsert
//	    key: customer.CustomerID
//	    fields: {name: name, metadata: {acumatica_customer_id: customer.CustomerID}}
//
// A trigger with `beside: true` handles its events in addition to the flow whose
// they are; nothing waits for it.
//
// Every step may have `if` or `unless`; a fetch, link, settle or let that does
// not run is nil, a when that does not run holds. An intent with `each` and
// `as` stands for one intent for each element of a list. In place of intents a
// document may have `tell`: an event of the other system that is stored, so that
// its flow looks at its object again, in the lane of that.
package flow

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/fault"
	"millrace/internal/ledger"
	"millrace/schemas"
)

// Document is one loaded flow. It is immutable and safe for concurrent use.
type Document struct {
	ID      string
	Version int
	Summary string
	Trigger Trigger
	File    string

	steps   []*step
	intents []*intent
	tell    *tell     // nil: intents
	applied *template // what was done, for people; nil: the number of intents says enough
}

// Trigger says which events a flow handles: an object and its verbs, or, where
// several objects tell of the same thing, a list of events.
type Trigger struct {
	Source string   // schemas.Stripe or schemas.Acumatica
	Events []string // "<object>.<verb>": "charge.refunded", "charge.refund.updated"
	// Beside marks a flow that handles its events in addition to the flow that
	// is theirs, and that nothing may wait for.
	Beside bool

	condition *expression
	otherwise *template // reason when condition does not hold
}

// Event is the event that is handled, as far as flows may look at it.
type Event struct {
	ID         string
	Type       string // CloudEvents type
	Connection string
	Lane       string
	Source     string
	Object     string
	Verb       string
	Key        string // the CloudEvents subject
	Seq        uint64
	Time       time.Time      // when it happened, by its system's clock
	Hint       map[string]any // the object as the event carried it; values as Decode makes them
}

// Books are the settings of the connection that flows may look at.
type Books struct {
	TimeZone      string            `json:"time_zone"`                // IANA
	PaymentMethod string            `json:"payment_method"`           // empty: none configured
	CashAccounts  map[string]string `json:"cash_accounts"`            // currency, upper case → account
	MatchBy       []string          `json:"match_by,omitempty"`       // "email", "name": how a customer that Stripe has is recognised
	KeepEmpty     bool              `json:"keep_empty,omitempty"`     // what a customer has not in the ERP stays as it is in Stripe
	TaxIDTypes    map[string]string `json:"tax_id_types,omitempty"`   // country → Stripe's type, or NoTaxID; others as Stripe's list has them
	SendInvoices  bool              `json:"send_invoices,omitempty"`  // Stripe e-mails them
	DebitMemos    bool              `json:"debit_memos,omitempty"`    // can be paid in Stripe like invoices
	AcumaticaPage string            `json:"acumatica_page,omitempty"` // address of its forms for people, up to the form; empty: none known
	InvoiceBack   *WriteBack        `json:"invoice_back,omitempty"`   // nil: nothing of invoices is written in Acumatica
	CustomerBack  *WriteBack        `json:"customer_back,omitempty"`
	StockItems    bool              `json:"stock_items,omitempty"`     // are products in Stripe
	NonStockItems bool              `json:"non_stock_items,omitempty"` // are products in Stripe
	ItemCurrency  string            `json:"item_currency,omitempty"`   // of default prices, upper case; empty: products have no prices
	Settlement    *Settlement       `json:"settlement,omitempty"`      // nil: only payments are posted
}

// Settlement is how the books take in what is not a customer's document.
type Settlement struct {
	Start        int64  `json:"start,omitempty"`        // Unix time; movements before are in the opening balance
	SummaryFrom  *int64 `json:"summary_from,omitempty"` // Unix time; movements from here on have no documents; nil: never
	Payouts      string `json:"payouts,omitempty"`
	Fees         string `json:"fees,omitempty"`
	FeeEntryType string `json:"fee_entry_type,omitempty"` // of charges on payments; empty: the endpoint has none
	Refunds      string `json:"refunds,omitempty"`
	// Accounts by name, then by currency; "" is every other currency.
	Accounts map[string]map[string]ledger.Account `json:"accounts,omitempty"`
}

// value is what expressions see as books.
func (b *Books) value() map[string]any {
	match := make([]any, len(b.MatchBy))
	for i, field := range b.MatchBy {
		match[i] = field
	}
	v := map[string]any{
		"match_by": match, "keep_empty": b.KeepEmpty,
		"time_zone": b.TimeZone, "payment_method": b.PaymentMethod, "settles": b.Settlement != nil, "send_invoices": b.SendInvoices,
		"stock_items": b.StockItems, "non_stock_items": b.NonStockItems, "item_currency": b.ItemCurrency,
		"acumatica_page": b.AcumaticaPage, "debit_memos": b.DebitMemos,
		"start": decimal.Zero, "summary_from": nil,
		"invoice_back": b.InvoiceBack.value(), "customer_back": b.CustomerBack.value(),
	}
	if s := b.Settlement; s != nil {
		v["start"] = decimal.NewFromInt(s.Start)
		if s.SummaryFrom != nil {
			v["summary_from"] = decimal.NewFromInt(*s.SummaryFrom)
		}
		v["payouts"], v["fees"], v["fee_entry_type"], v["refunds"] = s.Payouts, s.Fees, s.FeeEntryType, s.Refunds
	}
	return v
}

// Facts are the answers to Needs, by step id; values as Decode makes them. A
// link that does not exist is a nil that is present.
type Facts map[string]any

// Input is everything a result depends on.
type Input struct {
	Event Event
	Books Books
	Facts Facts
}

// Need is one thing to find out before evaluation can go on: an object to
// read, a link to look up, or the journals of a unit to compute.
type Need struct {
	Step  string     `json:"step"`
	Fetch *FetchNeed `json:"fetch,omitempty"`
	Link  *LinkNeed  `json:"link,omitempty"`

	Settle *SettleNeed `json:"settle,omitempty"`
}

// FetchNeed is an object to read from its system.
type FetchNeed struct {
	System string   `json:"system"`
	Object string   `json:"object"` // the system's own word
	Keys   []string `json:"keys"`   // Stripe: one id; Acumatica: the key fields in their order
	Expand []string `json:"expand,omitempty"`
	Custom []string `json:"custom,omitempty"` // Acumatica: fields outside the contract, "Document.CuryID"

	Optional bool `json:"optional,omitempty"` // Acumatica: the answer is nil where there is none that can be seen
}

// LinkNeed is a pair of ids to look up by one of them.
type LinkNeed struct {
	Kind string `json:"kind"` // "customer", "invoice", "payment"
	Side string `json:"side"` // the system that ID is from
	ID   string `json:"id"`
}

// SettleNeed is a unit whose settlement journals are to be computed.
type SettleNeed struct {
	Unit string   `json:"unit"` // one of Units
	Keys []string `json:"keys"`
}

// Units lists what can be settled, with the number of keys that name one.
func Units() map[string]int {
	return map[string]int{
		"payout":          1, // po_…: what Stripe lists for it, its own movement excepted
		"payout_movement": 1, // po_…: its own movement, bank against clearing
		"day":             2, // currency, and YYYY-MM-DD in the books' time zone
		"movement":        1, // txn_…
		"payment_charge":  1, // txn_… of a charge: what of its fee is on the payment
		"opening":         1, // Unix time of the books' start: what Stripe's balances were then
		"dispute_lost":    4, // dp_…, what it took in minor units, currency, Unix time of its end
	}
}

// Stop is why a flow did not come to its intents.
type Stop struct {
	Code   string `json:"code,omitempty"` // in the registry of package fault; empty for skips
	Reason string `json:"reason"`
	First  *First `json:"first,omitempty"` // of a retry: what is to be handled before
}

// First is an event that a retry waits for and that may be behind it in its
// lane, where it would wait for ever. It is handled as if it had come first: its
// flow asks for the same intents whoever tells it (Invariant 2).
type First struct {
	Event string `json:"event"` // "<object>.<verb>", of the same source
	ID    string `json:"id"`    // of the object
}

// Result is what an evaluation came to; exactly one field is set, Applied aside.
type Result struct {
	Needs   []Need           `json:"needs,omitempty"`   // evaluate again with these in Facts
	Skipped *Stop            `json:"skipped,omitempty"` // nothing to do, and why
	Parked  *Stop            `json:"parked,omitempty"`  // a person must decide; Code's kind parks
	Retry   *Stop            `json:"retry,omitempty"`   // not yet; Code is of kind Transient
	Intents []schemas.Intent `json:"intents,omitempty"` // to publish in this order
	Tell    *Tell            `json:"tell,omitempty"`    // an event to store
	Applied string           `json:"applied,omitempty"` // beside Intents and Tell: what they do, for people
}

// Match picks the flow that handles the event: the first whose trigger names
// it and whose condition holds. Without one it returns nil and the reason.
func Match(ctx context.Context, docs []*Document, in Input) (*Document, string, error) {
	return match(ctx, docs, in, false)
}

// Named reports that a flow of its own names the event, whether its condition
// holds or not.
func Named(docs []*Document, e Event) bool {
	return slices.ContainsFunc(docs, func(d *Document) bool { return !d.Trigger.Beside && d.Trigger.names(e) })
}

// Beside picks the flow that handles the event in addition, in the same way.
func Beside(ctx context.Context, docs []*Document, in Input) (*Document, string, error) {
	return match(ctx, docs, in, true)
}

func match(ctx context.Context, docs []*Document, in Input, beside bool) (*Document, string, error) {
	reason := ""
	for _, d := range docs {
		if d.Trigger.Beside != beside || !d.Trigger.names(in.Event) {
			continue
		}
		if d.Trigger.condition == nil {
			return d, "", nil
		}
		env := environment(ctx, in)
		holds, err := d.Trigger.condition.condition(env)
		if err != nil {
			return nil, "", fmt.Errorf("%s: trigger: %w", d.ID, err)
		}
		if holds {
			return d, "", nil
		}
		if reason != "" {
			continue
		}
		if reason, err = d.Trigger.otherwise.render(env); err != nil {
			return nil, "", fmt.Errorf("%s: trigger: %w", d.ID, err)
		}
	}
	if reason == "" {
		reason = "no flow handles " + in.Event.Object + "." + in.Event.Verb
	}
	return nil, reason, nil
}

func (t *Trigger) names(e Event) bool {
	return t.Source == e.Source && slices.Contains(t.Events, e.Object+"."+e.Verb)
}

// environment is what expressions see before any step.
func environment(ctx context.Context, in Input) map[string]any {
	hint := in.Event.Hint
	if hint == nil {
		hint = map[string]any{}
	}
	return map[string]any{
		meterName: &meter{ctx: ctx, books: in.Books},
		"hint":    hint,
		"event": map[string]any{
			"id": in.Event.ID, "type": in.Event.Type, "source": in.Event.Source, "object": in.Event.Object,
			"verb": in.Event.Verb, "key": in.Event.Key, "connection": in.Event.Connection, "lane": in.Event.Lane,
			"time": decimal.NewFromInt(in.Event.Time.Unix()),
		},
		"books": in.Books.value(),
	}
}

// baseNames are the names of environment that documents may use.
func baseNames() []string { return []string{"event", "hint", "books"} }

// invalidDocument wraps what is wrong with flow documents.
func invalidDocument(p Problems) error { return fault.New("flow.document_invalid", p) }
