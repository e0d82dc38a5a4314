package acumaticatwin

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

const (
	entityJournal    = "JournalTransaction"
	entityLedger     = "Ledger"
	entitySubaccount = "Subaccount"

	statusPosted = "Posted"
	periodLayout = "012006"

	seedLedger     = "ACTUAL"
	seedSubaccount = "000000"
)

func journalEntity(b *builder) *entity {
	return &entity{
		name: entityJournal, display: "Journal Transactions", screen: "GL301000", graph: "PX.Objects.GL.JournalEntry", view: "BatchModule",
		keys: []string{"Module", "BatchNbr"}, indexed: []string{"Description"},
		shape: b.shape(`BatchNbr:S15 BranchID:S CreatedDateTime:T! CurrencyID:S5 Description:S512 Hold:B LastModifiedDateTime:T! LedgerID:S10
			Module:S PostPeriod:S Status:S! TransactionDate:A`,
			part{name: "Details", many: true, keys: []string{"LineNbr"}, shape: b.shape(`Account:S BranchID:S CostCode:S CreditAmount:D4
				DebitAmount:D4 Description:S! IsNonPM:B LineNbr:I NonBillable:B Project:S ProjectTask:S ProjectTransactionID:I Qty:D6
				ReferenceNbr:S15 Subaccount:S TransactionDescription:S512 UOM:S VendorOrCustomer:S`)}),
		fresh: freshJournal, save: saveJournal, remove: removeJournal,
		actions: map[string]action{"ReleaseJournalTransaction": releaseJournal, "Release": releaseJournal},
	}
}

func freshJournal(x *tx, r *record) {
	r.set("Module", moduleGL)
	r.set("BranchID", SeedBranch)
	r.set("LedgerID", seedLedger)
	r.set("CurrencyID", baseCurrency)
	r.set("TransactionDate", x.today())
	r.setBool("Hold", true) // Acumatica: "Hold Batches on Entry" is on by default
}

func saveJournal(x *tx, old, r *record) *problems {
	bad := newProblems()
	if old != nil && old.get("Status") == statusPosted {
		refuseChanges(old, r, bad)
		return bad
	}
	if r.get("Module") != moduleGL {
		bad.add(r, "Module", "Journal transactions of the %s module are made by their documents.", r.get("Module"))
	}
	for field, entityName := range map[string]string{"LedgerID": entityLedger, "CurrencyID": entityCurrency} {
		if x.byKey(entityName, r.get(field)) == nil {
			bad.add(r, field, "'%s' cannot be found in the system.", r.get(field))
		}
	}
	r.setDefault("PostPeriod", r.day("TransactionDate").Format(periodLayout))
	if old != nil && old.get("PostPeriod") == r.get("PostPeriod") && old.get("TransactionDate") != r.get("TransactionDate") {
		r.set("PostPeriod", r.day("TransactionDate").Format(periodLayout))
	}
	r.set("PostPeriod", strings.ReplaceAll(r.get("PostPeriod"), "-", ""))
	if text := x.checkLedgerPeriod(r); text != "" {
		bad.add(r, "PostPeriod", "%s", text)
	}
	x.rateDocument(r, "TransactionDate", "", bad)
	sum := decimal.Zero
	for i, l := range r.Many["Details"] {
		l.set("LineNbr", fmt.Sprint(i+1))
		x.journalLine(r, l, bad)
		sum = sum.Add(l.dec("DebitAmount")).Sub(l.dec("CreditAmount"))
	}
	r.set("Status", statusHold)
	if !r.yes("Hold") {
		r.set("Status", statusBalanced)
		if !sum.IsZero() {
			bad.add(r, "", "Batch is out of balance, please review.")
		}
	}
	if old == nil && bad.empty() {
		r.set("BatchNbr", fmt.Sprintf("%08d", x.next("GLBatch")))
	}
	return bad
}

