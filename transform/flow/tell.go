package flow

import (
	"github.com/goccy/go-yaml/ast"
)

// tell is an event that a flow passes on in place of intents: what it saw is a
// reason to look again at something of the other system, in the lane of that.
type tell struct {
	source, object, verb string
	lane, key            *expression
	names                []string // of the fields of the hint, in their order
	hint                 []*expression
}

// Tell is an event to store. The object is read again when it is handled.
type Tell struct {
	Source string         `json:"source"`
	Object string         `json:"object"`
	Verb   string         `json:"verb"`
	Lane   string         `json:"lane"`
	Key    string         `json:"key"`
	Hint   map[string]any `json:"hint"`
}

func (r *reader) tell(n ast.Node, known []string) *tell {
	t := &tell{}
	present := r.keys(n, "tell", map[string]func(ast.Node){
		"source": func(n ast.Node) { t.source = r.system(n, "source") },
		"object": func(n ast.Node) { t.object = r.text(n, "object") },
		"verb":   func(n ast.Node) { t.verb = r.text(n, "verb") },
		"lane":   func(n ast.Node) { t.lane = r.expression(n, known) },
		"key":    func(n ast.Node) { t.key = r.expression(n, known) },
		"hint": func(n ast.Node) {
			for _, e := range r.entries(n, "hint") {
				t.names = append(t.names, e.key)
				t.hint = append(t.hint, r.expression(e.value, known))
			}
		},
	})
	r.need(n, "tell", present, "source", "object", "verb", "lane", "key", "hint")
	return t
}

func (t *tell) build(env map[string]any) (*Tell, error) {
	out := &Tell{Source: t.source, Object: t.object, Verb: t.verb, Hint: make(map[string]any, len(t.hint))}
	var err error
	if out.Lane, err = t.lane.id(env); err != nil {
		return nil, err
	}
	if out.Key, err = t.key.id(env); err != nil {
		return nil, err
	}
	for i, name := range t.names {
		if out.Hint[name], err = t.hint[i].run(env); err != nil {
			return nil, err
		}
	}
	return out, nil
}
