package acusink

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
	"millrace/schemas"
)

// edited hands in the intent as a person has changed it.
func (b *bench) edited(t *testing.T, edit func(fields map[string]any)) (schemas.Outcome, error) {
	t.Helper()
	return b.sink.Handle(t.Context(), b.message(intent(func(_ *schemas.Intent, f map[string]any) { edit(f) })))
}

func otherRef(f map[string]any)      { f["PaymentRef"] = "ch_other" }
func otherCustomer(f map[string]any) { f["CustomerID"] = "C2" }
func otherDate(f map[string]any)     { f["ApplicationDate"] = "2024-02-01" }

// TestEditAfterAnUncertainSendFindsWhatWasSent: what is searched for is what
// was sent, whatever the intent says now, and is replaced.
func TestEditAfterAnUncertainSendFindsWhatWasSent(t *testing.T) {
	for name, edit := range map[string]func(map[string]any){"reference": otherRef, "customer": otherCustomer, "date": otherDate} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.erp.after = cutOnce(http.MethodPut, "Payment")
			_, err := b.handle(t)
			wantCode(t, err, "acumatica.cut")
			b.clock = b.clock.Add(settleDelay)
			out, err := b.edited(t, edit)
			if err != nil {
				t.Fatal(err)
			}
			b.oneReleased(t, "000002")
			if !strings.Contains(out.Reason, "replaced the unreleased Payment 000001") || len(b.mem.told) != 1 {
				t.Errorf("reason %q, told %+v", out.Reason, b.mem.told)
			}
		})
	}
}

// TestEditAfterTheReleaseTouchesNothing: the first send was released by hand
// before the intent was edited.
func TestEditAfterTheReleaseTouchesNothing(t *testing.T) {
	b := newBench(t)
	b.erp.after = cutOnce(http.MethodPut, "Payment")
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.cut")
	b.erp.change(func() { b.erp.docs["000001"]["Status"] = acumatica.Value("Closed") })
	b.clock = b.clock.Add(settleDelay)
	_, err = b.edited(t, otherRef)
	wantCode(t, err, "acumatica.in_ledger")
	if got := b.erp.in("Closed"); len(got) != 1 || len(b.erp.in("Balanced")) != 0 || fault.Of(err).Hint == "" {
		t.Errorf("closed %v, balanced %v, %v", got, b.erp.in("Balanced"), err)
	}
	// Nor does a skip.
	_, err = b.sink.Skip(t.Context(), b.message(intent(func(_ *schemas.Intent, f map[string]any) { otherRef(f) })))
	wantCode(t, err, "acumatica.in_ledger")
	// Once it is voided the intent can be skipped.
	b.erp.change(func() { b.erp.docs["000001"]["Status"] = acumatica.Value("Voided") })
	out, err := b.sink.Skip(t.Context(), b.message(intent(nil)))
	if err != nil || out.Outcome != schemas.Skipped {
		t.Errorf("ended %s %q, %v", out.Outcome, out.Reason, err)
	}
	if out, err = b.handle(t); err != nil || out.Outcome != schemas.Skipped {
		t.Errorf("once more %s %q, %v", out.Outcome, out.Reason, err)
	}
}

// TestEditOfAnUnreleasedDocumentReplacesIt: it exists, but cannot be released.
func TestEditOfAnUnreleasedDocumentReplacesIt(t *testing.T) {
	for name, edit := range map[string]func(map[string]any){"reference": otherRef, "date": otherDate} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.erp.before = once(http.MethodPost, "Payment/ReleasePayment", 500)
			b.erp.body = func(string, string) string {
				return `{"exceptionType":"PX.Data.PXException","exceptionMessage":"The 01-2024 financial period is closed in the MAIN company."}`
			}
			_, err := b.handle(t)
			wantCode(t, err, "acumatica.period_closed")
			if out, err := b.edited(t, edit); err != nil || out.Outcome != schemas.Applied {
				t.Fatalf("%+v, %v", out, err)
			}
			b.oneReleased(t, "000002")
			if s := b.mem.state(t); s.Sends != 1 || len(s.Writes) != 1 {
				t.Errorf("posting %+v", s)
			}
		})
	}
}

