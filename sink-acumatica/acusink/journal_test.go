package acusink

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"millrace/internal/acumaticatwin"
	"millrace/internal/calls"
	"millrace/schemas"
)

// journalIntent is the journal of a payout of 100 less a fee of 3.80.
func journalIntent(edit func(*schemas.Intent, *schemas.AcumaticaJournal)) schemas.Intent {
	line := func(account, debit, credit string) schemas.AcumaticaJournalLine {
		return schemas.AcumaticaJournalLine{
			Account: account, Subaccount: "000000", BranchID: acumaticatwin.SeedBranch, DebitAmount: debit, CreditAmount: credit, TransactionDescription: "of a payout",
		}
	}
	j := schemas.AcumaticaJournal{
		Module: "GL", CurrencyID: "USD", TransactionDate: "2026-03-02",
		Details: []schemas.AcumaticaJournalLine{line("61000", "3.80", ""), line("10250", "", "3.80"), line("10200", "96.20", ""), line("10250", "", "96.20")},
	}
	in := schemas.Intent{
		Connection: "default", Lane: "po_1", Target: schemas.Acumatica, Document: "journal", Verb: "create", Key: "po_1/USD/2026-03",
		Cause: schemas.Cause{EventID: "evt_1", EventType: "io.millrace.stripe.payout.paid.v1", EventSeq: 7},
		Refs:  []schemas.Ref{{System: schemas.Stripe, Kind: "payout", ID: "po_1"}},
	}
	j.Description = "Stripe po_1 " + schemas.JournalReference(in.Connection, in.Key)
	edit(&in, &j)
	in.ID = schemas.IntentID(in.Connection, in.Target, in.Document, in.Verb, in.Key, in.Version)
	in.Fields, _ = json.Marshal(j)
	return in
}

// settle hands a journal of today to the sink.
func (n *tenant) settle(t *testing.T, edit func(*schemas.AcumaticaJournal)) (schemas.Outcome, int64, error) {
	t.Helper()
	in := journalIntent(func(in *schemas.Intent, j *schemas.AcumaticaJournal) {
		in.Lane = "cus_1" // that of the message
		j.TransactionDate = n.clock.UTC().Format(time.DateOnly)
		edit(j)
	})
	ctx, count := calls.With(t.Context())
	out, err := n.sink.Handle(ctx, n.message(in))
	return out, count.AcumaticaCalls.Load(), err
}

// turnover is what an account has in a currency: amount and base amount.
func (n *tenant) turnover(account, currency string) string {
	for _, a := range n.twin.TrialBalance() {
		if a.Account == account && a.Currency == currency {
			return a.Balance.String() + " " + a.BaseBalance.String()
		}
	}
	return "0 0"
}

func TestJournalInTheTwin(t *testing.T) {
	n := newTenant(t, false, 0)
	out, count, err := n.settle(t, func(*schemas.AcumaticaJournal) {})
	if err != nil || out.Outcome != schemas.Applied || count != 3 {
		t.Fatalf("%d calls, %+v, %v", count, out, err)
	}
	for account, want := range map[string]string{"61000": "3.8 3.8", "10250": "-100 -100", "10200": "96.2 96.2"} {
		if got := n.turnover(account, "USD"); got != want {
			t.Errorf("%s: %s, want %s", account, got, want)
		}
	}
	if want := "GL 00000001 of 100 USD released, 4 lines"; !strings.HasPrefix(out.Reason, want) {
		t.Errorf("reason %q", out.Reason)
	}
	out, count, err = n.settle(t, func(*schemas.AcumaticaJournal) {})
	if err != nil || out.Outcome != schemas.Duplicate || count != 0 {
		t.Errorf("again: %d calls, %+v, %v", count, out, err)
	}
}

