package basis

import (
	"context"
	"strings"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/config"
	"millrace/internal/fault"
)

// memory is a bucket.
type memory map[string]string

func (m memory) Get(_ context.Context, key string) ([]byte, uint64, error) {
	if v, ok := m[key]; ok {
		return []byte(v), 1, nil
	}
	return nil, 0, bus.ErrNotFound
}

func (m memory) Create(_ context.Context, key string, value []byte) (uint64, error) {
	if _, ok := m[key]; ok {
		return 0, bus.ErrConflict
	}
	m[key] = string(value)
	return 1, nil
}

func (m memory) Update(ctx context.Context, key string, value []byte, _ uint64) (uint64, error) {
	return m.Put(ctx, key, value)
}

func (m memory) Put(_ context.Context, key string, value []byte) (uint64, error) {
	m[key] = string(value)
	return 1, nil
}

func (m memory) Delete(_ context.Context, key string, _ uint64) error {
	delete(m, key)
	return nil
}

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

// guard is one of a service that has just started with these books.
func guard(t *testing.T, m memory, service string, change func(b *config.Books)) *Guard {
	t.Helper()
	b := &config.Books{TimeZone: "UTC", Start: day("2026-01-01"), Clearing: map[string]config.Account{"USD": {Account: "10250"}}}
	change(b)
	is, err := Of(b)
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{Bucket: m, Service: service, Connection: "default", Is: is})
}

