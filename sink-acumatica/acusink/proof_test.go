package acusink

import (
	"encoding/json"
	"strings"
	"testing"

	"millrace/internal/acumatica"
	"millrace/schemas"
)

// A released document lives on: what people and Acumatica do with its rest
// must not count against it, what they take back must.
func TestReleasedPaymentIsProvenAlthoughBooksWentOn(t *testing.T) {
	row := func(number, amount string) any {
		return map[string]any{
			"DisplayDocType": acumatica.Value("Invoice"), "DisplayRefNbr": acumatica.Value(number), "AmountPaid": acumatica.Value(json.Number(amount)),
		}
	}
	cases := []struct {
		name, applied, status string
		history               []any
		balance               string // AvailableBalance; empty = absent
		wrong                 string
	}{
		{name: "prepayment, open", status: "Open"},
		{name: "prepayment, applied since", status: "Closed", history: []any{row("AR000009", "120.50")}},
		{name: "prepayment, on hold since", status: "Reserved"},
		{name: "all applied", applied: "120.50", status: "Closed", history: []any{row("AR000001", "120.50")}},
		{name: "part applied", applied: "50", status: "Open", history: []any{row("AR000001", "50.00")}},
		{name: "rest applied since", applied: "50", status: "Closed", history: []any{row("AR000001", "50.00"), row("AR000009", "70.50")}},
		{name: "rest applied to the same since", applied: "50", status: "Open", history: []any{row("AR000001", "50.00"), row("AR000001", "20.00")}},
		{name: "on hold since", applied: "50", status: "Reserved", history: []any{row("AR000001", "50.00")}},
		{name: "less applied", applied: "50", status: "Open", history: []any{row("AR000001", "49.99")}, wrong: "sent 50, saved 49.99"},
		{name: "application reversed", applied: "50", status: "Open", history: []any{row("AR000001", "50.00"), row("AR000001", "-50.00")}, wrong: "saved 0"},
		{name: "applied to another", applied: "50", status: "Open", history: []any{row("AR000009", "50.00")}, wrong: "saved 0"},
		{name: "no rows, less left", applied: "50", status: "Open", balance: "20.00"},
		{name: "no rows, all left", applied: "50", status: "Open", balance: "120.50", wrong: "saved 0"},
		{name: "no rows, nothing left, but open", applied: "120.50", status: "Open", balance: "0", wrong: "want Closed"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			in := intent(func(_ *schemas.Intent, f map[string]any) {
				delete(f, "DocumentsToApply")
				if tc.applied != "" {
					f["DocumentsToApply"] = []any{map[string]any{"DocType": "Invoice", "ReferenceNbr": "AR000001", "AmountPaid": tc.applied}}
				}
			})
			p, err := decodePayment(in.Fields)
			if err != nil {
				t.Fatal(err)
			}
			r := acumatica.Record{"Status": acumatica.Value(tc.status), "ApplicationHistory": tc.history}
			if tc.balance != "" {
				r["AvailableBalance"] = acumatica.Value(json.Number(tc.balance))
			}
			got := p.unapplied(r)
			if tc.wrong == "" && got != "" || !strings.Contains(got, tc.wrong) {
				t.Errorf("got %q, want %q", got, tc.wrong)
			}
		})
	}
}

func TestPrepaymentThatWasAppliedMeanwhileIsApplied(t *testing.T) {
	for _, status := range []string{"Closed", "Reserved"} {
		b := newBench(t)
		b.erp.status = func(map[string]any) string { return status }
		in := intent(func(in *schemas.Intent, f map[string]any) {
			f["Type"] = "Prepayment"
			delete(f, "DocumentsToApply")
			in.WriteBack = nil
		})
		if out, err := b.sink.Handle(t.Context(), b.message(in)); err != nil || out.Outcome != schemas.Applied {
			t.Errorf("%s: %+v, %v", status, out, err)
		}
	}
}