// TestWhatAPersonChangedInAcumaticaIsLeftToThem: the intent is as it was sent.
func TestWhatAPersonChangedInAcumaticaIsLeftToThem(t *testing.T) {
	b := newBench(t)
	b.erp.before = once(http.MethodPost, "Payment/ReleasePayment", 500)
	b.erp.body = func(string, string) string {
		return `{"exceptionType":"PX.Data.PXException","exceptionMessage":"The 01-2024 financial period is closed in the MAIN company."}`
	}
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.period_closed")
	b.erp.change(func() { b.erp.docs["000001"]["CashAccount"] = acumatica.Value("99") })
	_, err = b.handle(t)
	wantCode(t, err, "acumatica.readback")
	if got := b.erp.in("Balanced"); len(got) != 1 {
		t.Errorf("balanced %v", got)
	}
}

// TestLateCopyOfAnEditedIntentIsFound: the first send surfaces after the edited
// intent is done.
func TestLateCopyOfAnEditedIntentIsFound(t *testing.T) {
	b := newBench(t)
	b.erp.before = once(http.MethodPut, "Payment", 503)
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.unreachable")
	b.clock = b.clock.Add(settleDelay)
	if _, err := b.edited(t, otherRef); err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000001")
	b.erp.change(func() { b.erp.add("000099", "Balanced") })
	if err := b.sink.resolve(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000001")
	if len(b.mem.doubts) != 1 {
		t.Errorf("doubts %+v", b.mem.doubts)
	}
}

// TestReleasedCopyIsToldAndTheOthersAreDeleted: it does not stop what else is
// to be done, nor is it warned of for ever.
func TestReleasedCopyIsToldAndTheOthersAreDeleted(t *testing.T) {
	b := newBench(t)
	b.erp.before = once(http.MethodPut, "Payment", 503)
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.unreachable")
	b.clock = b.clock.Add(settleDelay)
	if _, err := b.handle(t); err != nil {
		t.Fatal(err)
	}
	b.erp.change(func() { b.erp.add("000099", "Open"); b.erp.add("000098", "Balanced") })
	if err := b.sink.resolve(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	if got := b.erp.in("Balanced"); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
	told := b.mem.told[0]
	if len(b.mem.told) != 2 || told.Code != "acumatica.duplicate" || !strings.Contains(told.Reason, "000099") || told.Hint == "" {
		t.Errorf("told %+v", b.mem.told)
	}
	b.clock = b.clock.Add(time.Hour)
	if err := b.sink.resolve(t.Context(), "default"); err != nil || len(b.mem.doubts) != 0 {
		t.Errorf("still in doubt: %+v, %v", b.mem.doubts, err)
	}
}

// TestSkippedPaymentThatIsEnteredByHandStays although it carries the reference
// of a send that nothing was found of.
func TestSkippedPaymentThatIsEnteredByHandStays(t *testing.T) {
	b := newBench(t)
	b.erp.before = once(http.MethodPut, "Payment", 503)
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.unreachable")
	b.clock = b.clock.Add(settleDelay)
	out, err := b.sink.Skip(t.Context(), b.message(intent(nil)))
	if err != nil || out.Outcome != schemas.Skipped || len(b.mem.doubts) != 1 {
		t.Fatalf("%+v, %v, doubts %+v", out, err, b.mem.doubts)
	}
	b.erp.change(func() {
		b.erp.add("000099", "Balanced") // the send, late
		b.erp.add("000100", "Balanced")
		b.erp.docs["000100"]["CashAccount"] = acumatica.Value("BANK")
	})
	if err := b.sink.resolve(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	if got := b.erp.in("Balanced"); len(got) != 1 || got[0] != "000100" {
		t.Errorf("left: %v", got)
	}
}

// TestLateCopyOfAnEditedIntentThatWasSkippedIsTold: what was sent is not what
// the intent says now, so that nobody but a person knows whether it is ours.
func TestLateCopyOfAnEditedIntentThatWasSkippedIsTold(t *testing.T) {
	b := newBench(t)
	b.erp.before = once(http.MethodPut, "Payment", 503)
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.unreachable")
	b.clock = b.clock.Add(settleDelay)
	out, err := b.sink.Skip(t.Context(), b.message(intent(func(_ *schemas.Intent, f map[string]any) { otherDate(f) })))
	if err != nil || out.Outcome != schemas.Skipped || len(b.mem.doubts) != 1 {
		t.Fatalf("%+v, %v, doubts %+v", out, err, b.mem.doubts)
	}
	b.erp.change(func() { b.erp.add("000099", "Balanced") })
	if err := b.sink.resolve(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	if got := b.erp.in("Balanced"); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
	if len(b.mem.told) != 1 || b.mem.told[0].Outcome != schemas.Skipped || !strings.Contains(b.mem.told[0].Reason, "000099") || b.mem.told[0].Hint == "" {
		t.Errorf("told %+v", b.mem.told)
	}
}
