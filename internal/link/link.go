// Package link keeps the pair of ids of one thing in both systems.
package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
)

// Kinds of things that are linked.
const (
	Customer   = "customer"
	Record     = "customer_record" // of the record behind a customer's id, which can be changed
	Invoice    = "invoice"
	Product    = "product" // of an item, which goes by the id of its record: its number can be changed
	Payment    = "payment"
	Void       = "payment_void" // of the payment of a charge
	Refund     = "refund"
	CreditMemo = "creditmemo"
	Journal    = "journal"
)

// AttrChanged is the attribute of an invoice's link with the change time of the
// document as Stripe shows it, the latest there was.
const AttrChanged = "changed"

// Link is the pair of ids of one thing in both systems.
type Link struct {
	Kind        string            `json:"kind"`
	AcumaticaID string            `json:"acumatica_id"`         // CustomerID, "<Type> <ReferenceNbr>", or the id of an item's record
	StripeID    string            `json:"stripe_id"`            // cus_…, in_…, ch_…, prod_…
	Attributes  map[string]string `json:"attributes,omitempty"` // hosted_invoice_url, NoteID, …
	IntentID    string            `json:"intent_id"`
	At          time.Time         `json:"at"`
}

// Store keeps links in the bucket "links", once under each id. What counts is
// stored under the Acumatica id; the Stripe id leads there.
type Store struct {
	bucket *bus.Bucket
}

// New returns the store on that bus.
func New(b *bus.Bus) *Store { return &Store{bucket: b.Bucket("links")} }

// Put stores the pair under both ids. Putting the same pair again is success;
// an id that is already paired with another one is a link.conflict and
// nothing is stored (Invariant 8). A crash between the two writes is healed by
// putting again.
func (s *Store) Put(ctx context.Context, connection string, l Link) error {
	data, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("link %s: %w", l.StripeID, err)
	}
	keys := []string{ // what is found by its Acumatica id is found by the other one
		bus.Key(connection, l.Kind, "stripe", l.StripeID),
		bus.Key(connection, l.Kind, "acumatica", l.AcumaticaID),
	}
	for _, key := range keys {
		old, found, err := s.get(ctx, key)
		if err == nil && found {
			err = same(old, l)
		}
		if err != nil {
			return fmt.Errorf("link %s %s with %s: %w", l.Kind, l.AcumaticaID, l.StripeID, err)
		}
	}
	for _, key := range keys {
		if err := s.create(ctx, key, l, data); err != nil {
			return fmt.Errorf("link %s %s with %s: %w", l.Kind, l.AcumaticaID, l.StripeID, err)
		}
	}
	return nil
}

// create stores the pair under one id; whoever was faster must have stored
// the same pair.
func (s *Store) create(ctx context.Context, key string, l Link, data []byte) error {
	_, err := s.bucket.Create(ctx, key, data)
	if !errors.Is(err, bus.ErrConflict) {
		return err
	}
	old, found, err := s.get(ctx, key)
	if err == nil && !found { // on a replicated stream another one is under way, and may be another pair
		err = fault.Newf("bus.unavailable", "%s is being written by another worker", key)
	}
	if err != nil {
		return err
	}
	return same(old, l)
}

func same(old, l Link) error {
	if old.AcumaticaID != l.AcumaticaID || old.StripeID != l.StripeID {
		return fault.Newf("link.conflict", "%s is already linked with %s", old.AcumaticaID, old.StripeID)
	}
	return nil
}

// Swap lets the Acumatica id of old stand for next, which has the same one: for
// another Stripe id, or with other attributes, which are then seen from both
// sides. It is success when it does already, and link.changed when the link is
// not old any more. The old Stripe id keeps pointing to the Acumatica id: what
// Stripe tells of it later is still about that document.
func (s *Store) Swap(ctx context.Context, connection string, old, next Link) error {
	data, err := json.Marshal(next)
	if err == nil {
		err = s.swap(ctx, connection, old, next, data)
	}
	if err != nil {
		return fmt.Errorf("link %s %s with %s: %w", next.Kind, next.AcumaticaID, next.StripeID, err)
	}
	return nil
}

func (s *Store) swap(ctx context.Context, connection string, old, next Link, data []byte) error {
	key := bus.Key(connection, next.Kind, "acumatica", next.AcumaticaID)
	stored, rev, err := s.bucket.Get(ctx, key)
	if err != nil {
		return err
	}
	var now Link
	if err := json.Unmarshal(stored, &now); err != nil {
		return err
	}
	if !now.equal(next) && !now.equal(old) {
		return fault.Newf("link.changed", "%s stands for %s meanwhile", now.AcumaticaID, now.StripeID)
	}
	// First, so that a crash leaves nothing that cannot be found.
	if err := s.create(ctx, bus.Key(connection, next.Kind, "stripe", next.StripeID), next, data); err != nil {
		return err
	}
	if now.equal(next) {
		return nil
	}
	_, err = s.bucket.Update(ctx, key, data, rev)
	if errors.Is(err, bus.ErrConflict) {
		return fault.Newf("link.changed", "%s is being changed by another worker", next.AcumaticaID)
	}
	return err
}

// Move lets the Stripe id of next stand for another Acumatica id than it did:
// the record was given a new id. before is what the new id stood for, if
// anything; the old id stands for nothing any more, unless it stands for
// something else by now. Doing it again is success.
func (s *Store) Move(ctx context.Context, connection string, before, next Link) error {
	data, err := json.Marshal(next)
	if err == nil {
		err = s.move(ctx, connection, before, next, data)
	}
	if err != nil {
		return fmt.Errorf("link %s %s with %s: %w", next.Kind, next.AcumaticaID, next.StripeID, err)
	}
	return nil
}

