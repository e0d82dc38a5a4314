package stripesink

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/bustest"
	"millrace/internal/link"
	"millrace/internal/sinktest"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

func TestCustomerConforms(t *testing.T) {
	sinktest.Run(t, bustest.New(t), newProcess, sinktest.Kind{Target: schemas.Stripe, Prepare: customerDocument})
}

// TestCustomerUpdateConforms: the customer was linked long ago.
func TestCustomerUpdateConforms(t *testing.T) {
	sinktest.Run(t, bustest.New(t), newProcess, sinktest.Kind{Target: schemas.Stripe, Prepare: func(tb testing.TB, w *sinktest.World) sinktest.Document {
		tb.Helper()
		d := customerDocument(tb, w)
		c, err := newClient(tb, w).CreateCustomer(tb.Context(), "long ago", schemas.StripeCustomer{Name: "Adda"})
		if err == nil {
			err = w.Links().Put(tb.Context(), w.Connection, link.Link{Kind: link.Customer, AcumaticaID: "C1", StripeID: c.ID})
		}
		if err != nil {
			tb.Fatal(err)
		}
		return d
	}})
}

func customerDocument(tb testing.TB, w *sinktest.World) sinktest.Document {
	tb.Helper()
	want := func(version, name string) sinktest.Wanted {
		return sinktest.Wanted{Intent: in(w, customerIntent(version, name)), Facts: "C1 is " + name + " ap@c1.example n-1"}
	}
	api := newClient(tb, w)
	return sinktest.Document{
		Intent: want("2026-03-02T10:00:00.12+01:00", "Ada"), Next: want("2026-03-02T09:30:00.1+00:00", "Ada Ltd"), Link: link.Customer, Stays: true,
		Entries: func(ctx context.Context, _ string) ([]sinktest.Entry, error) { return customerEntries(ctx, api) },
	}
}

func TestInvoiceConforms(t *testing.T) {
	sinktest.Run(t, bustest.New(t), newProcess, sinktest.Kind{Target: schemas.Stripe, Prepare: func(tb testing.TB, w *sinktest.World) sinktest.Document {
		tb.Helper()
		want := func(number string) sinktest.Wanted {
			i := in(w, invoiceIntent(func(f *schemas.StripeInvoice) {
				f.Number, f.Metadata = number, map[string]string{"acumatica_invoice": number}
				f.Lines, f.Total = f.Lines[:2], 12550
			}))
			i.Key = "Invoice " + number
			i.ID = schemas.IntentID(i.Connection, i.Target, i.Document, i.Verb, i.Key, i.Version)
			return sinktest.Wanted{Intent: i, Facts: "open 12550 usd due 2026-03-31: tax 2550, work 10000"}
		}
		api := newClient(tb, w)
		return sinktest.Document{
			First:  []schemas.Intent{in(w, customerIntent("", "Ada"))},
			Intent: want("AR000123"), Next: want("AR000124"), Link: link.Invoice,
			Entries: func(ctx context.Context, key string) ([]sinktest.Entry, error) {
				return invoiceEntries(ctx, api, strings.TrimPrefix(key, "Invoice "))
			},
		}
	}})
}

// TestCorrectionConforms: the document was changed in a way that takes each of
// the steps.
func TestCorrectionConforms(t *testing.T) {
	b := bustest.New(t)
	for _, tt := range []struct {
		name        string
		in, next    schemas.Intent
		facts, then string
	}{
		{
			"a credit note, and paid outside Stripe", revision(1, 0, lowering(memo20, cheque)), revision(2, 500, lowering(memo20, cheque)),
			"paid outside, 0 payable", "open, 500 payable",
		},
		{"a credit note, and written off", revision(1, 0, lowering(cheque, writeOff)), revision(2, 550, lowering(cheque)), "uncollectible, 0 payable", "open, 550 payable"},
		{"void", revision(1, 0, asVoid), revision(2, 7000, nil), "void, 0 payable", "open, 7000 payable"},
		{"a replacement", revision(1, 13000, nil), revision(2, 12000, lowering(memo20)), "open, 13000 payable", "open, 12000 payable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sinktest.Run(t, b, newProcess, sinktest.Kind{Target: schemas.Stripe, Prepare: func(tb testing.TB, w *sinktest.World) sinktest.Document {
				tb.Helper()
				api := newClient(tb, w)
				made(tb, w, customerIntent("", "Ada"), revision(0, 12050, nil))
				return sinktest.Document{
					Intent: sinktest.Wanted{Intent: in(w, tt.in), Facts: tt.facts}, Next: sinktest.Wanted{Intent: in(w, tt.next), Facts: tt.then},
					Link: link.Invoice,
					Entries: func(ctx context.Context, key string) ([]sinktest.Entry, error) {
						return correctionEntries(ctx, api, key)
					},
				}
			}})
		})
	}
}

