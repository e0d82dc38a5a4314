package acusink

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
	"millrace/internal/posting"
	"millrace/schemas"
)

// keyID is the record's GUID among the keys of a posting; the others have the
// names of the kind's key fields.
const keyID = "id"

// searchAge is the age of a message from which on a posting that looks fresh
// may be one that has expired: the target is searched before anything is
// written. Postings live far longer.
const searchAge = 24 * time.Hour

// work is one attempt at one document.
type work struct {
	sink   *Sink
	conn   Connection
	in     schemas.Intent
	kind   kind
	doc    document  // nil when the kind is unknown
	seq    uint64    // of the message
	stored time.Time // when the broker stored it
	p      Posting
	letGo  func() error // ends the renewing of the hold; may be called again

	seen     acumatica.Record // the unreleased document as this attempt saw it; nil if it has not
	put      bool             // seen is the answer to our own PUT
	searched bool             // this attempt has searched since the last send
	released bool             // Acumatica said in this attempt that the release is done
	final    acumatica.Record // the released document as read back
	notes    []string
}

// work is what is to be done for an intent; with an error, as much of it as
// could be read.
func (s *Sink) work(c Connection, in schemas.Intent) (*work, error) {
	w := &work{sink: s, conn: c, in: in}
	k, known := documents()[in.Document+" "+in.Verb]
	if !known {
		return w, fault.Newf("acumatica.intent_malformed", "intent %s: no document %q with verb %q", in.ID, in.Document, in.Verb)
	}
	var err error
	w.kind = k
	if w.doc, err = k.decode(in.Fields); err != nil {
		return w, fault.Newf("acumatica.intent_malformed", "intent %s: %w", in.ID, err)
	}
	return w, nil
}

// post brings the posting from wherever it is to done.
func (w *work) post(ctx context.Context, out schemas.Outcome) (schemas.Outcome, error) {
	var err error
	if d, ok := w.doc.(needless); ok {
		if out.Reason, err = d.unwanted(ctx, w); err != nil || out.Reason != "" {
			out.Outcome = schemas.Skipped
			return out, err
		}
	}
	if w.p, err = w.sink.o.Postings.Claim(ctx, w.in.Connection, w.in.ID); err != nil {
		return out, err
	}
	w.sink.at("claimed")
	if out, ended, err := w.ended(ctx, out); ended || err != nil {
		return out, err
	}
	ctx, w.letGo = posting.Hold(ctx, w.p.Data().Until.Sub(w.sink.now()), w.p.Renew)
	defer func() { _ = w.letGo() }() // also when a step panics
	if err := w.again(); err != nil {
		return out, err
	}
	if err := w.advance(ctx); err != nil {
		out.Refs = w.refs()
		err = posting.Blame(ctx, w.letGo, w.p.Save, err)
		return out, fmt.Errorf("%s: %w", w.doc.title(), err)
	}
	return w.finish(ctx, out)
}

// ended tells how the intent ended before this attempt, if it did.
func (w *work) ended(ctx context.Context, out schemas.Outcome) (_ schemas.Outcome, ended bool, err error) {
	switch rec := w.p.Data(); {
	case rec.State == posting.Done:
		return w.duplicate(out, "already posted as "+w.name()), true, nil
	case rec.State == posting.Skipped:
		out.Outcome, out.Reason, out.Refs = schemas.Skipped, "a person skipped it before", w.refs()
		return out, true, nil
	case rec.Sends > 0:
		return out, false, nil
	}
	l, found, err := w.sink.o.Links.ByStripe(ctx, w.in.Connection, w.kind.link, w.in.Key)
	if err != nil || !found {
		return out, false, err
	}
	return w.duplicate(out, "already linked with "+l.AcumaticaID, l.AcumaticaID), true, nil
}

