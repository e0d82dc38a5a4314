package stripesink

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"millrace/internal/budget"
	"millrace/internal/bus"
	"millrace/internal/bustest"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/internal/stripeapi"
	"millrace/internal/stripetwin"
	"millrace/schemas"
)

// waiting is a sink whose first write waits for a budget that is spent, and the
// function that lets it go on.
func waiting(t *testing.T) (b *bus.Bus, api *stripeapi.Client, in schemas.Intent, ended <-chan error, goOn func()) {
	t.Helper()
	twin, err := stripetwin.New(stripetwin.Options{APIKey: "sk_test_sink"})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(twin.Handler())
	t.Cleanup(web.Close)
	b = bustest.New(t, connection)
	spent, err := budget.New(b, budget.Options{System: "stripe", Connection: connection, Concurrent: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = spent.Close(t.Context()) })
	client, err := stripeapi.New(stripeapi.Config{APIKey: "sk_test_sink", BaseURL: web.URL, Limiter: spent})
	if err != nil {
		t.Fatal(err)
	}
	if api, err = stripeapi.New(stripeapi.Config{APIKey: "sk_test_sink", BaseURL: web.URL}); err != nil {
		t.Fatal(err)
	}
	in = customerIntent("1", "Ada")
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	sending, end := make(chan func(), 1), make(chan error, 1)
	sink := New(map[string]API{connection: client}, claims(posting.New(b, "one")), link.New(b))
	sink.at = func(point string) {
		if point == "saved "+string(posting.Sent) {
			done, err := spent.Admit(t.Context())
			if err != nil {
				t.Error(err)
			}
			sending <- done
		}
	}
	go func() {
		m := &bus.Message{Stream: bus.Intents, Seq: 1, Stored: time.Now(), Subject: bus.Subject{Connection: connection, Lane: in.Lane, A: in.Target, B: in.Document, C: in.Verb}, Event: bus.Event{ID: in.ID, Data: data}}
		_, err := sink.Handle(t.Context(), m)
		end <- err
	}()
	select {
	case goOn = <-sending:
	case err := <-end:
		t.Fatalf("ended before it sent anything: %v", err)
	}
	return b, api, in, end, goOn
}

func customers(t *testing.T, api *stripeapi.Client) int {
	t.Helper()
	all, err := api.ListCustomers(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// A hold does not lapse while a request waits for the budget.
func TestAPostingStaysHeldWhileARequestWaits(t *testing.T) {
	t.Parallel()
	b, api, in, ended, goOn := waiting(t)
	select {
	case err := <-ended:
		t.Fatalf("did not wait: %v", err)
	case <-time.After(posting.RenewEvery + time.Second):
	}
	soon := posting.New(b, "two").WithClock(func() time.Time { return time.Now().Add(posting.HoldFor - posting.RenewEvery) })
	if _, err := soon.Claim(t.Context(), connection, in.ID); fault.Of(err).Code != "posting.held" {
		t.Errorf("another worker: %v, want posting.held", err)
	}
	goOn()
	if err := <-ended; err != nil || customers(t, api) != 1 {
		t.Errorf("ended with %v", err)
	}
}

// A worker that lost its posting while it waited writes nothing when its turn
// comes.
func TestAWorkerThatWasOvertakenInTheBudgetSendsNothing(t *testing.T) {
	t.Parallel()
	b, api, in, ended, goOn := waiting(t)
	later := posting.New(b, "two").WithClock(func() time.Time { return time.Now().Add(2 * posting.HoldFor) })
	if _, err := later.Claim(t.Context(), connection, in.ID); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; fault.Of(err).Code != "posting.fenced" {
		t.Errorf("ended with %v, want posting.fenced", err)
	}
	goOn()
	if n := customers(t, api); n != 0 {
		t.Errorf("%d customers", n)
	}
}
