package reconcile

import (
	"context"
	"fmt"
	"strings"

	"millrace/internal/posting"
)

// A scope says which documents count for a statement, and what to call it.
type scope struct {
	has  func(day string) bool
	name string
}

// judge compares the three sides of an item.
func (t *truth) judge(ctx context.Context, d *draft, i *item, in scope) error {
	if strings.HasPrefix(i.key, writeOffKey) {
		return t.judgeWriteOff(d, i, in)
	}
	want := side{}
	want.add(i.stripe)
	var rec posting.Record
	var found bool
	if len(i.docs) == 0 {
		var doc *document
		var err error
		if rec, found, doc, err = t.o.look(ctx, i); err != nil {
			return err
		}
		if doc != nil {
			t.take(i.mine(doc), map[string]*item{doc.ref: i})
		} else if done, err := t.absent(ctx, d, i, rec, found); done || err != nil {
			return err
		}
	}
	posted := want // what the intent says; where it has expired, what it must have said
	if i.posted != nil && len(i.posted.effect) > 0 {
		posted = i.posted.effect
	}
	there, outside := i.within(in)
	v, err := t.verdict(ctx, i, want, posted, there, outside)
	if err != nil {
		return err
	}
	if v.cause == Shifted || v.cause == Dated {
		d.aside(Entry{Cause: v.cause, ID: i.key, Date: i.date, In: i.names(), Detail: v.detail}, want)
		return nil
	}
	d.posted.add(i.shaped(posted, want))
	d.docs.add(i.shaped(there, want))
	if v.cause == "" {
		d.s.Matched++
		i.remark(d)
		return nil
	}
	d.finding(Entry{
		Cause: v.cause, ID: i.key, Date: i.date, In: i.names(), Detail: v.detail,
		Stripe: d.show(want.total()), Postings: d.show(posted.total()), Documents: d.show(there.total()),
	}, max(gap(want, posted), gap(want, i.shaped(there, want)), v.least), there.total()-want.total())
	return nil
}

// mine lets a document that was read by its key count for the item although
// somebody changed its reference.
func (i *item) mine(d *document) *document {
	d.kind = i.kind
	if d.kind != journal {
		d.ref = i.key
	}
	return d
}

// within parts the documents into those that count for the scope, as one
// effect, and the others.
func (i *item) within(in scope) (there side, outside []*document) {
	there = side{}
	for _, doc := range i.docs {
		if in.has(doc.booked) {
			there.add(doc.effect)
		} else {
			outside = append(outside, doc)
		}
	}
	return there, outside
}

// shaped gives an effect the categories of Stripe where the sum is the same:
// a document knows less of them than a movement.
func (i *item) shaped(effect, want side) side {
	if i.kind != journal && effect.total() == want.total() {
		return want
	}
	return effect
}

func (i *item) names() []string {
	var names []string
	for _, d := range i.docs {
		names = append(names, d.name)
	}
	return names
}

// gap is how far two sides are apart.
func gap(a, b side) int64 {
	var sum int64
	for c := range a {
		sum += abs(a[c] - b[c])
	}
	for c := range b {
		if _, both := a[c]; !both {
			sum += abs(b[c])
		}
	}
	return max(abs(a.total()-b.total()), (sum+1)/2)
}

// A verdict is the first cause that explains an item; none: all agrees.
type verdict struct {
	cause, detail string
	least         int64 // the difference is at least this
}

func (t *truth) verdict(ctx context.Context, i *item, want, posted, there side, outside []*document) (verdict, error) {
	doc, err := t.byPerson(ctx, i)
	if err != nil {
		return verdict{}, err
	}
	if doc != nil {
		return verdict{Voided, doc.name + " was voided in Acumatica", abs(want.total())}, nil
	}
	return t.compared(i, want, posted, there, outside), nil
}

