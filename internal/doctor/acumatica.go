package doctor

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/ledger"
	"millrace/schemas"
	"millrace/sink-acumatica/acusink"
	"millrace/source-acumatica/poller"
	"millrace/transform/flow"
)

type erpCheck struct {
	Options
	*chart
	schema *acumatica.Schema
	listed map[string]bool             // entities that the user may list
	first  map[string]acumatica.Record // one of each that has rows
}

func (e *erpCheck) run(ctx context.Context) {
	if err := e.Acumatica.Ping(ctx); err != nil {
		e.failed("sign-in", err)
		return
	}
	e.ok("sign-in", "%s, endpoint %s", e.Connection.Acumatica.URL, e.Connection.Acumatica.Endpoint)
	schema, err := e.Acumatica.Schema(ctx)
	if err != nil {
		e.failed("endpoint", err)
		return
	}
	e.schema, e.listed, e.first = schema, map[string]bool{}, map[string]acumatica.Record{}
	wanted := e.wanted()
	e.contract(wanted)
	e.lists(ctx, slices.Sorted(maps.Keys(wanted)))
	e.fetches(ctx)
	e.writeBack(ctx)
	e.visible(ctx)
	e.books(ctx)
}

// need is what all parts together want of one entity.
type need struct {
	fields  map[string]bool // whether nothing goes on without it
	actions map[string]bool
}

// wanted are the entities that polling, flows and the sink use, as they say it
// themselves.
func (e *erpCheck) wanted() map[string]*need {
	all := map[string]*need{}
	of := func(entity string) *need {
		if all[entity] == nil {
			all[entity] = &need{fields: map[string]bool{}, actions: map[string]bool{}}
		}
		return all[entity]
	}
	add := func(n *need, fields ...string) {
		for _, f := range fields {
			n.fields[f] = true
		}
	}
	spare := func(n *need, fields []string) {
		for _, f := range fields {
			if !n.fields[f] {
				n.fields[f] = false
			}
		}
	}
	for _, r := range poller.Reads(e.Connection.Items) {
		add(of(r.Entity), r.Fields...)
	}
	for _, r := range e.reads() {
		add(of(r.Object), r.Fields...)
		add(of(r.Object), r.Expand...)
		spare(of(r.Object), r.Spare)
	}
	for _, u := range acusink.Uses(e.Connection.Books.Fees == string(ledger.FeesOnPayments)) {
		add(of(u.Entity), u.Fields...)
		of(u.Entity).actions[u.Action] = true
	}
	return all
}

// reads are those of the flows in Acumatica.
func (e *erpCheck) reads() []flow.Read {
	var list []flow.Read
	for _, d := range e.Flows {
		for _, r := range d.Reads() {
			if r.System == schemas.Acumatica {
				list = append(list, r)
			}
		}
	}
	return list
}

// contract compares what is wanted with what the endpoint has. Acumatica: a
// field that is missing is ignored in a write without a word.
func (e *erpCheck) contract(wanted map[string]*need) {
	before := len(e.findings)
	for _, entity := range slices.Sorted(maps.Keys(wanted)) {
		if !e.schema.Entity(entity) {
			e.add(Wrong, "endpoint "+entity, "doctor.endpoint_lacks", "there is no %s", entity)
			continue
		}
		var missing, spared []string
		for _, f := range slices.Sorted(maps.Keys(wanted[entity].fields)) {
			switch needed := wanted[entity].fields[f]; {
			case e.schema.Field(entity, f):
			case needed:
				missing = append(missing, f)
			default:
				spared = append(spared, f)
			}
		}
		for _, action := range slices.Sorted(maps.Keys(wanted[entity].actions)) {
			if !e.schema.Action(entity, action) {
				missing = append(missing, "action "+action)
			}
		}
		if len(missing) > 0 {
			e.add(Wrong, "endpoint "+entity, "doctor.endpoint_lacks", "%s lacks %s", entity, strings.Join(missing, ", "))
		}
		if len(spared) > 0 {
			e.add(Note, "endpoint "+entity, "doctor.endpoint_lacks", "%s lacks %s; flows go on without", entity, strings.Join(spared, ", "))
		}
	}
	if Count(e.findings[before:], Wrong) == 0 {
		e.ok("endpoint", "has every field and action that is needed of %s", strings.Join(slices.Sorted(maps.Keys(wanted)), ", "))
	}
}

// lists reads one row of each entity. The first answer also tells the server's
// clock.
func (e *erpCheck) lists(ctx context.Context, entities []string) {
	var may, empty []string
	var clock time.Time
	for _, entity := range entities {
		if !e.schema.Entity(entity) {
			continue // told already
		}
		q := acumatica.Query{Top: 1}
		for _, f := range []string{"LastModifiedDateTime", "ReferenceNbr", "Status"} {
			if e.schema.Field(entity, f) {
				q.Select = []string{f}
				break
			}
		}
		rows, at, err := e.Acumatica.List(ctx, entity, q)
		if err != nil {
			e.failed("rights "+entity, err)
			continue
		}
		clock, e.listed[entity] = at, true
		if len(rows) == 0 {
			empty = append(empty, entity)
			continue
		}
		may, e.first[entity] = append(may, entity), rows[0]
	}
	if len(may) > 0 {
		e.ok("rights", "may read %s", strings.Join(may, ", "))
	}
	if len(empty) > 0 {
		e.add(Note, "rights", "", "there are no rows, or none that the user sees, of %s", strings.Join(empty, ", "))
	}
	e.clock(clock)
}

// clock: only the server's own counts for polling, so that a difference is
// good to know and no more. Its zone is where date-only fields begin.
func (e *erpCheck) clock(at time.Time) {
	if at.IsZero() {
		return
	}
	if off := e.Now.Sub(at).Abs().Truncate(time.Second); off > e.MaxSkew {
		e.add(Note, "clock", "doctor.clock", "this machine and Acumatica are %s apart", off)
	} else {
		e.ok("clock", "%s apart from this machine's", off)
	}
	zone, err := time.LoadLocation(e.Connection.Books.TimeZone)
	changed, err2 := time.Parse(time.RFC3339Nano, e.first["Customer"].String("LastModifiedDateTime"))
	if err != nil || err2 != nil {
		return
	}
	if _, ours := changed.In(zone).Zone(); ours != offset(changed) {
		e.add(Note, "time zone", "", "the server writes times as UTC%s, the books are kept in %s", changed.Format("-07:00"), zone)
	}
}

func offset(t time.Time) int {
	_, seconds := t.Zone()
	return seconds
}

// fetches reads one record in each way that a flow will: with its details, and
// with the fields outside the contract, which no swagger tells.
func (e *erpCheck) fetches(ctx context.Context) {
	var done []string
	for _, r := range e.reads() {
		one, known := e.first[r.Object]
		key := strings.Join(slices.Concat([]string{r.Object}, r.Expand, r.Custom), " ")
		if !known || slices.Contains(done, key) {
			continue
		}
		done = append(done, key)
		if _, err := e.Acumatica.Get(ctx, r.Object, []string{one.ID()}, acumatica.Query{Expand: r.Expand, Custom: r.Custom}); err != nil {
			e.failed("read "+r.Object, err)
		}
	}
}
