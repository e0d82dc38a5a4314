package flow

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"millrace/internal/fault"
	"millrace/schemas"
)

// step is one node of the graph; exactly one of fetch, link, settle, let and
// when is set.
type step struct {
	id         string
	line       int
	onlyIf     *expression // nil: always
	unless     *expression // nil: never
	fetch      *fetchStep
	link       *linkStep
	settle     *settleStep
	let        *expression
	when       *expression
	otherwise  *otherwise
	dependency map[string]bool // names that fetch, link, settle and their conditions refer to
}

type fetchStep struct {
	system, object string
	keys           []*expression
	expand, custom []string
	optional       bool
}

type linkStep struct {
	kind, side string
	id         *expression
}

type settleStep struct {
	unit string
	keys []*expression
}

// otherwise is how a flow ends when a condition does not hold.
type otherwise struct {
	how    string // "skip", "park" or "retry"
	code   string
	reason *template
	first  *firstEvent // of a retry; nil: it just waits
}

type firstEvent struct {
	event, id *expression
}

// Parse reads one flow document. The error holds Problems: everything that is
// wrong with it, with line and column.
func Parse(file string, data []byte) (*Document, error) {
	r := &reader{file: file}
	d := r.document(data)
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return nil, invalidDocument(r.problems)
	}
	return d, nil
}

// Load reads every *.yaml file of the file system's root, in the order of
// their names, which is the order in which Match tries them. The error holds
// the Problems of all files.
func Load(files fs.FS) ([]*Document, error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list flows: %w", err)
	}
	var docs []*Document
	var problems Problems
	seen := make(map[string]string)
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read flow: %w", err)
		}
		d, err := Parse(name, data)
		if err != nil {
			p, ok := errors.AsType[Problems](err)
			if !ok {
				return nil, err
			}
			problems = append(problems, p...)
			continue
		}
		if first, twice := seen[d.ID]; twice {
			problems = append(problems, Problem{name, 1, 1, fmt.Sprintf("the flow id %s is already taken by %s", d.ID, first)})
		}
		seen[d.ID] = name
		docs = append(docs, d)
	}
	if len(problems) > 0 {
		return nil, invalidDocument(problems)
	}
	return docs, nil
}

func (r *reader) document(data []byte) *Document {
	d := &Document{File: r.file}
	root := r.root(data)
	if root == nil {
		return d
	}
	var trigger, steps, intents, tell, applied ast.Node
	present := r.keys(root, "the flow", map[string]func(ast.Node){
		"id":      func(n ast.Node) { d.ID = r.name(n, "id", flowName) },
		"version": func(n ast.Node) { d.Version = r.integer(n, "version") },
		"summary": func(n ast.Node) { d.Summary = r.text(n, "summary") },
		"trigger": func(n ast.Node) { trigger = n },
		"steps":   func(n ast.Node) { steps = n },
		"intents": func(n ast.Node) { intents = n },
		"tell":    func(n ast.Node) { tell = n },
		"applied": func(n ast.Node) { applied = n },
	})
	r.need(root, "the flow", present, "id", "version", "trigger")
	if (intents == nil) == (tell == nil) {
		r.at(root, "the flow needs either intents or tell")
	}
	if trigger != nil {
		r.trigger(trigger, &d.Trigger)
	}
	known := baseNames()
	if steps != nil {
		for _, n := range r.sequence(steps, "steps") {
			s := r.step(n, known)
			if s.id == "" {
				continue
			}
			if slices.Contains(known, s.id) {
				r.at(n, "the name %s is already taken", s.id)
				continue
			}
			known = append(known, s.id)
			d.steps = append(d.steps, s)
		}
	}
	if intents != nil {
		r.intents(intents, d, known)
	}
	if tell != nil {
		d.tell = r.tell(tell, known)
		if d.Trigger.Beside {
			r.at(tell, "a flow that goes beside another one tells nothing on")
		}
	}
	if applied != nil {
		d.applied = r.template(applied, "applied", known)
	}
	return d
}

// flowName and stepName are how flows and steps may be called; steps are
// names in expressions.
const (
	flowName = `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`
	stepName = `^[a-z][a-z0-9]*(_[a-z0-9]+)*$`
)

func (r *reader) name(n ast.Node, what, pattern string) string {
	s := r.text(n, what)
	if ok, _ := regexp.MatchString(pattern, s); !ok {
		r.at(n, "%s %q must match %s", what, s, pattern)
		return ""
	}
	return s
}

