package acumaticatwin

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

// call runs a request without a network.
func (t *Twin) call(method, path, body, cookie string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Cookie", cookie)
	w := httptest.NewRecorder()
	t.Handler().ServeHTTP(w, r)
	return w
}

// Whatever is sent, in whatever order: every batch balances, what is owed
// equals what the ledger says, and no document is overdrawn.
func TestLedgerBalancesWhateverHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		twin, err := New(testOptions(newClock()))
		if err != nil {
			rt.Fatal(err)
		}
		login := twin.call("POST", "/entity/auth/login", `{"name":"api","password":"`+testPassword+`"}`, "")
		cookie := login.Result().Cookies()[0].String()
		amount := rapid.Custom(func(r *rapid.T) string { // few values, so that they meet
			return decimal.New(rapid.SampledFrom([]int64{-100, 0, 1, 5_000, 15_000, 30_000, 100_000}).Draw(r, "cents"), -2).String()
		})
		invoice := rapid.Custom(func(r *rapid.T) string { return fmt.Sprintf("AR%06d", rapid.IntRange(1, 9).Draw(r, "invoice")) })
		number := rapid.Custom(func(r *rapid.T) string { return fmt.Sprintf("%06d", rapid.IntRange(1, 8).Draw(r, "payment")) })
		kind := rapid.SampledFrom([]string{typePayment, typePrepayment})
		anyKind := rapid.SampledFrom([]string{typePayment, typePrepayment, typeRefund, typeCreditMemo, typeVoidedPayment, typeVoidedRefund})
		frozen := map[string]map[string]string{}
		rt.Repeat(map[string]func(*rapid.T){
			"": func(r *rapid.T) {
				checkBooks(r, twin)
				checkReleased(r, twin, frozen)
			},
			"memo": func(r *rapid.T) {
				body := fmt.Sprintf(`{"Type":{"value":"Credit Memo"},"ReferenceNbr":{"value":"CM%06d"},"DocumentsToApply":[{"ReferenceNbr":{"value":%q}}]}`,
					rapid.IntRange(1, 3).Draw(r, "memo"), invoice.Draw(r, "invoice"))
				twin.call("PUT", root+"Payment", body, cookie)
				twin.call("POST", root+"Payment/ReleasePayment", releaseBody(typeCreditMemo, fmt.Sprintf("CM%06d", rapid.IntRange(1, 3).Draw(r, "memo"))), cookie)
			},
			"refund": func(r *rapid.T) {
				sum, ref := amount.Draw(r, "amount"), number.Draw(r, "number")
				if rapid.Bool().Draw(r, "of a memo") {
					ref = "CM00000" + ref[5:]
				}
				body := refundBody(rapid.SampledFrom([]string{typePayment, typePrepayment, typeCreditMemo}).Draw(r, "of"), ref, sum, sum)
				twin.call("PUT", root+"Payment", body, cookie)
			},
			"void": func(r *rapid.T) {
				twin.call("POST", root+"Payment/VoidPayment", releaseBody(anyKind.Draw(r, "type"), number.Draw(r, "number")), cookie)
			},
			"journal": func(r *rapid.T) {
				twin.call("PUT", root+"JournalTransaction", journalBody(rapid.Bool().Draw(r, "hold"), amount.Draw(r, "debit"), amount.Draw(r, "credit")), cookie)
				twin.call("POST", root+"JournalTransaction/ReleaseJournalTransaction", releaseFirst, cookie)
			},
			"release any": func(r *rapid.T) {
				twin.call("POST", root+"Payment/ReleasePayment", releaseBody(anyKind.Draw(r, "type"), number.Draw(r, "number")), cookie)
			},
			"invoice": func(r *rapid.T) {
				twin.AddInvoice(Invoice{
					CustomerID: fmt.Sprintf("C%06d", rapid.IntRange(1, 4).Draw(r, "customer")),
					Type:       rapid.SampledFrom([]string{typeInvoice, typeCreditMemo}).Draw(r, "type"),
					Lines:      []InvoiceLine{{Qty: dec("3"), UnitPrice: dec(amount.Draw(r, "price")), Taxable: rapid.Bool().Draw(r, "taxable")}},
				})
			},
			"pay": func(r *rapid.T) {
				body := fmt.Sprintf(`{"Type":{"value":%q},"CustomerID":{"value":"C%06d"},"PaymentMethod":{"value":"STRIPE"},"CashAccount":{"value":%q},
					"PaymentAmount":{"value":%s},"Hold":{"value":%t},"DocumentsToApply":[{"ReferenceNbr":{"value":%q}},{"ReferenceNbr":{"value":%q},"AmountPaid":{"value":%s}}]}`,
					kind.Draw(r, "type"), rapid.IntRange(1, 4).Draw(r, "customer"),
					rapid.SampledFrom([]string{SeedCashAccountUSD, SeedCashAccountEUR}).Draw(r, "account"), amount.Draw(r, "amount"),
					rapid.Bool().Draw(r, "hold"), invoice.Draw(r, "first"), invoice.Draw(r, "second"), amount.Draw(r, "applied"))
				twin.call("PUT", root+"Payment", body, cookie)
			},
			"prepay": func(r *rapid.T) {
				body := fmt.Sprintf(`{"Type":{"value":%q},"CustomerID":{"value":"C%06d"},"PaymentMethod":{"value":"STRIPE"},"CashAccount":{"value":"10250ST"},
					"PaymentAmount":{"value":%s},"Hold":{"value":false}}`, kind.Draw(r, "type"), rapid.IntRange(1, 3).Draw(r, "customer"), amount.Draw(r, "amount"))
				twin.call("PUT", root+"Payment", body, cookie)
			},
			"apply": func(r *rapid.T) {
				body := fmt.Sprintf(`{"Type":{"value":%q},"ReferenceNbr":{"value":%q},"DocumentsToApply":[{"ReferenceNbr":{"value":%q}}]}`,
					kind.Draw(r, "type"), number.Draw(r, "number"), invoice.Draw(r, "invoice"))
				twin.call("PUT", root+"Payment", body, cookie)
			},
			"release": func(r *rapid.T) {
				twin.call("POST", root+"Payment/ReleasePayment", releaseBody(kind.Draw(r, "type"), number.Draw(r, "number")), cookie)
			},
			"delete": func(r *rapid.T) {
				twin.call("DELETE", root+"Payment/"+kind.Draw(r, "type")+"/"+number.Draw(r, "number"), "", cookie)
			},
		})
	})
}

