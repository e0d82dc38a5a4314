package acusink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/fence"
	"millrace/internal/posting"
)

// orphanTimeout bounds the clean-up by a worker that was overtaken.
const orphanTimeout = 30 * time.Second

// created stores the keys of the document that our PUT made. A worker that
// was overtaken meanwhile cannot; it must not leave a copy behind that nobody
// knows of.
func (w *work) created(ctx context.Context, r acumatica.Record) error {
	err := w.keep(ctx, r, posting.Created)
	if !posting.Fenced(err) {
		return err
	}
	if left := w.abandon(fence.Outside(context.WithoutCancel(ctx)), r); left != nil {
		return errors.Join(err, fmt.Errorf("the unreleased copy %s may be left: %w", w.kind.name(r), left))
	}
	return err
}

// abandon deletes our unreleased document when the posting has another one, or
// a person has skipped the intent. While the posting has none, the other worker
// is yet to search: it searches before it sends, and again before it releases
// what it sent after us.
func (w *work) abandon(ctx context.Context, r acumatica.Record) error {
	ctx, cancel := context.WithTimeout(ctx, orphanTimeout)
	defer cancel()
	now, found, err := w.sink.o.Postings.Get(ctx, w.in.Connection, w.in.ID)
	if err != nil {
		return err
	}
	ours := w.kind.of(r)
	named := []string{now.Keys[w.kind.keys[0]], now.Keys[w.kind.keys[1]]}
	if !found || now.State != posting.Skipped && (named[1] == "" || slices.Equal(named, ours)) {
		return nil
	}
	doc, err := w.conn.Client.Get(ctx, w.kind.entity, ours, acumatica.Query{})
	if acumatica.IsNotFound(err) {
		return nil // the other worker has deleted it
	}
	if err != nil {
		return err
	}
	if w.kind.released(doc) || doc.String("Status") == voided {
		return errors.New("it is no longer unreleased")
	}
	return w.remove(ctx, doc, "a worker made that was overtaken")
}
