package acumaticatwin

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
)

// paymentBody is a payment as a connector sends it.
func paymentBody(customer, invoice, amount, more string) string {
	return fmt.Sprintf(`{"Type":{"value":"Payment"},"CustomerID":{"value":%q},"PaymentMethod":{"value":"STRIPE"},"CashAccount":{"value":"10250ST"},
		"PaymentAmount":{"value":%s},"PaymentRef":{"value":"pi_1"},"Hold":{"value":false},
		"DocumentsToApply":[{"DocType":{"value":"Invoice"},"ReferenceNbr":{"value":%q},"AmountPaid":{"value":%s}}]%s}`, customer, amount, invoice, amount, more)
}

func releaseBody(kind, ref string) string {
	return fmt.Sprintf(`{"entity":{"Type":{"value":%q},"ReferenceNbr":{"value":%q}}}`, kind, ref)
}

func (c *client) invoice(ref string) InvoiceView {
	c.t.Helper()
	for _, i := range c.twin.Invoices() {
		if i.ReferenceNbr == ref {
			return i
		}
	}
	c.t.Fatalf("no invoice %s", ref)
	return InvoiceView{}
}

func balanced(t *testing.T, twin *Twin) {
	t.Helper()
	sums := map[string]decimal.Decimal{}
	for _, a := range twin.TrialBalance() {
		sums[a.Currency] = sums[a.Currency].Add(a.Balance)
	}
	for currency, sum := range sums {
		if !sum.IsZero() {
			t.Errorf("trial balance in %s: got %s, want 0", currency, sum)
		}
	}
}

func TestPaymentClosesItsInvoice(t *testing.T) {
	c := start(t, testOptions(newClock()))
	open := c.invoice("AR000002")
	a := c.put("Payment?$expand=DocumentsToApply", paymentBody(open.CustomerID, open.ReferenceNbr, open.Amount.String(), "")).wantStatus(t, 200)
	want(t, "number", a.text("ReferenceNbr", "value"), "000001")
	want(t, "status", a.text("Status", "value"), "Balanced")
	want(t, "applied", a.text("AppliedToDocuments", "value"), "1404.88")
	want(t, "line", a.text("DocumentsToApply", 0, "AmountPaid", "value"), "1404.88")
	want(t, "left", a.text("AvailableBalance", "value"), "0.0")
	want(t, "invoice before release", c.invoice(open.ReferenceNbr).Status, "Open")

	rel := c.post("Payment/ReleasePayment", releaseBody("Payment", "000001")).wantStatus(t, 204)
	want(t, "body of 204", len(rel.raw), 0)
	a = c.get("Payment/Payment/000001?$expand=DocumentsToApply,ApplicationHistory").wantStatus(t, 200)
	want(t, "status after release", a.text("Status", "value"), "Closed")
	want(t, "history", a.text("ApplicationHistory", 0, "AdjustedRefNbr", "value"), open.ReferenceNbr)
	want(t, "scale when read", a.text("PaymentAmount", "value"), "1404.8800")
	after := c.invoice(open.ReferenceNbr)
	want(t, "invoice", after.Status, "Closed")
	want(t, "balance", after.Balance.String(), "0")
	if diff := cmp.Diff([]AppliedTo{{open.ReferenceNbr, open.Amount}}, c.twin.Payments()[0].AppliedTo); diff != "" {
		t.Error(diff)
	}
	a = c.get("Invoice/Invoice/AR000002?$expand=ApplicationsDefault").wantStatus(t, 200)
	want(t, "application seen from the invoice", a.text("ApplicationsDefault", 0, "ReferenceNbr", "value"), "000001")
	balanced(t, c.twin)
}

func TestReleaseIsPolledWhenItTakesLonger(t *testing.T) {
	clk := newClock()
	o := testOptions(clk)
	o.ReleaseDelay = 2 * time.Second
	c := start(t, o)
	inv := c.invoice("AR000005")
	c.put("Payment", paymentBody(inv.CustomerID, inv.ReferenceNbr, inv.Amount.String(), "")).wantStatus(t, 200)
	a := c.post("Payment/Release", releaseBody("Payment", "000001")).wantStatus(t, 202)
	status := a.header.Get("Location")
	if len(status) == 0 || status[0] != '/' {
		t.Fatalf("Location: got %q, want an address relative to the host", status)
	}
	c.do("GET", status, "", nil).wantStatus(t, 202)
	busy := c.get("Payment/Payment/000001").wantStatus(t, 500)
	want(t, "other calls on the form", busy.text("exceptionMessage"), "The previous operation has not been completed yet.")
	c.get("Invoice?$top=1").wantStatus(t, 200)
	other := serve(t, c.twin)
	other.login(testPassword)
	want(t, "another session sees it unreleased", other.get("Payment/Payment/000001").wantStatus(t, 200).text("Status", "value"), "Balanced")
	clk.advance(2 * time.Second)
	c.do("GET", status, "", nil).wantStatus(t, 204)
	want(t, "status", c.get("Payment/Payment/000001").text("Status", "value"), "Closed")
	balanced(t, c.twin)
}

