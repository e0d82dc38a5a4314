package acumaticatwin

import (
	"fmt"
	"strings"
	"testing"
)

func depositBody(account, more string, payments ...string) string {
	lines := make([]string, len(payments))
	for i, p := range payments {
		kind, ref, _ := strings.Cut(p, "/")
		lines[i] = fmt.Sprintf(`{"OrigDocType":{"value":%q},"OrigRefNbr":{"value":%q}}`, kind, ref)
	}
	return fmt.Sprintf(`{"CashAccountID":{"value":%q},"ExtRefNbr":{"value":"po_1"},"Hold":{"value":false}%s,"Details":[%s]}`, account, more, strings.Join(lines, ","))
}

func (c *client) deposit(body string) answer {
	c.t.Helper()
	return c.do("PUT", customRoot+"BankDeposit?$expand=Details,Charges", body, nil)
}

func (c *client) releaseDeposit() answer {
	c.t.Helper()
	return c.do("POST", customRoot+"BankDeposit/ReleaseBankDeposit", `{"entity":{"RefNbr":{"value":"000001"}}}`, nil)
}

func TestDepositSweepsTheClearingAccount(t *testing.T) {
	c := customTwin(t, nil)
	c.paid(typePayment, "300", "227.25", `,"Charges":[{"EntryTypeID":{"value":"STRIPEFEE"},"Amount":{"value":9}}]`)
	c.put("Payment", refundBody(typePayment, "000001", "60", "60")).wantStatus(t, 200)
	c.deposit(depositBody(SeedBankCashAccount, "", "Refund/000002")).wantStatus(t, 422) // not released
	c.post("Payment/ReleasePayment", releaseBody(DefaultRefundLabel, "000002")).wantStatus(t, 204)
	c.put("CashSale", strings.Replace(cashSaleBody, `"Hold":{"value":true}`, `"Hold":{"value":false}`, 1)).wantStatus(t, 200)
	c.post("CashSale/ReleaseCashSale", releaseBody(typeCashSale, "CS000001")).wantStatus(t, 204)
	charge := `,"Charges":[{"EntryTypeID":{"value":"STRIPEFEE"},"ChargeRate":{"value":1}}]`
	a := c.deposit(depositBody(SeedBankCashAccount, charge, "Payment/000001", "Refund/000002", "Cash Sale/CS000001")).wantStatus(t, 200)
	want(t, "net of the charge on the payment", a.text("Details", 0, "CuryTranAmt", "value"), "291.0")
	want(t, "taken off", a.text("Details", 1, "CuryTranAmt", "value"), "-60.0")
	want(t, "charge", a.text("CuryChargeTotal", "value"), "3.4") // 1 % of 339.88
	want(t, "total", a.text("CuryTranAmt", "value"), "336.48")
	c.post("Payment/VoidPayment", releaseBody(DefaultRefundLabel, "000002")).wantStatus(t, 500).wantText(t, "unreleased bank deposit 000001")
	c.deposit(depositBody(SeedBankCashAccount, "", "Payment/000001")).wantStatus(t, 422).wantText(t, "cannot be found")
	c.releaseDeposit().wantStatus(t, 204)
	want(t, "bank", c.balanceOf("10200"), "336.48")
	want(t, "clearing", c.balanceOf("10250"), "0")
	want(t, "fees", c.balanceOf(accountFees), "12.4")
	a = c.get("Payment/Payment/000001?$custom=CurrentDocument.Deposited,CurrentDocument.DepositNbr")
	want(t, "deposited", a.text("custom", "CurrentDocument", "Deposited", "value")+a.text("custom", "CurrentDocument", "DepositNbr", "value"), "true000001")
	c.releaseDeposit().wantStatus(t, 500)
	c.do("DELETE", customRoot+"BankDeposit/CA Deposit/000001", "", nil).wantStatus(t, 500)
	c.do("PUT", customRoot+"BankDeposit", `{"RefNbr":{"value":"000001"},"TranDesc":{"value":"x"}}`, nil).wantStatus(t, 422)
	c.post("Payment/VoidPayment", releaseBody(DefaultRefundLabel, "000002")).wantStatus(t, 204)
	c.post("Payment/ReleasePayment", releaseBody(typeVoidedRefund, "000002")).wantStatus(t, 204)
	want(t, "a void comes from the bank", c.balanceOf("10200"), "396.48")
	want(t, "clearing stays", c.balanceOf("10250"), "0")
	balanced(t, c.twin)
}

