package doctor

import (
	"context"
	"maps"
	"slices"
	"strings"

	"millrace/ingest/sweep"
	"millrace/internal/acumatica"
	"millrace/schemas"
)

// shown is what of one entity the connection wants written back.
type shown struct {
	path, entity string
	fields       map[string]string
	on           bool
	events       []string // of Stripe that no sweep brings
}

func (o Options) shown() []shown {
	invoices, customers := o.Connection.Invoices.WriteBack, o.Connection.Customers.WriteBack
	list := []shown{
		{path: "invoices.write_back", entity: "Invoice", fields: invoices.Fields.Chosen(), on: invoices.Note, events: []string{"invoice.finalized", "payment_intent.processing"}},
		{path: "customers.write_back", entity: "Customer", fields: customers.Fields.Chosen(), on: customers.Note, events: []string{"customer.created", "customer.updated"}},
	}
	return slices.DeleteFunc(list, func(s shown) bool { return !s.on && len(s.fields) == 0 })
}

// shows reports that what Stripe says of the object is to be written back.
func (o Options) shows(object string) bool {
	return slices.ContainsFunc(o.shown(), func(s shown) bool { return strings.EqualFold(s.entity, object) })
}

// events are those that an endpoint should be sent: what the triggers of flows
// name, and of what goes beside them what is switched on.
func (o Options) events() []string {
	list := sweep.Needed()
	for _, d := range o.Flows {
		if d.Trigger.Source != schemas.Stripe || d.Trigger.Beside {
			continue
		}
		for _, event := range d.Trigger.Events {
			if object, _, _ := strings.Cut(event, "."); !slices.Contains(unasked(), object) {
				list = append(list, event)
			}
		}
	}
	for _, s := range o.shown() {
		list = append(list, s.events...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// unasked are the objects whose events no endpoint needs: the sweep makes those
// of the balance, and charge.refunded and charge.refund.updated tell of every
// refund.
func unasked() []string { return []string{"balance", "balance_transaction", "refund"} }

// writeBack reads each field of a customisation once: an unknown one would be
// ignored in a write without a word, and refused in a read. Whether it can be
// changed cannot be told without changing it.
func (e *erpCheck) writeBack(ctx context.Context) {
	for _, s := range e.shown() {
		one, known := e.first[s.entity]
		if !known {
			e.add(Note, s.path, "", "not checked: no %s could be read to try it on", s.entity)
			continue
		}
		wrong := false
		for _, name := range slices.Sorted(maps.Keys(s.fields)) {
			field := s.fields[name]
			if _, err := e.Acumatica.Get(ctx, s.entity, []string{one.ID()}, acumatica.Query{Custom: []string{field}}); err != nil {
				wrong = true
				e.add(Wrong, s.path, "doctor.write_back_field", "%s: %s cannot be read from %s: %v", name, field, s.entity, err)
			}
		}
		if !wrong {
			e.ok(s.path, "%d fields of %s can be read", len(s.fields), s.entity)
		}
	}
}
