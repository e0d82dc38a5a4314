package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/posting"
	"millrace/schemas"
)

// take gives a document to the item that it is of; false when it is of none.
func (t *truth) take(d *document, refs map[string]*item) bool {
	var i *item
	if d.kind == journal {
		i = refs[d.ref]
	} else {
		i = t.items[itemKey{d.kind, d.ref}]
	}
	if i == nil {
		return false
	}
	if d.kind == journal {
		t.tell(i, d)
	} else if i.kind == payment || i.kind == refund {
		i.charges(d)
	}
	if !slices.ContainsFunc(i.docs, func(x *document) bool { return x.name == d.name }) {
		i.docs = append(i.docs, d)
	}
	return true
}

// tell finds the categories of a journal's effect. When its lines are those
// that were posted, they are those of the posting.
func (t *truth) tell(i *item, d *document) {
	if i.posted != nil && d.released && sameLines(i.posted.lines, d.lines) {
		d.effect.add(i.posted.effect)
		return
	}
	for text, n := range d.text {
		d.effect[t.names.told(i.key, text)] += n
	}
}

// charges keeps the category of a charge that failed, was refunded, …: the
// document's kind knows less than the movement.
func (i *item) charges(d *document) {
	if i.stripe == nil {
		return
	}
	for category := range d.effect {
		if _, known := i.stripe[category]; known || category == onPayment {
			continue
		}
		for c := range i.stripe {
			if c != onPayment {
				d.effect[c] += d.effect[category]
				delete(d.effect, category)
				break
			}
		}
	}
}

// known are the names of the documents that items have.
func (t *truth) known() map[string]bool {
	names := map[string]bool{}
	for _, i := range t.items {
		for _, d := range i.docs {
			names[d.name] = true
		}
	}
	return names
}

// refs are the journals by the reference that their batches carry.
func (t *truth) refs() map[string]*item {
	refs := map[string]*item{}
	for k, i := range t.items {
		if k.kind == journal {
			refs[schemas.JournalReference(t.o.Connection, k.key)] = i
		}
	}
	return refs
}

// look reads, by its keys, the document of an item that no list had, or that
// has no effect in the lists. found is false when the posting is not done.
func (o *Options) look(ctx context.Context, i *item) (rec posting.Record, posted bool, d *document, err error) {
	for _, id := range i.intents(o.Connection) {
		rec, posted, err = o.Postings.Get(ctx, o.Connection, id)
		if err != nil || posted {
			break
		}
	}
	if err != nil || !posted || rec.Keys["id"] == "" && rec.Keys["ReferenceNbr"] == "" && rec.Keys["BatchNbr"] == "" {
		return rec, posted, nil, err
	}
	entity, keys := paymentEntity, []string{rec.Keys["Type"], rec.Keys["ReferenceNbr"]}
	q := acumatica.Query{}
	if i.kind == journal {
		entity, keys = journalEntity, []string{generalLedger, rec.Keys["BatchNbr"] + rec.Keys["ReferenceNbr"]}
		q.Expand = []string{"Details"}
	} else {
		o.widen(&q)
	}
	if rec.Keys["id"] != "" {
		keys = []string{rec.Keys["id"]}
	}
	r, err := o.ERP.Get(ctx, entity, keys, q)
	if acumatica.IsNotFound(err) {
		return rec, posted, nil, nil
	}
	if err != nil {
		return rec, posted, nil, fmt.Errorf("%s: %w", i.key, err)
	}
	if i.kind == journal {
		d, err = o.batchOf(r)
	} else {
		d, err = o.paymentOf(r)
	}
	return rec, posted, d, err
}

// held is the block that keeps an item from being posted.
func (o *Options) held(i *item) (bus.Block, bool) {
	for _, b := range o.Blocks {
		if b.Conn == o.Connection && b.Lane != "" && slices.Contains(i.lanes, b.Lane) {
			return b, true
		}
	}
	return bus.Block{}, false
}

// differs says in which way a document is not what was posted; empty if it is.
func (p *posted) differs(d *document) string {
	if p == nil {
		return ""
	}
	var texts []string
	if p.date != "" && d.date != p.date {
		texts = append(texts, fmt.Sprintf("date: posted %s, is %s", p.date, d.date))
	}
	if p.account != "" && !strings.EqualFold(p.account, d.account) {
		texts = append(texts, fmt.Sprintf("cash account: posted %s, is %s", p.account, d.account))
	}
	if p.effect.total() != d.effect.total() && d.released && len(p.effect) > 0 {
		texts = append(texts, fmt.Sprintf("amount: posted %s, is %s", decimalOf(p.effect.total(), d.currency), decimalOf(d.effect.total(), d.currency)))
	}
	if p.lines != nil && !sameLines(p.lines, d.lines) {
		texts = append(texts, "lines: "+linesDiffer(p.lines, d.lines, d.currency))
	}
	return strings.Join(texts, "; ")
}

// linesDiffer names the lines that are gone and those that came.
func linesDiffer(was, is []line, currency string) string {
	rest := slices.Clone(is)
	var texts []string
	for _, l := range was {
		if i := slices.Index(rest, l); i >= 0 {
			rest = slices.Delete(rest, i, i+1)
			continue
		}
		texts = append(texts, fmt.Sprintf("posted %s %s", l.account, decimalOf(l.amount, currency)))
	}
	for _, l := range rest {
		texts = append(texts, fmt.Sprintf("is %s %s", l.account, decimalOf(l.amount, currency)))
	}
	return strings.Join(texts, ", ")
}

// moved is how much stands on other accounts than was posted, or is not there.
func moved(was, is []line) int64 {
	by := map[string]int64{}
	for _, l := range was {
		by[l.account] -= l.amount
	}
	for _, l := range is {
		by[l.account] += l.amount
	}
	var more, less int64
	for _, n := range by {
		more, less = more+max(n, 0), less-min(n, 0)
	}
	return max(more, less)
}
