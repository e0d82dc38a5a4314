package acumaticatwin

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// A Destination gets a push notification for every change of the entities it
// listens to. In Acumatica it is set up on a form, not through the API.
type Destination struct {
	URL string `json:"url"`
	// Header and Value are one header of the request, by which the receiver
	// knows who calls; nothing is signed. Empty: no such header.
	Header string `json:"header"`
	Value  string `json:"value"`
	// Query is what the body calls the source of the rows; "" is the name of
	// the entity.
	Query string `json:"query"`
	// Entities that are listened to; none is all.
	Entities []string `json:"entities"`
	// Fields of the rows; none is every field of the record itself. A change
	// that shows in none of them is not told.
	Fields []string `json:"fields"`
}

// AddDestination starts to send notifications of every later change. Run
// delivers them.
func (t *Twin) AddDestination(d Destination) error {
	if u, err := url.Parse(d.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("notification url %q: want http:// or https:// and a host", d.URL)
	}
	if (d.Header == "") != (d.Value == "") {
		return errors.New("notification header: name and value go together")
	}
	for _, name := range d.Entities {
		e := t.cat[name]
		if e == nil {
			return fmt.Errorf("notification entity %q: not known", name)
		}
		for _, f := range d.Fields {
			if e.shape.field(f, allVersions) == nil {
				return fmt.Errorf("notification field %q: %s has no such field", f, name)
			}
		}
	}
	if len(d.Fields) > 0 && len(d.Entities) == 0 {
		return errors.New("notification fields: say of which entities")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.destinations = append(t.destinations, &destination{Destination: d})
	return nil
}

// Destinations returns those that were added, without their secret values.
func (t *Twin) Destinations() []Destination {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := []Destination{}
	for _, d := range t.destinations {
		shown := d.Destination
		shown.Value = ""
		list = append(list, shown)
	}
	return list
}

// A change is one row before and after a transaction; nil is no row.
type change struct{ before, after *record }

// news lists what a transaction is about to change, by entity and in a
// repeatable order; nothing when nobody listens.
func (t *Twin) news(x *tx) map[string][]change {
	if len(t.destinations) == 0 {
		return nil
	}
	list := map[string][]change{}
	for name, rows := range x.changed {
		for id, after := range rows {
			if before := x.stored(name, id); before != nil || after != nil {
				list[name] = append(list[name], change{before, after})
			}
		}
		slices.SortFunc(list[name], func(a, b change) int { return strings.Compare(a.id(), b.id()) })
	}
	return list
}

func (c change) id() string {
	if c.after != nil {
		return c.after.ID
	}
	return c.before.ID
}

// announce puts a notification for each listener into the queue, after the
// transaction: what was rolled back is never told. All that come from one
// transaction carry its id.
func (t *Twin) announce(news map[string][]change) {
	if len(news) == 0 {
		return
	}
	id, now := uuid.NewString(), t.now()
	for _, d := range t.destinations {
		for _, e := range t.cat.sorted() {
			if !d.hears(e) {
				continue
			}
			inserted, deleted := t.plainRows(d, e, news[e.stored()])
			if len(inserted)+len(deleted) == 0 {
				continue
			}
			n := &notification{id: id, query: cmp.Or(d.Query, e.name), to: d, due: now}
			n.body = []byte(`{"Inserted":[` + strings.Join(inserted, ",") + `],"Deleted":[` + strings.Join(deleted, ",") +
				`],"Query":` + quote(n.query) + `,"CompanyId":` + quote(t.o.Tenant) + `,"Id":` + quote(id) +
				`,"TimeStamp":` + strconv.FormatInt(ticks(now), 10) + `,"AdditionalInfo":{}}`)
			t.lineUp(d, n)
		}
	}
	t.poke()
}

// hears reports whether a destination listens to an entity. What only a custom
// endpoint shows is told to those that ask for it.
func (d *destination) hears(e *entity) bool {
	if len(d.Entities) == 0 {
		return e.on == everywhere
	}
	return slices.Contains(d.Entities, e.name)
}

// plainRows writes the rows that differ. One that was changed is in both lists.
func (t *Twin) plainRows(d *destination, e *entity, changes []change) (inserted, deleted []string) {
	for _, c := range changes {
		before, after := t.plainRow(d, e, c.before), t.plainRow(d, e, c.after)
		if before == after {
			continue
		}
		if before != "" {
			deleted = append(deleted, before)
		}
		if after != "" {
			inserted = append(inserted, after)
		}
	}
	return inserted, deleted
}

// plainRow writes the values of a record bare, times without an offset.
func (t *Twin) plainRow(d *destination, e *entity, r *record) string {
	if !e.finds(r) {
		return ""
	}
	var w strings.Builder
	for i := range e.shape.fields {
		f := &e.shape.fields[i]
		if f.dead || (len(d.Fields) > 0 && !slices.Contains(d.Fields, f.name)) {
			continue
		}
		sep := ","
		if w.Len() == 0 {
			sep = "{"
		}
		w.WriteString(sep + quote(f.name) + ":" + plainValue(f, r, t.location()))
	}
	w.WriteByte('}')
	return w.String()
}

func plainValue(f *field, r *record, at *time.Location) string {
	text, ok := r.value(f.column)
	if !ok {
		return "null"
	}
	switch f.kind {
	case decimalKind, boolKind, intKind:
		return text
	case stampKind:
		if when, ok := parseInstant(text); ok {
			return quote(when.In(at).Format("2006-01-02T15:04:05.999"))
		}
		return "null"
	case dateKind:
		return quote(text + "T00:00:00")
	case textKind, guidKind:
	}
	return quote(text)
}

// ticks counts steps of 100 ns since the first day of the year 1.
func ticks(t time.Time) int64 {
	const epoch = 62_135_596_800 // seconds from then to 1970
	return (t.Unix()+epoch)*10_000_000 + int64(t.Nanosecond()/100)
}
