package flow

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/fault"
	"millrace/internal/money"
)

// function is one that expressions can call. args excludes the meter.
type function struct {
	least, most int // number of arguments
	call        func(m *meter, args []any) (any, error)
}

// functions is the whole library, the operators included. What is not here
// and not in builtins does not exist for a flow: no clock, no environment, no
// random numbers.
func functions() map[string]function {
	return map[string]function{
		"minor":        {2, 2, minor},
		"major":        {2, 2, major},
		"sum":          {1, 2, sum},
		"date_in_zone": {2, 2, dateInZone},
		"date_part":    {1, 1, datePart},
		"upper":        {1, 1, onText(strings.ToUpper)},
		"lower":        {1, 1, onText(strings.ToLower)},
		"trim":         {1, 1, onText(strings.TrimSpace)},
		"left":         {2, 2, left},
		"join":         {2, 2, join},
		"split":        {2, 2, split},
		"before_last":  {2, 2, cut(func(s, sep string, i int) string { return s[:i] })},
		"after_last":   {2, 2, cut(func(s, sep string, i int) string { return s[i+len(sep):] })},
		"default":      {2, 2, orElse},
		"plural":       {2, 2, plural},
		"plain":        {1, 1, plain},
		"price":        {2, 2, price},
		"escape":       {1, 1, escape},
		"shares":       {2, 2, shares},
		"later":        {2, 2, later},
		"first_email":  {1, 1, firstEmail},
		"text":         {1, 1, func(m *meter, a []any) (any, error) { return text(a[0]) }},
		"cash_account": {1, 1, cashAccount},
		"account":      {2, 2, account},
		"tax_id_type":  {2, 2, taxIDType},

		"__tick": {1, 1, func(m *meter, a []any) (any, error) { return a[0], nil }},
		"__neg":  {1, 1, func(m *meter, a []any) (any, error) { return negate(a[0]) }},
		"__add":  {2, 2, func(m *meter, a []any) (any, error) { return add(m, a[0], a[1]) }},
		"__sub":  {2, 2, func(m *meter, a []any) (any, error) { return arithmetic("-", a[0], a[1]) }},
		"__mul":  {2, 2, func(m *meter, a []any) (any, error) { return arithmetic("*", a[0], a[1]) }},
		"__div":  {2, 2, func(m *meter, a []any) (any, error) { return arithmetic("/", a[0], a[1]) }},
		"__eq":   {2, 2, func(m *meter, a []any) (any, error) { return equal(a[0], a[1]) }},
		"__ne":   {2, 2, func(m *meter, a []any) (any, error) { same, err := equal(a[0], a[1]); return !same, err }},
		"__in":   {2, 2, func(m *meter, a []any) (any, error) { return contained(m, a[0], a[1]) }},
		"__lt":   {2, 2, ordered(func(c int) bool { return c < 0 })},
		"__le":   {2, 2, ordered(func(c int) bool { return c <= 0 })},
		"__gt":   {2, 2, ordered(func(c int) bool { return c > 0 })},
		"__ge":   {2, 2, ordered(func(c int) bool { return c >= 0 })},
	}
}

// builtin reports whether expr's own function of that name may be used: those
// that neither compute with numbers nor look outside.
func builtin(name string) bool {
	switch name {
	case "map", "filter", "find", "all", "any", "none", "one", "count", "len", "concat", "first", "last", "keys":
		return true
	}
	return false
}

func ordered(holds func(int) bool) func(*meter, []any) (any, error) {
	return func(_ *meter, a []any) (any, error) {
		c, err := compare(a[0], a[1])
		return holds(c), err
	}
}

// minor is the amount in minor units: minor(12.5, "USD") is 1250.
func minor(_ *meter, a []any) (any, error) {
	d, ok := asNumber(a[0])
	if !ok {
		return nil, fmt.Errorf("minor: %s instead of an amount", kindOf(a[0]))
	}
	currency, err := currencyOf("minor", a[1])
	if err != nil {
		return nil, err
	}
	amount, err := money.FromDecimal(d, currency)
	if err != nil {
		return nil, moneyFault(err)
	}
	return decimal.NewFromInt(amount.Minor), nil
}

// major is the amount in whole units with all its places: major(1250, "usd")
// is 12.50.
func major(_ *meter, a []any) (any, error) {
	d, ok := asNumber(a[0])
	if !ok {
		return nil, fmt.Errorf("major: %s instead of minor units", kindOf(a[0]))
	}
	currency, err := currencyOf("major", a[1])
	if err != nil {
		return nil, err
	}
	if !d.IsInteger() || !d.BigInt().IsInt64() {
		return nil, fault.Newf("flow.amount_inexact", "%s is not a number of minor units", d)
	}
	amount, err := money.New(d.IntPart(), currency)
	if err != nil {
		return nil, moneyFault(err)
	}
	out, err := amount.Decimal()
	if err != nil {
		return nil, moneyFault(err)
	}
	return out, nil
}

func currencyOf(function string, v any) (string, error) {
	if v == nil || v == "" {
		return "", fault.Newf("flow.currency_unknown", "%s: no currency", function)
	}
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("%s: %s instead of a currency", function, kindOf(v))
	}
	return s, nil
}

func moneyFault(err error) error {
	if errors.Is(err, money.ErrCurrency) {
		return fault.New("flow.currency_unknown", err)
	}
	return fault.New("flow.amount_inexact", err)
}