func TestPaymentLeavesAnUnreleasedDeposit(t *testing.T) {
	c := customTwin(t, nil)
	c.paid(typePayment, "250", "227.25", "")
	a := c.deposit(depositBody(SeedBankCashAccount, "", "Payment/000001")).wantStatus(t, 200)
	void := func() answer { return c.post("Payment/VoidPayment", releaseBody(typePayment, "000001")) }
	void().wantStatus(t, 500)
	line := fmt.Sprintf(`{"RefNbr":{"value":"000001"},"Details":[{"id":%q,"delete":true}]}`, a.text("Details", 0, "id"))
	want(t, "removed", c.deposit(line).wantStatus(t, 200).text("CuryTranAmt", "value"), "0.0")
	c.releaseDeposit().wantStatus(t, 500)
	c.deposit(depositBody(SeedBankCashAccount, "", "Payment/000001")).wantStatus(t, 200)
	c.do("DELETE", customRoot+"BankDeposit/CA Deposit/000002", "", nil).wantStatus(t, 204)
	void().wantStatus(t, 204)
	c.deposit(depositBody(SeedBankCashAccount, "", "Payment/000001")).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody(typeVoidedPayment, "000001")).wantStatus(t, 500).wantText(t, "unreleased bank deposit 000003")
}

func TestDepositRules(t *testing.T) {
	c := customTwin(t, nil)
	c.paid(typePayment, "300", "227.25", "")
	for _, tc := range []struct{ name, body, text string }{
		{"no account", `{}`, "'Cash Account' cannot be empty."},
		{"onto a clearing account", depositBody(SeedCashAccountUSD, "", "Payment/000001"), "Cash Account '10250ST' cannot be found"},
		{"another currency", depositBody(SeedBankCashAccountEUR, "", "Payment/000001"), "Reference Nbr. '000001' cannot be found"},
		{"before the payment", depositBody(SeedBankCashAccount, `,"TranDate":{"value":"2026-05-14"}`, "Payment/000001"), "Reference Nbr. '000001' cannot be found"},
		{"unknown payment", depositBody(SeedBankCashAccount, "", "Payment/000009"), "Reference Nbr. '000009' cannot be found"},
		{"no charge type", depositBody(SeedBankCashAccount, `,"Charges":[{"CuryChargeAmt":{"value":1}}]`, "Payment/000001"), "'Entry Type' cannot be empty."},
		{"a receipt", depositBody(SeedBankCashAccount, `,"Charges":[{"EntryTypeID":{"value":"FEERETURN"}}]`, "Payment/000001"), "Entry Type 'FEERETURN' cannot"},
		{"a void deposit", depositBody(SeedBankCashAccount, `,"TranType":{"value":"CA Void Deposit"}`, "Payment/000001"), "does not model documents of the type"},
	} {
		t.Run(tc.name, func(t *testing.T) { c.deposit(tc.body).wantStatus(t, 422).wantText(t, tc.text) })
	}
	c.put("Payment", paymentBody("C000002", "AR000005", "1", `,"Charges":[{"EntryTypeID":{"value":"FEERETURN"},"Amount":{"value":1}}]`)).
		wantStatus(t, 422).wantText(t, "Entry Type 'FEERETURN' cannot be found")
}

func TestPaymentSaysWhenItIsDeposited(t *testing.T) {
	for custom, text := range map[string]string{
		`"Document":{"DepositAfter":{"type":"CustomDateTimeField","value":"2026-05-16"}}`:  "Reference Nbr. '000001' cannot be found",
		`"CurrentDocument":{"DepositAsBatch":{"type":"CustomBooleanField","value":false}}`: "Reference Nbr. '000001' cannot be found",
	} {
		c := customTwin(t, nil)
		c.paid(typePayment, "250", "227.25", `,"custom":{`+custom+`}`)
		c.deposit(depositBody(SeedBankCashAccount, "", "Payment/000001")).wantStatus(t, 422).wantText(t, text)
		later := c.deposit(depositBody(SeedBankCashAccount, `,"TranDate":{"value":"2026-05-16"}`, "Payment/000001"))
		want(t, "later", later.status == 200, strings.Contains(custom, "After"))
	}
}

func TestDepositAtAnotherRateRealisesTheDifference(t *testing.T) {
	k := newClock()
	o := testOptions(k)
	o.CustomEndpoint = "Millrace/1.0.0"
	o.Rates = []Rate{{Currency: "EUR", Date: "2026-05-20", Rate: dec("1.2")}}
	c := start(t, o)
	c.put("Payment", euroPayment("C000004", SeedCashAccountEUR, "2026-05-15", "100", "")).wantStatus(t, 200)
	c.post("Payment/ReleasePayment", releaseBody(typePayment, "000001")).wantStatus(t, 204)
	c.deposit(depositBody(SeedBankCashAccountEUR, `,"TranDate":{"value":"2026-05-20"}`, "Payment/000001")).wantStatus(t, 200)
	c.releaseDeposit().wantStatus(t, 204)
	for account, base := range map[string]string{"10251": "0", "10201": "120", accountGain: "-12"} {
		want(t, account, c.baseOf(account), base)
	}
	balanced(t, c.twin)
}
