package stripesink

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"millrace/internal/fault"
	"millrace/internal/posting"
	"millrace/internal/stripeapi"
	"millrace/internal/stripetwin"
	"millrace/schemas"
)

// wipe takes away what a data folder holds, long after the last write: no
// postings, no links, and Stripe has forgotten every idempotency key.
func (w *world) wipe() {
	clear(w.postings)
	clear(w.links)
	clear(w.byStripe)
	w.now = w.now.AddDate(0, 0, 2)
}

func TestAFreshDataFolderAdoptsWhatIsThere(t *testing.T) {
	w := newWorld(t)
	cust, in := customerIntent("1", "Ada"), invoiceIntent(nil)
	w.apply(cust, schemas.Applied)
	w.apply(in, schemas.Applied)
	w.wipe()

	if out := w.apply(cust, schemas.Applied); !strings.HasPrefix(out.Reason, "adopted") {
		t.Errorf("customer: %s", out.Reason)
	}
	w.cost(1, 0)
	w.oneCustomer()
	out := w.apply(in, schemas.Duplicate)
	w.cost(2, 0)
	w.oneInvoice(in)
	if !hasRef(out, "invoice", "in_") || !strings.HasSuffix(out.Reason, "the Stripe invoice AR000123 was there already") {
		t.Errorf("outcome %+v", out)
	}
	w.apply(in, schemas.Duplicate)
	w.cost(0, 0)
}

func TestAFreshDataFolderUpdatesACustomerThatChanged(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	w.wipe()
	w.apply(customerIntent("2", "Ada Ltd"), schemas.Applied)
	w.cost(2, 1)
	w.oneCustomer()
	if c := w.customers()[0]; c.Name != "Ada Ltd" {
		t.Errorf("customer %+v", c)
	}
}

func TestAnInvoiceThatWasPartPaidSinceIsNotBilledAgain(t *testing.T) {
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	w.apply(invoiceIntent(nil), schemas.Applied)
	w.wipe()
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	rest := invoiceIntent(func(f *schemas.StripeInvoice) { f.Lines, f.Total = f.Lines[:1], 10000 })
	w.crashAt = 2 // after it was linked
	if _, err := w.handle(rest, w.now); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	out := w.apply(rest, schemas.Applied)
	if all := w.invoices(); len(all) != 1 || w.links[connection+" invoice "+rest.Key].StripeID != all[0].ID {
		t.Errorf("invoices %+v, links %+v", all, w.links)
	}
	if inv := w.invoices()[0]; inv.Remaining != 10000 || !strings.Contains(out.Reason, "credited 20.50 USD of AR000123") {
		t.Errorf("outcome %+v, invoice %+v", out, inv)
	}
}

func TestAFreshDataFolderGoesOnWithADraft(t *testing.T) {
	for _, tt := range []struct {
		name string
		days int
		same bool
	}{
		{"in time", 2, true},
		{"past its due date", 40, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			cust, in := customerIntent("1", "Ada"), invoiceIntent(nil)
			w.apply(cust, schemas.Applied)
			w.crashAt = 5
			if _, err := w.handle(in, w.now); !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			draft := w.invoices()[0].ID
			w.wipe()
			w.now = w.now.AddDate(0, 0, tt.days-2)
			w.apply(cust, schemas.Applied)
			w.apply(in, schemas.Applied)
			w.oneInvoice(in)
			if id := w.invoices()[0].ID; (id == draft) != tt.same {
				t.Errorf("draft %s, invoice %s", draft, id)
			}
		})
	}
}

