package acumaticatwin

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
)

// id is the record's id in an answer, or "".
func (a answer) id() string {
	var r struct{ ID string }
	if json.Unmarshal(a.raw, &r) != nil {
		return ""
	}
	return r.ID
}

// call runs a request without a network.
func (t *Twin) call(method, path, body, cookie string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Cookie", cookie)
	w := httptest.NewRecorder()
	t.Handler().ServeHTTP(w, r)
	return w
}

// moving are the fields that applications and voids change on a released
// document; all others stay as they were at the release.
func moving(name string) bool {
	return slices.Contains([]string{
		"Status", "Balance", "AvailableBalance", "AppliedToDocuments", "AppliedToOrders", "Document.CuryDocBal", baseBalance,
		depositNbr, depositDate, deposited, "LastModifiedDateTime",
	}, name)
}

// checkReleased compares released documents with what they were when first
// seen so.
func checkReleased(r failer, twin *Twin, frozen map[string]map[string]string) {
	twin.mu.Lock()
	defer twin.mu.Unlock()
	for _, name := range []string{entityInvoice, entityPayment, entityJournal, entityCashSale, entityDeposit} {
		for _, rec := range twin.begin().all(name) {
			if !released(rec) && rec.get("Status") != statusPosted && rec.get("Status") != statusReleased {
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

// checkBooks holds the documents against the ledger: in the base currency
// always, and in the currency of the documents as long as no payment was
// applied across currencies.
func checkBooks(r failer, twin *Twin) {
	owed := map[string]decimal.Decimal{"": decimal.Zero} // receivables as the documents say; "" in the base currency
	for _, i := range twin.Invoices() {
		if i.Balance.IsNegative() || i.Balance.GreaterThan(i.Amount) {
			r.Fatalf("invoice %s: balance %s of %s", i.ReferenceNbr, i.Balance, i.Amount)
		}
		if i.Status != statusOpen && i.Status != statusClosed {
			continue
		}
		if (i.Status == statusClosed) != i.Balance.IsZero() || (i.Balance.IsZero() && !i.BaseBalance.IsZero()) {
			r.Fatalf("invoice %s: %s with balance %s, in base %s", i.ReferenceNbr, i.Status, i.Balance, i.BaseBalance)
		}
		sign := decimal.NewFromInt(1)
		if i.Type == typeCreditMemo {
			sign = sign.Neg()
		}
		owed[i.CurrencyID] = owed[i.CurrencyID].Add(i.Balance.Mul(sign))
		owed[""] = owed[""].Add(i.BaseBalance.Mul(sign))
	}
	crossed := false
	for _, p := range twin.Payments() {
		if (p.Status != statusOpen && p.Status != statusClosed) || strings.HasPrefix(p.Type, "Voided") {
			continue
		}
		twin.mu.Lock()
		rec := twin.begin().byKey(entityPayment, p.Type, p.ReferenceNbr)
		left := p.PaymentAmount.Sub(applied(rec.Many[partHistory]))
		base := baseLeft(rec, left)
		for _, h := range rec.Many[partHistory] {
			crossed = crossed || h.get(adjustedAmount) != ""
		}
		twin.mu.Unlock()
		if left.IsNegative() || base.IsNegative() || (left.IsZero() && !base.IsZero()) {
			r.Fatalf("payment %s: left %s, in base %s", p.ReferenceNbr, left, base)
		}
		if p.Type == typePayment {
			owed[p.CurrencyID] = owed[p.CurrencyID].Sub(left)
			owed[""] = owed[""].Sub(base)
		}
	}
	checkTrialBalance(r, twin, owed, crossed)
	checkCash(r, twin)
	checkTurnover(r, twin)
}

// checkTurnover holds the running sums against the batches.
func checkTurnover(r failer, twin *Twin) {
	turned := turnover{}
	for b := range twin.Batches() {
		sum, base := decimal.Zero, decimal.Zero
		for _, l := range b.Lines {
			sum = sum.Add(l.Debit).Sub(l.Credit)
			base = base.Add(l.BaseDebit).Sub(l.BaseCredit)
			key := [2]string{b.Currency, l.Account}
			was := turned[key]
			turned[key] = AccountBalance{
				Currency: b.Currency, Account: l.Account, Debit: was.Debit.Add(l.Debit), Credit: was.Credit.Add(l.Credit),
				BaseBalance: was.BaseBalance.Add(l.BaseDebit).Sub(l.BaseCredit),
			}
		}
		if !sum.IsZero() || !base.IsZero() {
			r.Fatalf("batch %s %s is out of balance by %s, in base %s", b.Module, b.BatchNbr, sum, base)
		}
	}
	maps.DeleteFunc(turned, func(_ [2]string, b AccountBalance) bool {
		return b.Debit.IsZero() && b.Credit.IsZero() && b.BaseBalance.IsZero()
	})
	if diff := cmp.Diff(turned.rows(), twin.TrialBalance()); diff != "" {
		r.Fatalf("trial balance differs from the batches: %s", diff)
	}
}

// checkCash holds cash accounts and deposited payments against the ledger.
func checkCash(r failer, twin *Twin) {
	held := map[string]AccountBalance{}
	for _, a := range twin.TrialBalance() {
		if old, ok := held[a.Account]; ok && strings.HasPrefix(a.Account, "102") {
			r.Fatalf("account %s has %s and %s", a.Account, old.Currency, a.Currency)
		}
		held[a.Account] = a
	}
	for _, a := range twin.CashAccounts() {
		if h := held[a.Account]; !a.Balance.Equal(h.Balance) || (h.Currency != "" && h.Currency != a.Currency) {
			r.Fatalf("cash account %s: %s %s, ledger %s %s", a.CashAccount, a.Balance, a.Currency, h.Balance, h.Currency)
		}
	}
	twin.mu.Lock()
	defer twin.mu.Unlock()
	x := twin.begin()
	for _, p := range x.all(entityPayment) {
		d := x.byKey(entityDeposit, typeDeposit, p.get(depositNbr))
		if p.get(depositNbr) != "" && (d == nil || (d.get("Status") == statusReleased) != p.yes(deposited)) {
			r.Fatalf("payment %s: deposit %s", p.get("ReferenceNbr"), p.get(depositNbr))
		}
		if p.get(depositNbr) != "" && p.get("Status") == statusVoided && d.get("Status") != statusReleased {
			r.Fatalf("payment %s: voided while in deposit %s", p.get("ReferenceNbr"), p.get(depositNbr))
		}
	}
}

func checkTrialBalance(r failer, twin *Twin, owed map[string]decimal.Decimal, crossed bool) {
	sums, receivables, total := map[string]decimal.Decimal{}, decimal.Zero, decimal.Zero
	for _, a := range twin.TrialBalance() {
		sums[a.Currency] = sums[a.Currency].Add(a.Balance)
		total = total.Add(a.BaseBalance)
		if a.Account != accountAR {
			continue
		}
		receivables = receivables.Add(a.BaseBalance)
		if !crossed && !a.Balance.Equal(owed[a.Currency]) {
			r.Fatalf("receivables in %s: ledger %s, documents %s", a.Currency, a.Balance, owed[a.Currency])
		}
	}
	for currency, sum := range sums {
		if !sum.IsZero() {
			r.Fatalf("trial balance in %s: %s", currency, sum)
		}
	}
	if !total.IsZero() || !receivables.Equal(owed[""]) {
		r.Fatalf("in base: trial balance %s; receivables %s, documents %s", total, receivables, owed[""])
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

// A failer is *rapid.T or *testing.T.
type failer interface {
	Fatalf(format string, args ...any)
}