func TestFailedReleaseSaysSoAtTheStatusAddress(t *testing.T) {
	clk := newClock()
	o := testOptions(clk)
	o.ReleaseDelay = time.Second
	c := start(t, o)
	inv := c.invoice("AR000005")
	c.put("Payment", paymentBody(inv.CustomerID, inv.ReferenceNbr, inv.Amount.String(), "")).wantStatus(t, 200)
	if err := c.twin.ClosePeriod("2026-05"); err != nil {
		t.Fatal(err)
	}
	status := c.post("Payment/ReleasePayment", releaseBody("Payment", "000001")).wantStatus(t, 202).header.Get("Location")
	clk.advance(time.Second)
	a := c.do("GET", status, "", nil).wantStatus(t, 500)
	want(t, "outer", a.text("exceptionMessage"), "Operation failed")
	want(t, "inner", a.text("innerException", "exceptionMessage"), "The 05-2026 financial period is closed in the U100 company.")
	want(t, "nothing happened", c.get("Payment/Payment/000001").text("Status", "value"), "Balanced")
}

func TestPrepaymentIsAppliedLater(t *testing.T) {
	c := start(t, testOptions(newClock()))
	inv := c.invoice("AR000005") // 227.25
	c.put("Payment", `{"Type":{"value":"Prepayment"},"CustomerID":{"value":"C000002"},"PaymentMethod":{"value":"STRIPE"},
		"CashAccount":{"value":"10250ST"},"PaymentAmount":{"value":"300.00"},"Hold":{"value":false}}`).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody("Prepayment", "000001")).wantStatus(t, 204)
	want(t, "open", c.get("Payment/Prepayment/000001").text("Status", "value"), "Open")
	a := c.put("Payment?$expand=DocumentsToApply", `{"Type":{"value":"Prepayment"},"ReferenceNbr":{"value":"000001"},
		"DocumentsToApply":[{"DocType":{"value":"INV"},"ReferenceNbr":{"value":"AR000005"}}]}`).wantStatus(t, 200)
	want(t, "amount by default", a.text("DocumentsToApply", 0, "AmountPaid", "value"), "227.25")
	want(t, "code shown as text", a.text("DocumentsToApply", 0, "DocType", "value"), "Invoice")
	c.post("Payment/ReleasePayment", releaseBody("Prepayment", "000001")).wantStatus(t, 204)
	want(t, "left", c.get("Payment/Prepayment/000001").text("AvailableBalance", "value"), "72.7500")
	want(t, "invoice", c.invoice(inv.ReferenceNbr).Status, "Closed")
	want(t, "lines left", len(at(c.get("Payment/Prepayment/000001?$expand=DocumentsToApply").body, "DocumentsToApply").([]any)), 0)
	again := c.post("Payment/ReleasePayment", releaseBody("Prepayment", "000001")).wantStatus(t, 500)
	want(t, "nothing to release", again.text("exceptionMessage"), "Error: The Release button is disabled.")
	balanced(t, c.twin)
}

func TestReleaseChecksAgain(t *testing.T) {
	c := start(t, testOptions(newClock()))
	inv := c.invoice("AR000005")
	for range 2 {
		c.put("Payment", paymentBody(inv.CustomerID, inv.ReferenceNbr, inv.Amount.String(), "")).wantStatus(t, 200)
	}
	c.post("Payment/ReleasePayment", releaseBody("Payment", "000001")).wantStatus(t, 204)
	a := c.post("Payment/ReleasePayment", releaseBody("Payment", "000002")).wantStatus(t, 500)
	want(t, "type", a.text("exceptionType"), "PX.Data.PXInvalidOperationException")
	want(t, "why", a.text("innerException", "exceptionMessage"), "Reference Nbr. 'AR000005' cannot be found in the system.")
	again := c.post("Payment/ReleasePayment", releaseBody("Payment", "000001")).wantStatus(t, 500)
	want(t, "released twice", again.text("exceptionMessage"), "Error: The Release button is disabled.")
	c.post("Payment/ReleasePayment", releaseBody("Payment", "000009")).wantStatus(t, 500)
	balanced(t, c.twin)
}