// What was settled by one choice is never settled again by another.
func TestAChoiceStaysOnceSomethingWasSettledByIt(t *testing.T) {
	now := day("2026-09-01")
	for name, tt := range map[string]struct {
		was, is func(b *config.Books)
		want    string // of the refusal; empty: accepted
	}{
		"the same": {func(*config.Books) {}, func(*config.Books) {}, ""},
		"defaults written out": {func(*config.Books) {}, func(b *config.Books) {
			b.Payouts, b.Mode, b.Fees, b.Refunds, b.Opening = "automatic", "detailed", "per_payout", "ar_refund", "post"
		}, ""},
		"an account":             {func(*config.Books) {}, func(b *config.Books) { b.Clearing["EUR"] = config.Account{Account: "10260"} }, ""},
		"by hand from now on":    {func(*config.Books) {}, func(b *config.Books) { b.Payouts = "manual" }, "books.payouts was automatic and is manual"},
		"fees one by one":        {func(*config.Books) {}, func(b *config.Books) { b.Fees = "per_transaction" }, "books.fees was per_payout and is per_transaction"},
		"refunds in journals":    {func(*config.Books) {}, func(b *config.Books) { b.Refunds = "journal" }, "books.refunds was ar_refund and is journal"},
		"summary from the begin": {func(*config.Books) {}, func(b *config.Books) { b.Mode = "summary" }, "books.mode was detailed and is summary"},
		"another zone":           {func(*config.Books) {}, func(b *config.Books) { b.TimeZone = "Europe/Berlin" }, "books.time_zone was UTC and is Europe/Berlin"},
		"an earlier start":       {func(*config.Books) {}, func(b *config.Books) { b.Start = day("2025-12-01") }, "books.start was 2026-01-01 and is 2025-12-01"},
		"no opening":             {func(*config.Books) {}, func(b *config.Books) { b.Opening = "none" }, "books.opening was post and is none"},
		"settlement off":         {func(*config.Books) {}, func(b *config.Books) { b.Clearing = nil }, "books.clearing and books.accounts are empty now"},
		"several at once": {
			func(*config.Books) {}, func(b *config.Books) { b.Payouts, b.Refunds = "manual", "credit_memo" },
			"books.payouts was automatic and is manual; books.refunds was ar_refund and is credit_memo",
		},
		"summary later":           {func(*config.Books) {}, func(b *config.Books) { b.SummaryFrom = day("2026-09-02") }, ""},
		"summary later, too soon": {func(*config.Books) {}, func(b *config.Books) { b.SummaryFrom = day("2026-09-01") }, "books.summary_from was not set and is 2026-09-01"},
		"summary moved":           {func(b *config.Books) { b.SummaryFrom = day("2026-10-01") }, func(b *config.Books) { b.SummaryFrom = day("2026-11-01") }, ""},
		"summary taken away":      {func(b *config.Books) { b.SummaryFrom = day("2026-10-01") }, func(*config.Books) {}, ""},
		"summary that has begun":  {func(b *config.Books) { b.SummaryFrom = day("2026-08-01") }, func(b *config.Books) { b.SummaryFrom = day("2026-11-01") }, "books.summary_from was 2026-08-01"},
		"summary later, and more": {func(*config.Books) {}, func(b *config.Books) { b.SummaryFrom, b.Fees = day("2026-10-01"), "per_transaction" }, "books.fees was"},
		"anything before the start": {func(b *config.Books) { b.Start = day("2026-10-01") }, func(b *config.Books) {
			b.Start, b.Payouts, b.TimeZone = day("2026-11-01"), "manual", "Europe/Berlin"
		}, ""},
		"a start put off that is over": {func(*config.Books) {}, func(b *config.Books) { b.Start = day("2026-11-01") }, "books.start was 2026-01-01"},
	} {
		m := memory{}
		if err := guard(t, m, "transform", tt.was).Check(t.Context()); err != nil {
			t.Fatalf("%s: the first: %v", name, err)
		}
		before := m["default.basis"]
		err := guard(t, m, "sweep", tt.is).Accept(t.Context(), now)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := guard(t, m, "transform", tt.is).Check(t.Context()); err != nil {
				t.Errorf("%s: transform still refuses it: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || fault.KindOf(err) != fault.Misconfigured {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
		if m["default.basis"] != before {
			t.Errorf("%s: it was taken over", name)
		}
	}
}

// Who only looks decides nothing, and judges by no other choices than those that
// the books were settled by.
func TestWhoJudgesDoesSoByTheChoicesOfTheBooks(t *testing.T) {
	m, now := memory{}, day("2026-09-01")
	of := func(change func(b *config.Books)) *Basis { return guard(t, m, "", change).o.Is }
	same := of(func(*config.Books) {})
	if err := Agrees(t.Context(), m, "default", same, now); err != nil || len(m) != 0 {
		t.Errorf("never settled: %v, %v", err, m)
	}
	if err := guard(t, m, "transform", func(*config.Books) {}).Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept := m["default.basis"]
	for name, tt := range map[string]struct {
		is   *Basis
		want string
	}{
		"the same":      {same, ""},
		"still to come": {of(func(b *config.Books) { b.SummaryFrom = day("2026-10-01") }), ""},
		"refunds":       {of(func(b *config.Books) { b.Refunds = "journal" }), "books.refunds was ar_refund and is journal"},
		"nothing":       {nil, "are empty now"},
	} {
		err := Agrees(t.Context(), m, "default", tt.is, now)
		if (err == nil) != (tt.want == "") || err != nil && (fault.Of(err).Code != "config.books_changed" || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(m) != 1 || m["default.basis"] != kept {
		t.Errorf("it stored something: %v", m)
	}
}

// A change by date waits for the one service that knows Stripe's time.
func TestOnlyWhoKnowsTheTimeAcceptsAChange(t *testing.T) {
	m := memory{}
	if err := guard(t, m, "transform", func(*config.Books) {}).Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	later := func(b *config.Books) { b.SummaryFrom = day("2026-10-01") }
	transform := guard(t, m, "transform", later)
	if err := transform.Check(t.Context()); fault.Of(err).Code != "config.books_changed" {
		t.Errorf("got %v", err)
	}
	if got := m["default.basis_refused.transform"]; !strings.Contains(got, "books.summary_from was not set and is 2026-10-01") {
		t.Errorf("the status has %q", got)
	}
	if err := guard(t, m, "sweep", later).Accept(t.Context(), day("2026-09-01")); err != nil {
		t.Error(err)
	}
	if err := transform.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if _, still := m["default.basis_refused.transform"]; still {
		t.Error("the status still says that it is refused")
	}
	if err := guard(t, m, "transform", func(*config.Books) {}).Check(t.Context()); err == nil {
		t.Error("a service with the old configuration goes on")
	}
}

// Without accounts nothing is settled, and nothing is decided.
func TestBooksThatSettleNothingDecideNothing(t *testing.T) {
	m := memory{}
	off := func(b *config.Books) { b.Clearing = nil }
	if err := guard(t, m, "transform", off).Check(t.Context()); err != nil || len(m) != 0 {
		t.Errorf("%v, %v", err, m)
	}
	if err := guard(t, m, "transform", func(b *config.Books) { b.Payouts = "manual" }).Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// Two keys of one account are one account: the second connection settles
// nothing, whatever its name was before. Test and live mode are two balances.
func TestAnAccountIsSettledByOneConnection(t *testing.T) {
	m := memory{}
	reads := 0
	check := func(connection string, live, settles bool, id string) error {
		var is *Basis
		if settles {
			is = guard(t, m, "", func(*config.Books) {}).o.Is
		}
		g := New(Options{Bucket: m, Service: "sweep", Connection: connection, Is: is, Livemode: live, Account: func(context.Context) (string, error) {
			reads++
			return id, nil
		}})
		_ = g.Check(t.Context())
		return g.Check(t.Context())
	}
	for _, x := range []struct {
		connection    string
		live, settles bool
		id            string
		shared        bool
	}{
		{"default", false, true, "acct_1", false},
		{"default", false, true, "acct_1", false}, // started again
		{"emea", false, true, "acct_1", true},
		{"emea", false, false, "acct_1", false}, // posts no journal
		{"live", true, true, "acct_1", false},
		{"apac", false, true, "acct_2", false},
		{"restricted", false, true, "", false},
	} {
		err := check(x.connection, x.live, x.settles, x.id)
		if shared := err != nil; shared != x.shared {
			t.Errorf("%+v: %v", x, err)
		}
		if err != nil && (fault.Of(err).Code != "config.account_shared" || !strings.Contains(m["emea.basis_refused.sweep"], "is settled by connection default")) {
			t.Errorf("%+v: %v, %v", x, err, m)
		}
	}
	if reads != 7 { // once, and again where it is refused
		t.Errorf("%d reads of the account", reads)
	}
}