// sum adds a list of numbers, or one field of a list of objects. A row where
// the field is empty counts as an error: a guess of 0 would be one.
func sum(m *meter, a []any) (any, error) {
	if a[0] == nil {
		return decimal.Zero, nil
	}
	items, ok := a[0].([]any)
	if !ok {
		return nil, fmt.Errorf("sum: %s instead of a list", kindOf(a[0]))
	}
	total := decimal.Zero
	for i, item := range items {
		if err := m.tick(1); err != nil {
			return nil, err
		}
		if len(a) == 2 {
			name, ok := a[1].(string)
			row, isRow := item.(map[string]any)
			if !ok || !isRow {
				return nil, fmt.Errorf("sum: row %d is %s", i+1, kindOf(item))
			}
			item = row[name]
		}
		d, ok := asNumber(item)
		if !ok {
			return nil, fmt.Errorf("sum: row %d has %s instead of a number", i+1, kindOf(item))
		}
		total = total.Add(d)
	}
	return bounded(total)
}

// dateInZone is the calendar day, YYYY-MM-DD, of a Unix time in an IANA zone.
func dateInZone(_ *meter, a []any) (any, error) {
	d, ok := asNumber(a[0])
	if !ok || !d.IsInteger() || d.Abs().GreaterThan(decimal.NewFromInt(1<<40)) {
		return nil, fmt.Errorf("date_in_zone: %s is not a Unix time", kindOf(a[0]))
	}
	name, ok := a[1].(string)
	if !ok || name == "" || name == "Local" {
		return nil, errors.New("date_in_zone: no time zone")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("date_in_zone: %w", err)
	}
	return time.Unix(d.IntPart(), 0).In(zone).Format(time.DateOnly), nil
}

// datePart is the day as it is written in a timestamp. Acumatica: date-only
// fields come as midnight with the server's offset; the literal date counts.
func datePart(_ *meter, a []any) (any, error) {
	if a[0] == nil {
		return nil, nil // an empty date is an empty date
	}
	s, ok := a[0].(string)
	if !ok || len(s) < len(time.DateOnly) {
		return nil, fmt.Errorf("date_part: %s is not a date", kindOf(a[0]))
	}
	if _, err := time.Parse(time.DateOnly, s[:len(time.DateOnly)]); err != nil {
		return nil, fmt.Errorf("date_part: %w", err)
	}
	return s[:len(time.DateOnly)], nil
}

func onText(f func(string) string) func(*meter, []any) (any, error) {
	return func(m *meter, a []any) (any, error) {
		if a[0] == nil {
			return nil, nil // nothing in upper case is nothing
		}
		s, ok := a[0].(string)
		if !ok {
			return nil, fmt.Errorf("%s instead of a text", kindOf(a[0]))
		}
		return m.text(f(s))
	}
}

// left is the first n characters of a text.
func left(_ *meter, a []any) (any, error) {
	if a[0] == nil {
		return nil, nil // the start of nothing is nothing
	}
	s, ok := a[0].(string)
	n, isNumber := asNumber(a[1])
	if !ok || !isNumber || n.IsNegative() || !n.IsInteger() {
		return nil, fmt.Errorf("left: needs a text and a length, not %s and %s", kindOf(a[0]), kindOf(a[1]))
	}
	if n.GreaterThan(decimal.NewFromInt(maxText)) {
		return s, nil
	}
	count := n.IntPart()
	for i := range s {
		if count == 0 {
			return s[:i], nil
		}
		count--
	}
	return s, nil
}

// join puts the texts of a list together, leaving out the empty ones.
func join(m *meter, a []any) (any, error) {
	items, ok := a[0].([]any)
	sep, isText := a[1].(string)
	if !ok || !isText {
		return nil, fmt.Errorf("join: needs a list and a text, not %s and %s", kindOf(a[0]), kindOf(a[1]))
	}
	var parts []string
	size := 0
	for _, item := range items {
		s, err := text(item)
		if err != nil {
			return nil, fmt.Errorf("join: %w", err)
		}
		if size += len(s) + len(sep); size > 2*maxText {
			return nil, fault.Newf("flow.budget_exceeded", "join: a text of more than %d bytes", maxText)
		}
		if s != "" {
			parts = append(parts, s)
		}
	}
	return m.text(strings.Join(parts, sep))
}

func split(m *meter, a []any) (any, error) {
	s, ok := a[0].(string)
	sep, isText := a[1].(string)
	if !ok || !isText || sep == "" {
		return nil, fmt.Errorf("split: needs two texts, not %s and %s", kindOf(a[0]), kindOf(a[1]))
	}
	parts := strings.Split(s, sep)
	if err := m.tick(len(parts)); err != nil {
		return nil, err
	}
	out := make([]any, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return out, nil
}

// cut looks for the last sep in a text; a text without one is an error.
func cut(part func(s, sep string, i int) string) func(*meter, []any) (any, error) {
	return func(_ *meter, a []any) (any, error) {
		s, ok := a[0].(string)
		sep, isText := a[1].(string)
		i := strings.LastIndex(s, sep)
		if !ok || !isText || sep == "" || i < 0 {
			return nil, fmt.Errorf("%s does not hold the separator %s", kindOf(a[0]), kindOf(a[1]))
		}
		return part(s, sep, i), nil
	}
}

// orElse is the first value unless it is nothing or an empty text.
func orElse(_ *meter, a []any) (any, error) {
	if s, ok := a[0].(string); a[0] == nil || ok && strings.TrimSpace(s) == "" {
		return a[1], nil
	}
	return a[0], nil
}

// plural counts things for people: plural(1, "journal") is "1 journal".
func plural(_ *meter, a []any) (any, error) {
	n, isNumber := asNumber(a[0])
	word, ok := a[1].(string)
	if !ok || !isNumber {
		return nil, fmt.Errorf("plural: needs a number and a word, not %s and %s", kindOf(a[0]), kindOf(a[1]))
	}
	if n.Equal(decimal.NewFromInt(1)) {
		return n.String() + " " + word, nil
	}
	return n.String() + " " + word + "s", nil
}
