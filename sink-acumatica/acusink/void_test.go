package acusink

import (
	"testing"

	"millrace/internal/link"
	"millrace/schemas"
)

// voidIntent voids the payment of 120.50 of a charge.
func voidIntent(charge string, edit func(*schemas.Intent, *schemas.AcumaticaPaymentVoid)) schemas.Intent {
	f := &schemas.AcumaticaPaymentVoid{
		Payment: schemas.LinkRef{Kind: link.Payment, ID: charge}, PaymentRef: charge, CurrencyID: "USD", PaymentAmount: "120.50", ApplicationDate: "2026-03-02",
	}
	return intentOf("payment", charge, f, func(in *schemas.Intent) { in.Verb = "void"; edit(in, f) })
}

func TestVoidMalformed(t *testing.T) {
	for name, edit := range map[string]func(*schemas.AcumaticaPaymentVoid){
		"of something else": func(f *schemas.AcumaticaPaymentVoid) { f.Payment.Kind = link.Refund },
		"of nothing":        func(f *schemas.AcumaticaPaymentVoid) { f.Payment.ID = "" },
		"no amount":         func(f *schemas.AcumaticaPaymentVoid) { f.PaymentAmount = "-1" },
		"no date":           func(f *schemas.AcumaticaPaymentVoid) { f.ApplicationDate = "2026" },
	} {
		t.Run(name, func(t *testing.T) {
			n := newTenant(t, false, 0)
			_, count, err := n.do(t, voidIntent("ch_1", func(_ *schemas.Intent, f *schemas.AcumaticaPaymentVoid) { edit(f) }))
			wantCode(t, err, "acumatica.intent_malformed")
			if count != 0 {
				t.Errorf("%d calls", count)
			}
		})
	}
}
