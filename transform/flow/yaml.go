package flow

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxDocument bounds a flow document in bytes; the shipped ones have 4 KB.
const maxDocument = 256 << 10

// Problem is one thing that is wrong with a flow document.
type Problem struct {
	File         string
	Line, Column int // from 1
	Message      string
}

func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Problems is everything that is wrong, in the order of files and lines.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// reader collects the problems of one document while its parts are read.
type reader struct {
	file     string
	problems Problems
}

func (r *reader) problem(line, column int, format string, args ...any) {
	r.problems = append(r.problems, Problem{r.file, line, column, fmt.Sprintf(format, args...)})
}

func (r *reader) at(n ast.Node, format string, args ...any) {
	line, column := position(n)
	r.problem(line, column, format, args...)
}

// position is where a node starts. A mapping's own token is its first colon,
// so its first key is asked.
func position(n ast.Node) (line, column int) {
	switch x := n.(type) {
	case *ast.MappingNode:
		if len(x.Values) > 0 && !x.IsFlowStyle {
			return position(x.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return position(x.Key)
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 1, 1
	}
	p := n.GetToken().Position
	return p.Line, p.Column
}

// root parses data and returns its one document.
func (r *reader) root(data []byte) ast.Node {
	if len(data) > maxDocument {
		r.problem(1, 1, "the document has more than %d bytes", maxDocument)
		return nil
	}
	f, err := parser.ParseBytes(data, 0)
	if err != nil {
		line, column, message := 1, 1, err.Error()
		if at, ok := errors.AsType[yaml.Error](err); ok {
			message = at.GetMessage()
			if t := at.GetToken(); t != nil && t.Position != nil {
				line, column = t.Position.Line, t.Position.Column
			}
		}
		r.problem(line, column, "not YAML: %s", message)
		return nil
	}
	docs := slices.DeleteFunc(f.Docs, func(d *ast.DocumentNode) bool { return d.Body == nil })
	if len(docs) != 1 {
		r.problem(1, 1, "one document is needed, there are %d", len(docs))
		return nil
	}
	return docs[0].Body
}

// entry is one key of a mapping.
type entry struct {
	key   string
	at    ast.Node // the key
	value ast.Node
}

// entries are the keys of a mapping in their order; a key given twice is a
// problem.
func (r *reader) entries(n ast.Node, what string) []entry {
	var pairs []*ast.MappingValueNode
	switch x := n.(type) {
	case *ast.MappingNode:
		pairs = x.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{x}
	default:
		r.at(n, "%s must be a mapping", what)
		return nil
	}
	var out []entry
	seen := make(map[string]bool)
	for _, p := range pairs {
		key, ok := scalar(p.Key)
		if !ok {
			r.at(p.Key, "a key of %s must be a plain word", what)
			continue
		}
		if seen[key] {
			r.at(p.Key, "key %s is given twice", key)
			continue
		}
		seen[key] = true
		out = append(out, entry{key, p.Key, p.Value})
	}
	return out
}

// keys reads a mapping whose keys are known: each is handed to its function,
// and unknown ones are problems.
func (r *reader) keys(n ast.Node, what string, known map[string]func(ast.Node)) map[string]bool {
	present := make(map[string]bool)
	for _, e := range r.entries(n, what) {
		read, ok := known[e.key]
		if !ok {
			r.at(e.at, "unknown key %s in %s%s", e.key, what, suggestion(e.key, known))
			continue
		}
		present[e.key] = true
		read(e.value)
	}
	return present
}

func suggestion[T any](key string, known map[string]T) string {
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if distance(key, name) <= 2 {
			return "; did you mean " + name + "? known: " + strings.Join(names, ", ")
		}
	}
	return "; known: " + strings.Join(names, ", ")
}

// distance is how many letters must be added, dropped or replaced to turn a
// into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// need reports the keys of a mapping that must be there and are not.
func (r *reader) need(n ast.Node, what string, present map[string]bool, keys ...string) {
	for _, key := range keys {
		if !present[key] {
			r.at(n, "%s needs %s", what, key)
		}
	}
}

func (r *reader) sequence(n ast.Node, what string) []ast.Node {
	x, ok := n.(*ast.SequenceNode)
	if !ok {
		r.at(n, "%s must be a list", what)
		return nil
	}
	return x.Values
}

// scalar is the text of a scalar node, whatever YAML takes it for.
func scalar(n ast.Node) (string, bool) {
	switch x := n.(type) {
	case *ast.StringNode:
		return x.Value, true
	case *ast.LiteralNode:
		return x.Value.Value, true
	case *ast.IntegerNode:
		return x.Token.Value, true
	case *ast.FloatNode:
		return x.Token.Value, true
	case *ast.BoolNode:
		return x.Token.Value, true
	}
	return "", false
}

func (r *reader) text(n ast.Node, what string) string {
	s, ok := scalar(n)
	if !ok || strings.TrimSpace(s) == "" {
		r.at(n, "%s must be a text", what)
	}
	return s
}

// yes reads a claim.
func (r *reader) yes(n ast.Node, what string) bool {
	s, _ := scalar(n)
	if s != "true" && s != "false" {
		r.at(n, "%s must be true or false", what)
	}
	return s == "true"
}

func (r *reader) integer(n ast.Node, what string) int {
	s, _ := scalar(n)
	i, err := strconv.Atoi(s)
	if err != nil || i < 1 {
		r.at(n, "%s must be a whole number from 1", what)
	}
	return i
}

func (r *reader) texts(n ast.Node, what string) []string {
	var out []string
	for _, v := range r.sequence(n, what) {
		out = append(out, r.text(v, what))
	}
	return out
}

// expression compiles the scalar n; what is wrong with it is reported at its
// own line and column.
func (r *reader) expression(n ast.Node, known []string) *expression {
	s, ok := scalar(n)
	if !ok || strings.TrimSpace(s) == "" {
		r.at(n, "an expression is needed here")
		return nil
	}
	return r.compile(n, s, 0, known)
}

// compile compiles source, which starts offset bytes into the scalar n.
func (r *reader) compile(n ast.Node, source string, offset int, known []string) *expression {
	line, column := position(n)
	e, bad := compile(source, known)
	if bad != nil {
		if bad.Line > 1 {
			r.problem(line+bad.Line-1, bad.Column+1, "%s", bad.Message)
			return nil
		}
		switch x := n.(type) {
		case *ast.LiteralNode: // the text starts on the next line
			line++
			column = 1
			if t := x.Value.GetToken(); t != nil {
				column = max(1, t.Position.Column)
			}
		case *ast.StringNode:
			if o := strings.TrimSpace(x.Token.Origin); strings.HasPrefix(o, `"`) || strings.HasPrefix(o, `'`) {
				column++
			}
		}
		r.problem(line, column+offset+bad.Column, "%s", bad.Message)
		return nil
	}
	e.line, e.column = line, column
	return e
}

// template is a text with expressions in it: "already in Stripe as ${link.stripe_id}".
type template struct {
	parts []templatePart
}

type templatePart struct {
	text string
	expr *expression // nil: text
}

func (r *reader) template(n ast.Node, what string, known []string) *template {
	s := r.text(n, what)
	t := &template{}
	offset := 0
	for {
		before, rest, found := strings.Cut(s[offset:], "${")
		t.parts = append(t.parts, templatePart{text: before})
		if !found {
			return t
		}
		source, _, closed := strings.Cut(rest, "}")
		if !closed {
			r.at(n, "${ without } in %s", what)
			return t
		}
		start := offset + len(before) + len("${")
		t.parts = append(t.parts, templatePart{expr: r.compile(n, source, start, known)})
		offset = start + len(source) + len("}")
	}
}

func (t *template) render(env map[string]any) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.text)
		if p.expr == nil {
			continue
		}
		v, err := p.expr.run(env)
		if err != nil {
			return "", err
		}
		s, err := text(v)
		if err != nil {
			return "", err
		}
		if b.Len()+len(s) > maxText {
			return b.String(), nil
		}
		b.WriteString(s)
	}
	return b.String(), nil
}
