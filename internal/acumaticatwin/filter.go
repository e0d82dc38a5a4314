package acumaticatwin

import (
	"slices"
	"strings"
	"time"
)

type predicate func(r *record) truth

// A term is one side of a comparison.
type term struct {
	kind    kind
	column  string   // of a field of the row itself; else empty
	lit     *operand // of a literal; else nil
	null    bool     // the literal null fits every type
	value   func(r *record) operand
	boolean predicate // set for functions
}

const (
	maxFilter = 16 << 10 // bytes
	maxNested = 64       // parentheses and nots
)

// compileFilter turns an OData v3 filter into a predicate over the entity's
// rows. Names and types are checked before any row is looked at.
func compileFilter(text string, e *entity, version int, zone *time.Location) (*condition, *failure) {
	if text == "" {
		return &condition{holds: func(*record) truth { return yes }}, nil
	}
	if len(text) > maxFilter {
		return nil, filterSyntax("too long")
	}
	p := &filterParser{lex: lexer{rest: text, zone: zone}, e: e, version: version}
	if fail := p.advance(); fail != nil {
		return nil, fail
	}
	pred, fail := p.or()
	if fail != nil {
		return nil, fail
	}
	if p.tok.mark != 0 {
		return nil, filterSyntax("unexpected text after the end")
	}
	return &condition{holds: pred, bounds: p.bounds}, nil
}

type filterParser struct {
	lex     lexer
	tok     token
	e       *entity
	version int
	depth   int
	bounds  []bound // that every row must keep, as far as the text was read
}

func (p *filterParser) advance() *failure {
	t, fail := p.lex.next()
	p.tok = t
	return fail
}

func (p *filterParser) isWord(w string) bool { return p.tok.mark == 'w' && p.tok.word == w }

func (p *filterParser) expect(mark byte) *failure {
	if p.tok.mark != mark {
		return filterSyntax("'" + string(mark) + "' expected")
	}
	return p.advance()
}

// chain parses operands joined by one operator word.
func (p *filterParser) chain(word string, operandOf func() (predicate, *failure), decides truth) (predicate, *failure) {
	before := len(p.bounds)
	first, fail := operandOf()
	if fail != nil {
		return nil, fail
	}
	all := []predicate{first}
	for p.isWord(word) {
		if fail := p.advance(); fail != nil {
			return nil, fail
		}
		next, fail := operandOf()
		if fail != nil {
			return nil, fail
		}
		all = append(all, next)
	}
	if len(all) == 1 {
		return first, nil
	}
	if decides == yes {
		p.bounds = p.bounds[:before]
	}
	return func(r *record) truth {
		result := yes - decides
		for _, f := range all {
			if decides == yes {
				result = max(result, f(r))
			} else {
				result = min(result, f(r))
			}
			if result == decides {
				break
			}
		}
		return result
	}, nil
}

func (p *filterParser) or() (predicate, *failure)  { return p.chain("or", p.and, yes) }
func (p *filterParser) and() (predicate, *failure) { return p.chain("and", p.unary, no) }

func (p *filterParser) unary() (predicate, *failure) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxNested {
		return nil, filterSyntax("nested too deeply")
	}
	if p.isWord("not") {
		if fail := p.advance(); fail != nil {
			return nil, fail
		}
		before := len(p.bounds)
		inner, fail := p.unary()
		if fail != nil {
			return nil, fail
		}
		p.bounds = p.bounds[:before]
		return func(r *record) truth { return yes - inner(r) }, nil
	}
	if p.tok.mark == '(' {
		if fail := p.advance(); fail != nil {
			return nil, fail
		}
		inner, fail := p.or()
		if fail != nil {
			return nil, fail
		}
		return inner, p.expect(')')
	}
	return p.comparison()
}

func (p *filterParser) comparison() (predicate, *failure) {
	left, fail := p.term()
	if fail != nil {
		return nil, fail
	}
	op := p.tok.word
	if p.tok.mark != 'w' || !slices.Contains([]string{"eq", "ne", "gt", "ge", "lt", "le"}, op) {
		return left.alone()
	}
	if fail := p.advance(); fail != nil {
		return nil, fail
	}
	right, fail := p.term()
	if fail != nil {
		return nil, fail
	}
	if left.boolean != nil || right.boolean != nil {
		return nil, filterSyntax("a function cannot be compared")
	}
	if (left.null || right.null) && op != "eq" && op != "ne" {
		return nil, filterSyntax("null can only be compared with eq and ne")
	}
	if !left.null && !right.null && family(left.kind) != family(right.kind) {
		return nil, incompatible(left.kind, right.kind, op)
	}
	p.bind(left, right, op)
	return func(r *record) truth { return compare(left.value(r), right.value(r), op) }, nil
}