// What rounding leaves in the base currency is a line that nobody sent.
func TestJournalInAForeignCurrencyInTheTwin(t *testing.T) {
	n := newTenant(t, false, 0)
	out, _, err := n.settle(t, func(j *schemas.AcumaticaJournal) {
		j.CurrencyID = "EUR"
		for i := range j.Details {
			j.Details[i].Account = map[string]string{"61000": "61000", "10250": "10251", "10200": "10201"}[j.Details[i].Account]
		}
		j.Details[0].DebitAmount, j.Details[1].CreditAmount = "0.05", "0.01"
		j.Details[2].DebitAmount, j.Details[3].CreditAmount = "0.05", "0.09"
	})
	if err != nil || out.Outcome != schemas.Applied {
		t.Fatalf("%+v, %v", out, err)
	}
	if got := n.turnover("10251", "EUR"); !strings.HasPrefix(got, "-0.1 ") {
		t.Errorf("clearing %s", got)
	}
	if lines := n.twin.Journals()[0].Lines; len(lines) != 5 {
		t.Errorf("nothing was rounded: %+v", lines)
	}
}

func TestJournalsThatTheTwinRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		code string
		edit func(*schemas.AcumaticaJournal)
	}{
		"no such account":    {"acumatica.account", func(j *schemas.AcumaticaJournal) { j.Details[0].Account = "99999" }},
		"no such subaccount": {"acumatica.account", func(j *schemas.AcumaticaJournal) { j.Details[0].Subaccount = "999999" }},
		"account of another currency": {"acumatica.account", func(j *schemas.AcumaticaJournal) {
			j.Details[1].Account, j.Details[3].Account = "10251", "10251"
		}},
		"no such period": {"acumatica.period_closed", func(j *schemas.AcumaticaJournal) { j.TransactionDate = "2019-01-01" }},
		"more than cents": {"acumatica.readback", func(j *schemas.AcumaticaJournal) {
			j.Details[0].DebitAmount, j.Details[1].CreditAmount = "3.805", "3.805"
		}},
		"out of balance":    {"acumatica.intent_malformed", func(j *schemas.AcumaticaJournal) { j.Details[0].DebitAmount = "3.81" }},
		"both sides":        {"acumatica.intent_malformed", func(j *schemas.AcumaticaJournal) { j.Details[0].CreditAmount = "3.80" }},
		"neither side":      {"acumatica.intent_malformed", func(j *schemas.AcumaticaJournal) { j.Details[0].DebitAmount = "" }},
		"without reference": {"acumatica.intent_malformed", func(j *schemas.AcumaticaJournal) { j.Description = "Stripe po_1" }},
		"of another module": {"acumatica.intent_malformed", func(j *schemas.AcumaticaJournal) { j.Module = "AR" }},
		"no lines":          {"acumatica.intent_malformed", func(j *schemas.AcumaticaJournal) { j.Details = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			n := newTenant(t, false, 0)
			_, _, err := n.settle(t, tc.edit)
			wantCode(t, err, tc.code)
			if left := n.twin.Journals(); len(left) > 0 {
				t.Errorf("left: %+v", left)
			}
		})
	}
}

