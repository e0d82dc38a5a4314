package reconcile

import (
	"fmt"
	"strings"
)

// remark notes what people changed of a document that agrees all the same.
func (i *item) remark(d *draft) {
	if i.posted == nil || len(i.docs) == 0 {
		return
	}
	doc := i.docs[0]
	var texts []string
	for _, text := range []string{i.posted.differs(doc), i.posted.moved(doc), i.unapplied(doc)} {
		if text != "" {
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 {
		return
	}
	d.s.Notes = append(d.s.Notes, Entry{
		Cause: Edited, ID: i.key, Date: i.date, Amount: d.show(0), In: i.names(), Detail: doc.name + " was edited in Acumatica: " + strings.Join(texts, "; "),
	})
}

// moved says which lines stand on another subaccount or branch than was posted;
// empty when none does. What Acumatica chose is not compared.
func (p *posted) moved(d *document) string {
	used := make([]bool, len(d.lines))
	var texts []string
	for n, l := range p.lines {
		found, same := -1, false
		for k, x := range d.lines {
			if used[k] || !strings.EqualFold(x.account, l.account) || x.amount != l.amount || same {
				continue
			}
			if fits(p.places[n], d.places[k]) {
				found, same = k, true
			} else if found < 0 {
				found = k
			}
		}
		if found < 0 {
			continue // differs tells of it
		}
		used[found] = true
		if !same {
			texts = append(texts, fmt.Sprintf("line of %s on %s: posted to %s, is on %s", decimalOf(l.amount, d.currency), l.account, p.places[n], d.places[found]))
		}
	}
	return strings.Join(texts, ", ")
}

// fits tells whether a line is where it was posted to. Acumatica shows a
// subaccount with the separators of its segments or without.
func fits(was, is place) bool {
	plain := func(s string) string { return strings.ReplaceAll(s, "-", "") }
	return (was.subaccount == "" || strings.EqualFold(plain(was.subaccount), plain(is.subaccount))) &&
		(was.branch == "" || strings.EqualFold(was.branch, is.branch))
}

func (p place) String() string {
	var texts []string
	if p.subaccount != "" {
		texts = append(texts, "subaccount "+p.subaccount)
	}
	if p.branch != "" {
		texts = append(texts, "branch "+p.branch)
	}
	return strings.Join(texts, " ")
}

// unapplied says that a payment pays less of its documents than was posted.
func (i *item) unapplied(d *document) string {
	if i.kind != payment || !d.released || d.status == voided || d.applied >= i.posted.applied {
		return ""
	}
	return fmt.Sprintf("applied to documents: posted %s, is %s", decimalOf(i.posted.applied, d.currency), decimalOf(d.applied, d.currency))
}