// alone is a term used as a condition of its own.
func (t term) alone() (predicate, *failure) {
	if t.boolean != nil {
		return t.boolean, nil
	}
	if t.null || t.kind != boolKind {
		return nil, filterSyntax("a condition was expected")
	}
	return func(r *record) truth {
		v := t.value(r)
		if v.null {
			return unknown
		}
		return truthOf(v.yes)
	}, nil
}

func incompatible(a, b kind, op string) *failure {
	return exception("Microsoft.Data.OData.ODataException",
		"A binary operator with incompatible types was detected. Found operand types '%s' and '%s' for operator kind '%s'.",
		edmName(a), edmName(b), op)
}

func edmName(k kind) string {
	switch k {
	case decimalKind:
		return "Edm.Decimal"
	case intKind:
		return "Edm.Int32"
	case boolKind:
		return "Edm.Boolean"
	case stampKind, dateKind:
		return "Edm.DateTimeOffset"
	case guidKind:
		return "Edm.Guid"
	case textKind:
	}
	return "Edm.String"
}

// family is what two kinds must share to be compared.
func family(k kind) kind {
	switch k {
	case intKind:
		return decimalKind
	case dateKind:
		return stampKind
	case textKind, decimalKind, boolKind, stampKind, guidKind:
	}
	return k
}

func (p *filterParser) term() (term, *failure) {
	tok := p.tok
	if fail := p.advance(); fail != nil {
		return term{}, fail
	}
	switch tok.mark {
	case 'l':
		return term{kind: tok.lit.kind, lit: &tok.lit, null: tok.lit.null, value: func(*record) operand { return tok.lit }}, nil
	case 'w':
		if p.tok.mark == '(' {
			return p.call(tok.word)
		}
		return p.path(tok.word)
	}
	return term{}, filterSyntax("a name or a value was expected")
}

// path resolves Field or Linked/Field. Acumatica: an unknown name is a 500,
// and what a filter on detail fields finds cannot be predicted, so it is
// refused here.
func (p *filterParser) path(path string) (term, *failure) {
	steps := strings.Split(path, "/")
	s, columns := &p.e.shape, []string{}
	for _, step := range steps[:len(steps)-1] {
		pt := s.part(step, p.version)
		if pt == nil {
			return term{}, keyNotFound()
		}
		if pt.many {
			return term{}, pxError("This stand-in does not filter by the detail field %s: Acumatica's results cannot be predicted.", path)
		}
		s = &pt.shape
		columns = append(columns, pt.column())
	}
	f := s.field(steps[len(steps)-1], p.version)
	if f == nil {
		return term{}, keyNotFound()
	}
	column := f.column
	if len(columns) > 0 || f.dead {
		column = ""
	}
	return term{kind: f.kind, column: column, value: func(r *record) operand {
		for _, column := range columns {
			if r = r.One[column]; r == nil {
				return operand{null: true}
			}
		}
		return operandOf(f, r, p.lex.zone)
	}}, nil
}

// call parses substringof, startswith, endswith and the custom field form
// cf.String(f='View.Field').
func (p *filterParser) call(name string) (term, *failure) {
	if fail := p.expect('('); fail != nil {
		return term{}, fail
	}
	if strings.HasPrefix(name, "cf.") {
		return p.customField()
	}
	if name != "substringof" && name != "startswith" && name != "endswith" {
		return term{}, filterSyntax("unknown function " + name)
	}
	a, fail := p.term()
	if fail != nil {
		return term{}, fail
	}
	if fail := p.expect(','); fail != nil {
		return term{}, fail
	}
	b, fail := p.term()
	if fail != nil {
		return term{}, fail
	}
	if a.boolean != nil || b.boolean != nil || a.kind != textKind || b.kind != textKind {
		return term{}, filterSyntax(name + " takes two strings")
	}
	return term{kind: boolKind, boolean: func(r *record) truth {
		return textFunction(name, a.value(r), b.value(r))
	}}, p.expect(')')
}

func (p *filterParser) customField() (term, *failure) {
	if !p.isWord("f") {
		return term{}, filterSyntax("f= expected")
	}
	if fail := p.advance(); fail != nil {
		return term{}, fail
	}
	if fail := p.expect('='); fail != nil {
		return term{}, fail
	}
	f := p.e.custom.field(p.tok.lit.text, p.version)
	if p.tok.mark != 'l' || f == nil {
		return term{}, keyNotFound()
	}
	if fail := p.advance(); fail != nil {
		return term{}, fail
	}
	return term{kind: f.kind, value: func(r *record) operand { return operandOf(f, r, p.lex.zone) }}, p.expect(')')
}
