package stage

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/fault"
	"millrace/internal/ledger"
	"millrace/internal/money"
	"millrace/internal/stripeapi"
	"millrace/schemas"
	"millrace/transform/flow"
)

// Movements reads what moved the balance of a Stripe account.
type Movements interface {
	// EachMovement hands them over one by one; it holds a page of them.
	EachMovement(ctx context.Context, q stripeapi.MovementQuery, each func(*ledger.Movement) error) error
	GetMovement(ctx context.Context, id string) (ledger.Movement, error)
	// GetPayout reads a payout with its own movement.
	GetPayout(ctx context.Context, id string) (stripeapi.Payout, error)
}

// anyCurrency is that of a sum of nothing: the opening has journals in several.
const anyCurrency = "USD"

// settled is what a unit came to.
type settled struct {
	journals []ledger.Journal
	count    int // movements
	net      int64
	currency string
	flags    []ledger.Flag
	charge   int64 // unit payment_charge: what of the fee is on the payment
}

// settle computes the journals of a unit. The movements pass through one page
// at a time; what goes to the flow is as small as the journals.
func (h *Handler) settle(ctx context.Context, conn Connection, connection string, n flow.SettleNeed) (any, error) {
	if conn.Rules == nil || conn.Movements == nil {
		return nil, fault.Newf("flow.fetch_unsupported", "no accounts are configured to settle a %s", n.Unit)
	}
	if want := flow.Units()[n.Unit]; len(n.Keys) != want {
		return nil, fault.Newf("flow.fetch_unsupported", "a %s with %d keys", n.Unit, len(n.Keys))
	}
	var s settled
	var err error
	switch n.Unit {
	case "payout":
		s, err = conn.payout(ctx, n.Keys[0])
	case "payout_movement":
		s, err = conn.payoutMovement(ctx, n.Keys[0])
	case "day":
		s, err = conn.day(ctx, n.Keys[0], n.Keys[1])
	case "movement":
		s, err = conn.movement(ctx, n.Keys[0])
	case "payment_charge":
		s, err = conn.paymentCharge(ctx, n.Keys[0])
	case "opening":
		s, err = conn.opening(ctx, n.Keys[0])
	case "dispute_lost":
		s, err = conn.disputeLost(n.Keys)
	default:
		err = fault.Newf("flow.fetch_unsupported", "unit %s", n.Unit)
	}
	if err != nil {
		return nil, err
	}
	for _, f := range s.flags {
		h.o.Log.Warn("odd movements are settled", "connection", connection, "unit", n.Keys[0], "reason", f.Reason, "first", f.First, "count", f.Count)
	}
	return s.fact(connection)
}

func (c Connection) payout(ctx context.Context, id string) (settled, error) {
	p, err := c.Movements.GetPayout(ctx, id)
	if err != nil {
		return settled{}, err
	}
	u := ledger.NewUnit(*c.Rules, p.ID, p.Currency)
	u.Pays(p.Amount)
	return c.unit(ctx, u, p.Currency, stripeapi.MovementQuery{Payout: p.ID}, p.Movement.ID)
}

func (c Connection) day(ctx context.Context, currency, day string) (settled, error) {
	zone := c.Rules.Location
	if zone == nil {
		zone = time.UTC
	}
	date, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return settled{}, fault.Newf("flow.expression_failed", "day %q: %w", day, err)
	}
	currency = strings.ToUpper(currency)
	q := stripeapi.MovementQuery{
		Currency: currency,
		From:     ledger.StartOfDay(date.Year(), date.Month(), date.Day(), zone), Until: ledger.StartOfDay(date.Year(), date.Month(), date.Day()+1, zone),
	}
	// The currency is part of its name: the days of two balances may both have a
	// journal in the currency that a customer paid.
	return c.unit(ctx, ledger.NewUnit(*c.Rules, day+"/"+currency, currency), currency, q, "")
}

// unit streams the movements of the query, without the one named, into u.
func (c Connection) unit(ctx context.Context, u *ledger.Unit, currency string, q stripeapi.MovementQuery, without string) (settled, error) {
	count := 0
	err := c.Movements.EachMovement(ctx, q, func(m *ledger.Movement) error {
		if m.ID == without {
			return nil
		}
		count++
		return u.Add(m)
	})
	if err != nil {
		return settled{}, err
	}
	return result(u, count, currency)
}

func (c Connection) movement(ctx context.Context, id string) (settled, error) {
	m, err := c.Movements.GetMovement(ctx, id)
	if err != nil {
		return settled{}, err
	}
	u := ledger.NewUnit(*c.Rules, m.ID, m.Currency)
	if err := u.Add(&m); err != nil {
		return settled{}, err
	}
	return result(u, 1, m.Currency)
}

func result(u *ledger.Unit, count int, currency string) (settled, error) {
	journals, err := u.Journals()
	return settled{journals: journals, count: count, net: u.Net(), currency: currency, flags: u.Flags()}, err
}

