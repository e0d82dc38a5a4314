package acumaticatwin

import (
	"fmt"
	"strings"
	"testing"
)

// exchangedTwin starts a twin on which the euro is worth 1.10 on the day of the
// invoice and 1.20 five days later, with an open invoice of 100.01 EUR.
func exchangedTwin(t *testing.T) (c *client, ref string) {
	t.Helper()
	o := testOptions(newClock())
	o.Rates = []Rate{{Currency: "EUR", Date: "2026-05-15", Rate: dec("1.1")}, {Currency: "EUR", Date: "2026-05-20", Rate: dec("1.2")}}
	c = start(t, o)
	ref = c.twin.AddInvoice(Invoice{CustomerID: "C000004", Lines: []InvoiceLine{item("Messuhr", 1, 10_001)}})
	return c, ref
}

func (c *client) baseOf(account string) string {
	sum := dec("0")
	for _, a := range c.twin.TrialBalance() {
		if a.Account == account {
			sum = sum.Add(a.BaseBalance)
		}
	}
	return sum.String()
}

func euroPayment(customer, account, date, amount, lines string) string {
	return fmt.Sprintf(`{"CustomerID":{"value":%q},"PaymentMethod":{"value":"STRIPE"},"CashAccount":{"value":%q},"ApplicationDate":{"value":%q},
		"PaymentAmount":{"value":%s},"Hold":{"value":false},"DocumentsToApply":[%s]}`, customer, account, date, amount, lines)
}

func TestPaymentAtAnotherRateRealisesTheDifference(t *testing.T) {
	c, ref := exchangedTwin(t)
	owed := dec(c.baseOf(accountAR))
	batch := c.twin.Ledger()[len(c.twin.Ledger())-1]
	want(t, "in euros", batch.Lines[0].Debit.String(), "100.01")
	want(t, "in base", batch.Lines[0].BaseDebit.String(), "110.01") // 110.011
	part := fmt.Sprintf(`{"ReferenceNbr":{"value":%q},"AmountPaid":{"value":33.33}}`, ref)
	c.put("Payment", euroPayment("C000004", SeedCashAccountEUR, "2026-05-20", "33.33", part)).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody(typePayment, "000001")).wantStatus(t, 204)
	want(t, "cash", c.baseOf("10251"), "40")        // 33.33 at 1.2 = 39.996
	want(t, "gain", c.baseOf(accountGain), "-3.34") // 40.00 less 36.66
	want(t, "left", c.invoice(ref).BaseBalance.String(), "73.35")
	rest := fmt.Sprintf(`{"ReferenceNbr":{"value":%q}}`, ref)
	c.put("Payment", euroPayment("C000004", SeedCashAccountEUR, "2026-05-15", "66.68", rest)).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody(typePayment, "000002")).wantStatus(t, 204)
	want(t, "closed", c.invoice(ref).Status+c.invoice(ref).BaseBalance.String(), "Closed0")
	want(t, "receivables", dec(c.baseOf(accountAR)).String(), owed.Sub(dec("110.01")).String())
	c.post("Payment/VoidPayment", releaseBody(typePayment, "000001")).wantStatus(t, 204)
	c.post("Payment/ReleasePayment", releaseBody(typeVoidedPayment, "000001")).wantStatus(t, 204)
	want(t, "gain undone", c.baseOf(accountGain), "0")
	want(t, "open again", c.invoice(ref).Balance.String()+" "+c.invoice(ref).BaseBalance.String(), "33.33 36.66")
	balanced(t, c.twin)
}

func TestPaymentInAnotherCurrencyGoesByTheCrossRate(t *testing.T) {
	c, ref := exchangedTwin(t)
	line := fmt.Sprintf(`{"ReferenceNbr":{"value":%q}%%s}`, ref)
	tooMuch := fmt.Sprintf(line, `,"AmountPaid":{"value":120.02}`)
	c.put("Payment", euroPayment("C000004", SeedCashAccountUSD, "2026-05-20", "500", tooMuch)).wantStatus(t, 422).
		wantText(t, "must be less than or equal to 120.01.")
	some := fmt.Sprintf(line, `,"AmountPaid":{"value":12}`)
	a := c.put("Payment?$expand=DocumentsToApply", euroPayment("C000004", SeedCashAccountUSD, "2026-05-20", "12", some)).wantStatus(t, 200)
	want(t, "in dollars", a.text("DocumentsToApply", 0, "AmountPaid", "value"), "12.0")
	c.post("Payment/ReleasePayment", releaseBody(typePayment, "000001")).wantStatus(t, 204)
	want(t, "in euros", c.invoice(ref).Balance.String(), "90.01")
	a = c.put("Payment", euroPayment("C000004", SeedCashAccountUSD, "2026-05-20", "500", fmt.Sprintf(line, ""))).wantStatus(t, 200)
	want(t, "all that is open", a.text("AppliedToDocuments", "value"), "108.01")
	c.post("Payment/ReleasePayment", releaseBody(typePayment, "000002")).wantStatus(t, 204)
	want(t, "closed", c.invoice(ref).Status+c.invoice(ref).BaseBalance.String(), "Closed0")
	want(t, "gain", c.baseOf(accountGain), "-10") // 12 less 11, 108.01 less 99.01
	balanced(t, c.twin)
}

