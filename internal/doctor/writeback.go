package doctor

import (
	"context"
	"maps"
	"slices"

	"millrace/ingest/sweep"
	"millrace/internal/acumatica"
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

// events are those that an endpoint should be sent.
func (o Options) events() []string {
	list := sweep.Needed()
	for _, s := range o.shown() {
		list = append(list, s.events...)
	}
	return list
}

// writeBack reads each field of a customisation once: an unknown one would be
// ignored in a write without a word, and refused in a read. Whether it can be
// changed cannot be told without changing it.
func (e *erpCheck) writeBack(ctx context.Context) {
	for _, s := range e.shown() {
		one, known := e.first[s.entity]
		if !known {
			continue // told already that there is none, or that it may not be listed
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