func TestJournalOfAClosedPeriod(t *testing.T) {
	n := newTenant(t, false, 0)
	month := n.clock.UTC()
	if err := n.twin.ClosePeriod(month.Format("01-2006")); err != nil {
		t.Fatal(err)
	}
	_, _, err := n.settle(t, func(*schemas.AcumaticaJournal) {})
	wantCode(t, err, "acumatica.period_closed")
	if !strings.Contains(err.Error(), month.Format("01-2006")) {
		t.Errorf("the period is not named: %v", err)
	}
	c := n.sink.o.Connections["default"]
	c.NextOpenPeriod = true
	n.sink.o.Connections["default"] = c
	next := time.Date(month.Year(), month.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	out, _, err := n.settle(t, func(*schemas.AcumaticaJournal) {})
	if err != nil || out.Outcome != schemas.Applied || !strings.Contains(out.Reason, "in period "+next.Format("012006")) {
		t.Fatalf("%+v, %v", out, err)
	}
	if j := n.twin.Journals(); len(j) != 1 || j[0].Date != month.Format(time.DateOnly) || j[0].Period != next.Format("012006") {
		t.Errorf("%+v", j)
	}
}

// A period may also be closed after the journal was saved in it: by whom, and
// at which step, makes no difference.
func TestJournalOfAPeriodThatIsClosedBeforeItsRelease(t *testing.T) {
	for name, attempts := range map[string]int{"in one attempt": 1, "after a crash": 2} {
		t.Run(name, func(t *testing.T) {
			n := newTenant(t, false, 0)
			c := n.sink.o.Connections["default"]
			c.NextOpenPeriod = true
			n.sink.o.Connections["default"] = c
			month := n.clock.UTC()
			closePeriod := func() {
				if err := n.twin.ClosePeriod(month.Format("01-2006")); err != nil {
					t.Fatal(err)
				}
			}
			if attempts == 1 {
				n.sink.at = func(point string) {
					if point == "release_saved" && n.twin.Journals()[0].Period == month.Format("012006") {
						closePeriod()
					}
				}
			} else {
				fault := acumaticatwin.Fault{PathPrefix: "/entity/Default/24.200.001/JournalTransaction/Release", Count: 1, Mode: "status:422"}
				if err := n.twin.AddFault(fault); err != nil {
					t.Fatal(err)
				}
				if _, _, err := n.settle(t, func(*schemas.AcumaticaJournal) {}); err == nil {
					t.Fatal("the release was not refused")
				}
				closePeriod()
				n.clock = n.clock.Add(settleDelay)
			}
			next := time.Date(month.Year(), month.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			out, _, err := n.settle(t, func(j *schemas.AcumaticaJournal) { j.TransactionDate = month.Format(time.DateOnly) })
			if err != nil || out.Outcome != schemas.Applied || !strings.Contains(out.Reason, "in period "+next.Format("012006")) {
				t.Fatalf("%+v, %v", out, err)
			}
			if j := n.twin.Journals(); len(j) != 1 || j[0].Status != "Posted" || j[0].Date != month.Format(time.DateOnly) || j[0].Period != next.Format("012006") {
				t.Errorf("%+v", j)
			}
		})
	}
}

// What was sent before an edit is found by what it carried, and replaced as
// long as it is not in the ledger.
func TestEditedJournalReplacesTheUnreleasedOne(t *testing.T) {
	for name, mode := range map[string]string{"release refused": "status:422", "answer to the write lost": "cut_after_commit"} {
		t.Run(name, func(t *testing.T) {
			n := newTenant(t, false, 0)
			fault := acumaticatwin.Fault{PathPrefix: "/entity/Default/24.200.001/JournalTransaction", Count: 1, Mode: mode}
			if mode == "status:422" {
				fault.PathPrefix += "/Release"
			}
			if err := n.twin.AddFault(fault); err != nil {
				t.Fatal(err)
			}
			if _, _, err := n.settle(t, func(*schemas.AcumaticaJournal) {}); err == nil {
				t.Fatal("nothing went wrong")
			}
			if j := n.twin.Journals(); len(j) != 1 || j[0].Status != "Balanced" {
				t.Fatalf("%+v", j)
			}
			before := n.clock.AddDate(0, 0, -40).UTC().Format(time.DateOnly)
			n.clock = n.clock.Add(settleDelay)
			out, _, err := n.settle(t, func(j *schemas.AcumaticaJournal) {
				j.TransactionDate, j.Details[0].Account = before, "65000"
			})
			if err != nil || out.Outcome != schemas.Applied || !strings.Contains(out.Reason, "replaced the unreleased GL 00000001") {
				t.Fatalf("%+v, %v", out, err)
			}
			if j := n.twin.Journals(); len(j) != 1 || j[0].Status != "Posted" || j[0].Date != before || j[0].Lines[0].Account != "65000" {
				t.Errorf("%+v", j)
			}
		})
	}
}
