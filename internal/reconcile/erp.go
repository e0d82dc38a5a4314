package reconcile

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/money"
)

// Entities, types and statuses of Acumatica.
const (
	paymentEntity = "Payment"
	journalEntity = "JournalTransaction"
	generalLedger = "GL"

	voided = "Voided"
	// dateView and dateField are a payment's own date: ApplicationDate is that
	// of its latest application.
	dateView, dateField = "CurrentDocument", "DocDate"
	// leftView and leftField are what a payment has left: AvailableBalance is
	// empty in lists.
	leftView, leftField = "Document", "CuryDocBal"

	// erpPage is how many rows are read at once.
	erpPage = 500
)

// around is a filter for dates from the first through the last day, one too
// wide on both sides: where the server's midnight is, is not known.
func around(field, first, last string) (string, error) {
	from, err := time.Parse(time.DateOnly, first)
	if err != nil {
		return "", err
	}
	until, err := time.Parse(time.DateOnly, last)
	if err != nil {
		return "", err
	}
	literal := func(t time.Time) string { return "datetimeoffset'" + t.Format(time.DateOnly) + "T00:00:00.000+00:00'" }
	return field + " ge " + literal(from.AddDate(0, 0, -1)) + " and " + field + " lt " + literal(until.AddDate(0, 0, 2)), nil
}

// list reads all records of a query, a page at a time.
func (o *Options) list(ctx context.Context, entity string, q acumatica.Query, each func(acumatica.Record) error) error {
	q.Top = erpPage
	for {
		page, _, err := o.ERP.List(ctx, entity, q)
		if err != nil {
			return err
		}
		for _, r := range page {
			if err := each(r); err != nil {
				return err
			}
		}
		if len(page) < erpPage {
			return nil
		}
		q.Skip += len(page)
	}
}

// payments hands over the documents on the clearing cash account of a currency
// whose application date is in the span.
func (o *Options) payments(ctx context.Context, currency, first, last string, each func(*document) error) error {
	account := o.CashAccounts[currency]
	if account == "" {
		return nil
	}
	dates, err := around("ApplicationDate", first, last)
	if err != nil {
		return err
	}
	q := acumatica.Query{Filter: "CashAccount eq " + acumatica.Quote(account) + " and " + dates}
	o.widen(&q)
	return o.list(ctx, paymentEntity, q, func(r acumatica.Record) error {
		d, err := o.paymentOf(r)
		if err != nil {
			return err
		}
		return each(d)
	})
}

// widen asks for what of a payment is not in its fields.
func (o *Options) widen(q *acumatica.Query) {
	q.Custom = []string{dateView + "." + dateField, leftView + "." + leftField}
	if o.Charges {
		q.Expand = []string{"Charges"}
	}
}

// paymentOf is a record of Payment.
func (o *Options) paymentOf(r acumatica.Record) (*document, error) {
	day := dateOf(r)
	d := &document{
		booked: day, name: r.String("Type") + " " + r.String("ReferenceNbr"), entity: paymentEntity, id: r.ID(), ref: strings.TrimSpace(r.String("PaymentRef")),
		currency: strings.ToUpper(r.String("CurrencyID")), date: day, status: r.String("Status"), account: strings.TrimSpace(r.String("CashAccount")),
		effect: side{},
	}
	amount, err := minor(r, "PaymentAmount", d.currency)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.name, err)
	}
	d.applied = amount
	if text := r.Custom(leftView, leftField); text != "" {
		left, err := parse(text, d.currency)
		if err != nil {
			return nil, fmt.Errorf("%s: what is left: %w", d.name, err)
		}
		d.applied -= left
	}
	category := "charge"
	switch r.String("Type") {
	case "Payment", "Prepayment":
		d.kind = payment
	case "Voided Payment":
		d.kind, category = paymentVoid, "charge_failure" // Acumatica: its amount has the other sign
	case "Refund", "Customer Refund":
		d.kind, category, amount = refund, "refund", -amount
	case "Voided Refund":
		category, amount = "refund", -amount
	}
	switch d.status {
	case "Open", "Closed", "Reserved", voided:
		d.released = true
	default:
		return d, nil
	}
	d.effect[category] = amount
	for _, c := range r.Rows("Charges") {
		fee, err := minor(c, "Amount", d.currency)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
		if d.kind == paymentVoid {
			fee = -fee
		}
		d.effect[onPayment] -= fee
	}
	return d, nil
}