// compared is the verdict on documents that nobody took back.
func (t *truth) compared(i *item, want, posted, there side, outside []*document) verdict {
	released := 0
	for _, doc := range i.docs {
		if doc.released {
			released++
		}
	}
	switch {
	case i.stripe == nil:
		return verdict{Unexpected, "posted by us, but nothing at Stripe asks for it any more", max(abs(there.total()), taken(i.docs[0].lines))}
	case released == 0:
		return verdict{Unreleased, i.docs[0].name + " is " + i.docs[0].status + ": without effect on the ledger", abs(i.loss)}
	case released > 1:
		return verdict{Doubled, strings.Join(i.names(), " and ") + " are about the same", abs(i.loss)}
	case len(outside) > 0:
		doc := outside[0]
		if i.ahead("") && doc.date == i.posted.date && doc.effect.total() == want.total() {
			return verdict{Dated, doc.name + " is dated " + doc.date + ", with its invoice", 0}
		}
		if t.o.NextOpen && i.kind == journal && doc.booked > i.date && doc.effect.total() == want.total() && (i.posted == nil || sameLines(i.posted.lines, doc.lines)) {
			return verdict{Shifted, fmt.Sprintf("%s is in %s: its own period was closed", doc.name, monthOf(doc.booked)), 0}
		}
		return verdict{WrongPeriod, fmt.Sprintf("%s is in %s, it belongs to %s", doc.name, doc.booked, i.date), max(abs(want.total()), abs(i.loss))}
	}
	if text := i.posted.differs(i.docs[0]); text != "" {
		v := verdict{cause: Edited, detail: i.docs[0].name + " was edited in Acumatica: " + text}
		if i.posted.lines != nil {
			v.least = moved(i.posted.lines, i.docs[0].lines)
		}
		if v.least > 0 || want.total() != there.total() || i.kind != journal && i.posted.account != "" && !strings.EqualFold(i.posted.account, i.docs[0].account) {
			v.least = max(v.least, abs(want.total()-there.total()))
			if v.least == 0 {
				v.least = abs(want.total())
			}
			return v
		}
	}
	switch off := i.misstated(); {
	case off != 0:
		return verdict{Stale, "the loss is not what the dispute took", off}
	case gap(want, posted) != 0:
		return verdict{Stale, "what was posted is not what Stripe says", 0}
	case gap(want, i.shaped(there, want)) != 0:
		return verdict{Edited, i.docs[0].name + " is not what Stripe says", 0}
	}
	return verdict{}
}

// absent tells why an item has no document; done when there is nothing left to
// compare.
func (t *truth) absent(ctx context.Context, d *draft, i *item, rec posting.Record, found bool) (done bool, err error) {
	e := Entry{ID: i.key, Date: i.date}
	want := side{}
	want.add(i.stripe)
	block, isHeld := t.o.held(i)
	switch {
	case found && rec.State == posting.Done:
		e.Cause, e.Detail = Deleted, "was posted as "+numberOf(rec)+", which is not there any more"
	case i.stripe == nil:
		e.Cause, e.Detail = Unexpected, "an intent that nothing at Stripe asks for, and no document"
		if i.kind == paymentVoid || i.posted == nil || i.posted.effect.total() == 0 {
			return true, nil
		}
	case isHeld && block.Parked:
		e.Cause, e.Lane, e.Code = Parked, block.Lane, block.Code
		e.Detail = fmt.Sprintf("parked at %s since %s: %s", block.Stage, block.Since.UTC().Format("2006-01-02 15:04"), block.Hint)
	case i.kind == payment && i.unsuccessful() && !found:
		t.unposted(d, i)
		return true, nil
	case i.kind == paymentVoid && !found:
		never, err := t.neverPosted(ctx, i.key)
		if err != nil {
			return false, err
		}
		if never {
			t.unposted(d, i)
			return true, nil
		}
		e.Cause, e.Detail = Missing, "the charge failed; its payment was not voided"
	case found:
		e.Cause, e.Detail = Missing, "the posting is "+string(rec.State)+": no document yet"
	case i.posted != nil:
		e.Cause, e.Detail = Missing, "the intent waits to be posted"
	default:
		e.Cause, e.Detail = Missing, "neither a posting nor a document"
	}
	if isHeld && e.Code == "" {
		e.Lane, e.Code = block.Lane, block.Code
	}
	posted := side{}
	if i.posted != nil && len(i.posted.effect) > 0 {
		posted.add(i.posted.effect)
	} else if found {
		posted.add(want)
	}
	d.posted.add(posted)
	e.Stripe, e.Postings, e.Documents = d.show(want.total()), d.show(posted.total()), d.show(0)
	d.finding(e, max(abs(want.total()), abs(posted.total()), gap(want, side{}), abs(i.loss)), -want.total())
	return true, nil
}

// numberOf is what a posting calls its document.
func numberOf(rec posting.Record) string {
	for _, key := range []string{"ReferenceNbr", "BatchNbr"} {
		if n := rec.Keys[key]; n != "" {
			return strings.TrimSpace(rec.Keys["Type"] + " " + n)
		}
	}
	return rec.Keys["id"]
}

// judgeWriteOff takes in a write-off: it ends a difference.
func (t *truth) judgeWriteOff(d *draft, i *item, in scope) error {
	there, _ := i.within(in)
	if i.posted != nil {
		d.posted.add(i.posted.effect)
	}
	d.docs.add(there)
	d.written += there.total()
	detail := "not released yet"
	if b, held := t.o.held(i); held && b.Parked {
		detail = "not posted: its lane is parked (" + b.Code + ")"
	}
	if len(i.docs) > 0 {
		detail = strings.Join(i.names(), ", ")
	}
	if i.why != "" {
		detail += "; " + i.why
	}
	n := there.total()
	if i.posted != nil && n != i.posted.effect.total() {
		d.s.waiting = i.key
	}
	d.s.written = d.s.written || firstOf(i.key) == writeOffOf(d.s.Scope(), d.s.Currency)
	d.s.Notes = append(d.s.Notes, Entry{Cause: WrittenOff, ID: i.key, Date: i.date, Amount: d.show(n), In: i.names(), Detail: detail, minorUnits: n})
	return nil
}
