package reconcile

import (
	"context"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/ledger"
	"millrace/internal/posting"
	"millrace/internal/stripeapi"
)

// Stripe reads what moved the balance.
type Stripe interface {
	// EachMovement hands over movements one by one, newest first.
	EachMovement(ctx context.Context, q stripeapi.MovementQuery, each func(*ledger.Movement) error) error
	ListPayouts(ctx context.Context, q stripeapi.PayoutQuery) (page []stripeapi.Payout, more bool, err error)
	// GetPayout reads a payout with its own movement.
	GetPayout(ctx context.Context, id string) (stripeapi.Payout, error)
}

// ERP reads the documents back.
type ERP interface {
	List(ctx context.Context, entity string, q acumatica.Query) ([]acumatica.Record, time.Time, error)
	Get(ctx context.Context, entity string, keys []string, q acumatica.Query) (acumatica.Record, error)
}

// Postings tells how far the work on an intent came; false if there is none.
type Postings interface {
	Get(ctx context.Context, connection, intentID string) (posting.Record, bool, error)
}

// Scanner reads every stored message of a stream, in order.
type Scanner interface {
	Scan(ctx context.Context, stream string, fromSeq uint64, fn func(*bus.Message) error) error
}

// Options is what there is to compare, and how the books are kept.
type Options struct {
	Connection   string
	Rules        ledger.Rules
	CashAccounts map[string]string // currency → clearing cash account
	ByDay        bool              // the unit is the day
	NextOpen     bool              // what falls into a closed period goes to the next open one
	Charges      bool              // payments may carry charges: the endpoint has them

	Stripe   Stripe
	Balance  func(ctx context.Context) (map[string]int64, error) // of Stripe now, by currency, minor units
	ERP      ERP
	Postings Postings
	Log      Scanner
	Blocks   []bus.Block // what is held, of all stages
}

// zone is the time zone of the books.
func (o *Options) zone() *time.Location {
	if o.Rules.Location == nil {
		return time.UTC
	}
	return o.Rules.Location
}

// day is the books' date of t.
func (o *Options) day(t time.Time) string { return t.In(o.zone()).Format(time.DateOnly) }

// Month is a month of the books: "2026-03".
type Month string

const monthForm = "2006-01"

// monthOf is the month of a date.
func monthOf(day string) Month {
	if len(day) < len(monthForm) {
		return Month(day)
	}
	return Month(day[:len(monthForm)])
}

// span is the first instant of the month, and that after its last one.
func (m Month) span(zone *time.Location) (from, until time.Time, err error) {
	t, err := time.Parse(monthForm, string(m))
	return ledger.StartOfDay(t.Year(), t.Month(), 1, zone), ledger.StartOfDay(t.Year(), t.Month()+1, 1, zone), err
}

// Last is the last day of the month.
func (m Month) Last() string {
	from, err := time.Parse(monthForm, string(m))
	if err != nil {
		return string(m)
	}
	return from.AddDate(0, 1, -1).Format(time.DateOnly)
}
