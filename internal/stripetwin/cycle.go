package stripetwin

import (
	"fmt"
	"time"
)

// trialNotice is how long before its end a trial is told to end, in seconds.
const trialNotice = 3 * 24 * 3600

// step is n intervals behind anchor. Stripe: the day of the anchor, or the
// last day of a shorter month.
func (s *subscription) step(anchor, n int64) int64 {
	at, k := time.Unix(anchor, 0).UTC(), int(n*s.Count)
	switch s.Interval {
	case "day":
		return at.AddDate(0, 0, k).Unix()
	case "week":
		return at.AddDate(0, 0, 7*k).Unix()
	case "year":
		k *= 12
	}
	first := time.Date(at.Year(), at.Month()+time.Month(k), 1, at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(at.Day(), last)-1).Unix()
}

// due is when the clock has something to do with the subscription.
func (s *subscription) due() int64 {
	at := s.PeriodEnd
	switch {
	case s.ended():
		return 0
	case s.Status == "incomplete":
		return s.Created + incompleteFor
	case s.Status == "trialing" && !s.TrialTold:
		at = min(at, max(1, s.TrialEnd-trialNotice))
	}
	if s.CancelAt != 0 {
		at = min(at, s.CancelAt)
	}
	return at
}

// advanceSub does what is due.
func (t *Twin) advanceSub(c *call, s *subscription) {
	switch at := s.cancelAt(); {
	case s.Status == "incomplete":
		t.expireSub(c, s)
	case at != 0 && c.now >= at:
		t.endSub(c, s, "cancellation_requested")
	case s.Status == "trialing" && !s.TrialTold && c.now < s.TrialEnd:
		t.tellTrial(c, s)
	default:
		t.renew(c, s)
	}
}

// tellTrial tells three days ahead that a trial ends. Stripe: at once when it
// is shorter.
func (t *Twin) tellTrial(c *call, s *subscription) {
	if s.Status != "trialing" || s.TrialTold || c.now < s.TrialEnd-trialNotice {
		return
	}
	s.TrialTold = true
	t.touch(&s.head)
	t.emit(c, "customer.subscription.trial_will_end", t.renderSub(s))
}

// expireSub gives up a subscription whose first invoice was not paid in time.
func (t *Twin) expireSub(c *call, s *subscription) {
	before := t.renderSub(s)
	s.Status, s.EndedAt = "incomplete_expired", c.now
	t.touch(&s.head)
	if inv := t.s.Invoices.get(s.Latest); inv != nil && inv.Status == "open" {
		t.void(c, inv)
	}
	t.emitUpdate(c, "customer.subscription.updated", before, t.renderSub(s))
}

// nextPeriod moves on by one period.
func (s *subscription) nextPeriod() {
	if s.Status == "trialing" {
		s.Status, s.Periods = "active", 0
	} else {
		s.Periods++
	}
	s.PeriodStart = s.PeriodEnd
	s.PeriodEnd = s.step(s.Anchor, s.Periods+1)
}

// renew begins the next period with a draft. Stripe: it is finalised about an
// hour later; of an unpaid subscription it stays a draft.
func (t *Twin) renew(c *call, s *subscription) {
	before := t.renderSub(s)
	s.nextPeriod()
	t.touch(&s.head)
	t.cycleInvoice(c, s, "subscription_cycle")
	t.emitUpdate(c, "customer.subscription.updated", before, t.renderSub(s))
}

// cycleInvoice makes the draft for the current period, with what is pending
// of the customer.
func (t *Twin) cycleInvoice(c *call, s *subscription, reason string) *invoice {
	inv := &invoice{
		head: t.newHead(c, t.newID("in_1", 23)), Customer: s.Customer, Currency: s.Currency, Status: "draft", Collection: s.Collection,
		DaysUntilDue: s.DaysUntilDue, TaxRates: s.TaxRates, Reason: reason, Sub: s.ID, Start: c.now, End: c.now,
		AutoAdvance: s.Status != "unpaid", Description: s.Description,
	}
	if reason == "subscription_cycle" {
		inv.Start, inv.End = max(s.Start, s.step(s.Anchor, s.Periods-1)), s.PeriodStart
	}
	inv.schedule(c.now)
	for si := range t.s.SubItems.find(eq{"subscription": s.ID}, always, nil).oldest() {
		it := t.cycleLine(c, s, si)
		it.Invoice = inv.ID
		t.s.Items.put(it)
		inv.Items = append(inv.Items, it.ID)
	}
	t.takePending(inv)
	s.Latest = inv.ID
	t.touch(&s.head)
	t.addInvoice(c, inv)
	return inv
}

func (t *Twin) cycleLine(c *call, s *subscription, si *subItem) *item {
	p := t.s.Prices.get(si.Price)
	name := t.productName(p)
	it := &item{
		head: t.newHead(c, t.newID("il_1", 23)), Customer: s.Customer, Currency: s.Currency, Quantity: si.Quantity, Amount: p.times(si.Quantity),
		Unit: p.Unit, Price: p.ID, Product: p.Product, Discountable: true, Start: s.PeriodStart, End: s.PeriodEnd, Sub: s.ID, SubItem: si.ID,
		TaxRates: si.TaxRates,
	}
	it.Line = it.ID
	if s.Status == "trialing" {
		it.Amount, it.Unit, it.Description = 0, "0", "Trial period for "+name
		return it
	}
	every := s.Interval
	if s.Count != 1 {
		every = fmt.Sprintf("every %d %ss", s.Count, s.Interval)
	}
	each := wholeUnit(p.Unit)
	if minor, ok := each.(int64); ok {
		each = display(minor, p.Currency)
	} else {
		each = p.Unit
	}
	it.Description = fmt.Sprintf("%d × %s (at %v / %s)", si.Quantity, name, each, every)
	return it
}

// subscriptionPaid: the newest invoice decides how the subscription is. A
// payment that is pending counts.
func (t *Twin) subscriptionPaid(c *call, inv *invoice) {
	s := t.s.Subs.get(inv.Sub)
	if s == nil || s.Latest != inv.ID || s.Status != "incomplete" && s.Status != "past_due" && s.Status != "unpaid" {
		return
	}
	t.setStatus(c, s, "active")
}

// subscriptionFailed: past due, and unpaid when nothing is tried any more. A
// first invoice leaves it incomplete.
func (t *Twin) subscriptionFailed(c *call, inv *invoice, last bool) {
	s := t.s.Subs.get(inv.Sub)
	if s == nil || s.Latest != inv.ID || s.Status != "active" && s.Status != "past_due" {
		return
	}
	status := "past_due"
	if last {
		status = "unpaid"
	}
	t.setStatus(c, s, status)
}

func (t *Twin) setStatus(c *call, s *subscription, status string) {
	if s.Status == status {
		return
	}
	before := t.renderSub(s)
	s.Status = status
	t.touch(&s.head)
	if !s.fresh {
		t.emitUpdate(c, "customer.subscription.updated", before, t.renderSub(s))
	}
}
