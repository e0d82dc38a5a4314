package acusink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/budget"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/posting"
	"millrace/schemas"
)

// A Doubt is a posting that is done after more than one send, or was skipped
// after one of which nothing was found: a copy that was believed lost may still
// surface. Acumatica: a request may wait in its queue
// for ten minutes, and is then carried out although nobody waits for it.
type Doubt struct {
	Intent schemas.Intent `json:"intent"`
	Seq    uint64         `json:"seq"` // of the intent
	Until  time.Time      `json:"until"`
}

// Doubts keeps them until nothing can surface any more.
type Doubts interface {
	Add(ctx context.Context, d Doubt) error
	List(ctx context.Context, connection string) ([]Doubt, error)
	Remove(ctx context.Context, d Doubt) error
}

// doubtDelays is for how many settling delays a posting stays in doubt: with
// the default of 30 s a quarter of an hour, more than any queue lasts.
const doubtDelays = 30

// doubt notes, before the posting is done, that copies may surface.
func (w *work) doubt(ctx context.Context) error {
	if w.p.Data().Sends < 2 {
		return nil
	}
	return w.note(ctx)
}

func (w *work) note(ctx context.Context) error {
	err := w.sink.o.Doubts.Add(ctx, Doubt{Intent: w.in, Seq: w.seq, Until: w.sink.now().UTC().Add(doubtDelays * w.conn.SettleDelay)})
	if err != nil {
		return fmt.Errorf("%s: note the doubt: %w", w.in.ID, err)
	}
	w.sink.at("doubted")
	return nil
}

// Watch deletes the unreleased copies that surface late, until ctx is done.
// Several replicas may do it side by side.
func (s *Sink) Watch(ctx context.Context, connection string, log *slog.Logger) {
	ctx = budget.Yield(ctx) // postings go first
	c := s.o.Connections[connection]
	t := time.NewTicker(max(c.SettleDelay, 100*time.Millisecond))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if err := s.resolve(ctx, connection); err != nil && ctx.Err() == nil {
			log.Warn("doubts not resolved", "connection", connection, "err", err)
		}
	}
}