func (x *tx) journalLine(r, l *record, bad *problems) {
	a := x.byKey(entityAccount, l.get("Account"))
	switch {
	case l.get("Account") == "":
		bad.add(l, "Account", "'Account' cannot be empty.")
	case a == nil || !a.yes("Active"):
		bad.add(l, "Account", "'Account' cannot be found in the system.")
	case a.get("CurrencyID") != "" && a.get("CurrencyID") != r.get("CurrencyID"):
		bad.add(l, "Account", "The currency of the account, %s, differs from the currency of the batch, %s.", a.get("CurrencyID"), r.get("CurrencyID"))
	default:
		l.set("Account", a.get("AccountCD"))
		l.set("Description", a.get("Description")) // of the account; the text of the line is TransactionDescription
	}
	l.setDefault("Subaccount", seedSubaccount)
	if x.byKey(entitySubaccount, l.get("Subaccount")) == nil {
		bad.add(l, "Subaccount", "Subaccount '%s' cannot be found in the system.", l.get("Subaccount"))
	}
	l.setDefault("BranchID", r.get("BranchID"))
	for _, side := range []string{"DebitAmount", "CreditAmount"} {
		l.setDec(side, x.round(l.dec(side), r.get("CurrencyID")))
	}
	if !l.dec("DebitAmount").IsZero() && !l.dec("CreditAmount").IsZero() {
		bad.add(l, "CreditAmount", "A line is either a debit or a credit.")
	}
}

// checkLedgerPeriod is checkPeriod for the general ledger itself: what is
// closed in AR only is open to it.
func (x *tx) checkLedgerPeriod(r *record) string {
	month, err := time.Parse(periodLayout, r.get("PostPeriod"))
	if err != nil || x.period(month) == nil || x.period(r.day("TransactionDate")) == nil {
		return fmt.Sprintf("The financial period that corresponds to the %s date does not exist in the %s company.",
			r.day("TransactionDate").Format("1/2/2006"), x.tenant)
	}
	return x.periodProblem(moduleGL, x.period(month))
}

// releaseJournal posts a batch; afterwards nothing in it can change.
func releaseJournal(x *tx, r *record) *failure {
	if r.get("Status") != statusBalanced {
		return buttonDisabled("Release")
	}
	if text := x.checkLedgerPeriod(r); text != "" {
		return operationFailed(text)
	}
	r = x.edit(entityJournal, r)
	lines, fail := x.balance(x.valued(r.get("CurrencyID"), rateOfDocument(r), journalLegs(r)))
	if fail != nil {
		return fail
	}
	for i, l := range lines {
		if i == len(r.Many["Details"]) { // of the rounding
			r.Many["Details"] = append(r.Many["Details"], x.line("LineNbr", strconv.Itoa(i+1), "Account", l.Account, "BranchID", SeedBranch,
				"Subaccount", seedSubaccount, "DebitAmount", "0", "CreditAmount", "0"))
		}
		keepBase(r, r.Many["Details"][i], l)
	}
	r.set("Status", statusPosted)
	r.touch(x.now)
	return nil
}

func journalLegs(r *record) []leg {
	legs := make([]leg, len(r.Many["Details"]))
	for i, l := range r.Many["Details"] {
		legs[i] = debit(l.get("Account"), l.dec("DebitAmount").Sub(l.dec("CreditAmount")))
	}
	return legs
}

// Hidden fields of lines in a foreign currency, named after the columns of the
// table: the amounts in the base currency.
const (
	baseDebit  = "DebitAmt"
	baseCredit = "CreditAmt"
)

func keepBase(r, row *record, l Line) {
	if r.get(docRate) != "" {
		d, c := sides(l.BaseDebit, l.BaseCredit)
		row.setDec(baseDebit, d)
		row.setDec(baseCredit, c)
	}
}

func removeJournal(_ *tx, r *record) *failure {
	if r.get("Status") == statusPosted {
		return buttonDisabled("Delete")
	}
	return nil
}

