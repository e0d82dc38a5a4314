package oracle

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
)

// Line compares one payout, or the end of one month, in one currency.
type Line struct {
	Connection string `json:"connection"`
	Payout     string `json:"payout,omitempty"`
	Period     string `json:"period,omitempty"` // "2026-03"; the balance at its end
	Currency   string `json:"currency"`
	Stripe     string `json:"stripe"` // exact decimals
	Books      string `json:"books"`
	Difference string `json:"difference"`
}

// Proof is what the oracle found.
type Proof struct {
	Lines     []Line         `json:"lines"`
	Months    []Month        `json:"months"`
	Problems  []string       `json:"problems"` // in words; none when the books are right
	Movements int            `json:"movements"`
	ByType    map[string]int `json:"by_type"` // movements by their type in Stripe
	Kinds     []Kind         `json:"kinds"`   // what happened, by kind
	Disputes  Disputes       `json:"disputes"`
	Trial     []Trial        `json:"trial_balance"`
	Accounts  []Account      `json:"accounts"` // what the trial balance is made of
}

// Prove compares the books of both systems, for the months up to the end. It
// expects that all payouts have arrived and that the pipeline is quiet.
func Prove(ctx context.Context, s Sources, end time.Time) (*Proof, error) {
	b, err := read(ctx, s)
	if err != nil {
		return nil, err
	}
	x := &examiner{books: b, s: s, p: &Proof{Lines: []Line{}, Problems: []string{}, Movements: len(b.movements), ByType: map[string]int{}}}
	for _, m := range b.movements {
		x.p.ByType[m.Type]++
	}
	x.byPayout()
	x.byMonth(end)
	x.balanceTrial()
	x.atTheEnd()
	x.once()
	x.p.Kinds, x.p.Disputes = x.kinds(), x.outcomes()
	return x.p, nil
}

type examiner struct {
	*books
	s Sources
	p *Proof
}

func (x *examiner) say(format string, args ...any) {
	x.p.Problems = append(x.p.Problems, fmt.Sprintf(format, args...))
}

// line adds a comparison, and tells of one that does not come to nothing.
func (x *examiner) line(l Line, stripe, books decimal.Decimal) {
	l.Connection = x.s.Connection
	l.Stripe, l.Books, l.Difference = stripe.StringFixed(2), books.StringFixed(2), stripe.Sub(books).StringFixed(2)
	x.p.Lines = append(x.p.Lines, l)
	if !stripe.Equal(books) {
		x.say("%s %s: Stripe %s, books %s, difference %s", cmp.Or(l.Payout, l.Period), l.Currency, l.Stripe, l.Books, l.Difference)
	}
}

// byPayout compares what each payout is made of, and its own movement.
func (x *examiner) byPayout() {
	documents := x.documents()
	journals := map[string][]acumaticatwin.Batch{} // by the payout or movement that they name
	for _, b := range x.batches {
		if words := strings.Fields(b.Description); len(words) > 1 && words[0] == "Stripe" {
			journals[words[1]] = append(journals[words[1]], b)
		}
	}
	payouts := slices.Clone(x.payouts)
	slices.SortFunc(payouts, func(a, b payout) int { return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.ID, b.ID)) })
	for _, p := range payouts {
		currency := strings.ToUpper(p.Currency)
		parts, bank, others := decimal.Zero, decimal.Zero, map[string]decimal.Decimal{}
		for _, b := range journals[p.ID] {
			m := moved(b, x.s.Clearing[b.Currency])
			switch {
			case strings.Contains(b.Description, " bank "):
				bank = bank.Add(m)
			case b.Currency == currency:
				parts = parts.Add(m)
			default:
				others[b.Currency] = others[b.Currency].Add(m)
			}
		}
		own := x.movements[p.Own]
		if bank.Neg().Cmp(money(-own.Net)) != 0 {
			x.say("payout %s: its own movement is %s, the bank journal moves the clearing account by %s", p.ID, money(own.Net), bank)
		}
		if !p.Automatic {
			x.line(Line{Payout: p.ID, Currency: currency}, money(own.Net), bank)
			continue
		}
		add := func(in string, amount decimal.Decimal) {
			if in == currency {
				parts = parts.Add(amount)
			} else {
				others[in] = others[in].Add(amount)
			}
		}
		stripe := decimal.Zero
		for _, m := range x.parts[p.ID] {
			stripe = stripe.Add(money(m.Net))
			if x.isPayout(m) { // a journal of its own, see above
				parts = parts.Add(money(m.Net))
			}
			for _, b := range journals[m.ID] {
				add(b.Currency, moved(b, x.s.Clearing[b.Currency]))
			}
			for _, d := range documents[m.ID] {
				add(d.currency, d.amount)
			}
		}
		if !stripe.Equal(money(p.Amount)) {
			x.say("payout %s is %s, Stripe lists %s", p.ID, money(p.Amount), stripe)
		}
		if x.s.ByDay {
			continue
		}
		x.line(Line{Payout: p.ID, Currency: currency}, stripe, parts)
		for _, c := range slices.Sorted(maps.Keys(others)) {
			if !others[c].IsZero() {
				x.say("payout %s leaves %s %s on the clearing account of what was presented", p.ID, others[c], c)
			}
		}
	}
}