func (r *reader) stepID(n ast.Node) string {
	id := r.name(n, "id", stepName)
	if _, isFunction := functions()[id]; isFunction || reserved(id) {
		r.at(n, "the name %s is reserved", id)
		return ""
	}
	return id
}

// reserved are the words of the expression language.
func reserved(id string) bool {
	switch id {
	case "nil", "true", "false", "not", "and", "or", "in", "let", "if", "else", "matches", "contains", "event", "hint", "books":
		return true
	}
	return builtin(id)
}

func (r *reader) system(n ast.Node, what string) string {
	s := r.text(n, what)
	if s != schemas.Stripe && s != schemas.Acumatica {
		r.at(n, "%s must be %s or %s, not %q", what, schemas.Stripe, schemas.Acumatica, s)
	}
	return s
}

func (r *reader) trigger(n ast.Node, t *Trigger) {
	object := ""
	var verbs []string
	present := r.keys(n, "trigger", map[string]func(ast.Node){
		"source": func(n ast.Node) { t.Source = r.system(n, "source") },
		"object": func(n ast.Node) { object = r.text(n, "object") },
		"verbs":  func(n ast.Node) { verbs = r.texts(n, "verbs") },
		"events": func(n ast.Node) { t.Events = r.texts(n, "events") },
		"beside": func(n ast.Node) { t.Beside = r.yes(n, "beside") },
		"if":     func(n ast.Node) { t.condition = r.expression(n, baseNames()) },
		"otherwise": func(n ast.Node) {
			o := r.otherwise(n, baseNames())
			if o.how != "" && o.how != "skip" {
				r.at(n, "a trigger can only skip otherwise")
			}
			t.otherwise = o.reason
		},
	})
	r.need(n, "trigger", present, "source")
	if !present["events"] {
		r.need(n, "trigger", present, "object", "verbs")
	} else if present["object"] || present["verbs"] {
		r.at(n, "events take the place of object and verbs")
	}
	for _, v := range verbs {
		t.Events = append(t.Events, object+"."+v)
	}
	if present["if"] != present["otherwise"] {
		r.at(n, "if and otherwise belong together")
	}
}

func (r *reader) step(n ast.Node, known []string) *step {
	line, _ := position(n)
	s := &step{line: line, dependency: make(map[string]bool)}
	kinds := 0
	present := r.keys(n, "a step", map[string]func(ast.Node){
		"id":        func(n ast.Node) { s.id = r.stepID(n) },
		"if":        func(n ast.Node) { s.onlyIf = r.expression(n, known) },
		"unless":    func(n ast.Node) { s.unless = r.expression(n, known) },
		"fetch":     func(n ast.Node) { kinds++; s.fetch = r.fetch(n, known) },
		"link":      func(n ast.Node) { kinds++; s.link = r.link(n, known) },
		"settle":    func(n ast.Node) { kinds++; s.settle = r.settle(n, known) },
		"let":       func(n ast.Node) { kinds++; s.let = r.expression(n, known) },
		"when":      func(n ast.Node) { kinds++; s.when = r.expression(n, known) },
		"otherwise": func(n ast.Node) { s.otherwise = r.otherwise(n, known) },
	})
	r.need(n, "a step", present, "id")
	if kinds != 1 {
		r.at(n, "a step needs exactly one of fetch, link, settle, let and when")
	}
	if present["when"] != present["otherwise"] {
		r.at(n, "when and otherwise belong together")
	}
	depends := []*expression{s.onlyIf, s.unless}
	if s.fetch != nil {
		depends = append(depends, s.fetch.keys...)
	}
	if s.link != nil {
		depends = append(depends, s.link.id)
	}
	if s.settle != nil {
		depends = append(depends, s.settle.keys...)
	}
	for _, e := range depends {
		if e == nil {
			continue
		}
		for name := range e.uses {
			s.dependency[name] = true
		}
	}
	return s
}