// batchRow is the row of a batch that a document posted. Nobody else writes it.
func (x *tx) batchRow(b Batch, p posting) {
	r := x.line("Module", b.Module, "BatchNbr", b.BatchNbr, "BranchID", SeedBranch, "LedgerID", seedLedger, "CurrencyID", b.Currency,
		"Description", b.Description, "PostPeriod", b.Period, "Status", statusPosted, "TransactionDate", b.Date, "Hold", "false")
	if b.Currency != baseCurrency {
		r.setDec(docRate, b.Rate)
	}
	for n, l := range b.Lines {
		row := x.line("LineNbr", strconv.Itoa(n+1), "Account", l.Account, "BranchID", SeedBranch, "Subaccount", seedSubaccount)
		if p.ref != "" {
			row.set("ReferenceNbr", p.ref)
			row.set("VendorOrCustomer", p.customer)
		}
		row.setDec("DebitAmount", l.Debit)
		row.setDec("CreditAmount", l.Credit)
		keepBase(r, row, l)
		r.Many["Details"] = append(r.Many["Details"], row)
	}
	r.touch(x.now)
	x.save(entityJournal, r)
}

// batchOf is the batch of a posted row.
func batchOf(r *record) Batch {
	lines := make([]Line, 0, len(r.Many["Details"]))
	for _, l := range r.Many["Details"] {
		line := Line{Account: l.get("Account"), Debit: l.dec("DebitAmount"), Credit: l.dec("CreditAmount")}
		line.BaseDebit, line.BaseCredit = line.Debit, line.Credit
		if r.get(docRate) != "" {
			line.BaseDebit, line.BaseCredit = l.dec(baseDebit), l.dec(baseCredit)
		}
		lines = append(lines, line)
	}
	return Batch{
		BatchNbr: r.get("BatchNbr"), Module: r.get("Module"), Period: r.get("PostPeriod"), Date: r.get("TransactionDate"),
		Description: r.get("Description"), Currency: r.get("CurrencyID"), Rate: rateOfDocument(r), Posted: r.get(fieldChanged), Lines: netLines(lines),
	}
}

func ledgerEntity(b *builder) *entity {
	return &entity{
		name: entityLedger, display: "Ledgers", screen: "GL201500", graph: "PX.Objects.GL.GeneralLedgerMaint", view: "LedgerRecords",
		keys: []string{"LedgerID"}, readOnly: true,
		shape: b.shape(`ConsolidationSource:B Currency:S5 Description:S60 LastModifiedDateTime:T LedgerID:S10 Type:S`,
			part{name: "Branches", many: true, shape: b.shape(`Active:B BranchID:S BranchName:S CompanyName:S`)},
			part{name: "Companies", many: true, shape: b.shape(`Active:B Company:S CompanyName:S CompanyType:S`)}),
	}
}

func subaccountEntity(b *builder) *entity {
	return &entity{
		name: entitySubaccount, display: "Subaccounts", screen: "GL203000", graph: "PX.Objects.GL.SubAccountMaint", view: "SubRecords",
		keys: []string{"SubaccountCD"}, readOnly: true,
		shape: b.shape(`Active:B Description:S255 Secured:B SubaccountCD:S30 SubaccountID:I`),
	}
}

// seedLedgers adds the actual ledger and the default subaccount.
func (x *tx) seedLedgers() {
	l := x.row(entityLedger, "LedgerID", seedLedger, "Description", "Actual ledger", "Currency", baseCurrency, "Type", "Actual",
		"ConsolidationSource", "false")
	l.Many["Branches"] = []*record{x.line("BranchID", SeedBranch, "Active", "true", "BranchName", "Main branch")}
	x.row(entitySubaccount, "SubaccountCD", seedSubaccount, "SubaccountID", "1", "Active", "true", "Secured", "false", "Description", "Default")
}
