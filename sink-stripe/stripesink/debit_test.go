package stripesink

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// debit pays an invoice from a bank account, which takes days.
func (w *world) debit(id, account string) {
	w.t.Helper()
	post := func(path string, form url.Values) string {
		w.t.Helper()
		req := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
		req.Header.Set("Authorization", "Bearer sk_test_sink")
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rec := httptest.NewRecorder()
		w.twin.Handler().ServeHTTP(rec, req)
		var got struct{ ID string }
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || rec.Code != http.StatusOK {
			w.t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
		}
		return got.ID
	}
	customer := w.links[connection+" customer C1"].StripeID
	method := post("/v1/payment_methods/"+account+"/attach", url.Values{"customer": {customer}})
	post("/v1/invoices/"+id+"/pay", url.Values{"payment_method": {method}})
}

// debited is a world with an invoice over 120.50 that is being debited.
func debited(t *testing.T, account string) *world {
	t.Helper()
	w := newWorld(t)
	w.apply(customerIntent("1", "Ada"), schemas.Applied)
	w.apply(revision(0, 12050, nil), schemas.Applied)
	w.debit(w.invoices()[0].ID, account)
	w.now = w.now.Add(time.Minute)
	return w
}

func (w *world) waits() string {
	return w.links[connection+" invoice Invoice AR000123"].Attributes[attrWaits]
}

func TestABankDebitUnderWayHoldsNoLane(t *testing.T) {
	for name, change := range map[string]schemas.Intent{
		"lowered": revision(1, 7050, lowering(cheque)), "paid otherwise": revision(1, 0, lowering(cheque)),
		"raised": revision(1, 13000, nil), "voided": revision(1, 0, asVoid),
	} {
		t.Run(name, func(t *testing.T) {
			w := debited(t, "pm_usBankAccount_insufficientFunds")
			out := w.apply(change, schemas.Skipped)
			if out.Review == "" || w.waits() != "C1" || w.brief() != "AR000123 open 12050 of 12050" {
				t.Fatalf("%+v, waits %q, %s", out, w.waits(), w.brief())
			}
			w.apply(change, schemas.Duplicate)

			if err := w.twin.Advance(t.Context(), 5*24*time.Hour); err != nil {
				t.Fatal(err)
			}
			again := ofEvent(change, 9)
			again.Version = "asked for again"
			again.ID = schemas.IntentID(again.Connection, again.Target, again.Document, again.Verb, again.Key, again.Version)
			w.apply(again, schemas.Applied)
			var f schemas.StripeInvoice
			if err := json.Unmarshal(again.Fields, &f); err != nil {
				t.Fatal(err)
			}
			if w.payable() != f.Total || w.waits() != "" {
				t.Errorf("waits %q, %s", w.waits(), w.brief())
			}
		})
	}
}

func TestADebitOfWhatIsOpenChangesNothing(t *testing.T) {
	w := debited(t, "pm_usBankAccount_success")
	if out := w.apply(revision(1, 12050, nil), schemas.Skipped); out.Review != "" || w.waits() != "" {
		t.Errorf("%+v, waits %q", out, w.waits())
	}
}

// ending ends the debit between the look that found it under way and the next.
type ending struct {
	API
	end func()
}

func (a *ending) GetInvoice(ctx context.Context, id string) (stripeapi.Invoice, error) {
	inv, err := a.API.GetInvoice(ctx, id)
	if inv.Processing && a.end != nil {
		a.end()
		a.end = nil
	}
	return inv, err
}

// The event of a debit that fails before the link says that a change waits
// finds nothing that waits.
func TestADebitThatEndsMeanwhileIsNoticed(t *testing.T) {
	w := debited(t, "pm_usBankAccount_insufficientFunds")
	w.api = &ending{w.client, func() {
		if w.waits() != "" {
			t.Error("it waits already")
		}
		if err := w.twin.Advance(t.Context(), 5*24*time.Hour); err != nil {
			t.Fatal(err)
		}
	}}
	out := w.apply(revision(1, 7050, lowering(cheque)), schemas.Applied)
	if out.Review != "" || w.waits() != "" || w.payable() != 7050 {
		t.Errorf("%+v, waits %q, %s", out, w.waits(), w.brief())
	}
}

func TestAWaitSurvivesACrash(t *testing.T) {
	for crashAt := 1; ; crashAt++ {
		w := debited(t, "pm_usBankAccount_insufficientFunds")
		w.crashAt = crashAt
		change := revision(1, 7050, lowering(cheque))
		if _, err := w.handle(change, w.now); err == nil {
			return
		}
		if out, err := w.handle(change, w.now); err != nil || out.Review == "" || w.waits() != "C1" {
			t.Fatalf("crashed at %d: %+v, %v, waits %q", crashAt, out, err, w.waits())
		}
	}
}
