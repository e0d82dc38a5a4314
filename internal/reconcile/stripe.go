package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"millrace/internal/ledger"
	"millrace/internal/stripeapi"
)

// truth is what Stripe says, put through the posting rules.
type truth struct {
	o      *Options
	names  catalog
	wanted map[Month]bool     // months whose items are kept; nil: all
	part   bool               // there are movements that were not read
	others map[string]*unread // then: journals without an item, by the reference that their batches carry
	items  map[itemKey]*item
	loose  map[looseKey]*loose // of journals whose unit is not complete
	units  map[string]*unit
	nets   map[string]map[Month]int64 // by currency
	flags  map[flagKey]*Flag
	own    map[string]*ownMove // own movements of payouts
	newest time.Time
	count  int

	written map[string]bool  // keys of all write-offs that nobody dropped
	dropped map[string]int   // by the first key of a statement: write-offs that somebody dropped
	seen    map[itemKey]bool // whose intent was read
	memos   map[string]*memo // credit memos of the wanted months, by their key
}

type flagKey struct {
	month            Month
	currency, reason string
}

// Flag is something odd that is posted all the same.
type Flag struct {
	Reason string `json:"reason"`
	First  string `json:"first"` // the first movement that has it
	Count  int    `json:"count"`
	amount int64
}

// unit is what is settled together: journals by key.
type unit struct {
	id       string
	last     map[string]string // period → last day that has a movement
	journals map[itemKey]*item
	periods  map[itemKey]string
}

// ownMove is the movement of a payout itself.
type ownMove struct {
	effect   side
	currency string
	created  time.Time
}

func newTruth(o *Options, wanted map[Month]bool) *truth {
	return &truth{
		o: o, names: newCatalog(), wanted: wanted, items: map[itemKey]*item{}, loose: map[looseKey]*loose{}, units: map[string]*unit{},
		nets: map[string]map[Month]int64{}, flags: map[flagKey]*Flag{}, own: map[string]*ownMove{}, others: map[string]*unread{}, written: map[string]bool{}, dropped: map[string]int{}, seen: map[itemKey]bool{}, memos: map[string]*memo{},
	}
}

func (t *truth) wants(m Month) bool { return t.wanted == nil || t.wanted[m] }

// add takes in a movement; payout is the one that Stripe lists it for, empty
// when only the movement is known.
func (t *truth) add(m *ledger.Movement, payout string) error {
	parts, err := t.o.Rules.Split(m)
	if err != nil {
		return err
	}
	day := t.o.day(m.Created)
	t.count++
	if t.newest.Before(m.Created) {
		t.newest = m.Created
	}
	t.net(m, monthOf(day))
	switch {
	case m.Created.Before(t.o.Rules.Start): // in the opening balance
		return nil
	case m.IsPayout():
		t.ownMove(m, parts)
		return nil
	}
	t.lose(m, day)
	for i := range parts {
		t.flag(&parts[i], day)
		if parts[i].Cover == ledger.ByDocument {
			t.document(m, &parts[i], day)
		}
	}
	t.settle(m, parts, payout)
	return nil
}

// settle puts the parts that journals have into their unit.
func (t *truth) settle(m *ledger.Movement, parts []ledger.Part, payout string) {
	u, day := t.unitOf(m, payout), t.o.day(m.Created)
	if u != nil {
		period := t.o.Rules.Period(m.Created)
		u.last[period] = max(u.last[period], day)
	}
	for i := range parts {
		p := &parts[i]
		switch {
		case p.Cover == ledger.ByDocument:
		case u == nil:
			t.spare(t.looseOf(m, p), p.Effect, 1)
		default:
			u.add(m, p, t.names.of(p.Category), t.o.Rules.Period(m.Created))
		}
	}
}

func (t *truth) net(m *ledger.Movement, month Month) {
	if t.nets[m.Currency] == nil {
		t.nets[m.Currency] = map[Month]int64{}
	}
	t.nets[m.Currency][month] += m.Net
}

func (t *truth) ownMove(m *ledger.Movement, parts []ledger.Part) {
	own := &ownMove{effect: side{}, currency: m.Currency, created: m.Created}
	for _, p := range parts {
		own.effect[t.names.of(p.Category)] += p.Effect
	}
	t.own[m.Source.ID] = own
}

func (t *truth) flag(p *ledger.Part, day string) {
	if p.Flag == "" || !t.wants(monthOf(day)) {
		return
	}
	key := flagKey{monthOf(day), p.Currency, p.Flag}
	f := t.flags[key]
	if f == nil {
		f = &Flag{Reason: p.Flag, First: p.Movement}
		t.flags[key] = f
	}
	f.Count++
	f.amount += p.Effect
}