// Release lets the Acumatica id stand for nothing any more, unless it stands for
// something else than old by now: its Stripe object is gone, or is that of another
// record. The Stripe id keeps pointing to it. Doing it again is success.
func (s *Store) Release(ctx context.Context, connection string, old Link) error {
	if err := s.release(ctx, bus.Key(connection, old.Kind, "acumatica", old.AcumaticaID), old.StripeID); err != nil {
		return fmt.Errorf("release link %s %s from %s: %w", old.Kind, old.AcumaticaID, old.StripeID, err)
	}
	return nil
}

// move releases the old id before the Stripe id leads elsewhere, from where it
// could not be found any more, and writes the new id last: until then whoever
// begins anew does all of it.
func (s *Store) move(ctx context.Context, connection string, before, next Link, data []byte) error {
	key := bus.Key(connection, next.Kind, "stripe", next.StripeID)
	old, found, err := s.get(ctx, key)
	if err != nil {
		return err
	}
	if found && old.AcumaticaID != next.AcumaticaID {
		if err := s.release(ctx, bus.Key(connection, next.Kind, "acumatica", old.AcumaticaID), next.StripeID); err != nil {
			return err
		}
	}
	if err := s.replace(ctx, key, data, func(now Link) bool { return now.AcumaticaID == old.AcumaticaID || now.AcumaticaID == next.AcumaticaID }); err != nil {
		return err
	}
	return s.replace(ctx, bus.Key(connection, next.Kind, "acumatica", next.AcumaticaID), data, func(now Link) bool {
		return now.StripeID == next.StripeID || before.StripeID != "" && now.equal(before)
	})
}

// replace stores data under a key that is free, or whose link may go.
func (s *Store) replace(ctx context.Context, key string, data []byte, may func(Link) bool) error {
	stored, rev, err := s.bucket.Get(ctx, key)
	switch {
	case errors.Is(err, bus.ErrNotFound):
		_, err = s.bucket.Create(ctx, key, data)
	case err != nil:
		return err
	default:
		var now Link
		if err := json.Unmarshal(stored, &now); err != nil {
			return err
		}
		if !may(now) {
			return fault.Newf("link.changed", "%s stands for %s meanwhile", now.AcumaticaID, now.StripeID)
		}
		_, err = s.bucket.Update(ctx, key, data, rev)
	}
	if errors.Is(err, bus.ErrConflict) {
		err = fault.Newf("link.changed", "%s is being changed by another worker", key)
	}
	return err
}

// release deletes a key that stands for the Stripe id.
func (s *Store) release(ctx context.Context, key, stripeID string) error {
	stored, rev, err := s.bucket.Get(ctx, key)
	if errors.Is(err, bus.ErrNotFound) {
		return nil
	}
	var now Link
	if err == nil {
		err = json.Unmarshal(stored, &now)
	}
	if err != nil || now.StripeID != stripeID {
		return err
	}
	err = s.bucket.Delete(ctx, key, rev)
	if errors.Is(err, bus.ErrConflict) {
		return fault.Newf("link.changed", "%s is being changed by another worker", now.AcumaticaID)
	}
	return err
}

// equal leaves out who linked, and when.
func (l Link) equal(m Link) bool {
	return l.Kind == m.Kind && l.AcumaticaID == m.AcumaticaID && l.StripeID == m.StripeID && maps.Equal(l.Attributes, m.Attributes)
}

// ByAcumatica finds the link of an Acumatica id.
func (s *Store) ByAcumatica(ctx context.Context, connection, kind, id string) (Link, bool, error) {
	return s.get(ctx, bus.Key(connection, kind, "acumatica", id))
}

// ByStripe finds the link of a Stripe id. One that was swapped away is found as
// it was.
func (s *Store) ByStripe(ctx context.Context, connection, kind, id string) (Link, bool, error) {
	l, found, err := s.get(ctx, bus.Key(connection, kind, "stripe", id))
	if err != nil || !found {
		return Link{}, false, err
	}
	l, err = s.current(ctx, connection, l)
	return l, err == nil, err
}

// current is the link as it is now: what is stored under the Stripe id says only
// what it points to, and under the Acumatica id what stands for that.
func (s *Store) current(ctx context.Context, connection string, l Link) (Link, error) {
	now, found, err := s.ByAcumatica(ctx, connection, l.Kind, l.AcumaticaID)
	if err != nil || !found || now.StripeID != l.StripeID {
		return l, err
	}
	return now, nil
}

func (s *Store) get(ctx context.Context, key string) (Link, bool, error) {
	data, _, err := s.bucket.Get(ctx, key)
	if errors.Is(err, bus.ErrNotFound) {
		return Link{}, false, nil
	}
	if err != nil {
		return Link{}, false, err
	}
	var l Link
	if err := json.Unmarshal(data, &l); err != nil {
		return Link{}, false, fmt.Errorf("link %s: %w", key, err)
	}
	return l, true, nil
}

// Any reports whether the connection has any link of a kind.
func (s *Store) Any(ctx context.Context, connection, kind string) (bool, error) {
	keys, err := s.bucket.Keys(ctx, bus.Key(connection, kind))
	return len(keys) > 0, err
}

// All calls fn with every link of the connection, once for each Stripe id.
func (s *Store) All(ctx context.Context, connection string, fn func(Link) error) error {
	keys, err := s.bucket.Keys(ctx, bus.Key(connection))
	if err != nil {
		return err
	}
	for _, key := range keys {
		l, found, err := s.get(ctx, key)
		if err != nil {
			return err
		}
		if !found || key != bus.Key(connection, l.Kind, "stripe", l.StripeID) {
			continue
		}
		if l, err = s.current(ctx, connection, l); err != nil {
			return err
		}
		if err := fn(l); err != nil {
			return err
		}
	}
	return nil
}
