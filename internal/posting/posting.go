// Package posting keeps the durable record of each intent that a sink works
// on: how far it came, under which keys, and who holds it. Only one worker at
// a time may hold a posting; a stale one is fenced off by compare-and-swap.
package posting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
)

// State is how far a posting came.
type State string

// The states of a posting, in order.
const (
	Planned  State = "planned"  // nothing was sent
	Sent     State = "sent"     // a write may have reached the target: uncertain until it was searched
	Created  State = "created"  // the document exists, its keys are stored, it has no ledger effect yet
	Released State = "released" // the release was asked for
	Done     State = "done"     // read back from the target as it should be
	Skipped  State = "skipped"  // a person decided to do without it; nothing of it is in effect
)

// final says that nobody may work on the posting any more.
func (s State) final() bool { return s == Done || s == Skipped }

// Record is what is stored.
type Record struct {
	IntentID string            `json:"intent_id"`
	State    State             `json:"state"`
	Keys     map[string]string `json:"keys,omitempty"`   // Type, ReferenceNbr, id; or the Stripe id
	Sends    int               `json:"sends"`            // how many times a creating write was sent
	Writes   []Write           `json:"writes,omitempty"` // what was sent, each version of the intent once
	SentAt   time.Time         `json:"sent_at,omitzero"`
	Fits     map[string]string `json:"fits,omitempty"` // applications that are smaller than the intent asks, by document: decimals
	Holder   string            `json:"holder,omitempty"`
	Until    time.Time         `json:"until,omitzero"` // before this time nobody else may take it
	Updated  time.Time         `json:"updated"`
}

// Write is what was sent by a creating write. An intent can be edited between
// two sends: whoever looks for what became of them needs what they carried.
type Write struct {
	Find map[string]string `json:"find"` // the fields that it is found by in the target
	Sum  string            `json:"sum"`  // of everything that was sent
}

const (
	// HoldFor is how long a hold lasts without being saved again. Safety does
	// not rest on it: a save by an overtaken holder fails by compare-and-swap.
	HoldFor = 6 * time.Second
	// RenewEvery is how often a holder that works for long saves again; the
	// hold outlasts one save that comes too late or fails.
	RenewEvery = HoldFor / 3
)

// Posting is a Record held by this worker.
type Posting struct {
	Record
	store *Store
	key   string

	mu     sync.Mutex // guards the rest: Renew is called beside Save
	rev    uint64
	stored []byte // the record as it was last stored
}

// Store keeps postings in the bucket "postings".
type Store struct {
	bucket *bus.Bucket
	holder string
	now    func() time.Time
}

// New returns the store; holder names this process and must differ between
// any two.
func New(b *bus.Bus, holder string) *Store {
	return &Store{bucket: b.Bucket("postings"), holder: holder, now: time.Now}
}

// WithClock returns the store on another clock than the machine's.
func (s *Store) WithClock(now func() time.Time) *Store {
	return &Store{bucket: s.bucket, holder: s.holder, now: now}
}

// Claim returns the posting of an intent, made as Planned if there was none,
// held by this worker. One that is Done or Skipped is returned without a hold:
// it stays so. posting.held when another worker holds it.
func (s *Store) Claim(ctx context.Context, connection, intentID string) (*Posting, error) {
	p := &Posting{store: s, key: bus.Key(connection, intentID)}
	data, rev, err := s.bucket.Get(ctx, p.key)
	switch {
	case errors.Is(err, bus.ErrNotFound):
		p.Record = Record{IntentID: intentID, State: Planned}
	case err != nil:
		return nil, fmt.Errorf("claim %s: %w", intentID, err)
	default:
		if err := json.Unmarshal(data, &p.Record); err != nil {
			return nil, fmt.Errorf("claim %s: %w", intentID, err)
		}
		p.rev = rev
	}
	if p.State.final() {
		return p, nil
	}
	if wait := p.Until.Sub(s.now()); p.Holder != "" && p.Holder != s.holder && wait > 0 {
		return nil, fault.Newf("posting.held", "claim %s: held by %s", intentID, p.Holder).After(wait)
	}
	if err := p.Save(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// Get reads the record of an intent without claiming it, for a worker that was
// overtaken and must know what became of its work; false if there is none.
func (s *Store) Get(ctx context.Context, connection, intentID string) (Record, bool, error) {
	var r Record
	data, _, err := s.bucket.Get(ctx, bus.Key(connection, intentID))
	if errors.Is(err, bus.ErrNotFound) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("read posting %s: %w", intentID, err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, false, fmt.Errorf("read posting %s: %w", intentID, err)
	}
	return r, true, nil
}

// Save stores the record and prolongs the hold. posting.fenced when another
// worker has taken it meanwhile: the caller must stop at once, without
// another call to the target. So is whoever held it before it was Skipped.
func (p *Posting) Save(ctx context.Context) error {
	p.Holder, p.Updated = p.store.holder, p.store.now().UTC()
	p.Until = p.Updated.Add(HoldFor)
	if p.State.final() {
		p.Holder, p.Until = "", time.Time{}
	}
	data, err := json.Marshal(p.Record)
	if err == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		err = p.put(ctx, data)
	}
	if err != nil {
		return fmt.Errorf("save %s as %s: %w", p.IntentID, p.State, err)
	}
	return nil
}

// Renew prolongs the hold and stores nothing else: what the holder has changed
// in the record since the last Save stays with it, and it may go on changing
// it meanwhile. It fails as Save does.
func (p *Posting) Renew(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stored == nil {
		return nil // it was final when it was claimed
	}
	var r Record
	err := json.Unmarshal(p.stored, &r)
	if err == nil && r.State.final() {
		return nil
	}
	r.Updated = p.store.now().UTC()
	r.Until = r.Updated.Add(HoldFor)
	if err == nil {
		var data []byte
		if data, err = json.Marshal(r); err == nil {
			err = p.put(ctx, data)
		}
	}
	if err != nil {
		return fmt.Errorf("renew %s: %w", r.IntentID, err)
	}
	return nil
}

// put stores data over what this holder stored last. mu is held.
func (p *Posting) put(ctx context.Context, data []byte) (err error) {
	rev := p.rev // a failed save leaves it, so that the next one can tell whether we were overtaken
	if rev == 0 {
		rev, err = p.store.bucket.Create(ctx, p.key, data)
	} else {
		rev, err = p.store.bucket.Update(ctx, p.key, data, rev)
	}
	if errors.Is(err, bus.ErrConflict) {
		return fault.New("posting.fenced", err)
	}
	if err == nil {
		p.rev, p.stored = rev, data
	}
	return err
}
