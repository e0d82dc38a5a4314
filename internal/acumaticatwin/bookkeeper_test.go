package acumaticatwin

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

// A bookkeeper does random things to a twin: mostly with documents that are
// there and in amounts that fit, sometimes with neither.
type bookkeeper struct {
	twin   *Twin
	cookie string
	frozen map[string]map[string]string
}

func newBookkeeper(rt *rapid.T) *bookkeeper {
	o := testOptions(newClock())
	o.CustomEndpoint = "Millrace/1.0.0"
	twin, err := New(o)
	if err != nil {
		rt.Fatal(err)
	}
	login := twin.call("POST", "/entity/auth/login", `{"name":"api","password":"`+testPassword+`"}`, "")
	return &bookkeeper{twin: twin, cookie: login.Result().Cookies()[0].String(), frozen: map[string]map[string]string{}}
}

// Whatever is sent, in whatever order: every batch balances in its currency
// and in the base currency, what is owed equals what the ledger says, and no
// document is overdrawn.
func TestLedgerBalancesWhateverHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBookkeeper(rt)
		steps := salesSteps(b.twin, b.cookie)
		maps.Copy(steps, rapid.StateMachineActions(b))
		rt.Repeat(steps)
	})
}

// Check holds after every operation.
func (b *bookkeeper) Check(r *rapid.T) {
	checkBooks(r, b.twin)
	checkReleased(r, b.twin, b.frozen)
	checkOrders(r, b.twin)
}

// save puts a record and returns its id, or "" when it is refused.
func (b *bookkeeper) save(path, body string) string {
	w := b.twin.call("PUT", path, body, b.cookie)
	if w.Code != 200 {
		return ""
	}
	return answer{raw: w.Body.Bytes()}.id()
}

func (b *bookkeeper) run(path, id string) { b.twin.call("POST", path, releaseID(id), b.cookie) }

func amount(r *rapid.T, label string) string { // few values, so that they meet
	return decimal.New(rapid.SampledFrom([]int64{-100, 0, 1, 5_000, 15_001, 30_000, 100_000}).Draw(r, label), -2).String()
}

// payment picks a payment of any of the types; one that does not exist now and
// then.
func (b *bookkeeper) payment(r *rapid.T, kinds ...string) PaymentView {
	all := slices.DeleteFunc(b.twin.Payments(), func(p PaymentView) bool { return len(kinds) > 0 && !slices.Contains(kinds, p.Type) })
	if len(all) == 0 || rapid.IntRange(0, 15).Draw(r, "none") == 0 {
		return PaymentView{Type: typePayment, ReferenceNbr: "000999", CustomerID: "C000002"}
	}
	return rapid.SampledFrom(all).Draw(r, "payment")
}

func (b *bookkeeper) invoice(r *rapid.T, customer string) InvoiceView {
	all := slices.DeleteFunc(b.twin.Invoices(), func(i InvoiceView) bool {
		return i.Type == typeCreditMemo || (customer != "" && i.CustomerID != customer && rapid.IntRange(0, 9).Draw(r, "another's") > 0)
	})
	if len(all) == 0 {
		return InvoiceView{Type: typeInvoice, ReferenceNbr: "AR999999", CustomerID: "C000002"}
	}
	return rapid.SampledFrom(all).Draw(r, "invoice")
}

func (b *bookkeeper) Invoice(r *rapid.T) {
	b.twin.AddInvoice(Invoice{
		CustomerID: fmt.Sprintf("C%06d", rapid.IntRange(1, 4).Draw(r, "customer")),
		Type:       rapid.SampledFrom([]string{typeInvoice, typeCreditMemo, typeDebitMemo}).Draw(r, "type"),
		Lines:      []InvoiceLine{{Qty: dec("3"), UnitPrice: dec(amount(r, "price")), Taxable: rapid.Bool().Draw(r, "taxable")}},
	})
}

// Pay pays an invoice in its own currency or another, and releases that often.
func (b *bookkeeper) Pay(r *rapid.T) {
	i := b.invoice(r, "")
	body := fmt.Sprintf(`{"Type":{"value":%q},"CustomerID":{"value":%q},"PaymentMethod":{"value":"STRIPE"},"CashAccount":{"value":%q},
		"PaymentAmount":{"value":%s},"Hold":{"value":%t},"Charges":[{"EntryTypeID":{"value":"STRIPEFEE"},"Amount":{"value":%s}}],
		"DocumentsToApply":[{"DocType":{"value":%q},"ReferenceNbr":{"value":%q}%s}]}`,
		rapid.SampledFrom([]string{typePayment, typePayment, typePrepayment}).Draw(r, "type"), i.CustomerID,
		rapid.SampledFrom([]string{SeedCashAccountUSD, SeedCashAccountEUR}).Draw(r, "account"), amount(r, "amount"),
		rapid.IntRange(0, 5).Draw(r, "hold") == 0, rapid.SampledFrom([]string{"0", "1.23"}).Draw(r, "charge"), i.Type, i.ReferenceNbr,
		rapid.SampledFrom([]string{"", "", `,"AmountPaid":{"value":12.34}`, `,"AmountPaid":{"value":0}`, `,"AmountPaid":{"value":-1}`}).Draw(r, "applied"))
	id := b.save(root+"Payment", body)
	if rapid.IntRange(0, 3).Draw(r, "release") > 0 {
		b.run(root+"Payment/ReleasePayment", id)
	}
}

