package acumaticatwin

import (
	"fmt"
	"strings"
	"testing"
)

func refundBody(kind, ref, amount, paid string) string {
	return fmt.Sprintf(`{"Type":{"value":"Refund"},"CustomerID":{"value":"C000002"},"PaymentMethod":{"value":"STRIPE"},"CashAccount":{"value":"10250ST"},
		"PaymentAmount":{"value":%s},"PaymentRef":{"value":"re_1"},"Hold":{"value":false},
		"DocumentsToApply":[{"DocType":{"value":%q},"ReferenceNbr":{"value":%q},"AmountPaid":{"value":%s}}]}`, amount, kind, ref, paid)
}

// paid creates and releases a payment that is applied to AR000005 (227.25).
func (c *client) paid(kind, amount, part, more string) {
	c.t.Helper()
	body := strings.Replace(paymentBody("C000002", "AR000005", amount, more), `"Payment"`, `"`+kind+`"`, 1)
	body = strings.Replace(body, `"AmountPaid":{"value":`+amount, `"AmountPaid":{"value":`+part, 1)
	c.put("Payment", body).wantStatus(c.t, 200)
	c.post("Payment/ReleasePayment", releaseBody(kind, "000001")).wantStatus(c.t, 204)
}

func (c *client) balanceOf(account string) string {
	for _, a := range c.twin.TrialBalance() {
		if a.Account == account && a.Currency == "USD" {
			return a.Balance.String()
		}
	}
	return "0"
}

func TestVoidReversesTheLedgerWhenItIsReleased(t *testing.T) {
	for _, kind := range []string{typePayment, typePrepayment} {
		t.Run(kind, func(t *testing.T) {
			c := start(t, testOptions(newClock()))
			owed := c.balanceOf(accountAR)
			c.put("Payment", `{}`).wantStatus(t, 422)
			c.paid(kind, "300", "227.25", `,"Charges":[{"EntryTypeID":{"value":"STRIPEFEE"},"Amount":{"value":9}}]`)
			want(t, "cash less the fee", c.balanceOf("10250"), "291")
			want(t, "fee", c.balanceOf(accountFees), "9")
			c.post("Payment/VoidPayment", releaseBody(kind, "000001")).wantStatus(t, 204)
			c.post("Payment/VoidPayment", releaseBody(kind, "000001")).wantStatus(t, 204)
			v := c.get("Payment/Voided Payment/000001").wantStatus(t, 200)
			want(t, "void", v.text("Status", "value"), statusBalanced)
			want(t, "amount", v.text("PaymentAmount", "value"), "-300.0000")
			want(t, "original until then", c.get("Payment/"+kind+"/000001").text("Status", "value"), statusOpen)
			c.put("Payment", `{"Type":{"value":"Voided Payment"},"ReferenceNbr":{"value":"000001"},"PaymentAmount":{"value":-1}}`).wantStatus(t, 422)
			c.post("Payment/ReleasePayment", releaseBody(typeVoidedPayment, "000001")).wantStatus(t, 204)
			want(t, "original", c.get("Payment/"+kind+"/000001").text("Status", "value"), statusVoided)
			want(t, "void released", c.get("Payment/Voided Payment/000001").text("Status", "value"), statusClosed)
			want(t, "invoice", c.invoice("AR000005").Balance.String(), "227.25")
			for account, balance := range map[string]string{"10250": "0", accountFees: "0", accountPrepayment: "0", accountAR: owed} {
				want(t, account, c.balanceOf(account), balance)
			}
			for _, action := range []string{"VoidPayment", "ReleasePayment"} {
				c.post("Payment/"+action, releaseBody(kind, "000001")).wantStatus(t, 500)
			}
			c.do("DELETE", root+"Payment/"+kind+"/000001", "", nil).wantStatus(t, 500)
			balanced(t, c.twin)
		})
	}
}

func TestRefundTakesWhatIsAvailable(t *testing.T) {
	for _, kind := range []string{typePayment, typePrepayment} {
		t.Run(kind, func(t *testing.T) {
			c := start(t, testOptions(newClock()))
			c.paid(kind, "300", "227.25", "")
			c.put("Payment", refundBody(kind, "000001", "72.76", "72.76")).wantStatus(t, 422).wantText(t, "must be less than or equal to 72.75.")
			c.put("Payment", refundBody(kind, "000001", "70", "60")).wantStatus(t, 422).wantText(t, "out of the balance")
			c.put("Payment", refundBody(kind, "000001", "60", "60")).wantStatus(t, 200)
			want(t, "until release", c.get("Payment/"+kind+"/000001").text("AvailableBalance", "value"), "72.7500")
			c.post("Payment/ReleasePayment", releaseBody(DefaultRefundLabel, "000002")).wantStatus(t, 204)
			a := c.get("Payment/"+kind+"/000001?$expand=ApplicationHistory").wantStatus(t, 200)
			want(t, "left", a.text("AvailableBalance", "value"), "12.7500")
			want(t, "seen from the payment", a.text("ApplicationHistory", 1, "DisplayDocType", "value"), DefaultRefundLabel)
			want(t, "refund", c.get("Payment/Refund/000002").text("Status", "value"), statusClosed)
			want(t, "cash", c.balanceOf("10250"), "240")
			c.post("Payment/VoidPayment", releaseBody(kind, "000001")).wantStatus(t, 500).wantText(t, "has been refunded")
			c.post("Payment/VoidPayment", releaseBody(DefaultRefundLabel, "000002")).wantStatus(t, 204)
			c.post("Payment/ReleasePayment", releaseBody(typeVoidedRefund, "000002")).wantStatus(t, 204)
			want(t, "given back", c.get("Payment/"+kind+"/000001").text("AvailableBalance", "value"), "72.7500")
			want(t, "cash again", c.balanceOf("10250"), "300")
			balanced(t, c.twin)
		})
	}
}