// resolve looks once at everything that is in doubt.
func (s *Sink) resolve(ctx context.Context, connection string) error {
	doubts, err := s.o.Doubts.List(ctx, connection)
	if err != nil {
		return err
	}
	var errs []error
	for _, d := range doubts {
		over := s.now().After(d.Until) // before the search: what surfaces after it was too late
		err := s.clear(ctx, d)
		if err == nil && over {
			err = s.o.Doubts.Remove(ctx, d)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// clear deletes every copy that has surfaced of a posting that is done or was
// skipped. It looks for what was sent, whatever the intent became since.
func (s *Sink) clear(ctx context.Context, d Doubt) error {
	rec, found, err := s.o.Postings.Get(ctx, d.Intent.Connection, d.Intent.ID)
	if err != nil || !found || rec.State != posting.Done && rec.State != posting.Skipped {
		return err // who works on it searches for himself
	}
	w, err := s.work(s.o.Connections[d.Intent.Connection], d.Intent)
	if err != nil {
		return err
	}
	w.seq = d.Seq
	if err := w.refit(rec.Fits); err != nil {
		return err
	}
	copies, err := w.searchFor(ctx, rec.Writes)
	if err != nil {
		return err
	}
	if rec.State == posting.Skipped {
		return w.clearSkipped(ctx, copies)
	}
	return w.clearDone(ctx, rec, copies)
}

// clearSkipped deletes what is, in full, the document that was not to be made:
// somebody may enter by hand what was skipped, under the same reference
// (Invariant 8). Of another one, which may be what was sent before the intent
// was edited, it tells, once.
func (w *work) clearSkipped(ctx context.Context, copies []acumatica.Record) error {
	if err := w.resolve(ctx); err != nil {
		return err
	}
	for _, r := range copies {
		if w.kind.released(r) || r.String("Status") == voided {
			continue
		}
		doc, err := w.conn.Client.Get(ctx, w.kind.entity, w.kind.of(r), w.query(false))
		if acumatica.IsNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		if w.kind.released(doc) {
			continue
		}
		if diff := w.doc.differs(doc); diff != "" {
			err := w.tell(ctx, schemas.Outcome{
				Outcome: schemas.Skipped, Reason: w.kind.name(doc) + ", unreleased, carries the reference of the skipped intent and is not deleted, as it differs: " + diff,
				Hint: "delete it in Acumatica unless somebody has entered it by hand",
			})
			if err != nil {
				return fmt.Errorf("tell of %s: %w", w.kind.name(doc), err)
			}
			continue
		}
		if err := w.remove(ctx, doc, "surfaced after the intent was skipped"); err != nil {
			return err
		}
	}
	return nil
}

// clearDone deletes every unreleased copy of the document of the posting, as
// long as that one is in the ledger.
func (w *work) clearDone(ctx context.Context, rec posting.Record, copies []acumatica.Record) error {
	k := w.kind
	posted := rec.Keys[k.keys[0]] + " " + rec.Keys[k.keys[1]]
	if !slices.ContainsFunc(copies, func(r acumatica.Record) bool { return k.name(r) == posted && k.released(r) }) {
		// Somebody voided or changed the document: what else carries the
		// reference may be what they put in its place (Invariant 8).
		return nil
	}
	for _, r := range copies {
		var err error
		switch {
		case k.name(r) == posted, r.String("Status") == voided:
		case k.released(r):
			err = w.tellReleased(ctx, posted, r)
		default:
			err = w.remove(ctx, r, "surfaced after the posting")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tellReleased puts it on the audit trail, once, that somebody has released a
// copy: only a person can take it out of the ledger again.
func (w *work) tellReleased(ctx context.Context, posted string, r acumatica.Record) error {
	name := w.kind.name(r)
	f := fault.Newf("acumatica.duplicate", "%s and %s both carry %s and are released", posted, name, r.String(w.kind.ref))
	err := w.tell(ctx, schemas.Outcome{Outcome: schemas.Duplicate, Reason: name + " is a copy of " + posted + " and was released", Code: f.Code, Hint: "void one of them in Acumatica", Error: f.Error()})
	if err != nil {
		return fmt.Errorf("tell of %s: %w", name, err)
	}
	return nil
}

// tell stores an outcome beside that of the lane; the same twice is stored
// once.
func (w *work) tell(ctx context.Context, o schemas.Outcome) error {
	o.Connection, o.Lane, o.Stage, o.Document = w.in.Connection, w.in.Lane, Stage, w.in.Document
	o.EventID, o.EventType, o.IntentID, o.Refs = w.in.Cause.EventID, w.in.Cause.EventType, w.in.ID, w.in.Refs
	o.Stream, o.Seq, o.At = bus.Intents, w.seq, w.sink.now().UTC()
	return w.sink.o.Publisher.PublishOutcome(ctx, o)
}

// remove deletes an unreleased copy. It tells so before, because a crash right
// after the deletion would leave nothing to tell of.
func (w *work) remove(ctx context.Context, r acumatica.Record, why string) error {
	name := w.kind.name(r)
	err := w.tell(ctx, schemas.Outcome{Outcome: schemas.Duplicate, Reason: "deletes " + name + ", unreleased, which " + why})
	if err != nil {
		return fmt.Errorf("tell that %s is deleted: %w", name, err)
	}
	w.sink.at("removal_told")
	err = w.conn.Client.Delete(ctx, w.kind.entity, w.kind.of(r)...)
	if err != nil && !acumatica.IsNotFound(err) {
		return fmt.Errorf("delete %s, which %s: %w", name, why, err)
	}
	w.sink.at("copy_deleted")
	return nil
}

// kept keeps doubts in a bucket, by connection and intent.
type kept struct{ bucket *bus.Bucket }

func (k kept) Add(ctx context.Context, d Doubt) error {
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = k.bucket.Put(ctx, bus.Key(d.Intent.Connection, d.Intent.ID), data)
	return err
}

func (k kept) List(ctx context.Context, connection string) ([]Doubt, error) {
	entries, err := k.bucket.Entries(ctx, bus.Key(connection))
	if err != nil {
		return nil, err
	}
	doubts := make([]Doubt, 0, len(entries))
	for key, data := range entries {
		var d Doubt
		if err := json.Unmarshal(data, &d); err != nil {
			return nil, fmt.Errorf("doubt %s: %w", key, err)
		}
		doubts = append(doubts, d)
	}
	return doubts, nil
}

func (k kept) Remove(ctx context.Context, d Doubt) error {
	return k.bucket.Delete(ctx, bus.Key(d.Intent.Connection, d.Intent.ID), 0)
}
