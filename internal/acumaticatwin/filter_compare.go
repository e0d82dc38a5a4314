package acumaticatwin

import (
	"cmp"
	"strings"
	"time"
)

// A truth is SQL's: a comparison with null is unknown, and rows for which the
// filter is not true are left out.
type truth int8

const (
	no truth = iota
	unknown
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// compare follows the database: texts without case and trailing blanks.
func compare(a, b operand, op string) truth {
	if a.literal || b.literal { // "eq null" asks for the absence of a value
		return truthOf((a.null && b.null) == (op == "eq"))
	}
	if a.null || b.null {
		return unknown
	}
	var c int
	switch family(a.kind) {
	case decimalKind:
		c = a.num.Cmp(b.num)
	case stampKind:
		c = a.at.Compare(b.at)
	case boolKind:
		c = cmp.Compare(truthOf(a.yes), truthOf(b.yes))
	case textKind, guidKind, intKind, dateKind:
		c = strings.Compare(fold(a.text), fold(b.text))
	}
	switch op {
	case "eq":
		return truthOf(c == 0)
	case "ne":
		return truthOf(c != 0)
	case "gt":
		return truthOf(c > 0)
	case "ge":
		return truthOf(c >= 0)
	case "lt":
		return truthOf(c < 0)
	}
	return truthOf(c <= 0)
}

func operandOf(f *field, r *record, zone *time.Location) operand {
	text, ok := r.value(f.column)
	if !ok || f.dead {
		return operand{kind: f.kind, null: true}
	}
	v := operand{kind: f.kind, text: text, yes: text == "true"}
	switch f.kind {
	case decimalKind, intKind:
		v.num, ok = parseDecimal(text)
	case stampKind, dateKind:
		v.at, ok = parseInstantIn(text, zone) // a business date begins with the server's midnight
	case textKind, boolKind, guidKind:
	}
	v.null = !ok
	return v
}

func textFunction(name string, a, b operand) truth {
	if a.null || b.null {
		return unknown
	}
	x, y := strings.ToLower(a.text), strings.ToLower(b.text)
	switch name {
	case "startswith":
		return truthOf(strings.HasPrefix(x, y))
	case "endswith":
		return truthOf(strings.HasSuffix(x, y))
	}
	return truthOf(strings.Contains(y, x)) // substringof(needle, field)
}