// Apply applies a payment or memo further.
func (b *bookkeeper) Apply(r *rapid.T) {
	p := b.payment(r, typePayment, typePrepayment, typeCreditMemo)
	i := b.invoice(r, p.CustomerID)
	id := b.save(root+"Payment", fmt.Sprintf(`{"Type":{"value":%q},"ReferenceNbr":{"value":%q},"DocumentsToApply":[{"DocType":{"value":%q},"ReferenceNbr":{"value":%q}}]}`,
		p.Type, p.ReferenceNbr, i.Type, i.ReferenceNbr))
	if rapid.IntRange(0, 3).Draw(r, "release") > 0 {
		b.run(root+"Payment/ReleasePayment", id)
	}
}

func (b *bookkeeper) Release(r *rapid.T) {
	p := b.payment(r)
	b.twin.call("POST", root+"Payment/ReleasePayment", releaseBody(p.Type, p.ReferenceNbr), b.cookie)
}

func (b *bookkeeper) Refund(r *rapid.T) {
	p := b.payment(r, typePayment, typePrepayment, typeCreditMemo)
	account := SeedCashAccountUSD
	if p.CurrencyID != baseCurrency {
		account = SeedCashAccountEUR
	}
	sum := rapid.SampledFrom([]string{p.PaymentAmount.String(), "12.34"}).Draw(r, "sum")
	body := strings.NewReplacer("C000002", p.CustomerID, "10250ST", account).Replace(refundBody(p.Type, p.ReferenceNbr, sum, sum))
	b.run(root+"Payment/ReleasePayment", b.save(root+"Payment", body))
}

func (b *bookkeeper) Void(r *rapid.T) {
	p := b.payment(r)
	b.twin.call("POST", root+"Payment/VoidPayment", releaseBody(p.Type, p.ReferenceNbr), b.cookie)
	if rapid.Bool().Draw(r, "release") {
		b.twin.call("POST", root+"Payment/ReleasePayment", releaseBody(voidType(p.Type), p.ReferenceNbr), b.cookie)
	}
}

func (b *bookkeeper) Delete(r *rapid.T) {
	p := b.payment(r)
	b.twin.call("DELETE", root+"Payment/"+strings.ReplaceAll(p.Type, " ", "%20")+"/"+p.ReferenceNbr, "", b.cookie)
}

func (b *bookkeeper) Journal(r *rapid.T) {
	sum := amount(r, "debit")
	body := journalBody(rapid.Bool().Draw(r, "hold"), sum, rapid.SampledFrom([]string{sum, "1"}).Draw(r, "credit"))
	if rapid.Bool().Draw(r, "in euros") {
		body = fmt.Sprintf(`{"CurrencyID":{"value":"EUR"},"Hold":{"value":false},"Details":[
			{"Account":{"value":"61000"},"DebitAmount":{"value":%s}},{"Account":{"value":"61000"},"DebitAmount":{"value":0.04}},
			{"Account":{"value":"10251"},"CreditAmount":{"value":%s}}]}`, sum, dec(sum).Add(dec("0.04")))
	}
	b.run(root+"JournalTransaction/ReleaseJournalTransaction", b.save(root+"JournalTransaction", body))
}

func (b *bookkeeper) CashTransaction(r *rapid.T) {
	body := cashTransactionBody(rapid.SampledFrom([]string{SeedCashAccountUSD, SeedCashAccountEUR, SeedBankCashAccount}).Draw(r, "account"),
		rapid.SampledFrom([]string{SeedFeeEntryType, SeedFeeReturnEntryType}).Draw(r, "type"), offHold)
	b.run(root+"CashTransaction/ReleaseCashTransaction", b.save(root+"CashTransaction", body))
}

func (b *bookkeeper) ProjectTransaction(*rapid.T) {
	b.run(root+"ProjectTransaction/ReleaseTransactions", b.save(root+"ProjectTransaction", projectBody))
}

func (b *bookkeeper) CashSale(r *rapid.T) {
	kind := rapid.SampledFrom([]string{typeCashSale, typeCashReturn}).Draw(r, "type")
	b.run(root+"CashSale/ReleaseCashSale", b.save(root+"CashSale", strings.Replace(cashSaleBody, `{"C`, `{"Type":{"value":"`+kind+`"},"C`, 1)))
}

// Deposit takes one or two payments to the bank, or keeps them for later.
func (b *bookkeeper) Deposit(r *rapid.T) {
	p := b.payment(r, typePayment, typePrepayment, DefaultRefundLabel)
	bank := SeedBankCashAccount
	if p.CurrencyID != baseCurrency {
		bank = SeedBankCashAccountEUR
	}
	picked := []string{p.Type + "/" + p.ReferenceNbr}
	if rapid.Bool().Draw(r, "two") {
		q := b.payment(r)
		picked = append(picked, q.Type+"/"+q.ReferenceNbr)
	}
	id := b.save(customRoot+"BankDeposit", depositBody(bank, `,"Charges":[{"EntryTypeID":{"value":"STRIPEFEE"},"ChargeRate":{"value":3}}]`, picked...))
	switch rapid.IntRange(0, 3).Draw(r, "then") {
	case 0:
		b.twin.call("DELETE", customRoot+"BankDeposit/"+id, "", b.cookie)
	case 1, 2:
		b.run(customRoot+"BankDeposit/ReleaseBankDeposit", id)
	}
}

func (b *bookkeeper) Rate(r *rapid.T) {
	rate := Rate{
		Currency: "EUR", Date: testStart().AddDate(0, 0, -rapid.IntRange(0, 2).Draw(r, "days ago")).Format(dayLayout),
		Rate: decimal.New(int64(rapid.IntRange(9_001, 13_999).Draw(r, "rate")), -4),
	}
	if err := b.twin.SetRate(rate); err != nil {
		r.Fatal(err)
	}
}
