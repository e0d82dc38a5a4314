package demo

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
)

func TestTheMostThatADocumentWasWorth(t *testing.T) {
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	w := worths{list: map[string][]worth{"AR1": {{at(1), 100}, {at(3), 40}, {at(5), 90}, {at(7), 0}}}}
	for _, tt := range []struct {
		from, until int
		want        int64
	}{{0, 0, 0}, {0, 1, 100}, {2, 2, 100}, {2, 4, 100}, {4, 4, 40}, {4, 6, 90}, {6, 8, 90}, {8, 9, 0}} {
		if got := w.most("AR1", at(tt.from), at(tt.until)); got != tt.want {
			t.Errorf("from %d until %d: %d, want %d", tt.from, tt.until, got, tt.want)
		}
	}
}

func TestWhatIsOnHoldIsWorthNothing(t *testing.T) {
	var w worths
	for _, i := range []acumaticatwin.InvoiceView{
		{Type: "Invoice", ReferenceNbr: "AR1", Status: "Open", Balance: decimal.New(1050, -2)},
		{Type: "Debit Memo", ReferenceNbr: "DM1", Status: "Reserved", Balance: decimal.New(1050, -2)},
		{Type: "Credit Memo", ReferenceNbr: "CM1", Status: "Open", Balance: decimal.New(1050, -2)},
	} {
		w.note(i)
	}
	later := time.Now().Add(time.Hour)
	if a, d, c := w.most("AR1", later, later), w.most("DM1", later, later), w.most("CM1", later, later); a != 1050 || d != 0 || c != 0 {
		t.Errorf("%d, %d, %d", a, d, c)
	}
}