// isPayout: the movement of a payout by hand is among what the next automatic
// one takes.
func (x *examiner) isPayout(m movement) bool {
	return m.Type == "payout" && strings.HasPrefix(m.Source, "po_")
}

// A document is what a payment or a refund in Acumatica does to the clearing
// account.
type document struct {
	currency string
	amount   decimal.Decimal
}

// documents are those of each movement.
func (x *examiner) documents() map[string][]document {
	byRef := map[string][]acumaticatwin.PaymentView{}
	for _, p := range x.payments {
		byRef[p.PaymentRef] = append(byRef[p.PaymentRef], p)
	}
	out := map[string][]document{}
	for id, m := range x.movements {
		for _, p := range byRef[m.Source] {
			amount := p.PaymentAmount
			switch {
			case m.Type == "charge" || m.Type == "payment":
				if p.Type != "Payment" && p.Type != "Prepayment" {
					continue
				}
				amount = amount.Sub(p.Charges)
			case m.Category == "refund":
				if !strings.Contains(p.Type, "Refund") {
					continue
				}
				amount = amount.Neg()
			case m.Category == "charge_failure":
				if !strings.HasPrefix(p.Type, "Void") {
					continue
				}
				amount = amount.Abs().Neg()
			default:
				continue
			}
			if p.Status != "Balanced" && p.Status != "On Hold" {
				out[id] = append(out[id], document{p.CurrencyID, amount})
			}
		}
	}
	return out
}

// byMonth compares the balances at the end of each month, or at the end.
func (x *examiner) byMonth(end time.Time) {
	first := end
	for _, m := range x.movements {
		if at := time.Unix(m.Created, 0).UTC(); at.Before(first) {
			first = at
		}
	}
	documents := x.documents()
	month := time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, time.UTC)
	for ; month.Before(end); month = month.AddDate(0, 1, 0) {
		next := month.AddDate(0, 1, 0)
		for _, currency := range slices.Sorted(maps.Keys(x.s.Clearing)) {
			balance := decimal.Zero
			for _, m := range x.movements {
				if strings.EqualFold(m.Currency, currency) && m.Created < next.Unix() {
					balance = balance.Add(money(m.Net))
				}
			}
			ledger, transit := x.clearing(currency, next.AddDate(0, 0, -1).Format(time.DateOnly)), decimal.Zero
			for _, p := range x.payouts {
				if strings.EqualFold(p.Currency, currency) && p.Created < next.Unix() && p.Arrival >= next.Unix() {
					transit = transit.Add(money(x.movements[p.Own].Net))
				}
			}
			b := bridge{ledger: ledger, transit: transit, pending: x.failing(currency, next.Unix(), documents)}
			x.line(Line{Period: month.Format("2006-01"), Currency: currency}, balance, b.books())
			x.month(month, currency, balance, b)
		}
	}
}

