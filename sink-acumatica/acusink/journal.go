package acusink

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/link"
	"millrace/schemas"
)

// journalModule is the only one whose batches are entered by hand.
const journalModule = "GL"

// journalKind is a batch of the general ledger, form GL301000. It has no field
// for an external reference: the description carries ours at its end.
func journalKind() kind {
	return kind{
		entity: "JournalTransaction", action: "ReleaseJournalTransaction", keys: [2]string{"Module", "BatchNbr"},
		types: []string{journalModule},
		// Acumatica: released is Unposted where batches are not posted on release.
		ledger: []string{"Posted", "Unposted"},
		link:   link.Journal,
		ref:    "Description", within: true, filter: journalFilter,
		decode: func(fields json.RawMessage) (document, error) { return decodeJournal(fields) },
	}
}

// journalFilter narrows by module and date, because descriptions have no index.
// The days around the date make up for servers in other zones.
func journalFilter(find map[string]string) string {
	date, _ := time.Parse(time.DateOnly, find["TransactionDate"]) // it was read before
	return fmt.Sprintf("Module eq '%s' and TransactionDate ge datetimeoffset'%s' and TransactionDate lt datetimeoffset'%s' and substringof(%s,Description)",
		journalModule, date.AddDate(0, 0, -1).Format(time.DateOnly), date.AddDate(0, 0, 2).Format(time.DateOnly), acumatica.Quote(find["Description"]))
}

// journal is a batch to be posted, its amounts parsed.
type journal struct {
	schemas.AcumaticaJournal
	reference  string
	lines      []journalLine
	total      decimal.Decimal // of the debits, and of the credits
	postPeriod string          // MMYYYY, when it is not that of the date
}

// journalLine is one line; the other side is zero.
type journalLine struct {
	schemas.AcumaticaJournalLine
	debit, credit decimal.Decimal
}

func decodeJournal(fields json.RawMessage) (*journal, error) {
	j := &journal{}
	if err := decodeStrict(fields, &j.AcumaticaJournal); err != nil {
		return j, fmt.Errorf("fields: %w", err)
	}
	var marked bool
	if j.reference, marked = j.Reference(); !marked {
		return j, fmt.Errorf("the description %q does not end in a reference", j.Description)
	}
	if j.Module != journalModule || j.CurrencyID == "" {
		return j, fmt.Errorf("module %q, currency %q", j.Module, j.CurrencyID)
	}
	if _, err := time.Parse(time.DateOnly, j.TransactionDate); err != nil {
		return j, fmt.Errorf("TransactionDate: %w", err)
	}
	credits := decimal.Zero
	for _, row := range j.Details {
		l, err := decodeLine(row)
		if err != nil {
			return j, err
		}
		j.lines = append(j.lines, l)
		j.total, credits = j.total.Add(l.debit), credits.Add(l.credit)
	}
	if len(j.lines) == 0 || !j.total.Equal(credits) {
		return j, fmt.Errorf("debits are %s, credits are %s", j.total, credits)
	}
	return j, nil
}

func decodeLine(row schemas.AcumaticaJournalLine) (journalLine, error) {
	l := journalLine{AcumaticaJournalLine: row}
	var err error
	switch {
	case strings.TrimSpace(row.Account) == "":
		err = errors.New("a line has no account")
	case row.DebitAmount != "" && row.CreditAmount != "", row.DebitAmount == "" && row.CreditAmount == "":
		err = fmt.Errorf("a line of %s is not either a debit or a credit", row.Account)
	case row.DebitAmount != "":
		l.debit, err = amountOf("DebitAmount", row.DebitAmount)
	default:
		l.credit, err = amountOf("CreditAmount", row.CreditAmount)
	}
	return l, err
}

func (j *journal) find() map[string]string {
	return map[string]string{"Description": j.reference, "TransactionDate": j.TransactionDate}
}

func (j *journal) details(bool) []string { return []string{"Details"} }

