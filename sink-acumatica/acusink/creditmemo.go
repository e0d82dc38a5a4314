package acusink

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/schemas"
)

const (
	// invoiceEntity is the form AR301000: invoices and memos.
	invoiceEntity = "Invoice"
	creditMemo    = "Credit Memo"
)

// creditMemoKind is what a customer owes less, as an AR document.
func creditMemoKind() kind {
	return kind{
		entity: invoiceEntity, action: "ReleaseInvoice", keys: [2]string{"Type", "ReferenceNbr"},
		types:  []string{creditMemo},
		ledger: []string{"Open", "Closed", "Reserved"},
		custom: []string{"Document.CuryID"}, // Acumatica: Invoice has no currency in its contract
		link:   link.CreditMemo,
		ref:    "CustomerOrder", filter: func(find map[string]string) string {
			return "CustomerOrder eq " + acumatica.Quote(find["CustomerOrder"]) + " and Customer eq " + acumatica.Quote(find["Customer"]) +
				" and Type eq " + acumatica.Quote(creditMemo)
		},
		decode: func(fields json.RawMessage) (document, error) { return decodeCreditMemo(fields) },
	}
}

// memo is a credit memo to be posted, its amounts parsed.
type memo struct {
	schemas.AcumaticaCreditMemo
	amount  decimal.Decimal
	lines   []decimal.Decimal // of Details, same order
	applied applications
}

func decodeCreditMemo(fields json.RawMessage) (memo, error) {
	var m memo
	if err := decodeStrict(fields, &m.AcumaticaCreditMemo); err != nil {
		return m, fmt.Errorf("fields: %w", err)
	}
	if m.Type != creditMemo {
		return m, fmt.Errorf("type %q is not %s", m.Type, creditMemo)
	}
	err := checkHead(map[string]string{"Customer": m.Customer, "CurrencyID": m.CurrencyID, "CustomerOrder": m.CustomerOrder}, "CustomerOrder", "Date", m.Date)
	if err != nil {
		return m, err
	}
	if m.amount, err = amountOf("Amount", m.Amount); err != nil {
		return m, err
	}
	sum := decimal.Zero
	for _, l := range m.Details {
		amount, err := amountOf("Details.Amount", l.Amount)
		if err != nil {
			return m, err
		}
		m.lines = append(m.lines, amount)
		sum = sum.Add(amount)
	}
	if !sum.Equal(m.amount) {
		return m, fmt.Errorf("lines of %s in a credit memo of %s", sum, m.amount)
	}
	if m.applied, err = decodeApplications(m.ApplicationsCreditMemo); err != nil {
		return m, err
	}
	if m.applied.total().GreaterThan(m.amount) {
		return m, errors.New("applies more than it has")
	}
	return m, nil
}

func (m memo) find() map[string]string {
	return map[string]string{"CustomerOrder": m.CustomerOrder, "Customer": m.Customer}
}

func (m memo) details(bool) []string { return []string{"Details", "ApplicationsCreditMemo"} }

// body: the amount of a line is computed by Acumatica; what is entered is the
// extended price.
func (m memo) body() map[string]any {
	v := acumatica.Value
	body := map[string]any{
		"Type": v(m.Type), "Customer": v(m.Customer), "Date": v(m.Date), "CustomerOrder": v(m.CustomerOrder), "Hold": v(false),
		"custom": map[string]any{"Document": map[string]any{"CuryID": map[string]any{"type": "CustomStringField", "value": m.CurrencyID}}},
	}
	for name, s := range map[string]string{"Description": m.Description, "LinkBranch": m.LinkBranch} {
		if s != "" {
			body[name] = v(s)
		}
	}
	rows := make([]any, len(m.Details))
	for i, l := range m.Details {
		row := map[string]any{"TransactionDescription": v(l.TransactionDescription), "ExtendedPrice": v(json.Number(l.Amount))}
		for name, s := range map[string]string{"Account": l.Account, "Subaccount": l.Subaccount, "Branch": l.Branch} {
			if s != "" {
				row[name] = v(s)
			}
		}
		rows[i] = row
	}
	body["Details"] = rows
	m.applied.put(body, "ApplicationsCreditMemo")
	return body
}

func (m memo) differs(r acumatica.Record) string {
	return cmp.Or(m.head(r), m.applied.exact(r, "ApplicationsCreditMemo"))
}

