package flow

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"millrace/internal/fault"
	"millrace/schemas"
)

// intent is one intent of a document, with one expression per field.
type intent struct {
	id                     string
	line                   int
	each                   *expression // nil: one intent; else one for each element of a list
	as                     string
	onlyIf                 *expression
	target, document, verb string
	key, version           *expression // version nil: the source object has one intent only
	fields                 *field
	refs                   []ref
	writeBack              *writeBack
}

type ref struct {
	system, kind string
	id           *expression
}

type writeBack struct {
	object, metadataKey string
	id                  *expression
}

func (r *reader) intents(n ast.Node, d *Document, known []string) {
	list := r.sequence(n, "intents")
	if len(list) == 0 {
		r.at(n, "a flow needs at least one intent")
	}
	seen := make(map[string]bool)
	for _, v := range list {
		in := r.intent(v, known)
		if in.id != "" && seen[in.id] {
			r.at(v, "the intent id %s is already taken", in.id)
		}
		seen[in.id] = true
		d.intents = append(d.intents, in)
	}
}

func (r *reader) intent(n ast.Node, known []string) *intent {
	line, _ := position(n)
	in := &intent{line: line}
	var fields ast.Node
	known = r.each(n, in, known)
	present := r.keys(n, "an intent", map[string]func(ast.Node){
		"id":         func(n ast.Node) { in.id = r.name(n, "id", stepName) },
		"each":       func(ast.Node) {}, // read first: all others may use its name
		"as":         func(ast.Node) {},
		"if":         func(n ast.Node) { in.onlyIf = r.expression(n, known) },
		"target":     func(n ast.Node) { in.target = r.system(n, "target") },
		"document":   func(n ast.Node) { in.document = r.text(n, "document") },
		"verb":       func(n ast.Node) { in.verb = r.text(n, "verb") },
		"key":        func(n ast.Node) { in.key = r.expression(n, known) },
		"version":    func(n ast.Node) { in.version = r.expression(n, known) },
		"fields":     func(n ast.Node) { fields = n },
		"refs":       func(n ast.Node) { in.refs = r.refs(n, known) },
		"write_back": func(n ast.Node) { in.writeBack = r.writeBack(n, known) },
	})
	r.need(n, "an intent", present, "id", "target", "document", "verb", "key", "fields")
	if in.target == "" || in.document == "" || in.verb == "" || fields == nil {
		return in
	}
	t, err := kindOfDocument(in.target, in.document, in.verb)
	if err != nil {
		r.at(n, "%v", err)
		return in
	}
	in.fields = r.field(fields, in.document, t, true, known)
	return in
}

// each reads what an intent is repeated for, and adds the element's name to
// those that the intent's expressions may use.
func (r *reader) each(n ast.Node, in *intent, known []string) []string {
	for _, e := range r.entries(n, "an intent") {
		switch e.key {
		case "each":
			in.each = r.expression(e.value, known)
		case "as":
			in.as = r.stepID(e.value)
		}
	}
	if (in.each == nil) != (in.as == "") {
		r.at(n, "each and as belong together")
	}
	if in.as == "" {
		return known
	}
	if slices.Contains(known, in.as) {
		r.at(n, "the name %s is already taken", in.as)
	}
	return append(slices.Clone(known), in.as)
}

func (r *reader) refs(n ast.Node, known []string) []ref {
	var out []ref
	for _, v := range r.sequence(n, "refs") {
		one := ref{}
		present := r.keys(v, "a ref", map[string]func(ast.Node){
			"system": func(n ast.Node) { one.system = r.system(n, "system") },
			"kind":   func(n ast.Node) { one.kind = r.text(n, "kind") },
			"id":     func(n ast.Node) { one.id = r.expression(n, known) },
		})
		r.need(v, "a ref", present, "system", "kind", "id")
		out = append(out, one)
	}
	return out
}

func (r *reader) writeBack(n ast.Node, known []string) *writeBack {
	w := &writeBack{}
	present := r.keys(n, "write_back", map[string]func(ast.Node){
		"object": func(n ast.Node) { w.object = r.text(n, "object") },
		"id":     func(n ast.Node) { w.id = r.expression(n, known) },
		"metadata_key": func(n ast.Node) {
			if w.metadataKey = r.text(n, "metadata_key"); len(w.metadataKey) > 40 {
				r.at(n, "metadata key %q: Stripe allows 40 characters", w.metadataKey)
			}
		},
	})
	r.need(n, "write_back", present, "object", "id", "metadata_key")
	return w
}