// advance takes one step after the other. Each step either moves the state,
// or fails.
func (w *work) advance(ctx context.Context) error {
	if err := w.resolve(ctx); err != nil {
		return err
	}
	for w.final == nil {
		var err error
		switch state := w.p.Data().State; state {
		case posting.Planned:
			err = w.create(ctx)
		case posting.Sent:
			err = w.settle(ctx)
		case posting.Created:
			err = w.release(ctx)
		case posting.Released:
			err = w.confirm(ctx)
		case posting.Done, posting.Skipped:
			err = fmt.Errorf("posting %s is %s without a document", w.in.ID, state)
		default:
			err = fault.Newf("acumatica.intent_malformed", "posting %s has the unknown state %q", w.in.ID, state)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// create sends the document for the first time.
func (w *work) create(ctx context.Context) error {
	if w.old() && !w.searched {
		found, err := w.search(ctx)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return w.adopt(ctx, found)
		}
	}
	return w.send(ctx)
}

// old says that the posting may only look fresh.
func (w *work) old() bool { return !w.stored.IsZero() && w.sink.now().Sub(w.stored) > searchAge }

// settle handles a write of an earlier attempt that may have reached
// Acumatica: wait, search, adopt what is there, send again if nothing is.
func (w *work) settle(ctx context.Context) error {
	if err := w.wait("sent"); err != nil {
		return err
	}
	found, err := w.search(ctx)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return w.adopt(ctx, found)
	}
	return w.send(ctx)
}

// wait fails until the settling delay since the last uncertain write is over.
func (w *work) wait(what string) error {
	rec := w.p.Data()
	left := w.conn.SettleDelay - w.sink.now().Sub(rec.SentAt)
	if left <= 0 {
		return nil
	}
	return fault.Newf("acumatica.uncertain", "%s at %s, may not have arrived yet", what, rec.SentAt.Format(time.RFC3339)).After(left)
}

// send records that it is about to write, writes, and records the keys. An
// error that leaves open whether the document exists leaves the posting Sent.
func (w *work) send(ctx context.Context) error {
	if v, ok := w.doc.(*void); ok {
		if adopted, err := v.before(ctx, w); adopted || err != nil {
			return err
		}
	}
	rec := w.p.Data()
	rec.State, rec.Sends, rec.SentAt = posting.Sent, rec.Sends+1, w.sink.now().UTC()
	if one := w.write(); !slices.ContainsFunc(rec.Writes, func(x posting.Write) bool { return x.Sum == one.Sum }) {
		rec.Writes = append(rec.Writes, one)
	}
	if err := w.p.Save(ctx); err != nil {
		return err
	}
	w.sink.at("sent_saved")
	w.searched = false
	var r acumatica.Record
	err := w.writing(ctx, func(ctx context.Context) (err error) {
		if v, ok := w.doc.(*void); ok {
			return v.ask(ctx, w.conn.Client)
		}
		r, err = w.conn.Client.Put(ctx, w.kind.entity, w.doc.body(), w.query(false))
		return err
	})
	if open(err) {
		return err
	}
	if err != nil {
		fitted, fail := w.fit(ctx, err, "acumatica.application")
		if fail == nil && !fitted {
			fail = w.postpone(ctx, err)
		}
		if err := w.unsent(ctx, fail); err != nil {
			return err
		}
		return w.send(ctx) // what was refused left nothing, and whoever sent it has searched
	}
	w.sink.at("put_done")
	if v, ok := w.doc.(*void); ok {
		if r, err = w.conn.Client.Get(ctx, w.kind.entity, []string{voidedPayment, v.number}, w.query(false)); err != nil {
			return fmt.Errorf("read the void: %w", err)
		}
	}
	if r.String(w.kind.keys[1]) == "" {
		return fault.Newf("acumatica.readback", "the answer to the write names no %s", w.kind.keys[1])
	}
	w.seen, w.put = r, true
	return w.created(ctx, r)
}

// write is what a send of the intent as it is now carries.
func (w *work) write() posting.Write {
	var fields any
	_ = json.Unmarshal(w.in.Fields, &fields) // it was read before
	data, _ := json.Marshal(fields)
	sum := sha256.Sum256(data)
	return posting.Write{Find: w.doc.find(), Sum: hex.EncodeToString(sum[:])}
}

// edited says that what was sent may be another version of the intent.
func (w *work) edited() bool {
	now := w.write().Sum
	return slices.ContainsFunc(w.p.Data().Writes, func(x posting.Write) bool { return x.Sum != now })
}

// keep stores the keys of the document that the posting is about.
func (w *work) keep(ctx context.Context, r acumatica.Record, s posting.State) error {
	rec := w.p.Data()
	rec.State = s
	rec.Keys = map[string]string{w.kind.keys[0]: r.String(w.kind.keys[0]), w.kind.keys[1]: r.String(w.kind.keys[1]), keyID: r.ID()}
	if err := w.p.Save(ctx); err != nil {
		return err
	}
	w.sink.at("keys_saved")
	return nil
}

// unsent takes back one send that certainly left nothing in Acumatica, and
// returns cause, which may be nil. With no other send open, the next attempt starts fresh.
func (w *work) unsent(ctx context.Context, cause error) error {
	rec := w.p.Data()
	rec.Sends--
	rec.State, rec.Keys = posting.Sent, nil
	if rec.Sends <= 0 {
		rec.State, rec.Sends, rec.SentAt, rec.Writes = posting.Planned, 0, time.Time{}, nil
	}
	w.seen, w.put = nil, false
	if err := w.p.Save(ctx); err != nil {
		return errors.Join(cause, err)
	}
	return cause
}

// query asks for what is compared of a document.
func (w *work) query(released bool) acumatica.Query {
	return acumatica.Query{Expand: w.doc.details(released), Custom: w.kind.custom}
}

// number is the one that Acumatica gave the document of the posting; empty
// while it has none.
func (w *work) number() string { return w.p.Data().Keys[w.kind.keys[1]] }

// keys are those of the document of the posting, in the order of the form.
func (w *work) keys() []string { return []string{w.p.Data().Keys[w.kind.keys[0]], w.number()} }

// name is how people call the document of the posting: "Payment 000123".
func (w *work) name() string { return strings.Join(w.keys(), " ") }