// head compares what stays as it was sent for ever.
func (m memo) head(r acumatica.Record) string {
	fields := [][2]string{{"Type", m.Type}, {"Customer", m.Customer}}
	if m.LinkBranch != "" {
		fields = append(fields, [2]string{"LinkBranch", m.LinkBranch})
	}
	if s := unlike(r, fields); s != "" {
		return s
	}
	if got := r.String("CustomerOrder"); strings.TrimSpace(got) != m.CustomerOrder { // Stripe's ids differ by case
		return fmt.Sprintf("CustomerOrder: sent %q, saved %q", m.CustomerOrder, got)
	}
	if got := r.Custom("Document", "CuryID"); !strings.EqualFold(strings.TrimSpace(got), m.CurrencyID) {
		return fmt.Sprintf("Document.CuryID: sent %s, saved %q", m.CurrencyID, got)
	}
	if got := r.Date("Date"); got != m.Date {
		return fmt.Sprintf("Date: sent %s, saved %q", m.Date, got)
	}
	if got := amount(r, "Amount"); !got.Equal(m.amount) {
		return fmt.Sprintf("Amount: sent %s, saved %s, of which tax %s", m.amount, got, amount(r, "TaxTotal"))
	}
	return m.linesDiffer(slices.SortedFunc(slices.Values(r.Rows("Details")), byLine))
}

func (m memo) linesDiffer(rows []acumatica.Record) string {
	if len(rows) != len(m.Details) {
		return fmt.Sprintf("Details: sent %d lines, saved %d", len(m.Details), len(rows))
	}
	for i, l := range m.Details {
		for _, f := range [][2]string{{"Account", l.Account}, {"Subaccount", l.Subaccount}, {"Branch", l.Branch}} {
			if f[1] == "" {
				continue
			}
			if s := unlike(rows[i], [][2]string{f}); s != "" {
				return fmt.Sprintf("line %d: %s", i+1, s)
			}
		}
		if got := amount(rows[i], "Amount"); !got.Equal(m.lines[i]) {
			return fmt.Sprintf("line %d: Amount: sent %s, saved %s", i+1, m.lines[i], got)
		}
	}
	return ""
}

// unproven: what is left of a credit memo is for refunds and for people to
// use, but what it pays must be paid. Rows tell of that, else the balance.
func (m memo) unproven(r acumatica.Record) string {
	if s := m.head(r); s != "" {
		return s
	}
	rows := r.Rows("ApplicationsCreditMemo")
	missing := m.applied.among(rows, "DocType", "ReferenceNbr", true)
	if missing != "" && len(rows) == 0 && amount(r, "Balance").LessThanOrEqual(m.amount.Sub(m.applied.total())) {
		return ""
	}
	return missing
}

// unwanted is why the refund that the credit memo is for needs none: it was
// given back from the payment, by another style or when more of it was free. One
// refund has one effect on what the customer owes.
func (m memo) unwanted(ctx context.Context, w *work) (string, error) {
	own, found, err := w.sink.o.Postings.Get(ctx, w.in.Connection, w.in.ID)
	if err != nil || found && (own.Sends > 0 || own.State != posting.Planned) {
		return "", err // the refund came after it
	}
	_, found, err = w.sink.o.Links.ByStripe(ctx, w.in.Connection, w.kind.link, w.in.Key)
	if err != nil || found {
		return "", err
	}
	l, found, err := w.sink.o.Links.ByStripe(ctx, w.in.Connection, link.Refund, w.in.Key)
	if err != nil {
		return "", err
	}
	if found {
		return fmt.Sprintf("the refund %s is posted without a credit memo, as %s", w.in.Key, l.AcumaticaID), nil
	}
	id := schemas.IntentID(w.in.Connection, schemas.Acumatica, "refund", "create", w.in.Key, "")
	rec, found, err := w.sink.o.Postings.Get(ctx, w.in.Connection, id)
	if err != nil || !found || rec.Sends == 0 || rec.State == posting.Skipped {
		return "", err
	}
	return fmt.Sprintf("the refund %s is being posted without a credit memo", w.in.Key), nil
}

func (m memo) title() string { return m.Type + " of " + m.Customer + " " + m.CustomerOrder }

func (m memo) effect() string {
	done := "of " + m.Amount + " " + m.CurrencyID + " released"
	if len(m.applied) == 0 {
		return done
	}
	return done + ", applied to " + m.applied.String()
}

func (m memo) refs() []schemas.Ref { return m.applied.refs(invoiceEntity) }
