package flow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// Bounds on numbers, so that a hostile exponent costs no memory. Stripe's and
// Acumatica's largest amounts need fewer than 30 digits.
const (
	maxInputExponent = 64
	maxInputLength   = 64
	maxDigits        = 200
)

// outOfRange is a number that is valid JSON and useless as an amount. It may
// be carried along; an operator that meets it fails.
type outOfRange string

// Decode reads one JSON document into the values that Evaluate works on:
// numbers are exact decimals (Invariant 6), everything else is as in
// encoding/json.
func Decode(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("decode json: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("decode json: more than one document")
	}
	return Normalize(v)
}

// Normalize turns the values of a decoded document into those that Evaluate
// works on. A float is an error: it has already lost what it was.
func Normalize(v any) (any, error) {
	switch x := v.(type) {
	case nil, string, bool, decimal.Decimal, outOfRange:
		return x, nil
	case json.Number:
		return number(x.String()), nil
	case int:
		return decimal.NewFromInt(int64(x)), nil
	case int64:
		return decimal.NewFromInt(x), nil
	case float32, float64:
		return nil, errors.New("a float where an exact number is needed")
	case time.Time:
		return x.Format(time.RFC3339Nano), nil
	case map[string]any:
		m := make(map[string]any, len(x))
		for key, value := range x {
			n, err := Normalize(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			m[key] = n
		}
		return m, nil
	case []any:
		l := make([]any, len(x))
		for i, value := range x {
			n, err := Normalize(value)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			l[i] = n
		}
		return l, nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("value of type %T: %w", v, err)
	}
	return Decode(data)
}

func number(s string) any {
	if len(s) > maxInputLength {
		return outOfRange(s)
	}
	d, err := decimal.NewFromString(s)
	if err != nil || d.Exponent() > maxInputExponent || d.Exponent() < -maxInputExponent {
		return outOfRange(s)
	}
	return d
}

// text is how a value reads inside a reason or a text field. A decimal keeps
// the places it has: major(12050, "USD") is "120.50".
func text(v any) (string, error) {
	switch x := v.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	case bool:
		if x {
			return "true", nil
		}
		return "false", nil
	case int:
		return decimal.NewFromInt(int64(x)).String(), nil
	case decimal.Decimal:
		return x.StringFixed(max(0, -x.Exponent())), nil
	}
	return "", fmt.Errorf("%s has no text form", kindOf(v))
}

// kindOf is the word for a value's type in messages to people.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case string:
		return "a text"
	case bool:
		return "true or false"
	case int, decimal.Decimal:
		return "a number"
	case outOfRange:
		return "a number out of range"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("a %T", v)
}

// appendCanonical writes v as JSON that is the same for equal values: sorted
// keys, numbers without trailing zeros.
func appendCanonical(b []byte, v any) ([]byte, error) {
	var err error
	switch x := v.(type) {
	case map[string]any:
		b = append(b, '{')
		for i, key := range slices.Sorted(maps.Keys(x)) {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendCanonical(b, key); err != nil {
				return nil, err
			}
			b = append(b, ':')
			if b, err = appendCanonical(b, x[key]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case []any:
		b = append(b, '[')
		for i, value := range x {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendCanonical(b, value); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case decimal.Decimal:
		return append(b, x.String()...), nil
	case outOfRange:
		return append(b, x...), nil
	case nil, string, bool, int:
		data, err := json.Marshal(x)
		return append(b, data...), err
	}
	return nil, fmt.Errorf("value of type %T is not normalized", v)
}
