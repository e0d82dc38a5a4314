package reconcile

import (
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"millrace/internal/fault"
	"millrace/internal/posting"
	"millrace/schemas"
)

var limit = decimal.RequireFromString("1.00")

// rewrites makes every amount of the lines another.
func rewrites(amount string) func(f map[string]any) {
	return func(f map[string]any) {
		for _, row := range f["Details"].([]any) {
			for _, side := range []string{"DebitAmount", "CreditAmount"} {
				if l := row.(map[string]any); l[side] != nil {
					l[side] = amount
				}
			}
		}
	}
}

// TestAWriteOffEndsItForTheMonthAndThePayout: whichever was asked for, once.
func TestAWriteOffEndsItForTheMonthAndThePayout(t *testing.T) {
	for _, byPayout := range []bool{true, false} {
		w := twoMonths(t)
		w.edit, w.editKey = rewrites("4.90"), "po_1/USD/2026-03"
		w.post()
		of := func() []*Statement { return []*Statement{w.months("2026-03", "2026-03")[0], w.ofPayout("po_1")} }
		s := of()[0]
		if byPayout {
			s = of()[1]
		}
		date, err := WriteOffDate(s, "", "2026-05-12")
		if err != nil || date != "2026-03-31" {
			t.Errorf("date %s, %v", date, err)
		}
		in, err := WriteOff(w.o.Rules, s, s.Lacks(), limit, date, "rounding", "ann")
		if err != nil {
			t.Fatal(err)
		}
		w.only = func(_, key string) bool { return key != in.Key }
		w.intents = append(w.intents, in) // asked for, and not posted yet
		for i, s := range of() {
			_, err := WriteOff(w.o.Rules, s, s.Lacks(), limit, "2026-03-31", "again", "ann")
			if code := fault.Of(err).Code; s.OK() || code != "reconcile.write_off_open" && (byPayout || i == 0) {
				t.Errorf("by payout %v: %v; %s", byPayout, err, dump(s))
			}
		}
		w.only = nil
		w.intents = w.intents[:len(w.intents)-1]
		w.carry(in)
		for _, s := range append(of(), w.months("2026-03", "2026-05")...) {
			if !s.OK() || s.Difference != "0.00" {
				t.Errorf("by payout %v: %s", byPayout, dump(s))
			}
		}
		for _, s := range of() {
			if !slices.ContainsFunc(s.Notes, func(e Entry) bool { return e.Cause == WrittenOff && e.ID == in.Key }) {
				t.Errorf("by payout %v: not told: %s", byPayout, dump(s))
			}
			if _, err := WriteOff(w.o.Rules, s, decimal.RequireFromString("-0.05"), limit, "2026-03-31", "again", "ann"); err == nil {
				t.Errorf("by payout %v: written off twice: %s", byPayout, s.Scope())
			}
		}
		if s := w.ofPayout("po_2"); !s.OK() || len(s.Notes) != 0 {
			t.Errorf("another payout: %s", dump(s))
		}
	}
}

// TestADroppedWriteOffIsAsIfItNeverWas: another one may be posted, and only that.
func TestADroppedWriteOffIsAsIfItNeverWas(t *testing.T) {
	for _, byPayout := range []bool{true, false} {
		w := twoMonths(t)
		w.edit, w.editKey = rewrites("4.90"), "po_1/USD/2026-03"
		w.post()
		of := func() *Statement {
			if byPayout {
				return w.ofPayout("po_1")
			}
			return w.months("2026-03", "2026-03")[0]
		}
		ask := func() schemas.Intent {
			s := of()
			in, err := WriteOff(w.o.Rules, s, s.Lacks(), limit, "2026-03-31", "rounding at the bank", "ann")
			if err != nil {
				t.Fatal(err)
			}
			return in
		}
		before, ids := of(), map[string]bool{}
		for range 3 {
			in := ask()
			if again := ask(); again.ID != in.ID || ids[in.ID] {
				t.Errorf("by payout %v: %s after %v, asked for again %s", byPayout, in.Key, ids, again.Key)
			}
			ids[in.ID] = true
			w.intents = append(w.intents, in)
			if s := of(); s.OK() || s.Postings == before.Postings {
				t.Errorf("by payout %v: on its way: %s", byPayout, dump(s))
			}
			w.records[in.ID] = posting.Record{IntentID: in.ID, State: posting.Skipped}
			if s := of(); s.Hash != before.Hash {
				t.Errorf("by payout %v: dropped: %s", byPayout, dump(s))
			}
		}
		in := ask()
		w.carry(in)
		w.intents[len(w.intents)-1].Cause = in.Cause
		s := of()
		if !s.OK() || !slices.ContainsFunc(s.Notes, func(e Entry) bool { return strings.HasSuffix(e.Detail, "; rounding at the bank, by ann") }) {
			t.Errorf("by payout %v: posted: %s", byPayout, dump(s))
		}
		for _, s := range []*Statement{w.ofPayout("po_1"), w.months("2026-03", "2026-03")[0]} {
			if _, err := WriteOff(w.o.Rules, s, before.Lacks(), limit, "2026-03-31", "again", "ann"); !s.OK() || err == nil {
				t.Errorf("by payout %v: written off twice: %s", byPayout, dump(s))
			}
		}
	}
}

func TestAWriteOffHasADateOfTheMonthThatIsOff(t *testing.T) {
	march := &Statement{Period: "2026-03"}
	payout := &Statement{Payout: "po_1", Findings: []Entry{{Cause: Edited, Date: "2026-03-11"}}}
	both := &Statement{Payout: "po_1", Findings: []Entry{{Cause: Edited, Date: "2026-03-11"}, {Cause: Edited, Date: "2026-04-02"}}}
	for _, tt := range []struct {
		s                  *Statement
		asked, today, want string // no date: refused
	}{
		{march, "", "2026-05-12", "2026-03-31"},
		{march, "", "2026-03-20", "2026-03-20"},
		{march, "2026-03-02", "2026-05-12", "2026-03-02"},
		{march, "2026-04-01", "2026-05-12", ""},
		{payout, "", "2026-05-12", "2026-03-31"},
		{payout, "2026-05-12", "2026-05-12", ""},
		{both, "", "2026-05-12", ""},
		{both, "2026-04-02", "2026-05-12", ""},
	} {
		got, err := WriteOffDate(tt.s, tt.asked, tt.today)
		if got != tt.want || (tt.want == "") != (fault.Of(err).Code == "reconcile.write_off_date") {
			t.Errorf("%s, asked %q: got %q, %v", tt.s.Scope(), tt.asked, got, err)
		}
	}
}

// TestWhatIsNotLostIsNotWrittenOff: it would be off the other way round once it
// comes.
func TestWhatIsNotLostIsNotWrittenOff(t *testing.T) {
	for _, cause := range []string{Missing, Parked, Unreleased, WrongPeriod, Overdue, ByHand} {
		s := &Statement{Connection: connection, Period: "2026-03", Currency: "USD", net: 59, Findings: []Entry{{Cause: cause, ID: "po_1/USD/2026-03", Date: "2026-03-10"}}}
		_, err := WriteOff(newWorld(t).o.Rules, s, s.Lacks(), limit, "2026-03-31", "why", "ann")
		if fault.Of(err).Code != "reconcile.write_off_open" {
			t.Errorf("%s: %v", cause, err)
		}
	}
}
