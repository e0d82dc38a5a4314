package acusink

import (
	"net/http/httptest"
	"testing"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/budget"
	"millrace/internal/bustest"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/schemas"
)

// A worker that lost its posting while it waited for the budget writes nothing
// when its turn comes: the other one may have searched by then, and sent.
func TestAWorkerThatWasOvertakenInTheBudgetSendsNothing(t *testing.T) {
	twin, err := acumaticatwin.New(acumaticatwin.Options{Username: "bridge", Password: "password"})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(twin.Handler())
	t.Cleanup(web.Close)
	b := bustest.New(t, "default")
	spent, err := budget.New(b, budget.Options{System: "acumatica", Connection: "default", Concurrent: 1})
	if err != nil {
		t.Fatal(err)
	}
	client, err := acumatica.New(acumatica.Config{
		BaseURL: web.URL, Endpoint: "Default/24.200.001", Username: "bridge", Password: "password", Limiter: spent,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = client.Close(t.Context()), spent.Close(t.Context()) })
	if err := client.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	customer := twin.AddCustomer(acumaticatwin.Customer{Name: "Sierra Trail"})
	in := intent(func(_ *schemas.Intent, f map[string]any) {
		f["Type"], f["CustomerID"], f["CashAccount"] = "Prepayment", customer, acumaticatwin.SeedCashAccountUSD
		f["ApplicationDate"] = time.Now().UTC().Format(time.DateOnly)
		delete(f, "DocumentsToApply")
	})
	sink := New(Options{
		Connections: map[string]Connection{"default": {Client: client, SettleDelay: time.Second}},
		Postings:    held{posting.New(b, "one")}, Links: link.New(b), Publisher: b, Doubts: kept{b.Bucket("doubts")},
	})
	done, err := spent.Admit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sending := make(chan struct{}, 8)
	sink.at = func(point string) {
		if point == "sent_saved" {
			sending <- struct{}{}
		}
	}
	ended := make(chan error, 1)
	go func() {
		_, err := sink.Handle(t.Context(), (&bench{clock: time.Now()}).message(in))
		ended <- err
	}()
	select {
	case <-sending:
	case err := <-ended:
		t.Fatalf("ended before it sent anything: %v", err)
	}
	later := posting.New(b, "two").WithClock(func() time.Time { return time.Now().Add(2 * posting.HoldFor) })
	if _, err := later.Claim(t.Context(), "default", in.ID); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; fault.Of(err).Code != "posting.fenced" {
		t.Errorf("ended with %v, want posting.fenced", err)
	}
	done()
	if p := twin.Payments(); len(p) != 0 {
		t.Errorf("payments %+v", p)
	}
}