// made lets the sink do what came before.
func made(tb testing.TB, w *sinktest.World, intents ...schemas.Intent) {
	tb.Helper()
	worker, err := newProcess(tb.Context(), w, sinktest.Process{Name: "before", At: func(string) {}})
	if err != nil {
		tb.Fatal(err)
	}
	for _, i := range intents {
		i = in(w, i)
		data, err := json.Marshal(i)
		if err != nil {
			tb.Fatal(err)
		}
		m := &bus.Message{
			Stream: bus.Intents, Stored: w.Clock.Now(), Event: bus.Event{ID: i.ID, Data: data},
			Subject: bus.Subject{Connection: w.Connection, Lane: i.Lane, A: i.Target, B: i.Document, C: i.Verb},
		}
		if out, err := worker.Handle(tb.Context(), m); err != nil || out.Outcome != schemas.Applied {
			tb.Fatalf("%s: %+v, %v", i.ID, out, err)
		}
	}
}

// correctionEntries is what became of the document since it was made, in one
// entry: what its newest invoice is, and what can be paid of all.
func correctionEntries(ctx context.Context, api *stripeapi.Client, key string) ([]sinktest.Entry, error) {
	customers, err := api.ListCustomers(ctx, time.Time{})
	if err != nil || len(customers) == 0 {
		return nil, err
	}
	all, err := api.ListInvoices(ctx, customers[0].ID, time.Time{})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	slices.SortFunc(all, func(a, b stripeapi.Invoice) int { return seriesOf(a) - seriesOf(b) })
	last, payable := all[len(all)-1], int64(0)
	for _, inv := range all {
		if inv.Status == statusOpen {
			payable += inv.Remaining
		}
	}
	if len(all) == 1 && payable == last.Total {
		return nil, nil // as it was made
	}
	what := last.Status
	if last.OutOfBand {
		what += " outside"
	}
	return []sinktest.Entry{{
		AcumaticaID: key, StripeID: last.ID, Effective: last.Status != statusDraft, Facts: fmt.Sprintf("%s, %d payable", what, payable),
	}}, nil
}

func TestAnnotateConforms(t *testing.T) {
	sinktest.Run(t, bustest.New(t), newProcess, sinktest.Kind{Target: schemas.Stripe, Prepare: func(tb testing.TB, w *sinktest.World) sinktest.Document {
		tb.Helper()
		api := newClient(tb, w)
		c, err := api.CreateCustomer(tb.Context(), "c", schemas.StripeCustomer{Name: "Ada"})
		if err != nil {
			tb.Fatal(err)
		}
		want := func(charge, payment string) sinktest.Wanted {
			inv, err := api.CreateInvoice(tb.Context(), "i"+charge, stripeapi.Draft{Customer: c.ID, Currency: "usd", Metadata: map[string]string{"acumatica_invoice": charge}})
			if err == nil {
				_, err = api.AddInvoiceItem(tb.Context(), "l"+charge, inv, stripeapi.Item{Description: "work", Amount: 12050})
			}
			if err == nil {
				inv, err = api.Finalize(tb.Context(), "f"+charge, inv.ID)
			}
			if err != nil {
				tb.Fatal(err)
			}
			i := in(w, intent("invoice", "annotate", inv.ID, charge, schemas.StripeMetadata{ID: inv.ID, Metadata: map[string]string{"acumatica_payment": payment}}))
			return sinktest.Wanted{Intent: i, Facts: charge + " " + payment}
		}
		return sinktest.Document{
			Intent: want("ch_1", "000007"), Next: want("ch_2", "000008"), Stays: true,
			Entries: func(ctx context.Context, key string) ([]sinktest.Entry, error) {
				inv, err := api.GetInvoice(ctx, key)
				if err != nil || inv.Metadata["acumatica_payment"] == "" {
					return nil, err
				}
				return []sinktest.Entry{{
					StripeID: inv.ID, Effective: true,
					Facts: inv.Metadata["acumatica_invoice"] + " " + inv.Metadata["acumatica_payment"],
				}}, nil
			},
		}
	}})
}

