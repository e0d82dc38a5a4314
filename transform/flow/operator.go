package flow

import (
	"errors"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
)

// operators are the binary operators that stand for our own functions in a
// compiled expression, because numbers are exact decimals. What is neither
// here nor in plainOperators is not part of the language.
func operators() map[string]string {
	return map[string]string{
		"+": "__add", "-": "__sub", "*": "__mul", "/": "__div",
		"==": "__eq", "!=": "__ne", "<": "__lt", "<=": "__le", ">": "__gt", ">=": "__ge", "in": "__in",
	}
}

func plainOperator(op string) bool {
	switch op {
	case "and", "&&", "or", "||", "??", "contains", "startsWith", "endsWith":
		return true
	}
	return false
}

// asNumber accepts decimals and the int literals and lengths of expr.
func asNumber(v any) (decimal.Decimal, bool) {
	switch x := v.(type) {
	case decimal.Decimal:
		return x, true
	case int:
		return decimal.NewFromInt(int64(x)), true
	}
	return decimal.Decimal{}, false
}

func bounded(d decimal.Decimal) (any, error) {
	if e := d.Exponent(); e > maxDigits || e < -maxDigits || d.NumDigits() > maxDigits {
		return nil, fmt.Errorf("a number with more than %d digits", maxDigits)
	}
	return d, nil
}

func add(m *meter, a, b any) (any, error) {
	x, xok := a.(string)
	y, yok := b.(string)
	if xok && yok {
		return m.text(x + y)
	}
	return arithmetic("+", a, b)
}

func arithmetic(op string, a, b any) (any, error) {
	x, xok := asNumber(a)
	y, yok := asNumber(b)
	if !xok || !yok {
		return nil, fmt.Errorf("%s %s %s: both sides must be numbers", kindOf(a), op, kindOf(b))
	}
	switch op {
	case "+":
		return bounded(x.Add(y))
	case "-":
		return bounded(x.Sub(y))
	case "*":
		return bounded(x.Mul(y))
	case "/":
		if y.IsZero() {
			return nil, errors.New("division by zero")
		}
		// 16 places; minor() refuses what is not exact after that. Through
		// its text, because that drops the zeros at the end.
		return bounded(decimal.RequireFromString(x.DivRound(y, 16).String()))
	}
	return nil, fmt.Errorf("operator %s is not known", op)
}

func equal(a, b any) (bool, error) {
	if a == nil || b == nil {
		return a == nil && b == nil, nil
	}
	x, xok := asNumber(a)
	y, yok := asNumber(b)
	if xok && yok {
		return x.Equal(y), nil
	}
	if s, ok := a.(string); ok {
		if t, ok := b.(string); ok {
			return s == t, nil
		}
	}
	if s, ok := a.(bool); ok {
		if t, ok := b.(bool); ok {
			return s == t, nil
		}
	}
	return false, fmt.Errorf("%s cannot be compared with %s", kindOf(a), kindOf(b))
}

func compare(a, b any) (int, error) {
	x, xok := asNumber(a)
	y, yok := asNumber(b)
	if xok && yok {
		return x.Cmp(y), nil
	}
	if s, ok := a.(string); ok {
		if t, ok := b.(string); ok {
			return strings.Compare(s, t), nil
		}
	}
	return 0, fmt.Errorf("%s cannot be compared with %s", kindOf(a), kindOf(b))
}

func contained(m *meter, a, list any) (bool, error) {
	items, ok := list.([]any)
	if !ok {
		return false, fmt.Errorf("in: the right side must be a list, not %s", kindOf(list))
	}
	for _, item := range items {
		if err := m.tick(1); err != nil {
			return false, err
		}
		if same, err := equal(a, item); err == nil && same {
			return true, nil
		}
	}
	return false, nil
}

func negate(a any) (any, error) {
	x, ok := asNumber(a)
	if !ok {
		return nil, fmt.Errorf("-%s: must be a number", kindOf(a))
	}
	return x.Neg(), nil
}