// maxIntents bounds what one flow asks for at once: a payout over every month
// of some years, or a charge that was refunded again and again.
const maxIntents = 1_000

// buildAll computes the intents that this one stands for: one, or one for each
// element of its list, without those whose condition does not hold.
func (in *intent) buildAll(d *Document, input Input, env map[string]any) ([]schemas.Intent, error) {
	if in.each == nil {
		made, err := in.build(d, input, env)
		if err != nil || made == nil {
			return nil, err
		}
		return []schemas.Intent{*made}, nil
	}
	list, err := in.each.run(env)
	if err != nil {
		return nil, fmt.Errorf("each: %w", err)
	}
	items, ok := list.([]any)
	if !ok && list != nil {
		return nil, fault.Newf("flow.field_invalid", "each: %s instead of a list", kindOf(list))
	}
	if len(items) > maxIntents {
		return nil, fault.Newf("flow.budget_exceeded", "each: more than %d intents", maxIntents)
	}
	var all []schemas.Intent
	defer delete(env, in.as)
	for i, item := range items {
		env[in.as] = item
		made, err := in.build(d, input, env)
		if err != nil {
			return nil, fmt.Errorf("each: element %d: %w", i+1, err)
		}
		if made != nil {
			all = append(all, *made)
		}
	}
	return all, nil
}

// build computes the intent; nil when its condition does not hold.
func (in *intent) build(d *Document, input Input, env map[string]any) (*schemas.Intent, error) {
	if in.onlyIf != nil {
		holds, err := in.onlyIf.condition(env)
		if err != nil || !holds {
			return nil, err
		}
	}
	key, err := in.key.id(env)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	version := ""
	if in.version != nil {
		if version, err = in.version.id(env); err != nil {
			return nil, fmt.Errorf("version: %w", err)
		}
	}
	value := reflect.New(in.fields.typ).Elem()
	if _, err := in.fields.fill(value, env); err != nil {
		return nil, err
	}
	fields, err := json.Marshal(value.Interface())
	if err != nil {
		return nil, fmt.Errorf("fields: %w", err)
	}
	e := input.Event
	out := &schemas.Intent{
		ID:         schemas.IntentID(e.Connection, in.target, in.document, in.verb, key, version), // Invariant 2
		Connection: e.Connection,
		Lane:       e.Lane,
		Target:     in.target,
		Document:   in.document,
		Verb:       in.verb,
		Key:        key,
		Version:    version,
		Flow:       schemas.FlowRef{ID: d.ID, Version: d.Version},
		Cause:      schemas.Cause{EventID: e.ID, EventType: e.Type, EventSeq: e.Seq},
		Fields:     fields,
	}
	for _, r := range in.refs {
		v, err := r.id.run(env)
		if err != nil {
			return nil, fmt.Errorf("refs: %w", err)
		}
		if id, ok := v.(string); ok && id != "" {
			out.Refs = append(out.Refs, schemas.Ref{System: r.system, Kind: r.kind, ID: id})
		}
	}
	if in.writeBack != nil {
		id, err := in.writeBack.id.id(env)
		if err != nil {
			return nil, fmt.Errorf("write_back: %w", err)
		}
		out.WriteBack = &schemas.WriteBack{Object: in.writeBack.object, ID: id, MetadataKey: in.writeBack.metadataKey}
	}
	return out, nil
}

// id is an expression's value where an id is needed: a text, not empty.
func (e *expression) id(env map[string]any) (string, error) {
	v, err := e.run(env)
	if err != nil {
		return "", err
	}
	if s, ok := v.(string); ok && s != "" {
		return s, nil
	}
	return "", fault.Newf("flow.field_invalid", "line %d: %s where an id is needed", e.line, kindOf(v))
}

// inputHash is the sha256 of the event's id and the facts in canonical JSON:
// two results with the same hash came from the same knowledge.
func inputHash(in Input) (string, error) {
	b, err := appendCanonical(nil, map[string]any{"event": in.Event.ID, "facts": map[string]any(in.Facts)})
	if err != nil {
		return "", fault.New("flow.expression_failed", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
