package acusink

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/schemas"
)

// oneReleased is what every test about trouble must end in.
func (b *bench) oneReleased(t *testing.T, number string) {
	t.Helper()
	if got := b.erp.in("Closed"); !slices.Equal(got, []string{number}) {
		t.Errorf("released: %v, want %s", got, number)
	}
	if got := b.erp.in("Balanced"); len(got) > 0 {
		t.Errorf("left unreleased: %v", got)
	}
	if got := b.mem.links["ch_1"].AcumaticaID; got != "Payment "+number {
		t.Errorf("linked with %q", got)
	}
	if len(b.mem.intents) != 1 {
		t.Errorf("%d write-backs", len(b.mem.intents))
	}
	if s := b.mem.state(t).State; s != posting.Done {
		t.Errorf("posting is %s", s)
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if err == nil || fault.Of(err).Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}

func TestUneventfulPaymentCostsThreeCalls(t *testing.T) {
	b := newBench(t)
	var sent map[string]any
	b.erp.put = func(s map[string]any) { sent = s }
	out, err := b.handle(t)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"PUT Payment", "POST Payment/ReleasePayment", "GET Payment/Payment/000001"}
	if diff := cmp.Diff(want, b.erp.seen()); diff != "" {
		t.Error(diff)
	}
	b.oneReleased(t, "000001")
	if got := sent["PaymentAmount"].(map[string]any)["value"]; got != json.Number("120.50") {
		t.Errorf("amount sent as %v", got)
	}
	if out.Outcome != schemas.Applied || out.Document != "payment" || out.EventID != "evt_1" {
		t.Errorf("outcome %+v", out)
	}
	for _, r := range []schemas.Ref{
		{System: schemas.Stripe, Kind: "invoice", ID: "in_1"},
		{System: schemas.Acumatica, Kind: "Payment", ID: "Payment 000001"},
		{System: schemas.Acumatica, Kind: "Invoice", ID: "Invoice AR000001"},
		{System: schemas.Stripe, Kind: "charge", ID: "ch_1"},
	} {
		if !slices.Contains(out.Refs, r) {
			t.Errorf("ref %v is missing in %v", r, out.Refs)
		}
	}
	back := b.mem.intents[0]
	if back.ID != "default/stripe/invoice/annotate/in_1@ch_1" || string(back.Fields) != `{"id":"in_1","metadata":{"acumatica_payment":"000001"}}` {
		t.Errorf("write-back %s %s", back.ID, back.Fields)
	}
}

func TestSecondHandlingIsADuplicateWithoutCalls(t *testing.T) {
	b := newBench(t)
	if _, err := b.handle(t); err != nil {
		t.Fatal(err)
	}
	before := b.erp.count()
	b.restart(t)
	out, err := b.handle(t)
	if err != nil || out.Outcome != schemas.Duplicate || !strings.Contains(out.Reason, "Payment 000001") {
		t.Errorf("%+v %v", out, err)
	}
	// The posting has expired: the link still tells.
	clear(b.mem.records)
	clear(b.mem.rev)
	out, err = b.handle(t)
	if err != nil || out.Outcome != schemas.Duplicate || b.erp.count() != before {
		t.Errorf("%+v %v, %d calls", out, err, b.erp.count()-before)
	}
}

func TestPrepaymentWithoutDocumentStaysOpen(t *testing.T) {
	b := newBench(t)
	in := intent(func(in *schemas.Intent, f map[string]any) {
		f["Type"] = "Prepayment"
		delete(f, "DocumentsToApply")
		in.WriteBack = nil
	})
	out, err := b.sink.Handle(t.Context(), b.message(in))
	if err != nil || out.Outcome != schemas.Applied || b.erp.count() != 3 || len(b.mem.intents) != 0 {
		t.Errorf("%+v %v", out, err)
	}
}

// once fails the first request that matches.
func once(method, path string, with int) func(string, string) int {
	used := false
	return func(m, p string) int {
		if used || m != method || p != path {
			return 0
		}
		used = true
		return with
	}
}

func cutOnce(method, path string) func(string, string) bool {
	f := once(method, path, 1)
	return func(m, p string) bool { return f(m, p) != 0 }
}

