package trace

import (
	"encoding/json"
	"strings"
	"testing"

	"millrace/schemas"
)

// TestAWriteOffTellsItsOwnStory: its journal with its lines, and no other that
// the same person asked for.
func TestAWriteOffTellsItsOwnStory(t *testing.T) {
	l := newLog(t)
	cause := schemas.Cause{EventID: "write-off by ann", EventType: schemas.WriteOffType}
	for _, key := range []string{"write_off/2026-11/GBP", "write_off/2026-12/GBP"} {
		fields, err := json.Marshal(schemas.AcumaticaJournal{CurrencyID: "GBP", Details: []schemas.AcumaticaJournalLine{
			{Account: "65000", DebitAmount: "0.07", TransactionDescription: "Written off: " + key}, {Account: "10252", CreditAmount: "0.07"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		in := schemas.Intent{Lane: key, Target: schemas.Acumatica, Document: "journal", Verb: "create", Key: key, Cause: cause, Fields: fields}
		l.intent(in)
		l.outcome(schemas.Outcome{
			Lane: key, Stage: "sink-acumatica", Document: "journal", Outcome: schemas.Applied, EventID: cause.EventID, EventType: cause.EventType,
			IntentID: schemas.IntentID("default", in.Target, in.Document, in.Verb, key, ""),
		})
	}
	s, err := l.read("write_off/2026-11/GBP")
	if err != nil {
		t.Fatal(err)
	}
	got := text(s)
	for _, want := range []string{"debit 65000 0.07 GBP  Written off: write_off/2026-11/GBP\n", "credit 10252 0.07 GBP\n", "1 applied"} {
		if !strings.Contains(got, want) {
			t.Errorf("want %q in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "2026-12") || s.Unended() {
		t.Errorf("another story:\n%s", got)
	}
}

// TestAnEventWithoutAnOutcomeIsKnown: what keeps it can be told then.
func TestAnEventWithoutAnOutcomeIsKnown(t *testing.T) {
	l := newLog(t)
	l.event("cus_1", schemas.Stripe, "charge", "succeeded", "evt_1", "ch_1", "{}")
	s, err := l.read("evt_1")
	if err != nil || !s.Unended() {
		t.Fatal(s, err)
	}
	s.Waits = "config.books_changed: connection default: books.refunds was ar_refund and is journal"
	if got := text(s); !strings.Contains(got, "waits: config.books_changed") {
		t.Errorf("%s", got)
	}
	l.outcome(schemas.Outcome{Lane: "cus_1", Stage: "transform", Outcome: schemas.Skipped, EventID: "evt_1"})
	if s, err = l.read("evt_1"); err != nil || s.Unended() {
		t.Error(s, err)
	}
}