func (r *reader) fetch(n ast.Node, known []string) *fetchStep {
	f := &fetchStep{}
	present := r.keys(n, "fetch", map[string]func(ast.Node){
		"system":   func(n ast.Node) { f.system = r.system(n, "system") },
		"object":   func(n ast.Node) { f.object = r.text(n, "object") },
		"key":      func(n ast.Node) { f.keys = r.oneOrMore(n, known) },
		"expand":   func(n ast.Node) { f.expand = r.texts(n, "expand") },
		"custom":   func(n ast.Node) { f.custom = r.texts(n, "custom") },
		"optional": func(n ast.Node) { f.optional = r.yes(n, "optional") },
	})
	r.need(n, "fetch", present, "system", "object", "key")
	if f.system == schemas.Stripe && (len(f.keys) > 1 || len(f.custom) > 0 || f.optional) {
		r.at(n, "a fetch from stripe has one key and no custom fields, and is not optional")
	}
	return f
}

// oneOrMore reads one expression, or a list of them.
func (r *reader) oneOrMore(n ast.Node, known []string) []*expression {
	nodes := []ast.Node{n}
	if list, ok := n.(*ast.SequenceNode); ok {
		nodes = list.Values
	}
	var out []*expression
	for _, k := range nodes {
		out = append(out, r.expression(k, known))
	}
	return out
}

func (r *reader) settle(n ast.Node, known []string) *settleStep {
	s := &settleStep{}
	present := r.keys(n, "settle", map[string]func(ast.Node){
		"unit": func(n ast.Node) { s.unit = r.text(n, "unit") },
		"key":  func(n ast.Node) { s.keys = r.oneOrMore(n, known) },
	})
	r.need(n, "settle", present, "unit", "key")
	if want, ok := Units()[s.unit]; present["unit"] && !ok {
		r.at(n, "unknown unit %s%s", s.unit, suggestion(s.unit, Units()))
	} else if ok && len(s.keys) != want {
		r.at(n, "a %s is named by %d keys, not %d", s.unit, want, len(s.keys))
	}
	return s
}

func (r *reader) link(n ast.Node, known []string) *linkStep {
	l := &linkStep{}
	present := r.keys(n, "link", map[string]func(ast.Node){
		"kind": func(n ast.Node) {
			l.kind = r.text(n, "kind")
			if !slices.Contains([]string{"customer", "invoice", "payment", "creditmemo", "refund"}, l.kind) {
				r.at(n, "kind must be customer, invoice, payment, creditmemo or refund, not %q", l.kind)
			}
		},
		"side": func(n ast.Node) { l.side = r.system(n, "side") },
		"id":   func(n ast.Node) { l.id = r.expression(n, known) },
	})
	r.need(n, "link", present, "kind", "side", "id")
	return l
}

func (r *reader) otherwise(n ast.Node, known []string) *otherwise {
	o := &otherwise{}
	stop := func(how string, kinds ...fault.Kind) func(ast.Node) {
		return func(n ast.Node) {
			o.how = how
			members := map[string]func(ast.Node){
				"code":   func(n ast.Node) { o.code = r.code(n, how, kinds) },
				"reason": func(n ast.Node) { o.reason = r.template(n, "reason", known) },
			}
			if how == "retry" {
				members["first"] = func(n ast.Node) { o.first = r.first(n, known) }
			}
			present := r.keys(n, how, members)
			r.need(n, how, present, "code", "reason")
		}
	}
	present := r.keys(n, "otherwise", map[string]func(ast.Node){
		"skip":  func(n ast.Node) { o.how, o.reason = "skip", r.template(n, "skip", known) },
		"park":  stop("park", fault.Rejected, fault.Invalid),
		"retry": stop("retry", fault.Transient),
	})
	if len(present) != 1 {
		r.at(n, "otherwise needs exactly one of skip, park and retry")
	}
	return o
}

func (r *reader) first(n ast.Node, known []string) *firstEvent {
	f := &firstEvent{}
	present := r.keys(n, "first", map[string]func(ast.Node){
		"event": func(n ast.Node) { f.event = r.expression(n, known) },
		"id":    func(n ast.Node) { f.id = r.expression(n, known) },
	})
	r.need(n, "first", present, "event", "id")
	return f
}

// code is a code of the registry whose kind does what the flow says.
func (r *reader) code(n ast.Node, how string, kinds []fault.Kind) string {
	s := r.text(n, "code")
	c, ok := fault.Lookup(s)
	if !ok {
		r.at(n, "unknown code %s", s)
	} else if !slices.Contains(kinds, c.Kind) {
		r.at(n, "code %s is of kind %s: it does not %s", s, c.Kind, how)
	}
	return s
}
