package acumaticatwin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// entity answers a call on one entity; rest is the path below it.
func (t *Twin) entity(c *call, e *entity, rest []string) reply {
	if c.method == http.MethodGet && len(rest) == 3 && rest[1] == "status" && e.actions[rest[0]] != nil {
		return t.status(rest[2], e.name, rest[0]) // the only address that works while an operation runs
	}
	if fail := t.busy(c.session, e.name); fail != nil {
		return fail.reply()
	}
	if fail := t.denied(e); fail != nil {
		return fail.reply()
	}
	var fail *failure
	if c.within, fail = t.within(c); fail != nil {
		return fail.reply()
	}
	if n := len(rest); c.method == http.MethodPut && n > 2 && rest[n-2] == "files" {
		return t.attach(c, e, rest[:n-2], rest[n-1])
	}
	switch {
	case c.method == http.MethodGet && len(rest) == 0:
		return t.list(c, e)
	case c.method == http.MethodGet && len(rest) == 1 && rest[0] == "$adHocSchema":
		return t.adHocSchema(c, e)
	case c.method == http.MethodGet:
		return t.read(c, e, rest)
	case c.method == http.MethodPost && len(rest) == 0:
		return plain(http.StatusNotAcceptable, "The requested resource does not support http method 'POST'.").reply()
	case c.method == http.MethodPost:
		return t.act(c, e, rest)
	case c.method == http.MethodPut && len(rest) == 0, c.method == http.MethodDelete && len(rest) > 0:
		if t.fixed(e) {
			return noRights(e).reply()
		}
		if c.method == http.MethodPut {
			return t.put(c, e)
		}
		return t.delete(c, e, rest)
	}
	return plain(http.StatusMethodNotAllowed, "The requested resource does not support http method '"+c.method+"'.").reply()
}

func (t *Twin) list(c *call, e *entity) reply {
	opt, fail := parseOptions(c.query, e, c.version)
	if fail != nil {
		return fail.reply()
	}
	if fail := opt.optimize(e, c.version); fail != nil {
		return fail.reply()
	}
	x := t.beginWithin(c.within)
	x.heads = len(opt.exp) == 0 && e.also == nil
	rows, fail := x.find(e, c.version, opt.filter, opt.skip, opt.top)
	if fail != nil {
		return fail.reply()
	}
	v := &view{x: x, e: e, version: c.version, base: c.base, list: true, opt: opt}
	var w bytes.Buffer
	w.WriteByte('[')
	for i, r := range rows {
		if i > 0 {
			w.WriteByte(',')
		}
		v.top(&w, r, i+1)
		if i == 0 {
			w.Grow(w.Len() * len(rows)) // the others are about as long
		}
	}
	w.WriteByte(']')
	return rawReply(http.StatusOK, w.Bytes())
}

// byAddress finds the record that a path names: by id or by its keys, which
// "/" or "|" separate.
func (x *tx) byAddress(e *entity, rest []string) *record {
	if len(rest) == 1 {
		if id, err := uuid.Parse(rest[0]); err == nil {
			return x.get(e.stored(), id.String())
		}
		rest = strings.Split(rest[0], "|")
	}
	if len(rest) != len(e.keys) {
		return nil
	}
	return x.byKey(e.stored(), rest...)
}

func (t *Twin) read(c *call, e *entity, rest []string) reply {
	opt, fail := parseOptions(c.query, e, c.version)
	if fail != nil {
		return fail.reply()
	}
	x := t.beginWithin(c.within)
	r := x.byAddress(e, rest)
	if r == nil && e.also != nil {
		rows := e.also(x)
		if i := slices.IndexFunc(rows, func(r *record) bool { return e.keyOf(r) == foldKey(rest) || r.ID == rest[0] }); i >= 0 {
			r = rows[i]
		}
	}
	if !x.finds(e, r) {
		return notFound().reply()
	}
	v := &view{x: x, e: e, version: c.version, base: c.base, opt: opt}
	var w bytes.Buffer
	v.top(&w, r, 1)
	return rawReply(http.StatusOK, w.Bytes())
}

// adHocSchema shows an empty record with the fields that only $custom reaches.
func (t *Twin) adHocSchema(c *call, e *entity) reply {
	opt := &options{}
	for i := range e.custom.fields {
		if f := &e.custom.fields[i]; f.since <= c.version {
			opt.custom = append(opt.custom, f.name)
		}
	}
	slices.Sort(opt.custom)
	v := &view{x: t.beginWithin(c.within), e: e, version: c.version, base: c.base, opt: opt}
	var w bytes.Buffer
	v.top(&w, newRecord(uuid.Nil.String()), 1)
	return rawReply(http.StatusOK, w.Bytes())
}

// put inserts or updates. Success is 200 for both.
func (t *Twin) put(c *call, e *entity) reply {
	opt, fail := parseOptions(c.query, e, c.version)
	if fail != nil {
		return fail.reply()
	}
	p, fail := decodeBody(c.body, e, c.version)
	if fail != nil {
		return fail.reply()
	}
	x := t.beginWithin(c.within)
	old, fail := x.target(e, c.version, p, opt.filter)
	if fail != nil {
		return fail.reply()
	}
	if fail := precondition(c.header, old != nil); fail != nil {
		return fail.reply()
	}
	r, bad := x.upsert(e, old, p)
	status := http.StatusUnprocessableEntity
	if bad.empty() {
		bad, status = nil, http.StatusOK
		if err := t.commit(x); err != nil {
			return pxError("%v", err).reply()
		}
	}
	v := &view{x: x, e: e, version: c.version, base: c.base, echo: true, opt: opt, bad: bad}
	var w bytes.Buffer
	v.top(&w, r, 1)
	return rawReply(status, w.Bytes())
}

