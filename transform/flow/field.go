package flow

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/shopspring/decimal"

	"millrace/internal/fault"
	"millrace/schemas"
)

// maxRows bounds the rows of one list in a target document.
const maxRows = 5_000

// documentKinds are the documents that intents may ask for, and what each verb
// needs to know.
func documentKinds() map[string]map[string]reflect.Type {
	return map[string]map[string]reflect.Type{
		"stripe customer":      {"upsert": reflect.TypeFor[schemas.StripeCustomer]()},
		"stripe invoice":       {"upsert": reflect.TypeFor[schemas.StripeInvoice]()},
		"stripe product":       {"upsert": reflect.TypeFor[schemas.StripeProduct]()},
		"acumatica payment":    {"create": reflect.TypeFor[schemas.AcumaticaPayment](), "void": reflect.TypeFor[schemas.AcumaticaPaymentVoid]()},
		"acumatica refund":     {"create": reflect.TypeFor[schemas.AcumaticaRefund]()},
		"acumatica creditmemo": {"create": reflect.TypeFor[schemas.AcumaticaCreditMemo]()},
		"acumatica journal":    {"create": reflect.TypeFor[schemas.AcumaticaJournal]()},
	}
}

// kindOfDocument finds the Go type of an intent's fields. Any Stripe object
// can be annotated, of Acumatica's those that the sink knows.
func kindOfDocument(target, document, verb string) (reflect.Type, error) {
	if target == schemas.Stripe && verb == "annotate" {
		return reflect.TypeFor[schemas.StripeMetadata](), nil
	}
	if target == schemas.Acumatica && verb == "annotate" && (document == "invoice" || document == "customer") {
		return reflect.TypeFor[schemas.AcumaticaAnnotation](), nil
	}
	verbs, ok := documentKinds()[target+" "+document]
	if !ok {
		return nil, fmt.Errorf("no %s document %q; known: %s", target, document, strings.Join(slices.Sorted(maps.Keys(documentKinds())), ", "))
	}
	t, ok := verbs[verb]
	if !ok {
		return nil, fmt.Errorf("a %s %s cannot be asked to %q; known: %s", target, document, verb, strings.Join(slices.Sorted(maps.Keys(verbs)), ", "))
	}
	return t, nil
}

// field is one value of a target document: a leaf with an expression, an
// object, a list or a map of texts.
type field struct {
	path     string // for messages: "lines.amount"
	line     int
	typ      reflect.Type
	required bool
	leaf     *expression
	members  []member
	rows     []row
	entries  []mapEntry
}

type member struct {
	index int
	field *field
}

// row makes rows of a list: one, or one for each element of a list.
type row struct {
	each   *expression // nil: one row
	as     string
	onlyIf *expression
	item   *field
}

type mapEntry struct {
	key   string
	value *expression
}

// field compiles the YAML of a value of type t.
func (r *reader) field(n ast.Node, path string, t reflect.Type, required bool, known []string) *field {
	line, _ := position(n)
	f := &field{path: path, line: line, typ: t, required: required}
	kind := t.Kind()
	if kind == reflect.Pointer {
		f.members = r.members(n, path, t.Elem(), known)
	}
	if kind == reflect.Struct {
		f.members = r.members(n, path, t, known)
	}
	if kind == reflect.Slice {
		for _, v := range r.sequence(n, path) {
			f.rows = append(f.rows, r.row(v, path, t.Elem(), known))
		}
	}
	if kind == reflect.Map {
		f.entries = r.metadata(n, path, known)
	}
	if kind == reflect.String || kind == reflect.Int64 || kind == reflect.Bool {
		f.leaf = r.expression(n, known)
	}
	if !fillable(t) {
		r.at(n, "%s is of a type that flows cannot fill", path)
	}
	return f
}

// fillable reports whether fill knows the type; a document kind with another
// one must not lose that field silently (Invariant 8).
func fillable(t reflect.Type) bool {
	kinds := []reflect.Kind{reflect.String, reflect.Int64, reflect.Bool, reflect.Struct, reflect.Slice}
	return slices.Contains(kinds, t.Kind()) ||
		t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct ||
		t == reflect.TypeFor[map[string]string]()
}

// metadata compiles a map of texts. Stripe: a key has at most 40 characters
// and no square brackets.
func (r *reader) metadata(n ast.Node, path string, known []string) []mapEntry {
	var out []mapEntry
	for _, e := range r.entries(n, path) {
		if len(e.key) > 40 || strings.ContainsAny(e.key, "[]") {
			r.at(e.at, "metadata key %q: Stripe allows 40 characters and no brackets", e.key)
		}
		out = append(out, mapEntry{e.key, r.expression(e.value, known)})
	}
	return out
}

// members compiles the fields of a struct; its JSON names are the target's.
func (r *reader) members(n ast.Node, path string, t reflect.Type, known []string) []member {
	index := make(map[string]int)
	var must []string
	for i := range t.NumField() {
		name, optional := jsonName(t.Field(i))
		index[name] = i
		if !optional {
			must = append(must, name)
		}
	}
	var out []member
	present := make(map[string]bool)
	for _, e := range r.entries(n, path) {
		i, ok := index[e.key]
		if !ok {
			r.at(e.at, "unknown field %s in %s%s", e.key, path, suggestion(e.key, index))
			continue
		}
		present[e.key] = true
		_, optional := jsonName(t.Field(i))
		out = append(out, member{i, r.field(e.value, path+"."+e.key, t.Field(i).Type, !optional, known)})
	}
	r.need(n, path, present, must...)
	return out
}

func jsonName(f reflect.StructField) (name string, optional bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name, options == "omitempty"
}