// moving are the fields that applications and voids change on a released
// document; all others stay as they were at the release.
func moving(name string) bool {
	return slices.Contains([]string{
		"Status", "Balance", "AvailableBalance", "AppliedToDocuments", "Document.CuryDocBal", "LastModifiedDateTime",
	}, name)
}

// checkReleased compares released documents with what they were when first
// seen so.
func checkReleased(r *rapid.T, twin *Twin, frozen map[string]map[string]string) {
	twin.mu.Lock()
	defer twin.mu.Unlock()
	for _, name := range []string{entityInvoice, entityPayment, entityJournal} {
		for _, rec := range twin.begin().all(name) {
			if !released(rec) && rec.get("Status") != statusPosted {
				continue
			}
			fields := maps.Clone(rec.Fields)
			maps.DeleteFunc(fields, func(f, _ string) bool { return moving(f) })
			fields["lines"] = fmt.Sprint(len(rec.Many["Details"]), len(rec.Many[partCharges]))
			key := name + rec.ID
			if frozen[key] == nil {
				frozen[key] = fields
			} else if !maps.Equal(frozen[key], fields) {
				r.Fatalf("%s %s changed after its release: %v, was %v", name, rec.get("ReferenceNbr"), fields, frozen[key])
			}
		}
	}
}

