package acusink

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
	"millrace/internal/posting"
)

// search finds every document that may come from one of our sends.
func (w *work) search(ctx context.Context) ([]acumatica.Record, error) {
	return w.searchFor(ctx, w.p.Data().Writes)
}

// searchFor finds every document that carries an external reference that was
// sent. The intent may have been edited since: what it carries now says
// nothing of an earlier send. Only where none is recorded is it all we have.
func (w *work) searchFor(ctx context.Context, writes []posting.Write) ([]acumatica.Record, error) {
	if len(writes) == 0 {
		writes = []posting.Write{{Find: w.doc.find()}}
	}
	var all []acumatica.Record
	var done []map[string]string
	for _, sent := range writes {
		if slices.ContainsFunc(done, func(f map[string]string) bool { return maps.Equal(f, sent.Find) }) {
			continue
		}
		done = append(done, sent.Find)
		list, err := w.carrying(ctx, sent.Find)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	w.searched = true
	w.sink.at("searched")
	return all, nil
}

// carrying lists the documents that carry one reference of ours.
func (w *work) carrying(ctx context.Context, find map[string]string) ([]acumatica.Record, error) {
	k, ref := w.kind, find[w.kind.ref]
	list, _, err := w.conn.Client.List(ctx, k.entity, acumatica.Query{Filter: k.filter(find), Select: []string{k.keys[0], k.keys[1], "Status", k.ref}})
	if err != nil {
		return nil, fmt.Errorf("search %s: %w", ref, err)
	}
	return slices.DeleteFunc(list, func(r acumatica.Record) bool { return !k.carries(r, ref) }), nil
}

// adopt makes one of the documents found ours and deletes the others, which
// are unreleased copies of earlier sends.
func (w *work) adopt(ctx context.Context, found []acumatica.Record) error {
	r, err := w.single(ctx, found)
	if err != nil {
		return err
	}
	w.seen, w.put = nil, false
	if rec := w.p.Data(); rec.Sends == 0 {
		rec.Sends, rec.Writes = 1, []posting.Write{w.write()} // it was sent by a posting that has expired
	}
	if w.kind.released(r) {
		return w.keep(ctx, r, posting.Released)
	}
	return w.keep(ctx, r, posting.Created)
}

// single chooses the released document, else the one that the posting names,
// else the unreleased one with the lowest number, and deletes the other
// unreleased ones. So a worker that was overtaken may delete its copy while
// the posting names another. Two that are in the ledger, or one that was
// voided without another in its place, are for a person to decide; so are
// several when nothing of ours was sent.
func (w *work) single(ctx context.Context, found []acumatica.Record) (acumatica.Record, error) {
	k, number := w.kind, w.kind.keys[1]
	other := func(r acumatica.Record) int {
		if w.number() != "" && k.name(r) == w.name() {
			return 0
		}
		return 1
	}
	slices.SortFunc(found, func(a, b acumatica.Record) int {
		x, y := a.String(number), b.String(number)
		return cmp.Or(cmp.Compare(other(a), other(b)), cmp.Compare(len(x), len(y)), strings.Compare(x, y))
	})
	var keep, gone acumatica.Record
	for _, r := range found {
		switch {
		case r.String("Status") == voided:
			gone = r
		case k.released(r) && keep != nil && k.released(keep):
			return nil, fault.Newf("acumatica.duplicate", "%s and %s both carry %s and are released",
				k.name(keep), k.name(r), w.doc.find()[k.ref])
		case keep == nil, k.released(r):
			keep = r
		}
	}
	if gone != nil && (keep == nil || !k.released(keep)) {
		return nil, fault.Newf("acumatica.voided", "%s was voided", k.name(gone))
	}
	for _, r := range found {
		if r.String("Status") == voided || k.name(r) == k.name(keep) {
			continue
		}
		if w.p.Data().Sends == 0 {
			// None of them need be ours (Invariant 8).
			return nil, fault.Newf("acumatica.duplicate", "%s and %s both carry %s, and no send of ours is on record",
				k.name(keep), k.name(r), w.doc.find()[k.ref])
		}
		if err := w.remove(ctx, r, "is a copy of "+k.name(keep)); err != nil {
			return nil, err
		}
		w.notes = append(w.notes, "deleted the unreleased copy "+r.String(number))
	}
	return keep, nil
}