func (r *reader) row(n ast.Node, path string, t reflect.Type, known []string) row {
	out := row{}
	var item ast.Node
	var onlyIf ast.Node
	present := r.keys(n, "a row of "+path, map[string]func(ast.Node){
		"each": func(n ast.Node) { out.each = r.expression(n, known) },
		"as":   func(n ast.Node) { out.as = r.stepID(n) },
		"if":   func(n ast.Node) { onlyIf = n },
		"item": func(n ast.Node) { item = n },
	})
	r.need(n, "a row of "+path, present, "item")
	if present["each"] != present["as"] {
		r.at(n, "each and as belong together")
	}
	inner := known
	if out.as != "" {
		if slices.Contains(known, out.as) {
			r.at(n, "the name %s is already taken", out.as)
		}
		inner = append(slices.Clone(known), out.as)
	}
	if onlyIf != nil {
		out.onlyIf = r.expression(onlyIf, inner)
	}
	if item != nil {
		out.item = r.field(item, path, t, true, inner)
	}
	return out
}

// fill computes the value of f into v. It reports whether anything was there.
func (f *field) fill(v reflect.Value, env map[string]any) (bool, error) {
	if f.leaf != nil {
		value, err := f.leaf.run(env)
		if err != nil {
			return false, fmt.Errorf("%s (line %d): %w", f.path, f.line, err)
		}
		return f.set(v, value)
	}
	kind := f.typ.Kind()
	if kind == reflect.Pointer { // stays nil when there is nothing to put into it
		target := reflect.New(f.typ.Elem())
		some, err := fillMembers(f.members, target.Elem(), env)
		if some {
			v.Set(target)
		}
		return some, err
	}
	if kind == reflect.Slice {
		return f.fillRows(v, env)
	}
	if kind == reflect.Map {
		return f.fillMap(v, env)
	}
	return fillMembers(f.members, v, env)
}

func fillMembers(members []member, v reflect.Value, env map[string]any) (bool, error) {
	found := false
	for _, m := range members {
		some, err := m.field.fill(v.Field(m.index), env)
		if err != nil {
			return false, err
		}
		found = found || some
	}
	return found, nil
}

func (f *field) bad(err error) error {
	return fault.New("flow.field_invalid", fmt.Errorf("%s (line %d): %w", f.path, f.line, err))
}

// set puts the value of a leaf into v. A required field must have one.
func (f *field) set(v reflect.Value, value any) (bool, error) {
	if value == nil || value == "" {
		if f.required {
			return false, f.bad(errors.New("the field is required and there is nothing to put into it"))
		}
		return false, nil
	}
	if f.typ.Kind() == reflect.Int64 {
		d, ok := asNumber(value)
		if !ok || !d.IsInteger() || !d.BigInt().IsInt64() {
			return false, f.bad(fmt.Errorf("%s where minor units are needed", kindOf(value)))
		}
		v.SetInt(d.IntPart())
		return true, nil
	}
	if f.typ.Kind() == reflect.Bool {
		b, ok := value.(bool)
		if !ok {
			return false, f.bad(fmt.Errorf("%s where true or false is needed", kindOf(value)))
		}
		v.SetBool(b)
		return b, nil
	}
	switch value.(type) {
	case string, int, decimal.Decimal:
	default:
		return false, f.bad(fmt.Errorf("%s where a text is needed", kindOf(value)))
	}
	s, err := text(value)
	if err != nil {
		return false, f.bad(err)
	}
	v.SetString(s)
	return true, nil
}

func (f *field) fillRows(v reflect.Value, env map[string]any) (bool, error) {
	out := reflect.MakeSlice(f.typ, 0, 0)
	for _, r := range f.rows {
		if r.each == nil {
			if err := f.fillRow(r, &out, env); err != nil {
				return false, err
			}
			continue
		}
		list, err := r.each.run(env)
		if err != nil {
			return false, fmt.Errorf("%s: %w", f.path, err)
		}
		items, ok := list.([]any)
		if !ok && list != nil {
			return false, f.bad(fmt.Errorf("each: %s instead of a list", kindOf(list)))
		}
		for i, item := range items {
			env[r.as] = item
			if err := f.fillRow(r, &out, env); err != nil {
				return false, fmt.Errorf("row %d: %w", i+1, err)
			}
		}
		delete(env, r.as)
	}
	if f.required && out.Len() == 0 {
		return false, f.bad(errors.New("a list without rows"))
	}
	v.Set(out)
	return out.Len() > 0, nil
}

func (f *field) fillRow(r row, out *reflect.Value, env map[string]any) error {
	if r.onlyIf != nil {
		holds, err := r.onlyIf.condition(env)
		if err != nil || !holds {
			return err
		}
	}
	if out.Len() >= maxRows {
		return fault.Newf("flow.budget_exceeded", "%s: more than %d rows", f.path, maxRows)
	}
	item := reflect.New(f.typ.Elem()).Elem()
	if _, err := r.item.fill(item, env); err != nil {
		return err
	}
	*out = reflect.Append(*out, item)
	return nil
}

// fillMap fills metadata. Stripe: a value has at most 500 characters.
func (f *field) fillMap(v reflect.Value, env map[string]any) (bool, error) {
	out := make(map[string]string, len(f.entries))
	for _, e := range f.entries {
		value, err := e.value.run(env)
		if err != nil {
			return false, fmt.Errorf("%s.%s: %w", f.path, e.key, err)
		}
		s, err := text(value)
		if err != nil {
			return false, f.bad(fmt.Errorf("%s: %w", e.key, err))
		}
		if len(s) > 500 {
			return false, f.bad(fmt.Errorf("%s: a text of %d characters; Stripe allows 500", e.key, len(s)))
		}
		if s != "" {
			out[e.key] = s
		}
	}
	v.Set(reflect.ValueOf(out))
	return len(out) > 0, nil
}