func TestSavedPutWithALostAnswerIsFoundNotRepeated(t *testing.T) {
	b := newBench(t)
	b.erp.after = cutOnce(http.MethodPut, "Payment")
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.cut")
	if s := b.mem.state(t); s.State != posting.Sent || s.Sends != 1 {
		t.Fatalf("posting %+v", s)
	}
	before := b.erp.count()
	_, err = b.handle(t)
	wantCode(t, err, "acumatica.uncertain")
	if d := fault.Of(err).RetryAfter; d != settleDelay || b.erp.count() != before {
		t.Errorf("retry after %v, %d calls", d, b.erp.count()-before)
	}
	b.clock = b.clock.Add(settleDelay)
	if _, err = b.handle(t); err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000001")
}

func TestFailedPutWithAnOpenEndIsSentAgainAfterASearch(t *testing.T) {
	b := newBench(t)
	b.erp.before = once(http.MethodPut, "Payment", 503)
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.unreachable")
	b.clock = b.clock.Add(settleDelay)
	if _, err = b.handle(t); err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000001")
	want := []string{"PUT Payment", "GET Payment", "PUT Payment", "GET Payment", "POST Payment/ReleasePayment", "GET Payment/Payment/000001"}
	if diff := cmp.Diff(want, b.erp.seen()); diff != "" {
		t.Error(diff)
	}
}

func TestLateCopyIsDeletedBeforeTheRelease(t *testing.T) {
	b := newBench(t)
	b.erp.before = once(http.MethodPut, "Payment", 503)
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.unreachable")
	b.clock = b.clock.Add(settleDelay)
	searches := 0
	b.erp.mu.Lock()
	b.erp.onSearch = func(e *erp) {
		if searches++; searches == 2 { // the first send arrives only now
			e.add("000900", "Balanced")
		}
	}
	b.erp.mu.Unlock()
	out, err := b.handle(t)
	if err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000001")
	if !strings.Contains(out.Reason, "deleted the unreleased copy 000900") {
		t.Errorf("reason %q", out.Reason)
	}
}

// While our document is in the ledger, an unreleased one with its reference is a
// copy. Once somebody has voided ours, it is what they put in its place.
func TestWhatReplacesAVoidedDocumentIsNotACopy(t *testing.T) {
	for status, left := range map[string]int{"Closed": 1, "Voided": 2} {
		t.Run(status, func(t *testing.T) {
			b := newBench(t)
			b.erp.before = once(http.MethodPut, "Payment", 503)
			_, err := b.handle(t)
			wantCode(t, err, "acumatica.unreachable")
			b.clock = b.clock.Add(settleDelay)
			if _, err := b.handle(t); err != nil {
				t.Fatal(err)
			}
			if len(b.mem.doubts) != 1 {
				t.Fatalf("%d doubts", len(b.mem.doubts))
			}
			b.erp.change(func() {
				b.erp.docs["000001"]["Status"] = acumatica.Value(status)
				b.erp.add("000900", "Balanced")
			})
			if err := b.sink.resolve(t.Context(), "default"); err != nil {
				t.Fatal(err)
			}
			b.erp.change(func() {
				if len(b.erp.docs) != left {
					t.Errorf("%d documents are left, want %d", len(b.erp.docs), left)
				}
			})
		})
	}
}

func TestOfTwoUnreleasedCopiesTheLowerNumberIsReleased(t *testing.T) {
	b := newBench(t)
	b.erp.after = func(m, _ string) bool { return m == http.MethodPut }
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.cut")
	b.erp.change(func() { b.erp.add("000077", "Balanced") })
	b.clock = b.clock.Add(settleDelay)
	if _, err := b.handle(t); err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000001")
}

func TestReferenceThatDiffersInCaseIsAStrangers(t *testing.T) {
	b := newBench(t)
	b.erp.change(func() {
		b.erp.add("000500", "On Hold")
		b.erp.docs["000500"]["PaymentRef"] = acumatica.Value("CH_1")
		b.erp.before = once(http.MethodPut, "Payment", 503)
	})
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.unreachable")
	b.clock = b.clock.Add(settleDelay)
	if _, err := b.handle(t); err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000001")
	if got := b.erp.in("On Hold"); len(got) != 1 {
		t.Error("the stranger's document was touched")
	}
}

