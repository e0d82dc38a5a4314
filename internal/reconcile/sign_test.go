package reconcile

import (
	"testing"
	"time"

	"millrace/internal/bustest"
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
