package stripetwin

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// An event is immutable but for the count of endpoints that have not taken it
// yet. Stripe: events keep the shape they were made with and are listed for
// 30 days.
type event struct {
	head
	Type     string
	Object   json.RawMessage
	Previous json.RawMessage // null unless the event tells of a change
	Pending  int             // endpoints that have not answered 2xx yet
	Request  string          // "" when no API request caused it
	Key      string
}

// eventWindow is how long events can be listed, in seconds.
const eventWindow = 30 * 24 * 3600

// eventColumns: an event is found by its type and by each pattern that it
// matches up to a dot, and dropped when it can no longer be listed.
func eventColumns() []column[event] {
	return []column[event]{
		by("undelivered", func(e *event) string {
			if e.Pending == 0 {
				return ""
			}
			return "true"
		}),
		{name: "type", words: func(e *event) []string {
			out := []string{e.Type}
			for i, c := range e.Type {
				if c == '.' {
					out = append(out, e.Type[:i+1]+"*")
				}
			}
			return out
		}},
		dueAt(func(e *event) int64 { return e.Created + eventWindow }),
	}
}

func (e *event) render() object {
	data := object{"object": e.Object}
	if len(e.Previous) > 0 && string(e.Previous) != "null" {
		data["previous_attributes"] = e.Previous
	}
	return object{
		"id": e.ID, "object": "event", "api_version": APIVersion, "created": e.Created, "livemode": false,
		"pending_webhooks": e.Pending, "type": e.Type, "data": data,
		"request": object{"id": orNull(e.Request), "idempotency_key": orNull(e.Key)},
	}
}

// emit records that something happened to o and queues it for every endpoint
// that wants to know. The caller commits. Invariant 3.
func (t *Twin) emit(c *call, typ string, o object) { t.emitChange(c, typ, o, nil) }

// emitUpdate emits typ only when before and after differ.
func (t *Twin) emitUpdate(c *call, typ string, before, after object) {
	if c.now < t.quiet {
		return
	}
	if prev := changes(before, after); len(prev) > 0 {
		t.emitChange(c, typ, after, prev)
	}
}

func (t *Twin) emitChange(c *call, typ string, o, prev object) {
	if c.now < t.quiet {
		return
	}
	if t.trouble.doubles(t.s.Seq) {
		t.makeEvent(c, typ, o, prev)
	}
	t.makeEvent(c, typ, o, prev)
}

func (t *Twin) makeEvent(c *call, typ string, o, prev object) {
	e := &event{
		head: t.newHead(c, t.newID("evt_1", 23)), Type: typ, Object: compact(o),
		Request: c.request, Key: c.key,
	}
	if prev != nil {
		e.Previous = compact(prev)
	}
	t.deliver(c, e)
	t.s.Events.put(e)
}

// deliver queues an event for every endpoint that wants to know.
func (t *Twin) deliver(c *call, e *event) {
	for ep := range t.s.Endpoints.find(nil, always, func(ep *endpoint) bool { return ep.wants(e.Type) }).newest() {
		t.s.Seq++
		t.s.Deliveries.put(&delivery{Seq: t.s.Seq, Event: e.ID, Endpoint: ep.ID, Since: c.now})
		e.Pending++
	}
}

// changes returns the old values of the members of before that are not the
// same in after. Stripe: previous_attributes; inside a hash only the members
// that changed, null for those that are new. The lines of an invoice are left
// out.
func changes(before, after object) object {
	prev := object{}
	for k, now := range after {
		was := before[k]
		if k == "lines" || same(was, now) {
			continue
		}
		a, isHashA := was.(object)
		b, isHashB := now.(object)
		if isHashA && isHashB {
			inner := changes(a, b)
			for k := range a {
				if _, still := b[k]; !still {
					inner[k] = a[k]
				}
			}
			prev[k] = inner
			continue
		}
		prev[k] = was
	}
	return prev
}

// same is reflect.DeepEqual with a short way for what members mostly are.
func same(a, b any) bool {
	switch y := b.(type) {
	case nil, string, int64, bool:
		return a == b
	case object:
		x, ok := a.(object)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range y {
			if w, there := x[k]; !there || !same(w, v) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}

func listEvents(t *Twin, c *call) (object, error) {
	typ, types := c.form.str("type", 255), c.form.list("types")
	if typ != "" && len(types) > 0 {
		return nil, invalid("parameters_exclusive", "", "You may only specify one of these parameters: type, types.")
	}
	if len(types) > 20 {
		return nil, invalid("", "types", "You can pass at most 20 types.")
	}
	if typ != "" {
		types = []string{typ}
	}
	created := createdFilter(c)
	filterDelivery, delivered := c.form.has("delivery_success"), c.form.boolean("delivery_success", false)
	want := eq{}
	if len(types) == 1 && (!strings.Contains(types[0], "*") || strings.HasSuffix(types[0], ".*")) {
		want["type"] = types[0]
	}
	if filterDelivery && !delivered {
		want["undelivered"] = "true"
	}
	rows := t.s.Events.find(want, created, func(e *event) bool {
		return (len(types) == 0 || slices.ContainsFunc(types, func(w string) bool { return typeMatches(w, e.Type) })) &&
			(!filterDelivery || delivered == (e.Pending == 0))
	})
	return page(c, rows, "event", (*event).render)
}

// typeMatches reports whether an event type matches a name or a pattern such
// as invoice.*.
func typeMatches(pattern, typ string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(typ, prefix)
	}
	return pattern == typ
}

func getEvent(t *Twin, c *call) (object, error) {
	e := t.s.Events.get(c.id)
	if e == nil {
		return nil, missing("event", c.id, "id", http.StatusNotFound)
	}
	return e.render(), nil
}
