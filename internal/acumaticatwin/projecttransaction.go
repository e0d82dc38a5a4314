package acumaticatwin

import (
	"fmt"

	"github.com/shopspring/decimal"
)

const (
	entityProjectTransaction = "ProjectTransaction"

	// SeedProject is the only project.
	SeedProject = "INTERNAL"
	// SeedTask is its only task.
	SeedTask = "GENERAL"
	// nonProject stands on lines that belong to no project.
	nonProject = "X"
)

func projectTransactionEntity(b *builder) *entity {
	return &entity{
		name: entityProjectTransaction, display: "Project Transactions", screen: "PM304000", graph: "PX.Objects.PM.RegisterEntry", view: "Document",
		keys: []string{"Module", "ReferenceNbr"},
		shape: b.shape(`CreatedDateTime:T! Description:S255 LastModifiedDateTime:T! Module:S2 OriginalDocNbr:S30! OriginalDocType:S! ReferenceNbr:S15
			Status:S! TotalAmount:D4! TotalBillableQty:D6! TotalQty:D6!`,
			part{name: "Details", many: true, keys: []string{"TransactionID"}, shape: b.shape(`AccountGroup:S AccountGroupDescription:S! Allocated:B!
				Amount:D4 BatchNbr:S15! Billable:B BillableQty:D6 Billed:B! Branch:S CostCode:S CreditAccount:S CreditSubaccount:S Date:A
				DebitAccount:S DebitSubaccount:S Description:S255 EarningType:S15 Employee:S EndDate:T ExternalRefNbr:S FinPeriod:S!
				InventoryID:S Location:S Multiplier:D4 Project:S ProjectTask:S Qty:D6 Released:B! StartDate:T TransactionID:I! UnitRate:D6
				UOM:S6 UseBillableQtyInAmountFormula:B VendorOrCustomer:S`)}),
		fresh: freshProjectTransaction, save: saveProjectTransaction, remove: removeProjectTransaction,
		actions: map[string]action{"ReleaseTransactions": releaseProjectTransaction, "Release": releaseProjectTransaction},
	}
}

func freshProjectTransaction(_ *tx, r *record) { r.set("Module", modulePM) }

func saveProjectTransaction(x *tx, old, r *record) *problems {
	bad := newProblems()
	if old != nil && old.get("Status") == statusReleased {
		refuseChanges(old, r, bad)
		return bad
	}
	if r.get("Module") != modulePM {
		bad.add(r, "Module", "Project transactions of the %s module are made by their documents.", r.get("Module"))
	}
	qty, billable, amount := decimal.Zero, decimal.Zero, decimal.Zero
	for _, l := range r.Many["Details"] {
		x.projectLine(l, bad)
		qty, billable, amount = qty.Add(l.dec("Qty")), billable.Add(l.dec("BillableQty")), amount.Add(l.dec("Amount"))
	}
	r.setDec("TotalQty", qty)
	r.setDec("TotalBillableQty", billable)
	r.setDec("TotalAmount", amount)
	r.set("Status", statusBalanced)
	if old == nil && bad.empty() {
		r.set("ReferenceNbr", fmt.Sprintf("PM%08d", x.next("PMTran")))
	}
	return bad
}

// projectLine checks and completes a line. Its amount is that of quantity and
// rate when there is a rate, else as sent.
func (x *tx) projectLine(l *record, bad *problems) {
	l.setDefault("Date", x.today())
	l.setDefault("Project", nonProject)
	l.setDefault("Branch", SeedBranch)
	if l.get("TransactionID") == "" {
		l.set("TransactionID", fmt.Sprint(x.next("PMTranID")))
	}
	for _, name := range []string{"Allocated", "Billed", "Released"} {
		l.setBool(name, false)
	}
	tasks, known := x.st.Setup.Projects[l.get("Project")]
	switch {
	case l.get("Project") == nonProject:
	case !known:
		bad.add(l, "Project", "Project '%s' cannot be found in the system.", l.get("Project"))
	case l.get("ProjectTask") == "":
		bad.add(l, "ProjectTask", "'Project Task' cannot be empty.")
	case !tasks[l.get("ProjectTask")]:
		bad.add(l, "ProjectTask", "Project Task '%s' cannot be found in the system.", l.get("ProjectTask"))
	}
	for _, side := range []string{"Debit", "Credit"} {
		if name := l.get(side + "Account"); name != "" {
			if a := x.byKey(entityAccount, name); a == nil || !a.yes("Active") {
				bad.add(l, side+"Account", "'%s Account' cannot be found in the system.", side)
			}
			l.setDefault(side+"Subaccount", seedSubaccount)
		}
	}
	if text := x.checkPeriodIn(modulePM, l.day("Date")); text != "" {
		bad.add(l, "Date", "%s", text)
	}
	l.set("FinPeriod", l.day("Date").Format(periodLayout))
	if l.yes("Billable") {
		l.setDefault("BillableQty", l.dec("Qty").String())
	}
	if _, rated := l.Fields["UnitRate"]; rated {
		qty := l.dec("Qty")
		if l.yes("UseBillableQtyInAmountFormula") {
			qty = l.dec("BillableQty")
		}
		l.setDec("Amount", qty.Mul(l.dec("UnitRate")))
	}
	l.setDec("Amount", x.round(l.dec("Amount"), baseCurrency))
}

// releaseProjectTransaction posts the lines that have both accounts, one batch
// a day, and the others to the project alone.
func releaseProjectTransaction(x *tx, r *record) *failure {
	if r.get("Status") != statusBalanced || len(r.Many["Details"]) == 0 {
		return buttonDisabled("Release")
	}
	r = x.edit(entityProjectTransaction, r)
	var days []string
	legs, lines := map[string][]leg{}, map[string][]*record{}
	for _, l := range r.Many["Details"] {
		if text := x.checkPeriodIn(modulePM, l.day("Date")); text != "" {
			return operationFailed(text)
		}
		l.setBool("Released", true)
		if l.get("DebitAccount") == "" || l.get("CreditAccount") == "" {
			continue
		}
		day := l.get("Date")
		if len(lines[day]) == 0 {
			days = append(days, day)
		}
		legs[day] = append(legs[day], debit(l.get("DebitAccount"), l.dec("Amount")), credit(l.get("CreditAccount"), l.dec("Amount")))
		lines[day] = append(lines[day], l)
	}
	for _, day := range days {
		p := posting{
			module: modulePM, day: lines[day][0].day("Date"), currency: baseCurrency, rate: decimal.NewFromInt(1),
			description: "Project Transaction " + r.get("ReferenceNbr"),
		}
		batch, fail := x.postAt(p, legs[day]...)
		if fail != nil {
			return fail
		}
		for _, l := range lines[day] {
			l.setDefault("BatchNbr", batch)
		}
	}
	r.set("Status", statusReleased)
	r.touch(x.now)
	return nil
}

func removeProjectTransaction(_ *tx, r *record) *failure {
	if r.get("Status") == statusReleased {
		return buttonDisabled("Delete")
	}
	return nil
}
