package acumaticatwin

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// A patch is what a client sent for one record: only names that the contract
// has. Acumatica: unknown names are ignored without an error.
type patch struct {
	id     string
	remove bool
	note   *string
	fields map[string]*string // canonical text; nil = set to null
	one    map[string]*patch
	many   map[string][]*patch
}

func (p *patch) text(name string) string {
	if v := p.fields[name]; v != nil {
		return *v
	}
	return ""
}

// decodeBody reads a record body, or the "entity" of an action.
func decodeBody(raw []byte, e *entity, version int) (*patch, *failure) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, badRequest("", "The request body should not be empty.")
	}
	p, fail := decodePatch(raw, &e.shape, version, "")
	if fail != nil {
		return nil, fail
	}
	var outer struct {
		Custom map[string]map[string]json.RawMessage `json:"custom"`
	}
	if err := json.Unmarshal(raw, &outer); err != nil {
		return nil, badRequest("custom", "The custom fields cannot be read.")
	}
	for view, fields := range outer.Custom {
		for name, v := range fields {
			f := e.custom.field(view+"."+name, version)
			if f == nil {
				continue
			}
			if fail := p.decodeField(f, v, "custom."+f.name); fail != nil {
				return nil, fail
			}
		}
	}
	return p, nil
}

func decodePatch(raw json.RawMessage, s *shape, version int, path string) (*patch, *failure) {
	var props map[string]json.RawMessage
	if err := json.Unmarshal(raw, &props); err != nil || props == nil {
		return nil, badRequest(path, "An object was expected.")
	}
	p := &patch{fields: map[string]*string{}, one: map[string]*patch{}, many: map[string][]*patch{}}
	for _, name := range slices.Sorted(maps.Keys(props)) { // of several mistakes always the same one is told
		if fail := p.decodeProperty(name, props[name], s, version, path+name); fail != nil {
			return nil, fail
		}
	}
	return p, nil
}

func (p *patch) decodeProperty(name string, v json.RawMessage, s *shape, version int, path string) *failure {
	switch name {
	case "id":
		if json.Unmarshal(v, &p.id) != nil {
			return badRequest(path, "A GUID was expected.")
		}
		p.id = strings.ToLower(p.id)
		return nil
	case "delete":
		if json.Unmarshal(v, &p.remove) != nil {
			return badRequest(path, "A boolean was expected.")
		}
		return nil
	case "note":
		p.note = decodeNote(v)
		return nil
	}
	if f := s.field(name, version); f != nil {
		return p.decodeField(f, v, path)
	}
	if pt := s.part(name, version); pt != nil && string(v) != "null" {
		return p.decodePart(pt, v, version, path)
	}
	return nil
}

func decodeNote(v json.RawMessage) *string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return &s
	}
	var w struct{ Value string }
	if json.Unmarshal(v, &w) == nil {
		return &w.Value
	}
	return nil
}

func (p *patch) decodePart(pt *part, v json.RawMessage, version int, path string) *failure {
	if !pt.many {
		one, fail := decodePatch(v, &pt.shape, version, path+".")
		p.one[pt.name] = one
		return fail
	}
	var lines []json.RawMessage
	if json.Unmarshal(v, &lines) != nil {
		return badRequest(path, "An array was expected.")
	}
	for i, raw := range lines {
		line, fail := decodePatch(raw, &pt.shape, version, path+"["+strconv.Itoa(i)+"].")
		if fail != nil {
			return fail
		}
		p.many[pt.name] = append(p.many[pt.name], line)
	}
	return nil
}

// decodeField unwraps {"value": …}. A wrapper without a value says nothing.
func (p *patch) decodeField(f *field, v json.RawMessage, path string) *failure {
	if string(v) == "null" {
		return nil
	}
	var w map[string]json.RawMessage
	if json.Unmarshal(v, &w) != nil {
		return badRequest(path, "A value object was expected.")
	}
	inner, ok := w["value"]
	if !ok {
		return nil
	}
	s, ok := canonical(f, inner)
	if !ok {
		return badRequest(path+".value", "The value cannot be converted.")
	}
	if s == "" { // null and empty are the same to Acumatica
		p.fields[f.name] = nil
		return nil
	}
	p.fields[f.name] = &s
	return nil
}

