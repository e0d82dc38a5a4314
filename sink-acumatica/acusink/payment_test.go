package acusink

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
	"millrace/internal/posting"
	"millrace/schemas"
)

func TestWhatWasSavedOtherwiseIsDeletedAndRejected(t *testing.T) {
	cases := []struct {
		name, want string
		saved      func(map[string]any)
	}{
		{"amount", `sent 120.50, saved "12.05"`, func(d map[string]any) { d["PaymentAmount"] = acumatica.Value(json.Number("12.05")) }},
		{"currency", `CurrencyID: sent "USD", saved "EUR"`, func(d map[string]any) { d["CurrencyID"] = acumatica.Value("EUR") }},
		{"reference ignored", `PaymentRef: sent "ch_1", saved ""`, func(d map[string]any) { delete(d, "PaymentRef") }},
		{"date", `sent 2024-01-15`, func(d map[string]any) { d["ApplicationDate"] = acumatica.Value("2024-02-01T00:00:00+00:00") }},
		{"application ignored", "applied to Invoice AR000001: sent 120.50, saved 0", func(d map[string]any) { d["DocumentsToApply"] = []any{} }},
		{"applied amount", "sent 120.50, saved 100", func(d map[string]any) {
			d["DocumentsToApply"] = []any{map[string]any{"DocType": acumatica.Value("Invoice"), "ReferenceNbr": acumatica.Value("AR000001"), "AmountPaid": acumatica.Value(json.Number("100"))}}
		}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			b.erp.saved = tc.saved
			_, err := b.handle(t)
			wantCode(t, err, "acumatica.readback")
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("want %q in %v", tc.want, err)
			}
			if len(b.erp.docs) != 0 {
				t.Error("the unreleased document must be gone")
			}
			b.erp.change(func() { b.erp.saved = nil })
			if _, err := b.handle(t); err != nil {
				t.Fatal(err)
			}
			b.oneReleased(t, "000002")
		})
	}
}

func TestUnexpectedStatusIsNotReportedAsApplied(t *testing.T) {
	b := newBench(t)
	b.erp.status = func(map[string]any) string { return "Open" }
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.readback")
	b = newBench(t)
	b.erp.saved = func(d map[string]any) { d["Status"] = acumatica.Value("Pending Approval") }
	_, err = b.handle(t)
	wantCode(t, err, "acumatica.not_releasable")
	if len(b.erp.in("Pending Approval")) != 1 {
		t.Error("a document that awaits approval must stay")
	}
	b.erp.change(func() { b.erp.docs["000001"]["Status"] = acumatica.Value("Balanced") })
	if _, err := b.handle(t); err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000001")
}

func TestReleaseThatDidNothingIsNotTakenForDone(t *testing.T) {
	b := newBench(t)
	b.erp.status = func(map[string]any) string { return "Balanced" }
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.not_releasable")
	b.erp.change(func() { b.erp.status = nil })
	if _, err := b.handle(t); err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000001")
}

func TestMalformedIntentsAreInvalid(t *testing.T) {
	cases := []struct {
		name string
		edit func(*schemas.Intent, map[string]any)
	}{
		{"unknown field", func(_ *schemas.Intent, f map[string]any) { f["PaymentAmont"] = "1" }},
		{"float in exponent form", func(_ *schemas.Intent, f map[string]any) { f["PaymentAmount"] = "1e3" }},
		{"negative", func(_ *schemas.Intent, f map[string]any) { f["PaymentAmount"] = "-1" }},
		{"zero", func(_ *schemas.Intent, f map[string]any) { f["PaymentAmount"] = "0.00" }},
		{"applies more than paid", func(_ *schemas.Intent, f map[string]any) { f["PaymentAmount"] = "100" }},
		{"no customer", func(_ *schemas.Intent, f map[string]any) { f["CustomerID"] = "" }},
		{"long reference", func(_ *schemas.Intent, f map[string]any) { f["PaymentRef"] = strings.Repeat("x", 41) }},
		{"date", func(_ *schemas.Intent, f map[string]any) { f["ApplicationDate"] = "15.01.2024" }},
		{"type", func(_ *schemas.Intent, f map[string]any) { f["Type"] = "Refund" }},
		{"id", func(in *schemas.Intent, _ map[string]any) { in.ID = "other" }},
		{"other books", func(in *schemas.Intent, _ map[string]any) { in.Connection = "second" }},
		{"other target", func(in *schemas.Intent, _ map[string]any) { in.Target = schemas.Stripe }},
		{"document", func(in *schemas.Intent, _ map[string]any) { in.Document = "journal" }},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			_, err := b.sink.Handle(t.Context(), b.message(intent(tc.edit)))
			wantCode(t, err, "acumatica.intent_malformed")
			if fault.KindOf(err) != fault.Invalid || b.erp.count() != 0 {
				t.Errorf("%v, requests %v", err, b.erp.seen())
			}
		})
	}
}

func TestRejectedPutLeavesAFreshPosting(t *testing.T) {
	b := newBench(t)
	b.erp.before = once(http.MethodPut, "Payment", 422)
	b.erp.body = func(string, string) string {
		return `{"error":"Inserting raised at least one error.","Branch":{"error":"'Branch' cannot be empty"}}`
	}
	out, err := b.handle(t)
	wantCode(t, err, "acumatica.validation")
	if !strings.Contains(err.Error(), "Branch: 'Branch' cannot be empty") {
		t.Errorf("the texts are missing: %v", err)
	}
	if out.IntentID == "" || len(out.Refs) == 0 {
		t.Errorf("a failed attempt must still say what it is about: %+v", out)
	}
	if s := b.mem.state(t); s.State != posting.Planned || s.Sends != 0 {
		t.Errorf("posting %+v", s)
	}
	before := b.erp.count()
	if _, err = b.handle(t); err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000001")
	if n := b.erp.count() - before; n != 3 {
		t.Errorf("%d calls after the fix", n)
	}
}

// TestAnIntentUnderAnotherIDIsRefused: what its message stands for is ambiguous.
func TestAnIntentUnderAnotherIDIsRefused(t *testing.T) {
	for _, id := range []string{"", "default/acumatica/payment/create/ch_2"} {
		b := newBench(t)
		m := b.message(intent(nil))
		m.Event.ID = id
		_, err := b.sink.Handle(t.Context(), m)
		wantCode(t, err, "acumatica.intent_malformed")
		if fault.KindOf(err) != fault.Invalid || b.erp.count() != 0 {
			t.Errorf("%v, requests %v", err, b.erp.seen())
		}
	}
}