func TestReleaseDoesNotOverdrawAnInvoice(t *testing.T) {
	c := start(t, testOptions(newClock()))
	for range 2 {
		c.put("Payment", paymentBody("C000002", "AR000005", "150", "")).wantStatus(t, 200)
	}
	c.post("Payment/ReleasePayment", releaseBody("Payment", "000001")).wantStatus(t, 204)
	a := c.post("Payment/ReleasePayment", releaseBody("Payment", "000002")).wantStatus(t, 500)
	want(t, "why", a.text("innerException", "exceptionMessage"), "Incorrect value. The value to be entered must be less than or equal to 77.25.")
	want(t, "left", c.invoice("AR000005").Balance.String(), "77.25")
	balanced(t, c.twin)
}

func TestOnlyUnreleasedDocumentsCanBeDeleted(t *testing.T) {
	c := start(t, testOptions(newClock()))
	inv := c.invoice("AR000005")
	for range 2 {
		c.put("Payment", paymentBody(inv.CustomerID, inv.ReferenceNbr, inv.Amount.String(), "")).wantStatus(t, 200)
	}
	c.do("DELETE", root+"Payment/Payment/000002", "", nil).wantStatus(t, 204)
	c.get("Payment/Payment/000002").wantStatus(t, 500)
	c.post("Payment/ReleasePayment", releaseBody("Payment", "000001")).wantStatus(t, 204)
	c.do("DELETE", root+"Payment/Payment/000001", "", nil).wantStatus(t, 500)
	c.put("Payment", paymentBody("C000003", "AR000003", "1", "")).wantStatus(t, 200)
	want(t, "payments", len(c.twin.Payments()), 2)
	c.do("DELETE", root+"Customer/C000001", "", nil).wantStatus(t, 500)
	id := c.twin.AddCustomer(Customer{Name: "Nobody"})
	c.do("DELETE", root+"Customer/"+id, "", nil).wantStatus(t, 204)
}

func TestStateSurvivesARestart(t *testing.T) {
	o := testOptions(newClock())
	o.StateFile = filepath.Join(t.TempDir(), "acumatica.json")
	c := start(t, o)
	inv := c.invoice("AR000001")
	c.put("Payment", paymentBody(inv.CustomerID, inv.ReferenceNbr, inv.Amount.String(), "")).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody("Payment", "000001")).wantStatus(t, 204)
	token := c.token("grant_type=password&username=api&password=correct+horse&scope=api").text("access_token")

	again, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]any{
		"payments": {c.twin.Payments(), again.Payments()}, "invoices": {c.twin.Invoices(), again.Invoices()},
		"trial balance": {c.twin.TrialBalance(), again.TrialBalance()}, "ledger": {c.twin.Ledger(), again.Ledger()},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	d := serve(t, again)
	a := d.do("GET", root+"Payment/Payment/000001", "", http.Header{"Authorization": {"Bearer " + token}}).wantStatus(t, 200)
	want(t, "id", a.text("id"), c.get("Payment/Payment/000001").text("id"))
	d.login(testPassword)
	next := d.put("Payment", paymentBody("C000003", "AR000003", "10", "")).wantStatus(t, 200)
	want(t, "numbers go on", next.text("ReferenceNbr", "value"), "000002")
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no password":    func(o *Options) { o.Password = "" },
		"unknown seed":   func(o *Options) { o.Seed = "slow" },
		"unusable state": func(o *Options) { o.StateFile = filepath.Join(t.TempDir(), "no", "such", "folder") },
	} {
		o := testOptions(newClock())
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestSeedQuickIsWhatTheDemoNeeds(t *testing.T) {
	twin, err := New(testOptions(newClock()))
	if err != nil {
		t.Fatal(err)
	}
	invoices := twin.Invoices()
	want(t, "invoices", len(invoices), 6)
	euro, taxed := 0, 0
	for _, i := range invoices {
		want(t, i.ReferenceNbr, i.Status, "Open")
		if i.CurrencyID == "EUR" {
			euro++
		}
		if i.TaxTotal.IsPositive() {
			taxed++
		}
		if !i.Amount.Equal(i.Balance) || !i.Amount.IsPositive() {
			t.Errorf("%s: amount %s, balance %s", i.ReferenceNbr, i.Amount, i.Balance)
		}
	}
	want(t, "in euros", euro, 1)
	want(t, "with tax", taxed, 1)
	// 4×189.50 + 4×34.25 = 895.00 taxable at 8.875 % = 79.43; plus 3×95.00.
	want(t, "tax", invoices[0].TaxTotal.String(), "79.43")
	want(t, "total", invoices[0].Amount.String(), "1259.43")
	balanced(t, twin)
}