// newProcess is one process of the sink, as run starts it.
func newProcess(_ context.Context, w *sinktest.World, p sinktest.Process) (sinktest.Worker, error) {
	client, err := stripeapi.New(stripeapi.Config{
		APIKey: sinktest.StripeKey, BaseURL: w.URL, HTTPClient: &http.Client{Timeout: p.Timeout},
	})
	if err != nil {
		return sinktest.Worker{}, err
	}
	s := New(map[string]API{w.Connection: client}, claims(w.Postings(p.Name)), w.Links())
	s.now, s.at = w.Clock.Now, p.At
	return sinktest.Worker{Handle: s.Handle, Skip: s.Skip}, nil
}

func newClient(tb testing.TB, w *sinktest.World) *stripeapi.Client {
	tb.Helper()
	client, err := stripeapi.New(stripeapi.Config{APIKey: sinktest.StripeKey, BaseURL: w.URL})
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

// in is the intent in that world.
func in(w *sinktest.World, i schemas.Intent) schemas.Intent {
	i.Connection = w.Connection
	i.ID = schemas.IntentID(i.Connection, i.Target, i.Document, i.Verb, i.Key, i.Version)
	return i
}

// customerEntries are all customers of the account: there must be no other.
func customerEntries(ctx context.Context, api *stripeapi.Client) ([]sinktest.Entry, error) {
	all, err := api.ListCustomers(ctx, time.Time{})
	var entries []sinktest.Entry
	for _, c := range all {
		entries = append(entries, sinktest.Entry{
			AcumaticaID: c.Metadata[metaCustomer], StripeID: c.ID, Effective: !c.Deleted,
			Facts: fmt.Sprintf("%s is %s %s %s", c.Metadata[metaCustomer], c.Name, c.Email, c.Metadata["acumatica_note_id"]),
		})
	}
	return entries, err
}

// invoiceEntries are the invoices of that number, drafts and all.
func invoiceEntries(ctx context.Context, api *stripeapi.Client, number string) ([]sinktest.Entry, error) {
	customers, err := api.ListCustomers(ctx, time.Time{})
	if err != nil || len(customers) == 0 {
		return nil, err
	}
	all, err := api.ListInvoices(ctx, customers[0].ID, time.Time{})
	if err != nil {
		return nil, err
	}
	var entries []sinktest.Entry
	for _, inv := range all {
		if inv.Metadata["acumatica_invoice"] != number {
			continue
		}
		items, err := api.ListItems(ctx, inv.ID)
		if err != nil {
			return nil, err
		}
		var lines []string
		for _, i := range items {
			lines = append(lines, fmt.Sprint(i.Description, " ", i.Amount))
		}
		slices.Sort(lines)
		entries = append(entries, sinktest.Entry{
			AcumaticaID: "Invoice " + inv.Number, StripeID: inv.ID, Effective: inv.Status != statusDraft && inv.HostedURL != "",
			Facts: fmt.Sprintf("%s %d %s due %s: %s", inv.Status, inv.Total, inv.Currency, inv.DueDate.UTC().Format(time.DateOnly), strings.Join(lines, ", ")),
		})
	}
	return entries, nil
}
