package reconcile

import (
	"strings"
	"testing"
	"time"

	"millrace/internal/bustest"
	"millrace/internal/fault"
)

func TestASignatureIsKeptOnceAndNeverChanged(t *testing.T) {
	s := NewSignatures(bustest.New(t, connection))
	st := &Statement{Connection: connection, Period: "2026-03", Currency: "USD", Difference: "0.00"}
	first, err := s.Sign(t.Context(), st, "Ann", now())
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Sign(t.Context(), st, "Ann", now().Add(time.Hour))
	if err != nil || again != first {
		t.Errorf("again: %+v, %v", again, err)
	}
	if _, err := s.Sign(t.Context(), st, "Bob", now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	st.Documents = "1.00"
	if _, err := s.Sign(t.Context(), st, "Ann", now().Add(2*time.Hour)); err != nil {
		t.Error(err)
	}
	all, err := s.History(t.Context(), connection)
	if err != nil || len(all) != 3 || all[0] != first || all[1].By != "Bob" || all[2].Hash == first.Hash {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestASignatureIsOfTheStatementThatWasSeen: under other figures it is told as
// one of before, and the list says that it is out of date.
func TestASignatureIsOfTheStatementThatWasSeen(t *testing.T) {
	store := NewSignatures(bustest.New(t, connection))
	w := twoMonths(t)
	w.post()
	march := w.months("2026-03", "2026-03")[0]
	if again := w.months("2026-03", "2026-05")[0]; march.Hash == "" || again.Hash != march.Hash {
		t.Errorf("it depends on what else is asked for:\n%s\n%s", dump(march), dump(again))
	}
	if _, err := store.Sign(t.Context(), march, "Ann Ledger", now()); err != nil {
		t.Fatal(err)
	}
	w.foreign("2026-03-20", 1_00)
	changed := w.months("2026-03", "2026-03")[0]
	for _, tt := range []struct {
		s    *Statement
		old  bool
		says string
	}{
		{march, false, "signed by Ann Ledger on 2026-05-12\n"},
		{changed, true, "signed by Ann Ledger on 2026-05-12; the statement changed since"},
	} {
		if err := store.State(t.Context(), tt.s); err != nil {
			t.Fatal(err)
		}
		all, err := store.History(t.Context(), connection)
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		old, err := store.Outdated(t.Context(), all)
		if err != nil || old[0] != tt.old {
			t.Errorf("out of date: %v, %v", old, err)
		}
		var text, html strings.Builder
		tt.s.PrintSigned(&text, all)
		if !strings.Contains(text.String(), tt.says) || !strings.Contains(text.String(), tt.s.Hash) {
			t.Errorf("%s", text.String())
		}
		if err := HTML(&html, []*Statement{tt.s}, all, now()); err != nil {
			t.Fatal(err)
		}
		if page := html.String(); strings.Contains(page, "Signed off") == tt.old || strings.Contains(page, "changed since") != tt.old || !strings.Contains(page, tt.s.Hash) {
			t.Errorf("%s", page)
		}
	}
}

func TestWhatIsNotFinalIsNotSigned(t *testing.T) {
	store := NewSignatures(bustest.New(t, connection))
	w := twoMonths(t)
	w.payouts[2].Status = "in_transit"
	w.post()
	empty := *w.ofPayout("po_1")
	empty.Matched = 0
	for name, s := range map[string]*Statement{"in transit": w.ofPayout("po_3"), "nothing matched": &empty, "off": {Currency: "USD", Period: "2026-03", off: 1}} {
		if _, err := store.Sign(t.Context(), s, "Ann", now()); err == nil || fault.Of(err).Code != "reconcile.not_signed" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := store.Sign(t.Context(), w.ofPayout("po_1"), "Ann", now()); err != nil {
		t.Error(err)
	}
}
