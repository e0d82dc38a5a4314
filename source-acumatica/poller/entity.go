package poller

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/schemas"
)

// changed is the verb of nearly every event: polling sees that something
// changed, not what. What cannot be seen any more is gone.
const changed = "changed"

// entity is one kind of record that is polled.
type entity struct {
	name    string                      // Acumatica's: "Customer"
	object  string                      // ours: "customer"
	changed string                      // the field that moves with every change
	fields  []string                    // what the event tells; all exist in Default 22.200.001 to 25.200.001
	filter  string                      // always
	backlog string                      // also, while what was there before the first start is read
	keys    []string                    // fields of the key, in the order of the form; the last one tells two records of a list apart
	lane    string                      // the field of its customer; empty: a record is a lane of its own
	hidden  func(acumatica.Record) bool // not published unless it is in Stripe; it comes again when that changes
	kind    string                      // of the link to what it becomes in Stripe
	closed  func(acumatica.Record) bool // not to be in Stripe: a full reading passes over it
	open    func(acumatica.Record) bool // a full reading asks for it when it does not find it
	// document: it has a balance, and what else Stripe shows of it is in a list
	// too. See digest.
	document bool
	// byID: links and what was told go by the id of the record, because its keys
	// can be changed.
	byID bool
	// meaning is what else makes a row mean something else: when it is changed,
	// all rows are told again by a full reading.
	meaning string
}

// entities in the order of a round: a customer before the invoices that name
// it. Acumatica: both have LastModifiedDateTime in every version (SalesInvoice,
// which shares Invoice's table, has none in 22.200.001; what is written through
// it shows in Invoice). Only invoices are sent to Stripe: what a credit memo
// takes off moves the invoice that it is applied to. Fields are selected by
// name because a list fails as a whole when it touches a field that cannot be
// read in one query.
func entities() []entity {
	return []entity{
		{
			name: "Customer", object: "customer", changed: "LastModifiedDateTime",
			fields: []string{"CustomerID", "CustomerName", "Status", "CurrencyID", "CreatedDateTime", "LastModifiedDateTime"},
			keys:   []string{"CustomerID"}, lane: "CustomerID",
			hidden: func(acumatica.Record) bool { return false },
			kind:   link.Customer, closed: inactive, open: func(acumatica.Record) bool { return true },
		},
		{
			name: "Invoice", object: "invoice", changed: "LastModifiedDateTime",
			fields: []string{
				"Type", "ReferenceNbr", "Customer", "Status", "Date", "DueDate", "Amount", "Balance",
				"CustomerOrder", "Description", "Terms", "CreatedDateTime", "LastModifiedDateTime",
			},
			filter:  "Type eq 'Invoice'",
			backlog: "(Status eq 'Open' or Status eq 'Reserved')",
			keys:    []string{"Type", "ReferenceNbr"}, lane: "Customer",
			hidden: unreleased, document: true,
			kind: link.Invoice, closed: func(r acumatica.Record) bool { return !payable(r) }, open: isOpen,
		},
	}
}

// receivables are the entities with debit memos beside the invoices, where they
// are wanted in Stripe.
func receivables(i config.Invoices) []entity {
	all := entities()
	for n := range all {
		if all[n].document && i.DebitMemos {
			all[n].filter = "(Type eq 'Invoice' or Type eq 'Debit Memo')"
		}
	}
	return all
}

func trimmed(r acumatica.Record, field string) string { return strings.TrimSpace(r.String(field)) }

// payable reports a status in which a balance is owed. Acumatica: a released
// document that is put on hold is Reserved.
func payable(r acumatica.Record) bool {
	s := r.String("Status")
	return s == "Open" || s == "Reserved"
}

// unreleased reports a document that has no ledger effect yet. Releasing it
// moves its change time, so that it comes again. A status that we do not know
// is published: the flow decides, and says why (Invariant 3).
func unreleased(r acumatica.Record) bool {
	switch r.String("Status") {
	case "On Hold", "Pending Print", "Pending Email", "Credit Hold", "Balanced", "Scheduled",
		"Pending Approval", "Pending Processing", "Rejected":
		return true
	}
	return false
}

// keysOf are the values of the key, in the order of the form.
func (e *entity) keysOf(r acumatica.Record) []string {
	values := make([]string, len(e.keys))
	for i, field := range e.keys {
		values[i] = trimmed(r, field)
	}
	return values
}

// nameOf is what people call a record by its keys.
func nameOf(keys []string) string { return strings.TrimSpace(strings.Join(keys, " ")) }

// linkedAs is what links call a record.
func (e *entity) linkedAs(id string, keys []string) string {
	if e.byID {
		return id
	}
	return nameOf(keys)
}

// laneOf is the customer.
func (e *entity) laneOf(r acumatica.Record) string { return cmp.Or(trimmed(r, e.lane), r.ID()) }

// row is a record with what polling needs of it.
type row struct {
	record  acumatica.Record
	changed time.Time
	key     string // as links call it
	name    string // as people do
	digest  string
	again   bool // told also when it is as it was told: Stripe has nothing of it, or shows something else
}

// sight tells apart what lists show.
func (r row) sight() string {
	return r.record.ID() + "@" + r.changed.UTC().Format(time.RFC3339Nano) + "~" + r.digest
}

// rows reads ids and times. source.entity_unmapped when a record lacks one:
// without them nothing could be told apart or put in order.
func (e *entity) rows(records []acumatica.Record) ([]row, error) {
	out := make([]row, len(records))
	for i, r := range records {
		name := nameOf(e.keysOf(r))
		changed, ok := r.Time(e.changed)
		if !ok || r.ID() == "" {
			return nil, fault.Newf("source.entity_unmapped", "%s %q: id %q, %s %q", e.name, name, r.ID(), e.changed, r.String(e.changed))
		}
		out[i] = row{record: r, changed: changed, key: e.linkedAs(r.ID(), e.keysOf(r)), name: name, digest: e.digest(r)}
	}
	return out, nil
}

// inOrder sorts by change time. Ties are normal; the id makes their order the
// same every time, and what was seen of one record stays as it was seen.
func inOrder(rows []row) {
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(a.changed.Compare(b.changed), strings.Compare(a.record.ID(), b.record.ID()))
	})
}

// event is the row as it goes on the bus.
func (e *entity) event(connection string, r row, x said) (bus.Event, error) {
	data, err := json.Marshal(r.record.Plain())
	if err != nil {
		return bus.Event{}, fmt.Errorf("event: %w", err)
	}
	return bus.Event{
		ID: e.eventID(r.record.ID(), x), Type: schemas.EventType(schemas.Acumatica, e.object, changed),
		Source:  "/" + bus.Escape(connection) + "/" + schemas.Acumatica,
		Subject: cmp.Or(r.name, r.record.ID()), Time: r.changed.UTC(), Data: data,
	}, nil
}