func TestCreditMemoIsAppliedAndRefunded(t *testing.T) {
	c := start(t, testOptions(newClock()))
	memo := c.twin.AddInvoice(Invoice{Type: typeCreditMemo, CustomerID: "C000002", Lines: []InvoiceLine{item("return", 1, 10_000)}})
	want(t, "memo", memo, "CM000001")
	row := c.get("Payment/Credit Memo/CM000001").wantStatus(t, 200)
	want(t, "same id", row.text("id"), c.get("Invoice/Credit Memo/CM000001").text("id"))
	c.put("Payment", `{"Type":{"value":"Credit Memo"},"ReferenceNbr":{"value":"CM000001"},
		"DocumentsToApply":[{"ReferenceNbr":{"value":"AR000005"},"AmountPaid":{"value":40}}]}`).wantStatus(t, 200)
	batches := len(c.twin.Ledger())
	c.post("Payment/ReleasePayment", releaseBody(typeCreditMemo, "CM000001")).wantStatus(t, 204)
	want(t, "no money moves", len(c.twin.Ledger()), batches)
	want(t, "invoice", c.invoice("AR000005").Balance.String(), "187.25")
	want(t, "memo left", c.invoice("CM000001").Balance.String(), "60")
	a := c.get("Invoice/Invoice/AR000005?$expand=ApplicationsCreditMemo,ApplicationsDefault")
	want(t, "seen from the invoice", a.text("ApplicationsDefault", 0, "AmountPaid", "value"), "40.0000")
	a = c.get("Invoice/Credit Memo/CM000001?$expand=ApplicationsCreditMemo")
	want(t, "seen from the memo", a.text("ApplicationsCreditMemo", 0, "ReferenceNbr", "value"), "AR000005")
	c.put("Payment", refundBody(typeCreditMemo, "CM000001", "60", "60")).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody(DefaultRefundLabel, "000001")).wantStatus(t, 204)
	want(t, "memo", c.invoice("CM000001").Status, statusClosed)
	want(t, "cash", c.balanceOf("10250"), "-60")
	c.post("Payment/VoidPayment", releaseBody(typeCreditMemo, "CM000001")).wantStatus(t, 500)
	c.put("Payment", `{"Type":{"value":"Credit Memo"},"ReferenceNbr":{"value":"CM000001"},
		"Charges":[{"EntryTypeID":{"value":"STRIPEFEE"},"Amount":{"value":1}}]}`).wantStatus(t, 422)
	want(t, "in the list of payments", len(c.get("Payment?$filter=Type%20eq%20'Credit%20Memo'").rows()), 1)
	balanced(t, c.twin)
}

func TestChargesNeedAnEntryType(t *testing.T) {
	for _, tc := range []struct{ name, charge, text string }{
		{"none", `{"Amount":{"value":1}}`, "'Entry Type' cannot be empty."},
		{"unknown", `{"EntryTypeID":{"value":"X"}}`, "Entry Type 'X' cannot be found in the system."},
		{"negative", `{"EntryTypeID":{"value":"STRIPEFEE"},"Amount":{"value":-1}}`, "greater than or equal to 0."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := start(t, testOptions(newClock()))
			c.put("Payment", paymentBody("C000002", "AR000005", "100", `,"Charges":[`+tc.charge+`]`)).wantStatus(t, 422).wantText(t, tc.text)
		})
	}
	c := start(t, testOptions(newClock()))
	body := paymentBody("C000002", "AR000005", "100", `,"Charges":[{"EntryTypeID":{"value":"STRIPEFEE"},"Amount":{"value":1}}]`)
	c.do("PUT", "/entity/Default/22.200.001/Payment", body, nil).wantStatus(t, 200)
	want(t, "not known in 22", len(c.get("Payment/Payment/000001?$expand=Charges").body.(map[string]any)["Charges"].([]any)), 0)
	c.put("Payment", body).wantStatus(t, 200)
	want(t, "known since 23", c.get("Payment/Payment/000002?$expand=Charges").text("Charges", 0, "AccountID", "value"), accountFees)
}

func TestAnOpenPaymentIsAppliedFurther(t *testing.T) {
	c := start(t, testOptions(newClock()))
	c.paid(typePayment, "300", "200", "")
	apply := `{"Type":{"value":"Payment"},"ReferenceNbr":{"value":"000001"},"DocumentsToApply":[{"ReferenceNbr":{"value":"AR000005"}}]}`
	a := c.put("Payment", apply).wantStatus(t, 200)
	want(t, "takes what is open", a.text("AppliedToDocuments", "value"), "27.25")
	c.post("Payment/ReleasePayment", releaseBody(typePayment, "000001")).wantStatus(t, 204)
	want(t, "invoice", c.invoice("AR000005").Status, statusClosed)
	want(t, "left", c.get("Payment/Payment/000001").text("AvailableBalance", "value"), "72.7500")
	c.put("Payment", `{"Type":{"value":"Payment"},"ReferenceNbr":{"value":"000001"},"PaymentRef":{"value":"x"}}`).wantStatus(t, 422)
}