func TestTwoReleasedCopiesAreForAPerson(t *testing.T) {
	b := newBench(t)
	b.erp.after = func(m, _ string) bool { return m == http.MethodPut }
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.cut")
	b.erp.change(func() { b.erp.add("000077", "Closed") })
	b.erp.change(func() { b.erp.add("000078", "Open") })
	b.clock = b.clock.Add(settleDelay)
	_, err = b.handle(t)
	wantCode(t, err, "acumatica.duplicate")
	if got := b.erp.in("Balanced"); len(got) != 1 {
		t.Errorf("nothing may be touched: %v", got)
	}
	b.erp.change(func() { b.erp.docs["000078"]["Status"] = acumatica.Value("Voided") })
	if _, err := b.handle(t); err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000077")
}

func TestVoidedDocumentIsForAPerson(t *testing.T) {
	b := newBench(t)
	b.erp.after = func(m, _ string) bool { return m == http.MethodPut }
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.cut")
	b.erp.change(func() { b.erp.docs["000001"]["Status"] = acumatica.Value("Voided") })
	b.clock = b.clock.Add(settleDelay)
	_, err = b.handle(t)
	wantCode(t, err, "acumatica.voided")
}

func TestReleaseWithALostAnswerIsReadNotRepeated(t *testing.T) {
	b := newBench(t)
	b.erp.after = cutOnce(http.MethodPost, "Payment/ReleasePayment")
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.cut")
	b.restart(t)
	if _, err = b.handle(t); err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000001")
	if b.erp.count() != 3 {
		t.Errorf("requests %v", b.erp.seen())
	}
}

func TestReleaseThatNeverArrivedIsAskedForAgain(t *testing.T) {
	b := newBench(t)
	b.erp.before = once(http.MethodPost, "Payment/ReleasePayment", 502)
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.unreachable")
	_, err = b.handle(t)
	wantCode(t, err, "acumatica.uncertain")
	b.clock = b.clock.Add(settleDelay)
	if _, err = b.handle(t); err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000001")
}

func TestClosedPeriodAtReleaseIsParkedAndGoesOnAfterTheFix(t *testing.T) {
	b := newBench(t)
	closed := true
	b.erp.before = func(m, _ string) int {
		if m == http.MethodPost && closed {
			return 500
		}
		return 0
	}
	b.erp.body = func(string, string) string {
		return `{"exceptionType":"PX.Data.PXException","exceptionMessage":"The 01-2024 financial period is closed in the MAIN company."}`
	}
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.period_closed")
	if fault.KindOf(err) != fault.Rejected || fault.Of(err).Hint == "" {
		t.Errorf("kind %v", fault.KindOf(err))
	}
	b.erp.change(func() { closed = false })
	if _, err = b.handle(t); err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000001")
}

func TestOldMessageIsSearchedBeforeItIsSent(t *testing.T) {
	b := newBench(t)
	b.erp.change(func() { b.erp.add("000042", "Balanced") })
	m := b.message(intent(nil))
	m.Stored = b.clock.Add(-200 * 24 * time.Hour)
	if _, err := b.sink.Handle(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000042")
}

func TestDeletedDraftIsSentAnew(t *testing.T) {
	b := newBench(t)
	b.erp.saved = func(d map[string]any) { d["Status"] = acumatica.Value("On Hold") }
	_, err := b.handle(t)
	wantCode(t, err, "acumatica.not_releasable")
	b.erp.change(func() { clear(b.erp.docs) })
	b.erp.change(func() { b.erp.saved = nil })
	if _, err := b.handle(t); err != nil {
		t.Fatal(err)
	}
	b.oneReleased(t, "000002")
}

func TestOvertakenWorkerStopsBeforeItWrites(t *testing.T) {
	b := newBench(t)
	b.sink.at = func(point string) {
		if point != "claimed" {
			return
		}
		if _, err := b.mem.Claim(t.Context(), "default", intent(nil).ID); err != nil {
			t.Error(err)
		}
	}
	_, err := b.handle(t)
	wantCode(t, err, "posting.fenced")
	if b.erp.count() != 0 {
		t.Errorf("requests %v", b.erp.seen())
	}
}

func TestConflictingLinkIsReportedAndPostingStaysOpen(t *testing.T) {
	b := newBench(t)
	b.sink.at = func(p string) {
		if p == "status_read" {
			b.mem.links["ch_1"] = link.Link{AcumaticaID: "Payment 000099", StripeID: "ch_1"}
		}
	}
	_, err := b.handle(t)
	wantCode(t, err, "link.conflict")
	if s := b.mem.state(t).State; s != posting.Released {
		t.Errorf("posting is %s", s)
	}
}