func (j *journal) body() map[string]any {
	body := map[string]any{"Hold": acumatica.Value(false)}
	for name, v := range map[string]string{
		"Module": j.Module, "CurrencyID": j.CurrencyID, "TransactionDate": j.TransactionDate, "Description": j.Description,
		"LedgerID": j.LedgerID, "BranchID": j.BranchID, "PostPeriod": j.postPeriod,
	} {
		if v != "" {
			body[name] = acumatica.Value(v)
		}
	}
	rows := make([]any, len(j.lines))
	for i, l := range j.lines {
		row := map[string]any{
			"DebitAmount":  acumatica.Value(json.Number(cmp.Or(l.DebitAmount, "0"))),
			"CreditAmount": acumatica.Value(json.Number(cmp.Or(l.CreditAmount, "0"))),
		}
		for name, v := range map[string]string{
			"Account": l.Account, "Subaccount": l.Subaccount, "BranchID": l.BranchID,
			"TransactionDescription": l.TransactionDescription, "ReferenceNbr": l.ReferenceNbr,
		} {
			if v != "" {
				row[name] = acumatica.Value(v)
			}
		}
		rows[i] = row
	}
	body["Details"] = rows
	return body
}

// differs compares every line. Acumatica: a release may add lines that have
// nothing in the batch's currency, for what rounding left in the base currency.
func (j *journal) differs(r acumatica.Record) string {
	head := [][2]string{{"Module", j.Module}, {"CurrencyID", j.CurrencyID}}
	for _, f := range [][2]string{{"LedgerID", j.LedgerID}, {"BranchID", j.BranchID}} {
		if f[1] != "" {
			head = append(head, f)
		}
	}
	if s := unlike(r, head); s != "" {
		return s
	}
	if got := r.String("Description"); !strings.Contains(got, j.reference) {
		return fmt.Sprintf("Description: sent %q, saved %q", j.Description, got)
	}
	if got := r.Date("TransactionDate"); got != j.TransactionDate {
		return fmt.Sprintf("TransactionDate: sent %s, saved %q", j.TransactionDate, got)
	}
	if got := strings.ReplaceAll(r.String("PostPeriod"), "-", ""); j.postPeriod != "" && got != j.postPeriod {
		return fmt.Sprintf("PostPeriod: sent %s, saved %q", j.postPeriod, got)
	}
	rows := slices.DeleteFunc(slices.SortedFunc(slices.Values(r.Rows("Details")), byLine), func(row acumatica.Record) bool {
		return amount(row, "DebitAmount").IsZero() && amount(row, "CreditAmount").IsZero()
	})
	if len(rows) != len(j.lines) {
		return fmt.Sprintf("Details: sent %d lines, saved %d", len(j.lines), len(rows))
	}
	for i, l := range j.lines {
		if s := l.differs(rows[i]); s != "" {
			return fmt.Sprintf("line %d: %s", i+1, s)
		}
	}
	return ""
}

func (l journalLine) differs(row acumatica.Record) string {
	fields := [][2]string{{"Account", l.Account}}
	for _, f := range [][2]string{{"Subaccount", l.Subaccount}, {"BranchID", l.BranchID}} {
		if f[1] != "" {
			fields = append(fields, f)
		}
	}
	if s := unlike(row, fields); s != "" {
		return s
	}
	for name, sent := range map[string]decimal.Decimal{"DebitAmount": l.debit, "CreditAmount": l.credit} {
		if got := amount(row, name); !got.Equal(sent) {
			return fmt.Sprintf("%s of %s: sent %s, saved %s", name, l.Account, sent, got)
		}
	}
	return ""
}

func byLine(a, b acumatica.Record) int {
	return amount(a, "LineNbr").Cmp(amount(b, "LineNbr"))
}

// amount is a number of a row; none is zero.
func amount(row acumatica.Record, field string) decimal.Decimal {
	d, _ := row.Decimal(field)
	return d
}

// unproven: nobody can change a batch once it is released.
func (j *journal) unproven(r acumatica.Record) string { return j.differs(r) }

func (j *journal) title() string { return "journal " + j.Description }

func (j *journal) effect() string {
	return fmt.Sprintf("of %s %s released, %d lines dated %s", j.total, j.CurrencyID, len(j.lines), j.TransactionDate)
}

func (j *journal) refs() []schemas.Ref { return nil }
