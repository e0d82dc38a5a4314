package acusink

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
	"millrace/internal/bus"
	"millrace/internal/bustest"
	"millrace/internal/config"
	"millrace/internal/link"
	"millrace/internal/service"
	"millrace/schemas"
)

// The whole service on a real broker: an intent in, an outcome, a link and a
// write-back out.
func TestServiceCarriesOutAnIntent(t *testing.T) {
	twin, err := acumaticatwin.New(acumaticatwin.Options{Username: "bridge", Password: "password"})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(twin.Handler())
	t.Cleanup(web.Close)
	customer := twin.AddCustomer(acumaticatwin.Customer{Name: "Sierra Trail"})
	invoice := twin.AddInvoice(acumaticatwin.Invoice{CustomerID: customer, Lines: []acumaticatwin.InvoiceLine{
		{Description: "Tent", Qty: decimal.New(1, 0), UnitPrice: decimal.New(12050, -2)},
	}})
	b := bustest.New(t, "default")
	in := intent(func(_ *schemas.Intent, f map[string]any) {
		f["CustomerID"], f["CashAccount"] = customer, acumaticatwin.SeedCashAccountUSD
		f["ApplicationDate"] = time.Now().UTC().Format(time.DateOnly)
		f["DocumentsToApply"] = []any{map[string]any{"DocType": "Invoice", "ReferenceNbr": invoice, "AmountPaid": "120.50"}}
	})
	if _, err := b.PublishIntent(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	rt := &service.Runtime{Log: slog.New(slog.DiscardHandler), Bus: b, Config: &config.Config{Connections: []config.Connection{{
		Name:      "default",
		Acumatica: config.Acumatica{URL: web.URL, Endpoint: "Default/24.200.001", Username: "bridge", Password: "password", SettleDelay: time.Second},
	}}}}
	t.Cleanup(func() { _ = rt.Stop(context.Background()) })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, rt) }()
	out := firstOutcome(t, b)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if out.Outcome != schemas.Applied || out.Calls.Acumatica != 3 || out.IntentID != in.ID {
		t.Errorf("outcome %+v", out)
	}
	if p := twin.Payments(); len(p) != 1 || p[0].Status != "Closed" {
		t.Errorf("payments %+v", p)
	}
	if l, found, err := link.New(b).ByStripe(t.Context(), "default", link.Payment, "ch_1"); err != nil || !found || l.AcumaticaID != "Payment 000001" {
		t.Errorf("link %+v %v %v", l, found, err)
	}
}

var errEnough = errors.New("enough")

func firstOutcome(t *testing.T, b *bus.Bus) schemas.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var out schemas.Outcome
	err := b.Follow(ctx, bus.Outcomes, 1, func(m *bus.Message) error {
		if err := json.Unmarshal(m.Event.Data, &out); err != nil {
			return err
		}
		return errEnough
	})
	if !errors.Is(err, errEnough) {
		t.Fatalf("no outcome: %v", err)
	}
	return out
}