// dateOf is the date of the document itself where Acumatica says it.
func dateOf(r acumatica.Record) string {
	own := r.Custom(dateView, dateField)
	if len(own) >= len(time.DateOnly) {
		return own[:len(time.DateOnly)]
	}
	return r.Date("ApplicationDate")
}

// batches hands over the batches in the span that are dated there, with their
// lines. mine: only those that carry a reference of ours.
func (o *Options) batches(ctx context.Context, first, last string, mine bool, each func(module string, d *document) error) error {
	dates, err := around("TransactionDate", first, last)
	if err != nil {
		return err
	}
	q := acumatica.Query{Filter: dates, Expand: []string{"Details"}}
	if mine {
		q.Filter = "Module eq 'GL' and substringof('[mr ',Description) and " + dates
	}
	return o.list(ctx, journalEntity, q, func(r acumatica.Record) error {
		d, err := o.batchOf(r)
		if err != nil {
			return err
		}
		if d.booked < first {
			return nil
		}
		return each(r.String("Module"), d)
	})
}

// batchOf is a record of JournalTransaction; its effect is not told apart by
// category yet.
func (o *Options) batchOf(r acumatica.Record) (*document, error) {
	day := r.Date("TransactionDate")
	d := &document{
		booked: bookedOn(day, r.String("PostPeriod")), name: r.String("Module") + " " + r.String("BatchNbr"), entity: journalEntity, kind: journal, id: r.ID(), ref: reference(r.String("Description")),
		currency: strings.ToUpper(r.String("CurrencyID")), date: day, status: r.String("Status"),
		effect: side{}, text: map[string]int64{},
	}
	d.released = d.status == "Posted" || d.status == "Unposted" || d.status == "Completed"
	clearing := o.Rules.Clearing[d.currency].Account
	for _, l := range r.Rows("Details") {
		debit, err := minor(l, "DebitAmount", d.currency)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
		credit, err := minor(l, "CreditAmount", d.currency)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
		account := strings.TrimSpace(l.String("Account"))
		d.lines = append(d.lines, line{account, debit - credit})
		d.places = append(d.places, place{strings.TrimSpace(l.String("Subaccount")), strings.TrimSpace(l.String("BranchID"))})
		if d.released && clearing != "" && strings.EqualFold(account, clearing) {
			d.text[words(l.String("TransactionDescription"))] += debit - credit
		}
	}
	return d, nil
}

// bookedOn is the date, or the first day of the post period (MMYYYY, with or
// without a hyphen) when that is another month.
func bookedOn(day, period string) string {
	period = strings.ReplaceAll(period, "-", "")
	month, err := time.Parse("012006", period)
	if err != nil || Month(month.Format(monthForm)) == monthOf(day) {
		return day
	}
	return month.Format(time.DateOnly)
}

// reference is what a description ends in when the batch is ours.
func reference(description string) string {
	if i := strings.LastIndex(description, "[mr "); i >= 0 {
		return strings.TrimSpace(description[i:])
	}
	return ""
}

// words is the text of a line without the count of movements behind it.
func words(text string) string {
	text = strings.TrimSpace(text)
	if i := strings.LastIndex(text, " ("); i > 0 && strings.HasSuffix(text, ")") {
		return text[:i]
	}
	return text
}

// minor is an amount of a record in minor units; 0 when it has none. An amount
// that the currency cannot have is kept out of the sums by an error.
func minor(r acumatica.Record, field, currency string) (int64, error) {
	d, ok := r.Decimal(field)
	if !ok {
		return 0, nil
	}
	return minorOf(d, currency)
}

func minorOf(d decimal.Decimal, currency string) (int64, error) {
	a, err := money.FromDecimal(d, currency)
	return a.Minor, err
}
