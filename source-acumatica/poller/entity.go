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
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/schemas"
)

// verb of every event: polling sees that something changed, not what.
const verb = "changed"

// entity is one kind of record that is polled.
type entity struct {
	name    string   // Acumatica's: "Customer"
	object  string   // ours: "customer"
	changed string   // the field that moves with every change
	fields  []string // what the event tells; all exist in Default 22.200.001 to 25.200.001
	filter  string   // always
	backlog string   // also, while what was there before the first start is read
	key     func(acumatica.Record) string
	lane    func(acumatica.Record) string
	hidden  func(acumatica.Record) bool // not published unless it is in Stripe; it comes again when that changes
	kind    string                      // of the link to what it becomes in Stripe
	closed  func(acumatica.Record) bool // not to be in Stripe: a full reading passes over it
	// document: it has a balance. What was told of it is kept, and is part of the
	// id of its events: a balance that moves without the change time is news.
	document bool
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
			key:    func(r acumatica.Record) string { return trimmed(r, "CustomerID") },
			lane:   func(r acumatica.Record) string { return trimmed(r, "CustomerID") },
			hidden: func(acumatica.Record) bool { return false },
			kind:   link.Customer, closed: inactive,
		},
		{
			name: "Invoice", object: "invoice", changed: "LastModifiedDateTime",
			fields: []string{
				"Type", "ReferenceNbr", "Customer", "Status", "Date", "DueDate", "Amount", "Balance",
				"CustomerOrder", "Description", "CreatedDateTime", "LastModifiedDateTime",
			},
			filter:  "Type eq 'Invoice'",
			backlog: "(Status eq 'Open' or Status eq 'Reserved')",
			key: func(r acumatica.Record) string {
				return strings.TrimSpace(r.String("Type") + " " + r.String("ReferenceNbr"))
			},
			lane:   func(r acumatica.Record) string { return trimmed(r, "Customer") },
			hidden: unreleased, document: true,
			kind: link.Invoice, closed: func(r acumatica.Record) bool { return !payable(r) },
		},
	}
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

// row is a record with what polling needs of it.
type row struct {
	record  acumatica.Record
	changed time.Time
	eventID string
	key     string
}

// rows reads ids and times. source.entity_unmapped when a record lacks one:
// without them nothing could be told apart or put in order.
func (e *entity) rows(records []acumatica.Record) ([]row, error) {
	out := make([]row, len(records))
	for i, r := range records {
		changed, ok := r.Time(e.changed)
		if !ok || r.ID() == "" {
			return nil, fault.Newf("source.entity_unmapped", "%s %q: id %q, %s %q", e.name, e.key(r), r.ID(), e.changed, r.String(e.changed))
		}
		out[i] = row{
			record: r, changed: changed, key: e.key(r),
			eventID: e.object + ":" + r.ID() + "@" + changed.UTC().Format(time.RFC3339Nano),
		}
		if e.document {
			out[i].eventID += "~" + strings.ReplaceAll(state(r), " ", "_")
		}
	}
	return out, nil
}

// inOrder sorts by change time. Ties are normal; the id makes their order the
// same every time.
func inOrder(rows []row) {
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(a.changed.Compare(b.changed), strings.Compare(a.eventID, b.eventID))
	})
}

// event is the row as it goes on the bus, and its lane: the customer.
func (e *entity) event(connection string, r row) (lane string, ev bus.Event, err error) {
	data, err := json.Marshal(r.record.Plain())
	if err != nil {
		return "", bus.Event{}, fmt.Errorf("event %s: %w", r.eventID, err)
	}
	lane = cmp.Or(e.lane(r.record), r.record.ID())
	return lane, bus.Event{
		ID: r.eventID, Type: schemas.EventType(schemas.Acumatica, e.object, verb),
		Source:  "/" + bus.Escape(connection) + "/" + schemas.Acumatica,
		Subject: cmp.Or(r.key, r.record.ID()), Time: r.changed.UTC(), Data: data,
	}, nil
}
