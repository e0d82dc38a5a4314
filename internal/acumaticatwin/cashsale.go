package acumaticatwin

import (
	"fmt"

	"github.com/shopspring/decimal"
)

const (
	entityCashSale = "CashSale"
	typeCashSale   = "Cash Sale"
	typeCashReturn = "Cash Return"
)

func cashSaleEntity(b *builder) *entity {
	return &entity{
		name: entityCashSale, display: "Cash Sale", screen: "AR304000", graph: "PX.Objects.AR.ARCashSaleEntry", view: "Document",
		keys: []string{"Type", "ReferenceNbr"}, indexed: []string{"PaymentRef", "CustomerID", "Details/InventoryID"},
		shape: b.shape(`Amount:D4! Balance:D4! CashAccount:S CreatedDateTime:T! CustomerID:S30 Date:A Description:S512 Hold:B
			LastModifiedDateTime:T! PaymentMethod:S10 PaymentRef:S40 Project:S~ ReferenceNbr:S15 Status:S! TaxTotal:D4! Type:S`,
			part{name: "Details", many: true, shape: b.shape(`Account:S Amount:D4 Branch:S CostCode:S ExtendedPrice:D4 InventoryID:S30 ProjectTask:S
				Qty:D6 Subaccount:S TaxCategory:S15 TransactionDescription:S256 UnitPrice:D6`)}),
		custom: b.shape(`Document.CuryID:S5!`),
		fresh:  freshCashSale, save: saveCashSale, remove: removeUnreleased,
		actions: map[string]action{"ReleaseCashSale": releaseCashSale, "Release": releaseCashSale},
	}
}

func freshCashSale(x *tx, r *record) {
	r.set("Type", typeCashSale)
	r.set("Date", x.today())
	r.setBool("Hold", true)
	r.set("LinkBranch", SeedBranch)
}

// saveCashSale checks an invoice and its payment in one document. Its
// currency is that of the cash account.
func saveCashSale(x *tx, old, r *record) *problems {
	bad := newProblems()
	if old != nil && released(old) {
		refuseChanges(old, r, bad)
		return bad
	}
	if t := r.get("Type"); t != typeCashSale && t != typeCashReturn {
		bad.add(r, "Type", "This stand-in does not model documents of the type '%s' yet.", t)
	}
	customer, account := x.customerOf(r, "CustomerID", bad), x.cashAccount(r, bad)
	if text := x.checkPeriod(r.day("Date")); text != "" {
		bad.add(r, "Date", "%s", text)
	}
	if customer == nil || account == nil {
		return bad
	}
	r.set(curyID, account.Currency)
	x.rateDocument(r, "Date", "", bad)
	x.totalInvoice(customer, old, r, bad)
	draft(r, bad)
	if old == nil && bad.empty() {
		seq, format := "ARCashSale", "CS%06d"
		if r.get("Type") == typeCashReturn {
			seq, format = "ARCashReturn", "CR%06d"
		}
		r.set("ReferenceNbr", fmt.Sprintf(format, x.next(seq)))
	}
	return bad
}

// releaseCashSale posts cash against sales and tax, a return the other way
// round; nothing stays open.
func releaseCashSale(x *tx, r *record) *failure {
	if fail := x.releasable(r); fail != nil {
		return fail
	}
	r = x.edit(entityCashSale, r)
	sign := decimal.NewFromInt(1)
	if r.get("Type") == typeCashReturn {
		sign = sign.Neg()
	}
	cash := x.st.Setup.CashAccounts[r.get("CashAccount")].Account
	p := posting{day: r.day("Date"), currency: r.get(curyID), rate: rateOfDocument(r), description: r.get("Type") + " " + r.get("ReferenceNbr")}
	if _, fail := x.postAt(p, append([]leg{debit(cash, r.dec("Amount").Mul(sign))}, revenue(r, sign)...)...); fail != nil {
		return fail
	}
	r.set("Balance", "0")
	r.set("Status", statusClosed)
	r.touch(x.now)
	return nil
}
