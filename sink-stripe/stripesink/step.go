package stripesink

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"millrace/internal/posting"
	"millrace/internal/stripeapi"
)

// Keys of a posting's record.
const (
	keyID         = "id"         // the Stripe object
	keyNumber     = "number"     // of the finalised invoice
	keyURL        = "url"        // where the buyer pays
	keyDue        = "due"        // unix seconds of the due date that was sent; "0" = on receipt
	keySeries     = "series"     // of the invoice that is being made
	keyShown      = "shown"      // the invoice that stands for the document when the intent ends
	keyCustomer   = "customer"   // of that one
	keyStep       = "step"       // the last step that was announced on an invoice that was there
	keyDid        = "did"        // the steps, for people
	keyReview     = "review"     // what a person should look at
	keyNewer      = "newer"      // the version that was there already, newer than ours
	keyInstead    = "instead"    // the product that was linked and is gone
	keyGeneration = "generation" // counts idempotency keys that are of no use any more
)

// clockSlack is by how much our clock and Stripe's may differ when objects are
// looked for by their time of creation.
const clockSlack = time.Hour

// begin claims the posting of the intent and keeps it held until letGo, however
// long the requests under the context that it returns wait for leave.
func (w *work) begin(ctx context.Context) (context.Context, error) {
	p, err := w.claim(ctx, w.in.Connection, w.in.ID)
	if err != nil {
		return ctx, err
	}
	if p.Keys == nil {
		p.Keys = make(map[string]string)
	}
	w.p = p
	ctx, w.letGo = posting.Hold(ctx, p.Until.Sub(w.now()), p.Renew)
	w.at("claimed")
	return ctx, nil
}

// save records the state before the step that it announces, or after the step
// that it confirms.
func (w *work) save(ctx context.Context, state posting.State) error {
	w.p.State = state
	if err := w.p.Save(ctx); err != nil {
		return err
	}
	w.at("saved " + string(state))
	return nil
}

// sending records that a creating write is about to be sent, and what the
// object is found by whatever the intent becomes. SentAt stays that of the
// first one: what is looked for later was made then or after.
func (w *work) sending(ctx context.Context, find map[string]string) error {
	w.p.Sends++
	if !slices.ContainsFunc(w.p.Writes, func(x posting.Write) bool { return maps.Equal(x.Find, find) }) {
		w.p.Writes = append(w.p.Writes, posting.Write{Find: find})
	}
	if w.p.SentAt.IsZero() {
		w.p.SentAt = w.now().UTC()
	}
	return w.save(ctx, posting.Sent)
}

// uncertain says that the object may exist although the record does not know
// it: a write was sent and not confirmed, or the intent is so old that its
// posting and its idempotency keys may have expired.
func (w *work) uncertain() bool {
	return w.p.State == posting.Sent || w.now().Sub(w.stored) > stripeapi.KeyLife
}

// since is from when on to look for objects that an earlier attempt made;
// zero, which is always, when no attempt is known.
func (w *work) since() time.Time {
	if w.p.SentAt.IsZero() {
		return time.Time{}
	}
	return w.p.SentAt.Add(-clockSlack)
}

// key is the idempotency key of one step: the same for every attempt at the
// same fields, another one for other fields or another generation.
func (w *work) key(step string) string {
	sum := sha256.Sum256([]byte(w.in.ID + "\x00" + string(w.in.Fields) + "\x00" + w.p.Keys[keyGeneration]))
	return stripeapi.KeyPrefix + hex.EncodeToString(sum[:16]) + ":" + step
}

// failed retires the idempotency keys when Stripe may have stored this refusal
// under one of them. Whoever tries again looks first, whatever the key.
func (w *work) failed(ctx context.Context, err error) error {
	if !stripeapi.KeyIsBurnt(err) {
		return err
	}
	w.nextGeneration()
	return errors.Join(err, w.p.Save(ctx))
}

func (w *work) nextGeneration() {
	n, _ := strconv.Atoi(w.p.Keys[keyGeneration]) // absent is 0
	w.p.Keys[keyGeneration] = strconv.Itoa(n + 1)
}

// restart forgets an object that is gone, under new keys.
func (w *work) restart(ctx context.Context) error {
	w.nextGeneration()
	w.p.Writes = nil
	delete(w.p.Keys, keyID)
	delete(w.p.Keys, keyDue)
	w.p.SentAt = time.Time{}
	return w.save(ctx, posting.Planned)
}

// found records the object that stands for the intent.
func (w *work) found(ctx context.Context, id string) error {
	w.p.Keys[keyID] = id
	return w.save(ctx, posting.Created)
}