// target is the record that a PUT means: by the body, or by $filter in the
// address. What Acumatica does when a filter matches several is not known;
// here that is an error.
func (x *tx) target(e *entity, version int, p *patch, filter string) (*record, *failure) {
	if filter == "" {
		if r := x.locate(e, p); x.finds(e, r) {
			return r, nil
		}
		return nil, nil
	}
	rows, fail := x.find(e, version, filter, 0, 2)
	switch {
	case fail != nil:
		return nil, fail
	case len(rows) > 1:
		return nil, pxError("More than one record satisfies the condition.")
	case len(rows) == 1:
		return rows[0], nil
	}
	return nil, nil
}

// upsert applies a patch. When nothing changes, the time of change stays
// (Acumatica: a PUT writes only differences).
func (x *tx) upsert(e *entity, old *record, p *patch) (*record, *problems) {
	var r *record
	bad := newProblems()
	if old == nil {
		r = newRecord(x.newID())
		if e.fresh != nil {
			e.fresh(x, r)
		}
		x.place(r)
		// Numbers are given out by the system; a number that was sent is dropped.
		x.merge(r, p, &e.shape, &e.custom, bad, func(name string) bool { return !e.typedKey && name == e.keys[len(e.keys)-1] })
		if !e.typedKey {
			r.set(e.keys[len(e.keys)-1], unsavedKey)
		}
	} else {
		r = old.clone()
		x.merge(r, p, &e.shape, &e.custom, bad, func(name string) bool { return slices.Contains(e.keys, name) || e.leaves(old, name) })
	}
	for rec, fields := range e.save(x, old, r).fields {
		for f, text := range fields {
			bad.add(rec, f, "%s", text)
		}
	}
	refuseDoubles(r, &e.shape, bad)
	if x.rights.hides(r) {
		bad.add(r, "Customer", "'Customer' cannot be found in the system.")
	}
	if !bad.empty() {
		return r, bad
	}
	if old == nil && e.typedKey && e.unsaved(r) {
		// Acumatica: recorded for a stock item. The answer is 200 and shows the
		// defaults, but without a number there is no record.
		return r, bad
	}
	if old != nil && r.same(old) {
		return old, bad
	}
	r.touch(x.now)
	x.save(e.stored(), r)
	return r, bad
}

// refuseDoubles blames lines that have the keys of an earlier one. Those that
// were sent with the same keys are one line by now; a key that was left out and
// had the other's value by default is what remains.
func refuseDoubles(r *record, s *shape, bad *problems) {
	for i := range s.parts {
		pt := &s.parts[i]
		if len(pt.keys) == 0 || pt.readOnly {
			continue
		}
		seen := map[string]bool{}
		for _, l := range r.Many[pt.column()] {
			key := make([]string, len(pt.keys))
			for i, k := range pt.keys {
				key[i] = l.get(pt.shape.field(k, allVersions).column)
			}
			if folded := foldKey(key); !slices.Contains(key, "") && seen[folded] {
				bad.add(l, pt.shape.field(pt.keys[len(key)-1], allVersions).column, "An attempt was made to add a duplicate entry.")
			} else {
				seen[folded] = true
			}
		}
	}
}

func (t *Twin) delete(c *call, e *entity, rest []string) reply {
	x := t.beginWithin(c.within)
	r := x.byAddress(e, rest)
	if !x.finds(e, r) {
		return notFound().reply()
	}
	if fail := e.remove(x, r); fail != nil {
		return fail.reply()
	}
	x.remove(e.stored(), r.ID)
	for _, f := range x.filesOf(r) {
		x.remove(entityFile, f.ID)
	}
	if err := t.commit(x); err != nil {
		return pxError("%v", err).reply()
	}
	return emptyReply(http.StatusNoContent)
}

// act runs an action: 204 when it is done, 202 and an address to poll when it
// takes longer. The Location is relative to the host.
func (t *Twin) act(c *call, e *entity, rest []string) reply {
	if len(rest) != 1 || e.actions[rest[0]] == nil || contractActions()[e.name+"/"+rest[0]] > c.version {
		return unknownResource(c)
	}
	var body struct {
		Entity     json.RawMessage            `json:"entity"`
		Parameters map[string]json.RawMessage `json:"parameters"`
	}
	if len(bytes.TrimSpace(c.body)) == 0 {
		return badRequest("", "The request body should not be empty.").reply()
	}
	if json.Unmarshal(c.body, &body) != nil {
		return badRequest("", "The request body cannot be read.").reply()
	}
	p, fail := decodeBody(body.Entity, e, c.version)
	if fail != nil {
		return fail.reply()
	}
	x := t.beginWithin(c.within)
	r := x.locate(e, p)
	switch {
	case r == nil:
		return notFound().reply()
	case !x.finds(e, r):
		return nullReference().reply()
	}
	id, fail := t.start(&operation{
		session: c.session, within: c.within, entity: e.name, action: rest[0], record: r.ID, params: parameters(body.Parameters),
	})
	if fail != nil {
		return fail.reply()
	}
	if id == "" {
		return emptyReply(http.StatusNoContent)
	}
	answer := emptyReply(http.StatusAccepted)
	answer.header.Set("Location", c.base+"/"+e.name+"/"+rest[0]+"/status/"+id)
	return answer
}

// parameters are those of an action, as text. What is not a wrapped scalar,
// such as the custom ones, is not known to any action here.
func parameters(raw map[string]json.RawMessage) map[string]string {
	params := map[string]string{}
	for name, v := range raw {
		var w struct {
			Value json.RawMessage `json:"value"`
		}
		if json.Unmarshal(v, &w) != nil || w.Value == nil {
			continue
		}
		if text, ok := canonical(&field{kind: textKind}, w.Value); ok {
			params[name] = text
		}
	}
	return params
}