func TestRoundingInBaseHasItsAccount(t *testing.T) {
	c, _ := exchangedTwin(t)
	body := `{"CurrencyID":{"value":"EUR"},"TransactionDate":{"value":"2026-05-15"},"Hold":{"value":false},"Details":[
		{"Account":{"value":"61000"},"DebitAmount":{"value":0.01}},{"Account":{"value":"61000"},"DebitAmount":{"value":0.04}},
		{"Account":{"value":"10251"},"CreditAmount":{"value":0.05}}]}`
	c.put("JournalTransaction", body).wantStatus(t, 200)
	c.post("JournalTransaction/ReleaseJournalTransaction", releaseFirst).wantStatus(t, 204)
	want(t, "0.01 and 0.04 against 0.06", c.baseOf(accountRounding), "0.01")
	balanced(t, c.twin)
}

func TestWithoutARateNothingIsSaved(t *testing.T) {
	c := start(t, testOptions(newClock()))
	c.put("JournalTransaction", `{"CurrencyID":{"value":"KWD"}}`).wantStatus(t, 422).
		wantText(t, "The currency rate of the SPOT type from KWD to USD is not defined for 5/15/2026.")
	dinar := c.twin.AddCustomer(Customer{Name: "Kuwait Trading", Currency: "KWD"})
	want(t, "invoice", c.twin.AddInvoice(Invoice{CustomerID: dinar, Lines: []InvoiceLine{item("x", 1, 100)}}), "")
	for _, r := range []string{
		`{"currency":"KWD","date":"2026-05-16","rate":"3.25"}`, `{"currency":"KWD","date":"2026-05-01","type":"BUDGET","rate":"3"}`,
	} {
		c.do("POST", "/_twin/rates", r, nil).wantStatus(t, 201)
	}
	want(t, "too late, and of another type", c.twin.AddInvoice(Invoice{CustomerID: dinar, Lines: []InvoiceLine{item("x", 1, 100)}}), "")
	c.do("POST", "/_twin/rates", `{"currency":"KWD","date":"2026-05-14","rate":"3.25"}`, nil).wantStatus(t, 201)
	ref := c.twin.AddInvoice(Invoice{CustomerID: dinar, Lines: []InvoiceLine{item("x", 1, 100)}})
	want(t, "in base", c.invoice(ref).BaseBalance.String(), "3.25")
	for _, r := range []string{
		`{"currency":"USD","date":"2026-05-14","rate":"1"}`, `{"currency":"XXX","date":"2026-05-14","rate":"1"}`,
		`{"currency":"EUR","date":"14.5.2026","rate":"1"}`, `{"currency":"EUR","date":"2026-05-14","rate":"0"}`,
	} {
		c.do("POST", "/_twin/rates", r, nil).wantStatus(t, 422)
	}
	want(t, "listed", strings.Contains(string(c.do("GET", "/_twin/rates", "", nil).raw), `"currency":"KWD","type":"SPOT","date":"2026-05-16","rate":"3.25"`), true)
}

// A prepayment of 100 EUR at 1.10 pays 60.01 of an invoice at 1.20, and what
// is left is given back at 1.20.
func TestPrepaymentAndRefundRealiseTheDifference(t *testing.T) {
	c, _ := exchangedTwin(t)
	body := strings.Replace(euroPayment("C000004", SeedCashAccountEUR, "2026-05-15", "100", ""), `{"C`, `{"Type":{"value":"Prepayment"},"C`, 1)
	c.put("Payment", body).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody(typePrepayment, "000001")).wantStatus(t, 204)
	want(t, "owed to the customer", c.baseOf(accountPrepayment), "-110")
	ref := c.twin.AddInvoice(Invoice{CustomerID: "C000004", Date: "2026-05-20", Lines: []InvoiceLine{item("x", 1, 6_001)}})
	before := dec(c.baseOf(accountAR))
	c.put("Payment", `{"Type":{"value":"Prepayment"},"ReferenceNbr":{"value":"000001"},"ApplicationDate":{"value":"2026-05-20"},
		"DocumentsToApply":[{"ReferenceNbr":{"value":"`+ref+`"}}]}`).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody(typePrepayment, "000001")).wantStatus(t, 204)
	want(t, "receivable gone", before.Sub(dec(c.baseOf(accountAR))).String(), "72.01")
	want(t, "loss", c.baseOf(accountLoss), "6") // 72.01 for 66.01
	refund := strings.NewReplacer("C000002", "C000004", "10250ST", SeedCashAccountEUR, `"Hold"`, `"ApplicationDate":{"value":"2026-05-20"},"Hold"`).
		Replace(refundBody(typePrepayment, "000001", "39.99", "39.99"))
	c.put("Payment", refund).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody(DefaultRefundLabel, "000002")).wantStatus(t, 204)
	want(t, "nothing left", c.baseOf(accountPrepayment), "0")
	want(t, "loss with the refund", c.baseOf(accountLoss), "10") // 47.99 for 43.99
	balanced(t, c.twin)
}

