package flow

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/fault"
	"millrace/schemas"
)

const settling = `id: settling
version: 1
trigger: {source: stripe, object: invoice, verbs: [paid]}
steps:
  - id: own
    settle: {unit: payout_movement, key: hint.id}
  - id: unit
    settle: {unit: day, key: [hint.currency, hint.day]}
intents:
  - id: journal
    each: concat(own.journals, unit.journals)
    as: journal
    if: journal.lines != nil
    target: acumatica
    document: journal
    verb: create
    key: journal.key
    fields:
      Module: '"GL"'
      CurrencyID: journal.currency
      TransactionDate: journal.date
      Description: journal.key
      Details:
        - each: journal.lines
          as: line
          item:
            Account: line.account
            DebitAmount: line.debit
            CreditAmount: line.credit
            TransactionDescription: line.text
`

func TestAUnitIsAskedForOnceAndEachJournalIsAnIntent(t *testing.T) {
	d := parse(t, settling)
	in := inputWith(t, `{"id": "po_1", "currency": "usd", "day": "2026-03-31"}`, Facts{})
	res, err := Evaluate(t.Context(), d, in)
	if err != nil {
		t.Fatal(err)
	}
	want := []Need{
		{Step: "own", Settle: &SettleNeed{Unit: "payout_movement", Keys: []string{"po_1"}}},
		{Step: "unit", Settle: &SettleNeed{Unit: "day", Keys: []string{"usd", "2026-03-31"}}},
	}
	if diff := cmp.Diff(want, res.Needs); diff != "" {
		t.Fatal(diff)
	}
	lines := `[{"account": "1", "debit": "2.00", "text": "a"}, {"account": "2", "credit": "2.00", "text": "b"}]`
	journal := func(key, lines string) string {
		return fmt.Sprintf(`{"key": %q, "currency": "USD", "date": "2026-03-31", "lines": %s}`, key, lines)
	}
	in.Facts["own"] = value(t, `{"journals": [`+journal("po_1", lines)+`]}`)
	in.Facts["unit"] = value(t, `{"journals": [`+journal("none", "null")+`,`+journal("day", lines)+`]}`)
	if res, err = Evaluate(t.Context(), d, in); err != nil {
		t.Fatal(err)
	}
	if len(res.Intents) != 2 || res.Intents[0].ID != "default/acumatica/journal/create/po_1" || res.Intents[1].Key != "day" {
		t.Fatalf("got %+v", res.Intents)
	}
	var fields schemas.AcumaticaJournal
	if err := json.Unmarshal(res.Intents[1].Fields, &fields); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]schemas.AcumaticaJournalLine{
		{Account: "1", DebitAmount: "2.00", TransactionDescription: "a"}, {Account: "2", CreditAmount: "2.00", TransactionDescription: "b"},
	}, fields.Details); diff != "" {
		t.Error(diff)
	}
	if res.Intents[0].Flow.InputHash == "" || res.Intents[0].Flow.InputHash != res.Intents[1].Flow.InputHash {
		t.Error("the intents of one evaluation do not share their input hash")
	}
}

func TestNoJournalIsNothingToAskFor(t *testing.T) {
	in := inputWith(t, `{"id": "po_1", "currency": "usd", "day": "2026-03-31"}`,
		Facts{"own": value(t, `{"journals": []}`), "unit": value(t, `{"journals": []}`)})
	res, err := Evaluate(t.Context(), parse(t, settling), in)
	if err != nil || res.Skipped == nil {
		t.Errorf("got %+v, %v", res, err)
	}
	in.Facts["own"] = value(t, `{"journals": "many"}`)
	if _, err = Evaluate(t.Context(), parse(t, settling), in); fault.Of(err).Code != "flow.expression_failed" {
		t.Errorf("got %v", err)
	}
}

func TestParseNamesWhatIsWrongWithUnitsAndEach(t *testing.T) {
	base := `id: some-flow
version: 1
trigger: {source: stripe, object: invoice, verbs: [paid]}
steps:
  - id: unit
    settle: %s
intents:
  - id: note
    %s
    target: stripe
    document: invoice
    verb: annotate
    key: hint.id
    fields: {id: hint.id, metadata: {}}
`
	for _, tt := range []struct{ name, settle, each, want string }{
		{
			"unknown unit", "{unit: payuot, key: hint.id}", "each: unit.journals\n    as: j",
			"6:13 unknown unit payuot; did you mean payout? known: day, dispute_lost, movement, opening, payment_charge, payout, payout_movement",
		},
		{"too few keys", "{unit: day, key: hint.id}", "each: unit.journals\n    as: j", "6:13 a day is named by 2 keys, not 1"},
		{"no key", "{unit: day}", "each: unit.journals\n    as: j", "6:13 settle needs key"},
		{"each alone", "{unit: movement, key: hint.id}", "each: unit.journals", "8:5 each and as belong together"},
		{"a taken name", "{unit: movement, key: hint.id}", "each: unit.journals\n    as: unit", "8:5 the name unit is already taken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := problems(t, fmt.Sprintf(base, tt.settle, tt.each))
			if len(got) == 0 || got[0] != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