func checkBooks(r *rapid.T, twin *Twin) {
	owed := map[string]decimal.Decimal{} // receivables as the documents say
	for _, i := range twin.Invoices() {
		if i.Balance.IsNegative() || i.Balance.GreaterThan(i.Amount) {
			r.Fatalf("invoice %s: balance %s of %s", i.ReferenceNbr, i.Balance, i.Amount)
		}
		if i.Status != statusOpen && i.Status != statusClosed {
			continue
		}
		if (i.Status == statusClosed) != i.Balance.IsZero() {
			r.Fatalf("invoice %s: %s with balance %s", i.ReferenceNbr, i.Status, i.Balance)
		}
		balance := i.Balance
		if i.Type == typeCreditMemo {
			balance = balance.Neg()
		}
		owed[i.CurrencyID] = owed[i.CurrencyID].Add(balance)
	}
	for _, p := range twin.Payments() {
		if (p.Status != statusOpen && p.Status != statusClosed) || strings.HasPrefix(p.Type, "Voided") {
			continue
		}
		twin.mu.Lock()
		rec := twin.begin().byKey(entityPayment, p.Type, p.ReferenceNbr)
		left := p.PaymentAmount.Sub(applied(rec.Many[partHistory]))
		twin.mu.Unlock()
		if left.IsNegative() {
			r.Fatalf("payment %s: overdrawn by %s", p.ReferenceNbr, left.Neg())
		}
		if p.Type == typePayment {
			owed[p.CurrencyID] = owed[p.CurrencyID].Sub(left)
		}
	}
	turned := turnover{} // from the batches, not from the running sums
	for b := range twin.Batches() {
		sum := decimal.Zero
		for _, l := range b.Lines {
			sum = sum.Add(l.Debit).Sub(l.Credit)
			key := [2]string{b.Currency, l.Account}
			turned[key] = AccountBalance{Currency: b.Currency, Account: l.Account, Debit: turned[key].Debit.Add(l.Debit), Credit: turned[key].Credit.Add(l.Credit)}
		}
		if !sum.IsZero() {
			r.Fatalf("batch %s %s is out of balance by %s", b.Module, b.BatchNbr, sum)
		}
	}
	if diff := cmp.Diff(turned.rows(), twin.TrialBalance()); diff != "" {
		r.Fatalf("trial balance differs from the batches: %s", diff)
	}
	sums := map[string]decimal.Decimal{}
	for _, a := range twin.TrialBalance() {
		sums[a.Currency] = sums[a.Currency].Add(a.Balance)
		if a.Account == accountAR && !a.Balance.Equal(owed[a.Currency]) {
			r.Fatalf("receivables in %s: ledger %s, documents %s", a.Currency, a.Balance, owed[a.Currency])
		}
	}
	for currency, sum := range sums {
		if !sum.IsZero() {
			r.Fatalf("trial balance in %s: %s", currency, sum)
		}
	}
}

func TestRecordedScenarioEndsClosed(t *testing.T) {
	recorded := answer{body: example(t, "18-payment-apply-invoice-live-scenario.json")}
	want(t, "end state", recorded.text("then", "endState"), `Payment Status "Closed", invoice Status "Closed"`)
	c := start(t, testOptions(newClock()))
	customer := c.twin.AddCustomer(Customer{Name: "ACME Manufacturing"})
	ref := c.twin.AddInvoice(Invoice{CustomerID: customer, Lines: []InvoiceLine{item("service", 1, 119_600)}})
	body := strings.NewReplacer("ACMEMFG", customer, "AR000001", ref, `"WIRE"`, `"STRIPE"`, `"10100"`, `"10250ST"`).
		Replace(marshal(t, at(recorded.body, "request", "body")))
	a := c.put("Payment", body).wantStatus(t, http.StatusOK)
	c.post("Payment/ReleasePayment", releaseBody("Payment", a.text("ReferenceNbr", "value"))).wantStatus(t, http.StatusNoContent)
	want(t, "payment", c.twin.Payments()[0].Status, "Closed")
	want(t, "invoice", c.invoice(ref).Status, "Closed")
}
