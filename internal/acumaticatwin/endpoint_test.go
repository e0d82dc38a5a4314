package acumaticatwin

import (
	"net/http"
	"strings"
	"testing"
)

const customRoot = "/entity/Millrace/1.0.0/"

func customTwin(t *testing.T, names map[string]string) *client {
	t.Helper()
	o := testOptions(newClock())
	o.CustomEndpoint, o.CustomNames = "Millrace/1.0.0", names
	return start(t, o)
}

func TestCustomEndpointExtendsDefault(t *testing.T) {
	c := customTwin(t, nil)
	want(t, "listed", strings.Contains(string(c.do("GET", "/entity", "", nil).raw), customRoot), true)
	c.do("GET", customRoot+"swagger.json", "", nil).wantStatus(t, 200).wantText(t, "/BankDeposit/ReleaseBankDeposit")
	c.do("GET", customRoot+"Invoice/Invoice/AR000005", "", nil).wantStatus(t, 200)
	c.do("GET", customRoot+"CurrencyRate", "", nil).wantStatus(t, 404)
	for _, name := range []string{"CreditMemo", "CashAccount", "BankDeposit", "CurrencyRate"} {
		c.get(name).wantStatus(t, 404)
	}
	c.do("POST", "/entity/auth/logout", "", nil).wantStatus(t, 204)
	want(t, "signed out", strings.Contains(string(c.do("GET", "/entity", "", nil).raw), customRoot), false)
	c.do("GET", customRoot+"CashAccount", "", nil).wantStatus(t, 401)
	other := start(t, testOptions(newClock()))
	other.do("GET", customRoot+"CashAccount", "", nil).wantStatus(t, 404)
}

func TestCustomNamesAreTheInstallers(t *testing.T) {
	c := customTwin(t, map[string]string{"BankDeposit": "CADeposit", "CreditMemo": "ARCreditMemo"})
	c.do("GET", customRoot+"CADeposit", "", nil).wantStatus(t, 200)
	c.do("GET", customRoot+"ARCreditMemo", "", nil).wantStatus(t, 200)
	c.do("GET", customRoot+"BankDeposit", "", nil).wantStatus(t, 404)
	for _, o := range []Options{
		{CustomEndpoint: "Default/1"},
		{CustomEndpoint: "Millrace"},
		{CustomEndpoint: "1Millrace/1"},
		{CustomNames: map[string]string{"CreditMemo": "X"}},
		{CustomEndpoint: "M/1", CustomNames: map[string]string{"Invoice": "X"}},
		{CustomEndpoint: "M/1", CustomNames: map[string]string{"CreditMemo": "Invoice"}},
	} {
		o.Username, o.Password = "api", testPassword
		if _, err := New(o); err == nil {
			t.Errorf("%q %v: taken", o.CustomEndpoint, o.CustomNames)
		}
	}
}

func TestCreditMemoIsAnInvoiceOfItsType(t *testing.T) {
	c := customTwin(t, nil)
	body := `{"Customer":{"value":"C000002"},"Hold":{"value":false},"Details":[{"Qty":{"value":1},"UnitPrice":{"value":40}}]}`
	a := c.do("PUT", customRoot+"CreditMemo", body, nil).wantStatus(t, 200)
	want(t, "type", a.text("Type", "value"), typeCreditMemo)
	want(t, "self", strings.HasPrefix(a.text("_links", "self"), customRoot+"CreditMemo/"), true)
	c.do("PUT", customRoot+"CreditMemo", strings.Replace(body, `{"C`, `{"Type":{"value":"Invoice"},"C`, 1), nil).wantStatus(t, 422)
	c.do("POST", customRoot+"CreditMemo/ReleaseCreditMemo", `{"entity":{"ReferenceNbr":{"value":"CM000001"}}}`, nil).wantStatus(t, 204)
	want(t, "listed", len(c.do("GET", customRoot+"CreditMemo", "", nil).rows()), 1)
	want(t, "by key", c.do("GET", customRoot+"CreditMemo/Credit Memo/CM000001", "", nil).text("Status", "value"), statusOpen)
	c.do("GET", customRoot+"CreditMemo/Invoice/AR000005", "", nil).wantStatus(t, 500)
	want(t, "also an invoice", c.get("Invoice/Credit Memo/CM000001").text("Status", "value"), statusOpen)
}

func TestCashAccountsHoldWhatTheLedgerSays(t *testing.T) {
	c := customTwin(t, nil)
	c.paid(typePayment, "300", "227.25", `,"Charges":[{"EntryTypeID":{"value":"STRIPEFEE"},"Amount":{"value":9}}]`)
	a := c.do("GET", customRoot+"CashAccount/10250ST?$expand=ETDetails", "", nil).wantStatus(t, 200)
	want(t, "balance", a.text("CuryBalance", "value"), "291.0000")
	want(t, "entry type", a.text("ETDetails", 1, "EntryTypeID", "value"), SeedFeeEntryType)
	want(t, "clearing", a.text("ClearingAccount", "value"), "true")
	c.do("PUT", customRoot+"CashAccount", `{"CashAccountCD":{"value":"10250ST"}}`, nil).wantStatus(t, http.StatusForbidden)
	c.do("GET", "/_twin/cash-accounts", "", nil).wantStatus(t, 200).wantText(t, `"balance":"291"`)
	for _, account := range c.twin.CashAccounts() {
		if account.Currency == "USD" {
			want(t, account.CashAccount, account.Balance.String(), c.balanceOf(account.Account))
		}
	}
}