func TestInvoiceGoesByTheRateTypeOfItsCustomer(t *testing.T) {
	c, _ := exchangedTwin(t)
	c.put("Customer", `{"CustomerID":{"value":"C000004"},"CurrencyRateType":{"value":"MONTH"}}`).wantStatus(t, 200)
	invoice := Invoice{CustomerID: "C000004", Lines: []InvoiceLine{item("x", 1, 100)}}
	want(t, "no such rate", c.twin.AddInvoice(invoice), "")
	if err := c.twin.SetRate(Rate{Currency: "EUR", Type: "MONTH", Date: "2026-05-01", Rate: dec("1.5")}); err != nil {
		t.Fatal(err)
	}
	want(t, "in base", c.invoice(c.twin.AddInvoice(invoice)).BaseBalance.String(), "1.5")
}

func TestRatesAndDepositsSurviveARestart(t *testing.T) {
	o := testOptions(newClock())
	o.StateFile, o.CustomEndpoint = t.TempDir()+"/state.json", "Millrace/1.0.0"
	o.CustomNames = map[string]string{"BankDeposit": "CADeposit"}
	c := start(t, o)
	ref := c.twin.AddInvoice(Invoice{CustomerID: "C000004", Lines: []InvoiceLine{item("x", 1, 10_001)}})
	c.paid(typePayment, "300", "227.25", "")
	c.do("PUT", customRoot+"CADeposit", depositBody(SeedBankCashAccount, "", "Payment/000001"), nil).wantStatus(t, 200)
	rates, cash := marshal(t, c.twin.Rates()), marshal(t, c.twin.CashAccounts())
	again := start(t, o)
	want(t, "rates", marshal(t, again.twin.Rates()), rates)
	want(t, "cash", marshal(t, again.twin.CashAccounts()), cash)
	want(t, "in base", again.invoice(ref).BaseBalance.String(), "108.01")
	again.do("POST", customRoot+"CADeposit/ReleaseBankDeposit", `{"entity":{"RefNbr":{"value":"000001"}}}`, nil).wantStatus(t, 204)
	want(t, "bank", again.balanceOf("10200"), "300")
	balanced(t, again.twin)
}

func TestDebitMemoIsPaidLikeAnInvoice(t *testing.T) {
	c := start(t, testOptions(newClock()))
	ref := c.twin.AddInvoice(Invoice{Type: typeDebitMemo, CustomerID: "C000002", Lines: []InvoiceLine{item("Storage", 1, 5_000)}})
	want(t, "number", ref, "DM000001")
	line := `{"DocType":{"value":"Debit Memo"},"ReferenceNbr":{"value":"DM000001"}}`
	c.put("Payment", euroPayment("C000002", SeedCashAccountUSD, "2026-05-15", "50", line)).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody(typePayment, "000001")).wantStatus(t, 204)
	want(t, "closed", c.invoice(ref).Status, statusClosed)
	c.post("Payment/VoidPayment", releaseBody(typePayment, "000001")).wantStatus(t, 204)
	c.post("Payment/ReleasePayment", releaseBody(typeVoidedPayment, "000001")).wantStatus(t, 204)
	want(t, "open", c.invoice(ref).Balance.String(), "50")
	balanced(t, c.twin)
}

func TestOlderBuildsSayCustomerRefund(t *testing.T) {
	o := testOptions(newClock())
	o.RefundLabel = OldRefundLabel
	c := start(t, o)
	c.paid(typePayment, "300", "227.25", "")
	body := refundBody(typePayment, "000001", "60", "60")
	c.put("Payment", body).wantStatus(t, 422).wantText(t, "documents of the type 'Refund'")
	c.put("Payment", strings.Replace(body, `"Refund"`, `"Customer Refund"`, 1)).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody(OldRefundLabel, "000002")).wantStatus(t, 204)
	want(t, "listed", len(c.get("Payment?$filter=Type%20eq%20'Customer%20Refund'").rows()), 1)
	c.post("Payment/VoidPayment", releaseBody(OldRefundLabel, "000002")).wantStatus(t, 204)
	c.post("Payment/ReleasePayment", releaseBody(typeVoidedRefund, "000002")).wantStatus(t, 204)
	want(t, "given back", c.get("Payment/Payment/000001").text("AvailableBalance", "value"), "72.7500")
	o.RefundLabel = "Rückzahlung"
	if _, err := New(o); err == nil {
		t.Error("a label that no build has was taken")
	}
}
