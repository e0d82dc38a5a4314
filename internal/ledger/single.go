package ledger

import (
	"time"

	"millrace/internal/fault"
)

// BankDay is the date of the journal of a payout's own movement: the day of
// arrival, which Stripe gives as a day in UTC. Where the books have a later date
// already when the payout is created, it is that: money that is not paid out yet
// cannot have arrived.
func (r *Rules) BankDay(created, arrival time.Time) string {
	return max(arrival.UTC().Format(time.DateOnly), r.day(created))
}

// Bank returns the journal of a payout's own movement: bank against clearing, on
// the day of BankDay. What Stripe took for the payout (instant payouts) is in it
// as well. None when the payout was created before the start.
func Bank(rules Rules, m *Movement, arrival time.Time) ([]Journal, error) {
	if c, _ := classify(m); c.role != payoutRole {
		return nil, fault.Newf("ledger.payout_sum", "movement %s of type %s is not that of a payout", m.ID, m.Type)
	}
	parts, err := rules.Parts(m)
	if err != nil {
		return nil, err
	}
	j := Journal{Key: m.Source.ID + "/" + m.Currency + "/bank", Currency: m.Currency, Date: rules.BankDay(m.Created, arrival)}
	return j.of(parts), nil
}

// DisputeLost returns the journal of a dispute that was lost: nothing moves at
// Stripe, so what was withdrawn becomes a loss. The amount is what the dispute
// took from the balance, in minor units of the balance's currency, without its
// fee; at is when Stripe closed the dispute.
func DisputeLost(rules Rules, dispute string, amount int64, currency string, at time.Time) ([]Journal, error) {
	if amount == 0 || rules.opening(at) {
		return nil, nil
	}
	lacks := map[missing]bool{}
	find := func(name string) Account {
		a, _, ok := rules.Find(name, currency)
		if !ok {
			lacks[missing{name, currency}] = true
		}
		return a
	}
	// The side that a part calls clearing is the receivable here.
	p := Part{Category: "dispute_lost", Cover: ByJournal, Effect: -amount, Currency: currency}
	p.Clearing, p.Account = find("dispute"), find("dispute_lost")
	if err := missingError(dispute, lacks); err != nil {
		return nil, err
	}
	j := Journal{Key: LostKey(dispute, currency), Currency: currency, Date: rules.day(at)}
	return j.of([]Part{p}), nil
}

// LostKey is the key of the journal of a lost dispute, in the currency of the
// balance, upper case.
func LostKey(dispute, currency string) string { return dispute + "/" + currency + "/lost" }

// Opening returns the journal of what Stripe's balance was at the start, in
// minor units of its currency. None when there is no start, nothing to open
// with, or somebody else posts it.
func Opening(rules Rules, balance int64, currency string) ([]Journal, error) {
	if rules.Start.IsZero() || rules.NoOpening || balance == 0 {
		return nil, nil
	}
	p := Part{Category: "opening", Cover: ByJournal, Effect: balance, Currency: currency}
	lacks := map[missing]bool{}
	rules.resolve(&p, lacks)
	if err := missingError("opening balance", lacks); err != nil {
		return nil, err
	}
	j := Journal{Key: "opening/" + currency, Currency: currency, Date: rules.day(rules.Start)}
	return j.of([]Part{p}), nil
}

// of is the journal with the lines of the parts; none without any.
func (j Journal) of(parts []Part) []Journal {
	for _, p := range parts {
		j.Lines = append(j.Lines, p.Lines()...)
	}
	if len(j.Lines) == 0 {
		return nil
	}
	return []Journal{j}
}
