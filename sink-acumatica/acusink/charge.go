package acusink

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/schemas"
)

// charge is what was withheld of a payment, under one entry type.
type charge struct {
	schemas.AcumaticaCharge
	amount decimal.Decimal
}

// charges are those of one payment. Acumatica: they are posted with it and do
// not change what it can be applied to; from endpoint 23.200.001 on.
type charges []charge

func decodeCharges(rows []schemas.AcumaticaCharge) (charges, error) {
	var list charges
	for _, row := range rows {
		amount, err := amountOf("Charges.Amount", row.Amount)
		if err != nil {
			return nil, err
		}
		if row.EntryTypeID == "" {
			return nil, errors.New("a charge has no entry type")
		}
		list = append(list, charge{row, amount})
	}
	return list, nil
}

func (l charges) put(body map[string]any) {
	var rows []any
	for _, c := range l {
		rows = append(rows, map[string]any{"EntryTypeID": acumatica.Value(c.EntryTypeID), "Amount": acumatica.Value(json.Number(c.Amount))})
	}
	if rows != nil {
		body["Charges"] = rows
	}
}

// differ compares them row by row: they are posted as they are.
func (l charges) differ(r acumatica.Record) string {
	if len(l) == 0 {
		return "" // they were not read
	}
	rows := r.Rows("Charges")
	if len(rows) != len(l) {
		return fmt.Sprintf("Charges: sent %d rows, saved %d", len(l), len(rows))
	}
	for i, want := range l {
		if s := unlike(rows[i], [][2]string{{"EntryTypeID", want.EntryTypeID}}); s != "" {
			return "Charges: " + s
		}
		if got, ok := rows[i].Decimal("Amount"); !ok || !got.Equal(want.amount) {
			return fmt.Sprintf("Charges: %s: sent %s, saved %q", want.EntryTypeID, want.Amount, rows[i].String("Amount"))
		}
	}
	return ""
}