func TestWhichCustomerIsAdopted(t *testing.T) {
	mark := func(connection string) map[string]string {
		m := map[string]string{metaCustomer: "C1"}
		if connection != "" {
			m[metaConnection] = connection
		}
		return m
	}
	for _, tt := range []struct {
		name  string
		there []string // the connections that they are marked with
		want  int      // which of them; -1: a new one
		code  string
	}{
		{"ours", []string{connection}, 0, ""},
		{"one without a mark", []string{""}, 0, ""},
		{"ours, not the one without a mark", []string{"", connection}, 1, ""},
		{"none of another connection", []string{"other"}, -1, ""},
		{"the one without a mark, not that of another connection", []string{"other", ""}, 1, ""},
		{"two of ours", []string{connection, connection}, 0, "stripe.ambiguous"},
		{"two without a mark", []string{"", ""}, 0, "stripe.ambiguous"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			var ids []string
			for n, c := range tt.there {
				got, err := w.client.CreateCustomer(t.Context(), "key-"+string(rune('a'+n)), schemas.StripeCustomer{Name: "Adda", Metadata: mark(c)})
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, got.ID)
			}
			w.wipe()
			if tt.code != "" {
				err := w.refuse(customerIntent("1", "Ada"), tt.code)
				if fault.KindOf(err) != fault.Rejected || len(w.customers()) != len(ids) {
					t.Errorf("got %v", err)
				}
				return
			}
			w.apply(customerIntent("1", "Ada"), schemas.Applied)
			id := w.links[connection+" customer C1"].StripeID
			if tt.want < 0 {
				if len(w.customers()) != len(ids)+1 || id == ids[0] {
					t.Errorf("linked with %s of %v", id, ids)
				}
				return
			}
			if id != ids[tt.want] || len(w.customers()) != len(ids) {
				t.Errorf("linked with %s, want number %d of %v", id, tt.want, ids)
			}
			for _, c := range w.customers() {
				if c.ID == id && c.Metadata[metaConnection] != connection {
					t.Errorf("adopted without our mark: %+v", c) // or another connection may adopt it too
				}
			}
		})
	}
}

// revised shows one invoice as a revision that Stripe made of another, with
// its metadata.
type revised struct {
	API
	id string
}

func (r revised) show(all []stripeapi.Invoice, err error) ([]stripeapi.Invoice, error) {
	for n := range all {
		all[n].Revision = all[n].ID == r.id
	}
	return all, err
}

func (r revised) GetInvoice(ctx context.Context, id string) (stripeapi.Invoice, error) {
	inv, err := r.API.GetInvoice(ctx, id)
	inv.Revision = id == r.id
	return inv, err
}

func (r revised) ListInvoices(ctx context.Context, customer string, since time.Time) ([]stripeapi.Invoice, error) {
	return r.show(r.API.ListInvoices(ctx, customer, since))
}

func (r revised) SearchInvoices(ctx context.Context, key, value string) ([]stripeapi.Invoice, error) {
	return r.show(r.API.SearchInvoices(ctx, key, value))
}

func TestARevisionMadeInStripeIsLeftAlone(t *testing.T) {
	for _, uncertain := range []bool{false, true} {
		w := newWorld(t)
		cust, in := customerIntent("1", "Ada"), invoiceIntent(nil)
		w.apply(cust, schemas.Applied)
		w.apply(in, schemas.Applied)
		first := w.invoices()[0]
		copied, err := w.client.CreateInvoice(t.Context(), "by-hand", stripeapi.Draft{Customer: first.Customer, Currency: "usd", Metadata: first.Metadata})
		if err != nil {
			t.Fatal(err)
		}
		w.wipe()
		w.apply(cust, schemas.Applied)
		if uncertain {
			w.postings[connection+" "+in.ID] = posting.Record{IntentID: in.ID, State: posting.Sent, Sends: 1, SentAt: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)}
		}
		w.api = revised{w.client, copied.ID}
		if out, err := w.handle(in, w.now); err != nil {
			t.Fatal(out, err)
		}
		if l := w.links[connection+" invoice "+in.Key]; l.StripeID != first.ID || len(w.invoices()) != 2 {
			t.Errorf("linked with %s of %+v", l.StripeID, w.invoices())
		}
	}
}

// TestWithoutSearchTheListsAreRead: accounts in some countries have no search.
func TestWithoutSearchTheListsAreRead(t *testing.T) {
	w := newWorld(t)
	cust, in := customerIntent("1", "Ada"), invoiceIntent(nil)
	w.apply(cust, schemas.Applied)
	w.apply(in, schemas.Applied)
	w.wipe()
	for _, path := range []string{"/v1/customers/search", "/v1/invoices/search"} {
		if err := w.twin.AddFault(stripetwin.Fault{Method: "GET", PathPrefix: path, Count: 1, Mode: "status:404"}); err != nil {
			t.Fatal(err)
		}
	}
	w.apply(cust, schemas.Applied)
	w.apply(in, schemas.Duplicate)
	w.oneCustomer()
	w.oneInvoice(in)
}
