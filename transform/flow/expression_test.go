package flow

import (
	"context"
	"strings"
	"testing"

	"millrace/internal/fault"
)

const sample = `{
  "id": "ch_1", "amount": 1050, "rate": 0.1, "big": 1e30, "hostile": 1e999999999, "nothing": null, "yes": true,
  "name": "  Zoë  ", "created": 1775012399, "rows": [{"a": 1.10}, {"a": 2.20}], "gap": [{"a": 1}, {}], "tags": ["x", "y"], "qty": 10.000000,
  "huge": 123456789012345678901234567890.123456789
}`

func sampleEnv(tb testing.TB) map[string]any {
	tb.Helper()
	v, err := Decode([]byte(sample))
	if err != nil {
		tb.Fatal(err)
	}
	hint, _ := v.(map[string]any)
	books := Books{TimeZone: "Asia/Tokyo", PaymentMethod: "STRIPE", CashAccounts: map[string]string{"USD": "10250", "EUR": ""}}
	return environment(tb.Context(), Input{Event: Event{ID: "evt_1", Hint: hint}, Books: books})
}

func TestExpressions(t *testing.T) {
	for _, tt := range []struct{ source, want string }{
		{`hint.amount`, "1050"},
		{`hint.amount + 1`, "1051"},
		{`hint.rate + hint.rate + hint.rate == 3 / 10`, "true"}, // 0.1 three times is 0.3, unlike in floats
		{`hint.amount / 100`, "10.5"},
		{`10 / 4 == 5 / 2`, "true"},
		{`hint.huge + 1`, "123456789012345678901234567891.123456789"},
		{`-hint.amount * 2 - 1`, "-2101"},
		{`1 - -1`, "2"},
		{`hint.amount > 1049 and hint.amount >= 1050 and hint.amount < 1051 and hint.amount <= 1050`, "true"},
		{`hint.amount != 1050`, "false"},
		{`hint.amount in [1, 1050]`, "true"},
		{`hint.id in ["ch_1"]`, "true"},
		{`hint.id not in ["ch_2"]`, "true"},
		{`hint.id == "ch_1"`, "true"},
		{`hint.nothing == nil`, "true"},
		{`hint.absent == nil`, "true"},
		{`hint.id != nil`, "true"},
		{`hint.nothing?.deep?.er == nil`, "true"},
		{`hint.nothing ?? "x"`, "x"},
		{`hint.yes ? "a" : "b"`, "a"},
		{`not hint.yes`, "false"},
		{`hint.id startsWith "ch_" and hint.id contains "_" and hint.id endsWith "1"`, "true"},
		{`"a" + "b"`, "ab"},
		{`minor(hint.amount / 100, "usd")`, "1050"},
		{`minor(5, "JPY")`, "5"},
		{`major(hint.amount, "usd")`, "10.50"},
		{`major(hint.amount, "JPY")`, "1050"},
		{`major(5120, "KWD")`, "5.120"},
		{`sum(hint.rows, "a")`, "3.30"},
		{`sum(map(hint.rows, .a))`, "3.30"},
		{`sum(map(hint.rows, minor(.a, "USD")))`, "330"},
		{`sum([])`, "0"},
		{`sum(nil)`, "0"},
		{`count(hint.rows, .a > 2)`, "1"},
		{`plural(1, "journal") + ", " + plural(len(hint.rows), "row")`, "1 journal, 2 rows"},
		{`later("2026-03-31", "2026-04-01") + later(nil, "2026-01-01")`, "2026-04-012026-01-01"},
		{`later(nil, nil) == nil`, "true"},
		{`len(filter(hint.rows, .a > 2)) == 1`, "true"},
		{`any(hint.rows, .a == 22 / 10)`, "true"},
		{`first(hint.tags) + last(hint.tags)`, "xy"},
		{`len(concat(hint.tags, hint.rows))`, "4"},
		{`date_in_zone(hint.created, books.time_zone)`, "2026-04-01"},
		{`date_in_zone(hint.created, "America/New_York")`, "2026-03-31"},
		{`date_part("2023-12-14T00:00:00+00:00")`, "2023-12-14"},
		{`date_part(nil)`, ""},
		{`upper(trim(hint.name))`, "ZOË"},
		{`lower("ÄB")`, "äb"},
		{`left(trim(hint.name), 3)`, "Zoë"},
		{`left("abc", 0)`, ""},
		{`left("abc", 9)`, "abc"},
		{`join(["a", nil, "", "b", 3], "-")`, "a-b-3"},
		{`split("a b c", " ")[1]`, "b"},
		{`before_last("Debit Memo AR1", " ")`, "Debit Memo"},
		{`after_last("Debit Memo AR1", " ")`, "AR1"},
		{`plain(hint.qty) + " " + plain(5 / 10) + " " + plain(-2) + " " + plain(1200)`, "10 0.5 -2 1200"},
		{`price(hint.qty, "USD") + " " + price(125 / 10, "usd") + " " + price(hint.rate / 8, "EUR") + " " + price(-3, "EUR")`, "10.00 12.50 0.0125 -3.00"},
		{`price(hint.qty, "JPY") + " " + price(5 / 4, "KWD") + " " + price(1200, "ISK")`, "10 1.250 1200.00"},
		{`escape("My Tenant") + escape("A&B/1")`, "My+TenantA%26B%2F1"},
		{`first_email("ap@c1.example")`, "ap@c1.example"},
		{`first_email(" a@x.com; b@x.com")`, "a@x.com"},
		{`first_email("a@x.com,b@x.com")`, "a@x.com"},
		{`first_email("none yet; ; , a@x.com ;b@x.com")`, "a@x.com"},
		{`first_email(nil) == nil and first_email("") == nil and first_email("n/a") == nil and first_email(" ; , ") == nil`, "true"},
		{`first_email("a b@x.com") == nil and first_email("Ada <a@x.com>") == nil and first_email("a\t@x.com") == nil`, "true"},
		{`first_email("@x.com") == nil and first_email("a@") == nil and first_email("a@b@c") == nil and first_email("<a@x.com>") == nil`, "true"},
		{`first_email("` + strings.Repeat("a", 506) + `@x.com")`, strings.Repeat("a", 506) + "@x.com"},
		{`first_email("` + strings.Repeat("a", 507) + `@x.com") == nil`, "true"},
		{`default(nil, "x") + default(" ", "y") + default("z", "w")`, "xyz"},
		{`cash_account("usd")`, "10250"},
		{`cash_account("EUR") == nil and cash_account("GBP") == nil`, "true"},
		{`text(hint.amount) + text(nil) + text(hint.yes)`, "1050true"},
		{`let x = hint.amount; x + x`, "2100"},
		{`hint.name | trim() | upper()`, "ZOË"},
		{`event.id + books.payment_method`, "evt_1STRIPE"},
	} {
		t.Run(tt.source, func(t *testing.T) {
			e, bad := compile(tt.source, baseNames())
			if bad != nil {
				t.Fatal(bad)
			}
			v, err := e.run(sampleEnv(t))
			if err != nil {
				t.Fatal(err)
			}
			got, err := text(v)
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestExpressionsThatFail(t *testing.T) {
	for _, tt := range []struct{ source, code, says string }{
		{`hint.nothing.deep`, "flow.expression_failed", "cannot fetch deep from"},
		{`hint.amount + "1"`, "flow.expression_failed", "a number + a text"},
		{`hint.nothing + 1`, "flow.expression_failed", "nothing + a number"},
		{`hint.hostile + 1`, "flow.expression_failed", "out of range"},
		{`hint.amount / 0`, "flow.expression_failed", "division by zero"},
		{`hint.id == 1`, "flow.expression_failed", "cannot be compared"},
		{`hint.rows == hint.rows`, "flow.expression_failed", "cannot be compared"},
		{`hint.id < 1`, "flow.expression_failed", "cannot be compared"},
		{`1 in hint.id`, "flow.expression_failed", "must be a list"},
		{`not hint.nothing`, "flow.expression_failed", ""},
		{`hint.id and true`, "flow.expression_failed", ""},
		{`sum(hint.gap, "a")`, "flow.expression_failed", "row 2"},
		{`sum(hint.id)`, "flow.expression_failed", "a text instead of a list"},
		{`minor("10.50", "USD")`, "flow.expression_failed", "a text instead of an amount"},
		{`minor(1 / 3, "USD")`, "flow.amount_inexact", "not a whole number"},
		{`minor(hint.rate / 100, "USD")`, "flow.amount_inexact", ""},
		{`minor(hint.big, "USD")`, "flow.amount_inexact", "64 bits"},
		{`minor(1, "XTS")`, "flow.currency_unknown", "XTS"},
		{`minor(1, nil)`, "flow.currency_unknown", ""},
		{`major(1 / 2, "USD")`, "flow.amount_inexact", ""},
		{`major(550, "UGX")`, "flow.amount_inexact", ""},
		{`major(1, "")`, "flow.currency_unknown", ""},
		{`cash_account(nil)`, "flow.currency_unknown", ""},
		{`date_in_zone(hint.created, "Mars/Olympus")`, "flow.expression_failed", "time zone"},
		{`date_in_zone(hint.created, "../../etc/passwd")`, "flow.expression_failed", "invalid location name"},
		{`date_in_zone(hint.created, "")`, "flow.expression_failed", "no time zone"},
		{`date_in_zone(hint.created, "Local")`, "flow.expression_failed", "no time zone"},
		{`date_in_zone("soon", "UTC")`, "flow.expression_failed", "not a Unix time"},
		{`date_in_zone(hint.big, "UTC")`, "flow.expression_failed", "not a Unix time"},
		{`date_part("2023-13-14T")`, "flow.expression_failed", "month out of range"},
		{`date_part("soon")`, "flow.expression_failed", "not a date"},
		{`after_last("AR1", " ")`, "flow.expression_failed", "separator"},
		{`first_email(1)`, "flow.expression_failed", "a number instead of a text"},
		{`plain("1")`, "flow.expression_failed", "a text instead of a number"},
		{`price(nil, "USD")`, "flow.expression_failed", "nothing instead of an amount"},
		{`price(1, "XYZ")`, "flow.currency_unknown", ""},
		{`price(1, "")`, "flow.currency_unknown", "no currency"},
		{`escape(nil)`, "flow.expression_failed", "nothing instead of a text"},
		{`split(nil, " ")`, "flow.expression_failed", ""},
		{`upper(1)`, "flow.expression_failed", "instead of a text"},
		{`left("a", -1)`, "flow.expression_failed", ""},
		{`join(["a", {"b": 1}], "")`, "flow.expression_failed", "no text form"},
		{`text(hint.rows)`, "flow.expression_failed", "no text form"},
		{`hint.tags[7]`, "flow.expression_failed", ""},
		{`hint.amount.x`, "flow.expression_failed", ""},
	} {
		t.Run(tt.source, func(t *testing.T) {
			e, bad := compile(tt.source, baseNames())
			if bad != nil {
				t.Fatal(bad)
			}
			v, err := e.run(sampleEnv(t))
			if err == nil {
				t.Fatalf("got %v", v)
			}
			if got := fault.Of(err).Code; got != tt.code || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v; want %s with %q", err, tt.code, tt.says)
			}
		})
	}
}

func TestCompileErrors(t *testing.T) {
	for _, tt := range []struct{ source, says string }{
		{`hint.amount * 0.1`, "is a float"},
		{`minor(1.5, "USD")`, "is a float"},
		{`1e3`, "is a float"},
		{`unknown.x`, "unknown name unknown; known here: event, hint, books"},
		{`charge`, "unknown name charge"},
		{`now()`, "unknown function now"},
		{`hint.x()`, "only functions"},
		{`sqrt(1)`, "unknown function sqrt"},
		{`abs(1)`, "unknown function abs"},
		{`int("1")`, "unknown function int"},
		{`reduce(hint.rows, #acc + .a, 0)`, "reduce is not part"},
		{`sortBy(hint.rows, .a)`, "sortBy is not part"},
		{`1..1000000`, ".. is not part"},
		{`hint.id matches ".*"`, "matches is not part"},
		{`2 ** 3`, "** is not part"},
		{`5 % 2`, "% is not part"},
		{`__meter`, "reserved"},
		{`$env`, "reserved"},
		{`__add(1, 2)`, "reserved"},
		{`minor(1)`, "takes 2 to 2"},
		{`hint.`, "unexpected"},
		{`"a`, "literal not terminated"},
		{strings.Repeat("1 + ", 2_000) + "1", "nodes"},
	} {
		t.Run(tt.source[:min(40, len(tt.source))], func(t *testing.T) {
			_, bad := compile(tt.source, baseNames())
			if bad == nil {
				t.Fatal("compiled")
			}
			if !strings.Contains(bad.Message, tt.says) {
				t.Errorf("got %q, want %q", bad.Message, tt.says)
			}
		})
	}
}

func TestBudgets(t *testing.T) {
	rows := make([]any, 2_000)
	for i := range rows {
		rows[i] = strings.Repeat("x", 60)
	}
	for _, tt := range []struct{ name, source string }{
		{"steps of nested loops", `all(hint.rows, let a = #; all(hint.rows, true))`},
		{"steps of loops without operators", `count(hint.rows, any(hint.rows, false))`},
		{"a list that grows", `map(hint.rows, hint.rows | map(#))`},
		{"a text that grows", `join(hint.rows, "-") + join(hint.rows, "-")`},
		{"a text that doubles", `let a = join(hint.rows, ""); let b = a + a; let c = b + b; c + c`},
		{"memory of lists", `map(hint.rows, map(hint.rows, [1, 2, 3, 4]))`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, bad := compile(tt.source, baseNames())
			if bad != nil {
				t.Fatal(bad)
			}
			env := environment(t.Context(), Input{Event: Event{Hint: map[string]any{"rows": rows}}})
			_, err := e.run(env)
			if err == nil || fault.Of(err).Code != "flow.budget_exceeded" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestDigitsAreBounded(t *testing.T) {
	const source = "let a = hint.huge * hint.huge; let b = a * a; let c = b * b; c * c"
	e, bad := compile(source, baseNames())
	if bad != nil {
		t.Fatal(bad)
	}
	if _, err := e.run(sampleEnv(t)); err == nil || !strings.Contains(err.Error(), "digits") {
		t.Errorf("got %v", err)
	}
}

func TestDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e, bad := compile(`1 + 1`, baseNames())
	if bad != nil {
		t.Fatal(bad)
	}
	_, err := e.run(environment(ctx, Input{}))
	if err == nil || fault.Of(err).Code != "flow.deadline" {
		t.Errorf("got %v", err)
	}
}

func TestNormalizeRefusesFloats(t *testing.T) {
	if v, err := Normalize(map[string]any{"a": []any{1.5}}); err == nil {
		t.Errorf("got %v", v)
	}
}

func TestDecodeRefusesWhatIsNotOneDocument(t *testing.T) {
	for _, s := range []string{"", "{", "{} {}", "nul", "\xff"} {
		if v, err := Decode([]byte(s)); err == nil {
			t.Errorf("%q: %v", s, v)
		}
	}
}