// canonical turns a JSON scalar into the text that records hold. Strings for
// numbers and booleans are tolerated (Acumatica: vendor samples send them).
func canonical(f *field, raw json.RawMessage) (string, bool) {
	s := strings.TrimSpace(string(raw))
	switch {
	case s == "null":
		return "", true
	case strings.HasPrefix(s, `"`):
		if json.Unmarshal(raw, &s) != nil {
			return "", false
		}
		s = strings.TrimRight(s, " ")
	case strings.HasPrefix(s, "{"), strings.HasPrefix(s, "["):
		return "", false
	}
	if s == "" {
		return "", true
	}
	switch f.kind {
	case textKind:
		return cut(s, f), true
	case decimalKind:
		d, ok := parseDecimal(s)
		return d.Round(int32(f.size)).String(), ok //nolint:gosec // G115: a column's scale
	case boolKind:
		b, err := strconv.ParseBool(strings.ToLower(s))
		return strconv.FormatBool(b), err == nil
	case intKind:
		n, err := strconv.ParseInt(s, 10, 64)
		return strconv.FormatInt(n, 10), err == nil
	case stampKind:
		t, ok := parseInstant(s)
		return t.UTC().Format(time.RFC3339Nano), ok
	case dateKind:
		// The literal date counts, whatever the offset says.
		t, ok := parseInstant(s)
		return t.Format(dayLayout), ok
	case guidKind:
		id, err := uuid.Parse(s)
		return id.String(), err == nil
	}
	return "", false
}

// cut shortens a text to its database column, without an error.
// Acumatica: string fields cut what does not fit while the value is set; no
// recorded answer shows it, so check on a real tenant before relying on it.
func cut(s string, f *field) string {
	if alias, ok := f.alias[s]; ok {
		return alias
	}
	if f.size == 0 || utf8.RuneCountInString(s) <= f.size {
		return s
	}
	return string([]rune(s)[:f.size])
}

// merge applies a patch to a record of this transaction. skip names fields
// that are left alone.
func (x *tx) merge(r *record, p *patch, s, custom *shape, bad *problems, skip func(string) bool) {
	for name, v := range p.fields {
		f := s.field(name, allVersions)
		if f == nil && custom != nil {
			f = custom.field(name, allVersions)
		}
		if f == nil || f.readOnly || f.dead || (skip != nil && skip(f.column)) {
			continue
		}
		if v == nil {
			delete(r.Fields, f.column)
			continue
		}
		r.set(f.column, *v)
	}
	if p.note != nil {
		r.Note = *p.note
	}
	for i := range s.parts {
		pt := &s.parts[i]
		if one := p.one[pt.name]; one != nil && !pt.readOnly {
			if r.One[pt.column()] == nil {
				r.One[pt.column()] = newRecord(x.newID())
			}
			x.merge(r.One[pt.column()], one, &pt.shape, nil, bad, nil)
		}
		if lines := p.many[pt.name]; len(lines) > 0 {
			x.mergeLines(r, pt, lines, bad)
		}
	}
}

// allVersions is above every endpoint version: names were checked before.
const allVersions = 1 << 30

func (x *tx) mergeLines(r *record, pt *part, lines []*patch, bad *problems) {
	if pt.unmodelled {
		bad.add(r, "", "%s: this stand-in does not model these lines yet.", pt.name)
		return
	}
	if pt.readOnly {
		return
	}
	column := pt.column()
	index := newLineIndex(pt, r.Many[column])
	for _, p := range lines {
		l := index.find(p)
		if p.remove {
			index.remove(l)
			continue
		}
		if l == nil {
			// Without an id or keys that match, a line is always new: sending
			// an array twice doubles it.
			l = newRecord(x.newID())
			r.Many[column] = append(r.Many[column], l)
		}
		x.merge(l, p, &pt.shape, nil, bad, nil)
		index.add(l) // again: its keys may be others now
	}
	if len(index.gone) > 0 {
		r.Many[column] = slices.DeleteFunc(slices.Clone(r.Many[column]), func(l *record) bool { return index.gone[l] })
	}
}

// locate finds the record that a body means: by id, else by its keys.
func (x *tx) locate(e *entity, p *patch) *record {
	if p.id != "" {
		return x.get(e.stored(), p.id)
	}
	blank := newRecord("")
	if e.fresh != nil {
		e.fresh(x, blank) // a key may have a default, such as Type
	}
	key := make([]string, len(e.keys))
	for i, k := range e.keys {
		if key[i] = p.text(k); key[i] == "" {
			key[i] = blank.get(k)
		}
		if key[i] == "" {
			return nil
		}
	}
	return x.byKey(e.stored(), key...)
}
