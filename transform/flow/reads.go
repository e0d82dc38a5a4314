package flow

import (
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// Read is one object that a flow reads.
type Read struct {
	System string
	Object string
	Expand []string
	Custom []string
	// Fields are those that its expressions use, "MainContact/Address/City";
	// what a function does with the rows of a list is not followed.
	Fields []string
	// Spare are the fields that expressions use only inside default(…): without
	// them the flow goes on.
	Spare []string
}

// Reads lists what a document reads, so that it can be checked before it is
// needed.
func (d *Document) Reads() []Read {
	u := &usage{of: map[string]string{}, names: map[string]map[string]bool{}, spare: map[ast.Node]bool{}}
	var list []*Read
	byStep := map[string]*Read{}
	for _, s := range d.steps {
		u.expressions(s.onlyIf, s.unless, s.let, s.when)
		if s.let != nil {
			u.alias(s.id, s.let)
		}
		if s.otherwise != nil {
			u.template(s.otherwise.reason)
		}
		if s.link != nil {
			u.expressions(s.link.id)
		}
		if s.fetch == nil {
			continue
		}
		u.expressions(s.fetch.keys...)
		r := &Read{System: s.fetch.system, Object: s.fetch.object, Expand: s.fetch.expand, Custom: s.fetch.custom}
		list, byStep[s.id], u.of[s.id] = append(list, r), r, s.id
	}
	for _, in := range d.intents {
		u.expressions(in.each, in.onlyIf, in.key, in.version)
		if in.each != nil {
			u.alias(in.as, in.each)
		}
		u.field(in.fields)
		for _, r := range in.refs {
			u.expressions(r.id)
		}
	}
	for step, r := range byStep {
		for _, field := range slices.Sorted(maps.Keys(u.names[step])) {
			if u.names[step][field] {
				r.Fields = append(r.Fields, field)
			} else {
				r.Spare = append(r.Spare, field)
			}
		}
	}
	out := make([]Read, len(list))
	for i, r := range list {
		out[i] = *r
	}
	return out
}

// usage gathers which fields of what was fetched a document's expressions name.
type usage struct {
	of    map[string]string          // what a name stands for: "customer", "customer/MainContact"
	names map[string]map[string]bool // by step and field: whether it is needed
	spare map[ast.Node]bool          // parts of the expression at hand that may be nil
}

func (u *usage) expressions(list ...*expression) {
	for _, e := range list {
		if e == nil {
			continue
		}
		n := e.program.Node()
		clear(u.spare)
		ast.Walk(&n, defaults(u.spare))
		ast.Walk(&n, u)
	}
}

// Visit implements ast.Visitor.
func (u *usage) Visit(n *ast.Node) {
	path, ok := u.path(*n)
	if !ok {
		return
	}
	if step, field, below := strings.Cut(path, "/"); below {
		if u.names[step] == nil {
			u.names[step] = map[string]bool{}
		}
		u.names[step][field] = u.names[step][field] || !u.spare[*n]
	}
}

// defaults marks everything inside the arguments of default(…).
type defaults map[ast.Node]bool

// Visit implements ast.Visitor.
func (d defaults) Visit(n *ast.Node) {
	call, ok := (*n).(*ast.CallNode)
	if !ok {
		return
	}
	if callee, ok := call.Callee.(*ast.IdentifierNode); !ok || callee.Value != "default" {
		return
	}
	for i := range call.Arguments {
		ast.Walk(&call.Arguments[i], everything(d))
	}
}

// everything marks all nodes.
type everything map[ast.Node]bool

// Visit implements ast.Visitor.
func (e everything) Visit(n *ast.Node) { e[*n] = true }

// path is what a chain of members names, from the step on.
func (u *usage) path(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		path, ok := u.of[n.Value]
		return path, ok
	case *ast.ChainNode:
		return u.path(n.Node)
	case *ast.MemberNode:
		name, ok := n.Property.(*ast.StringNode)
		if !ok {
			return "", false
		}
		path, ok := u.path(n.Node)
		return path + "/" + name.Value, ok
	}
	return "", false
}

// alias makes a name stand for what its expression names, such as
// "customer.MainContact" or "invoice.Details ?? []".
func (u *usage) alias(name string, e *expression) {
	delete(u.of, name)
	if path, ok := u.source(e.program.Node()); ok {
		u.of[name] = path
	}
}

func (u *usage) source(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.BinaryNode:
		if n.Operator == "??" {
			return u.source(n.Left)
		}
	case *ast.ConditionalNode:
		if path, ok := u.source(n.Exp1); ok {
			return path, true
		}
		return u.source(n.Exp2)
	}
	return u.path(n)
}

func (u *usage) template(t *template) {
	if t == nil {
		return
	}
	for _, p := range t.parts {
		u.expressions(p.expr)
	}
}

func (u *usage) field(f *field) {
	if f == nil {
		return
	}
	u.expressions(f.leaf)
	for _, m := range f.members {
		u.field(m.field)
	}
	for _, r := range f.rows {
		if r.each != nil {
			u.expressions(r.each)
			u.alias(r.as, r.each)
		}
		u.expressions(r.onlyIf)
		u.field(r.item)
	}
	for _, e := range f.entries {
		u.expressions(e.value)
	}
}
