package acusink

import (
	"encoding/json"
	"maps"
	"slices"

	"millrace/schemas"
)

// Use is what this sink needs of one entity of an endpoint.
type Use struct {
	Document string // of the intent: "payment create"
	Entity   string
	Action   string   // that releases, or voids
	Fields   []string // "DocumentsToApply/AmountPaid"
}

// Uses lists what every kind of document needs of the endpoint, as its own body
// has it. charges says whether payments carry their fees: older endpoints do
// not have them.
func Uses(charges bool) []Use {
	applied := []schemas.AcumaticaApplication{{DocType: "Invoice", ReferenceNbr: "1", AmountPaid: "1"}}
	pay := payment{AcumaticaPayment: schemas.AcumaticaPayment{Type: "Payment", Description: "-", Branch: "-", PaymentAmount: "1", DocumentsToApply: applied}}
	if charges {
		pay.Charges = []schemas.AcumaticaCharge{{EntryTypeID: "-", Amount: "1"}}
	}
	pay.applied, _ = decodeApplications(pay.DocumentsToApply) // the samples are well formed
	pay.charges, _ = decodeCharges(pay.Charges)
	credit := memo{AcumaticaCreditMemo: schemas.AcumaticaCreditMemo{
		Type: creditMemo, Description: "-", LinkBranch: "-",
		Details: []schemas.AcumaticaCreditMemoLine{{Account: "-", Subaccount: "-", Branch: "-", Amount: "1"}},
	}}
	credit.applied = pay.applied
	line := schemas.AcumaticaJournalLine{Account: "-", Subaccount: "-", BranchID: "-", DebitAmount: "1", TransactionDescription: "-", ReferenceNbr: "-"}
	batch := &journal{lines: []journalLine{{AcumaticaJournalLine: line}}, postPeriod: "-", AcumaticaJournal: schemas.AcumaticaJournal{
		Module: journalModule, CurrencyID: "-", TransactionDate: "-", Description: "-", LedgerID: "-", BranchID: "-",
	}}
	return []Use{
		paymentKind().use("payment create", pay),
		creditMemoKind().use("creditmemo create", credit),
		journalKind().use("journal create", batch),
		{Document: "payment void", Entity: paymentEntity, Action: "VoidPayment", Fields: []string{"Type", "ReferenceNbr", "Status"}},
	}
}

// use is what a kind needs for a document like this one.
func (k kind) use(name string, d document) Use {
	fields := append([]string{"Status", k.ref}, k.keys[:]...)
	for _, released := range []bool{false, true} {
		fields = append(fields, d.details(released)...)
	}
	var body map[string]any
	if data, err := json.Marshal(d.body()); err == nil {
		_ = json.Unmarshal(data, &body) // it was made one line above
	}
	fields = named(fields, body, "")
	slices.Sort(fields)
	return Use{Document: name, Entity: k.entity, Action: k.action, Fields: slices.Compact(fields)}
}

// named adds the fields of a body, those of its rows below their array.
func named(fields []string, body map[string]any, above string) []string {
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if name == "custom" {
			continue
		}
		fields = append(fields, above+name)
		if rows, ok := body[name].([]any); ok && len(rows) > 0 {
			if row, ok := rows[0].(map[string]any); ok {
				fields = named(fields, row, above+name+"/")
			}
		}
	}
	return fields
}