// failing is what Stripe had at an instant of bank debits that failed later and
// were never a payment in the books, in the currency of the payment. Stripe
// shows the money while the bank is asked; the books wait for the answer.
func (x *examiner) failing(currency string, until int64, documents map[string][]document) decimal.Decimal {
	sum := decimal.Zero
	for _, ch := range x.charges {
		began, ended := x.movements[ch.Own], x.movements[ch.Failure]
		if ch.Failure == "" || ch.Customer == "" || !x.documented(began, false) || len(documents[ch.Own]) > 0 || !strings.EqualFold(ch.Currency, currency) {
			continue
		}
		if began.Created < until && ended.Created >= until {
			sum = sum.Add(money(ch.Amount))
		}
	}
	return sum
}

// documented tells whether the books make a document for such a movement of a
// customer.
func (x *examiner) documented(m movement, refund bool) bool {
	return x.s.Documents == nil || x.s.Documents(time.Unix(m.Created, 0), refund)
}

// clearing is what is on a clearing account after a day; "" is in the end.
func (x *examiner) clearing(currency, until string) decimal.Decimal {
	books := decimal.Zero
	for _, b := range x.batches {
		if until == "" || b.Date <= until {
			books = books.Add(moved(b, x.s.Clearing[currency]))
		}
	}
	return books
}

// atTheEnd compares what is left, and the ledger with itself.
func (x *examiner) atTheEnd() {
	left := map[string]decimal.Decimal{}
	for _, s := range slices.Concat(x.balance.Available, x.balance.Pending) {
		currency := strings.ToUpper(s.Currency)
		left[currency] = left[currency].Add(money(s.Amount))
	}
	for _, currency := range slices.Sorted(maps.Keys(x.s.Clearing)) {
		if books := x.clearing(currency, ""); !books.Equal(left[currency]) {
			x.say("in the end Stripe has %s %s, the clearing account %s", left[currency], currency, books)
		}
		delete(left, currency)
	}
	for currency, amount := range left {
		if !amount.IsZero() {
			x.say("Stripe has %s %s, for which there is no clearing account", amount, currency)
		}
	}
	for _, t := range x.p.Trial {
		if t.Difference != "0.00" {
			x.say("the trial balance in %s%s is %s", t.Currency, map[bool]string{true: ", the base currency,"}[t.Base], t.Difference)
		}
	}
}

// once sees that nothing is missing and nothing is doubled.
func (x *examiner) once() {
	owner := map[string]string{}
	for _, p := range x.payouts {
		for _, m := range x.parts[p.ID] {
			if owner[m.ID] != "" {
				x.say("movement %s is in %s and in %s", m.ID, owner[m.ID], p.ID)
			}
			owner[m.ID] = p.ID
		}
		if p.Automatic {
			owner[p.Own] = p.ID
		}
	}
	documents := x.documents()
	for id, m := range x.movements {
		if owner[id] == "" {
			x.say("movement %s (%s) is in no payout", id, m.Type)
		}
		want := 0
		switch ch := x.charges[cmp.Or(x.refunds[m.Source].Charge, m.Source)]; {
		case !x.documented(m, m.Category == "refund"):
		case ch.Failure != "": // a payment that failed after it was there was voided
			want = min(1, len(documents[ch.Own]))
		case ch.Customer == "" || ch.Status != "succeeded":
		case m.Type == "charge", m.Type == "payment", m.Category == "refund":
			want = 1
		}
		if got := len(documents[id]); got != want {
			x.say("movement %s (%s of %s) has %d documents, want %d", id, m.Type, m.Source, got, want)
		}
	}
	seen := map[string]string{}
	for _, b := range x.batches {
		if b.Module != "GL" || !strings.HasPrefix(b.Description, "Stripe ") {
			continue
		}
		if other := seen[b.Description]; other != "" {
			x.say("batches %s and %s are both %q", other, b.BatchNbr, b.Description)
		}
		seen[b.Description] = b.BatchNbr
	}
	slices.Sort(x.p.Problems)
}
