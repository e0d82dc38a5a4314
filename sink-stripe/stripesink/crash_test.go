package stripesink

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"millrace/internal/fault"
	"millrace/internal/stripetwin"
	"millrace/schemas"
)

// pauses are how long a crashed sink stays away: within the life of
// idempotency keys, and beyond it, when the twin has forgotten them.
var pauses = []time.Duration{time.Second, 30 * time.Hour}

func TestACrashBetweenAnyTwoStepsMakesNothingTwice(t *testing.T) {
	for _, tt := range []struct {
		name  string
		in    schemas.Intent
		setup func(*world)
		check func(*world, schemas.Intent)
	}{
		{"customer", customerIntent("1", "Ada"), func(*world) {}, func(w *world, _ schemas.Intent) { w.oneCustomer() }},
		{"invoice", invoiceIntent(nil), func(w *world) { w.apply(customerIntent("1", "Ada"), schemas.Applied) }, (*world).oneInvoice},
	} {
		calm := newWorld(t)
		tt.setup(calm)
		calm.apply(tt.in, schemas.Applied)
		for n, point := range calm.points {
			for _, pause := range pauses {
				t.Run(fmt.Sprintf("%s at %s for %s", tt.name, point, pause), func(t *testing.T) {
					w := newWorld(t)
					tt.setup(w)
					stored := w.now
					w.crashAt = n + 1
					if _, err := w.handle(tt.in, stored); !errors.Is(err, errCrash) {
						t.Fatalf("no crash: %v", err)
					}
					w.now = w.now.Add(pause)
					want := schemas.Applied
					if n == len(calm.points)-1 {
						want = schemas.Duplicate
					}
					if out, err := w.handle(tt.in, stored); err != nil || out.Outcome != want {
						t.Fatalf("got %+v, %v; want %s", out, err, want)
					}
					tt.check(w, tt.in)
					w.apply(tt.in, schemas.Duplicate)
					w.cost(0, 0)
				})
			}
		}
	}
}

func TestALostAnswerMakesNothingTwice(t *testing.T) {
	const writes = 5 // the draft, three items, the finalisation
	for n := 1; n <= writes; n++ {
		for _, pause := range pauses {
			t.Run(fmt.Sprintf("write %d of the invoice, %s", n, pause), func(t *testing.T) {
				w := newWorld(t)
				w.apply(customerIntent("1", "Ada"), schemas.Applied)
				in, stored := invoiceIntent(nil), w.now
				w.cutWrite = w.writes + n
				if _, err := w.handle(in, stored); fault.Of(err).Code != "stripe.unreachable" || fault.KindOf(err) != fault.Down {
					t.Fatalf("got %v", err)
				}
				w.now = w.now.Add(pause)
				if out, err := w.handle(in, stored); err != nil || out.Outcome != schemas.Applied {
					t.Fatalf("got %+v, %v", out, err)
				}
				w.oneInvoice(in)
			})
		}
	}
	for _, pause := range pauses {
		t.Run(fmt.Sprintf("of the customer, %s", pause), func(t *testing.T) {
			w := newWorld(t)
			w.cutWrite = 1
			in, stored := customerIntent("1", "Ada"), w.now
			if _, err := w.handle(in, stored); fault.KindOf(err) != fault.Down {
				t.Fatalf("got %v", err)
			}
			w.now = w.now.Add(pause)
			if out, err := w.handle(in, stored); err != nil || out.Outcome != schemas.Applied {
				t.Fatalf("got %+v, %v", out, err)
			}
			w.oneCustomer()
		})
	}
}

// A 500 is stored under its idempotency key: trying the same key again only
// brings the same 500 back, and the write may have happened or not.
func TestAStored500IsLookedUpAndNotRepeatedForEver(t *testing.T) {
	for _, tt := range []struct {
		path string
		in   schemas.Intent
	}{
		{"/v1/customers", customerIntent("1", "Ada")},
		{"/v1/invoices", invoiceIntent(nil)},
		{"/v1/invoiceitems", invoiceIntent(nil)},
		{"/v1/invoices/", invoiceIntent(nil)},
	} {
		t.Run(tt.path, func(t *testing.T) {
			w := newWorld(t)
			if tt.in.Document == "invoice" {
				w.apply(customerIntent("1", "Ada"), schemas.Applied)
			}
			if err := w.twin.AddFault(stripetwin.Fault{Method: "POST", PathPrefix: tt.path, Count: 1, Mode: "status_after_commit:500"}); err != nil {
				t.Fatal(err)
			}
			if err := w.refuse(tt.in, "stripe.server_error"); fault.KindOf(err) != fault.Transient {
				t.Fatalf("got %v", err)
			}
			w.apply(tt.in, schemas.Applied)
			w.oneCustomer()
			if tt.in.Document == "invoice" {
				w.oneInvoice(tt.in)
			}
		})
	}
}

func TestAFailureKeptUnderAKeyIsTriedUnderAnother(t *testing.T) {
	for n := 1; n <= 6; n++ { // the customer, the draft, three items, the finalisation
		t.Run(fmt.Sprintf("write %d", n), func(t *testing.T) {
			w := newWorld(t)
			w.failKey = n
			cust, in := customerIntent("1", "Ada"), invoiceIntent(nil)
			if n == 1 {
				_ = w.refuse(cust, "stripe.server_error")
			}
			w.apply(cust, schemas.Applied)
			if n > 1 {
				_ = w.refuse(in, "stripe.server_error")
			}
			w.apply(in, schemas.Applied)
			w.oneCustomer()
			w.oneInvoice(in)
		})
	}
}

func TestARefusalBeforeExecutionIsTriedAgain(t *testing.T) {
	for mode, code := range map[string]string{
		"status:429": "stripe.rate_limited", "status:503": "stripe.unreachable", "status:401": "stripe.credentials",
		"status:403": "stripe.permission", "cut_before": "stripe.unreachable",
		"status:429:lock_timeout": "stripe.rate_limited", "status:401:api_key_expired": "stripe.credentials", "bad_gateway": "stripe.unreachable",
	} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t)
			w.apply(customerIntent("1", "Ada"), schemas.Applied)
			if err := w.twin.AddFault(stripetwin.Fault{Method: "POST", PathPrefix: "/v1/invoiceitems", Count: 1, Mode: mode}); err != nil {
				t.Fatal(err)
			}
			in := invoiceIntent(nil)
			_ = w.refuse(in, code)
			w.apply(in, schemas.Applied)
			w.oneInvoice(in)
		})
	}
}