func (c Connection) payoutMovement(ctx context.Context, id string) (settled, error) {
	p, err := c.Movements.GetPayout(ctx, id)
	if err != nil {
		return settled{}, err
	}
	journals, err := ledger.Bank(*c.Rules, &p.Movement, p.Arrival)
	return settled{journals: journals, count: 1, net: p.Movement.Net, currency: p.Currency}, err
}

func (c Connection) paymentCharge(ctx context.Context, id string) (settled, error) {
	m, err := c.Movements.GetMovement(ctx, id)
	if err != nil {
		return settled{}, err
	}
	charge, err := c.Rules.PaymentCharge(&m)
	return settled{count: 1, net: m.Net, currency: m.Currency, charge: charge}, err
}

// opening sums up everything that moved before the start, whose answer stays
// the same while the balance of today changes all the time.
func (c Connection) opening(ctx context.Context, start string) (settled, error) {
	if c.Rules.Start.IsZero() || start != strconv.FormatInt(c.Rules.Start.Unix(), 10) {
		return settled{}, fault.Newf("flow.expression_failed", "the books do not start at %s", start)
	}
	s := settled{}
	if c.Rules.NoOpening {
		return s, nil
	}
	balance := map[string]int64{}
	err := c.Movements.EachMovement(ctx, stripeapi.MovementQuery{Until: c.Rules.Start, Bare: true}, func(m *ledger.Movement) error {
		parts, err := c.Rules.Parts(m)
		for _, p := range parts {
			balance[p.Currency] += p.Effect
		}
		s.count++
		return err
	})
	for _, currency := range slices.Sorted(maps.Keys(balance)) {
		var journals []ledger.Journal
		if err == nil {
			journals, err = ledger.Opening(*c.Rules, balance[currency], currency)
		}
		s.journals = append(s.journals, journals...)
	}
	return s, err
}

// disputeLost reads nothing: its keys say all there is to know, the dispute,
// what it took in minor units, the currency, and when it was closed as Unix
// time.
func (c Connection) disputeLost(keys []string) (settled, error) {
	amount, err := strconv.ParseInt(keys[1], 10, 64)
	if err != nil {
		return settled{}, fault.Newf("flow.expression_failed", "dispute %s: amount: %w", keys[0], err)
	}
	at, err := strconv.ParseInt(keys[3], 10, 64)
	if err != nil {
		return settled{}, fault.Newf("flow.expression_failed", "dispute %s: closed: %w", keys[0], err)
	}
	currency := strings.ToUpper(keys[2])
	journals, err := ledger.DisputeLost(*c.Rules, keys[0], amount, currency, time.Unix(at, 0))
	return settled{journals: journals, net: -amount, currency: currency}, err
}

// fact is the form in which a unit goes into Facts.
func (s settled) fact(connection string) (any, error) {
	if s.currency == "" {
		s.currency = anyCurrency
	}
	net, err := major(s.net, s.currency)
	if err != nil {
		return nil, err
	}
	charge, err := major(s.charge, s.currency)
	if err != nil {
		return nil, err
	}
	journals := make([]any, len(s.journals))
	for i, j := range s.journals {
		if journals[i], err = journalFact(connection, j); err != nil {
			return nil, err
		}
	}
	flags := make([]any, len(s.flags))
	for i, f := range s.flags {
		flags[i] = map[string]any{"reason": f.Reason, "first": f.First, "count": decimal.NewFromInt(int64(f.Count))}
	}
	return map[string]any{
		"journals": journals, "count": decimal.NewFromInt(int64(s.count)), "net": net, "currency": s.currency, "flags": flags, "charge": charge,
	}, nil
}

func journalFact(connection string, j ledger.Journal) (any, error) {
	lines := make([]any, len(j.Lines))
	for i, l := range j.Lines {
		line := map[string]any{
			"account": l.Account, "subaccount": l.Subaccount, "branch": l.Branch, "text": l.Description, "category": l.Category,
			"debit": nil, "credit": nil,
		}
		side, amount := "debit", l.Debit
		if l.Credit != 0 {
			side, amount = "credit", l.Credit
		}
		var err error
		if line[side], err = major(amount, j.Currency); err != nil {
			return nil, err
		}
		lines[i] = line
	}
	return map[string]any{
		"key": j.Key, "currency": j.Currency, "date": j.Date, "lines": lines,
		"description": "Stripe " + strings.ReplaceAll(j.Key, "/", " ") + " " + schemas.JournalReference(connection, j.Key),
	}, nil
}

func major(minor int64, currency string) (decimal.Decimal, error) {
	a, err := money.New(minor, currency)
	if err != nil {
		return decimal.Zero, fault.New("flow.currency_unknown", err)
	}
	d, err := a.Decimal()
	if err != nil {
		return decimal.Zero, fault.New("flow.amount_inexact", err)
	}
	return d, nil
}