// document adds a part that an AR document covers.
func (t *truth) document(m *ledger.Movement, p *ledger.Part, day string) {
	if !t.wants(monthOf(day)) {
		return
	}
	kind, category := payment, p.Category
	switch p.Document.Kind {
	case ledger.Payment:
	case ledger.PaymentCharge:
		category = onPayment
	case ledger.PaymentVoid:
		kind = paymentVoid
	case ledger.Refund:
		kind = refund
	}
	key := itemKey{kind, p.Document.ID}
	i := t.items[key]
	if i == nil {
		i = &item{itemKey: key, currency: p.Currency, date: day, stripe: side{}, lanes: []string{p.Document.Customer, p.Document.ID}}
		t.items[key] = i
	}
	i.stripe[category] += p.Effect
	if m.Source.Charge != nil {
		i.charge = m.Source.Charge.Status
	}
}

// unitOf is the unit of a movement; nil when only a payout can say.
func (t *truth) unitOf(m *ledger.Movement, payout string) *unit {
	switch {
	case t.o.Rules.Fees == ledger.FeesPerTransaction:
		return t.unit(m.ID)
	case t.o.ByDay:
		if payout != "" { // a payout does not say which days are complete
			return nil
		}
		return t.unit(t.o.day(m.Created) + "/" + m.Currency)
	case payout != "":
		return t.unit(payout)
	}
	return nil
}

func (t *truth) unit(id string) *unit {
	u := t.units[id]
	if u == nil {
		u = &unit{id: id, last: map[string]string{}, journals: map[itemKey]*item{}, periods: map[itemKey]string{}}
		t.units[id] = u
	}
	return u
}

// add takes in a part that a journal of the unit has.
func (u *unit) add(m *ledger.Movement, p *ledger.Part, category, period string) {
	key := itemKey{journal, u.id + "/" + p.Currency + "/" + period}
	i := u.journals[key]
	if i == nil {
		i = &item{itemKey: key, currency: p.Currency, stripe: side{}, lanes: []string{u.id, m.ID}}
		u.journals[key] = i
		u.periods[key] = period
	}
	i.stripe[category] += p.Effect
}

// close dates the journals of a unit and takes them in.
func (t *truth) close(u *unit) {
	for key, i := range u.journals {
		i.date = u.last[u.periods[key]]
		if t.wants(monthOf(i.date)) {
			t.items[key] = i
		}
	}
	u.journals = nil
}

// payouts lists payouts, newest first.
func (o *Options) payouts(ctx context.Context, q stripeapi.PayoutQuery, each func(stripeapi.Payout) error) error {
	for {
		page, more, err := o.Stripe.ListPayouts(ctx, q)
		if err != nil {
			return err
		}
		for _, p := range page {
			if err := each(p); err != nil {
				return err
			}
		}
		if !more || len(page) == 0 {
			return nil
		}
		q.After = page[len(page)-1].ID
	}
}

// completed tells whether Stripe says what the payout is made of.
func completed(p stripeapi.Payout) bool { return p.Automatic && p.Reconciliation == "completed" }

// ended tells whether the payout has arrived, or never will.
func ended(p stripeapi.Payout) bool {
	return p.Status == "paid" || p.Status == "failed" || p.Status == "canceled"
}

// bank is the item of the own movement of a payout.
func (t *truth) bank(p stripeapi.Payout, own *ownMove) *item {
	return &item{
		itemKey:  itemKey{journal, p.ID + "/" + own.currency + "/bank"},
		currency: own.currency, date: t.o.Rules.BankDay(own.created, p.Arrival), stripe: own.effect, lanes: []string{p.ID}, transit: !ended(p),
	}
}

// settled reads what a payout is made of and closes its unit. What of it was
// added as loose before is taken out of that.
func (t *truth) settled(ctx context.Context, p stripeapi.Payout) error {
	u := t.unit(p.ID)
	err := t.o.Stripe.EachMovement(ctx, stripeapi.MovementQuery{Payout: p.ID}, func(m *ledger.Movement) error {
		if m.IsPayout() || m.Created.Before(t.o.Rules.Start) {
			return nil
		}
		parts, err := t.o.Rules.Split(m)
		if err != nil {
			return err
		}
		t.settle(m, parts, p.ID)
		for i := range parts {
			if parts[i].Cover != ledger.ByDocument {
				t.spare(t.looseOf(m, &parts[i]), parts[i].Effect, -1)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("movements of %s: %w", p.ID, err)
	}
	t.close(u)
	return nil
}

// currencies lists those that have anything.
func (t *truth) currencies() []string {
	set := map[string]bool{}
	for _, i := range t.items {
		set[i.currency] = true
	}
	for k := range t.loose {
		set[k.currency] = true
	}
	for c := range t.nets {
		set[c] = true
	}
	return slices.Sorted(maps.Keys(set))
}

func compareItems(a, b *item) int {
	return cmp.Or(cmp.Compare(a.date, b.date), cmp.Compare(a.kind, b.kind), cmp.Compare(a.key, b.key))
}

func compareFlags(a, b flagKey) int {
	return cmp.Or(cmp.Compare(a.month, b.month), cmp.Compare(a.currency, b.currency), cmp.Compare(a.reason, b.reason))
}
