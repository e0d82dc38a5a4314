package reconcile

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
)

// Signature is a statement as somebody signed it off.
type Signature struct {
	Connection string    `json:"connection"`
	Scope      string    `json:"scope"` // month or payout
	Currency   string    `json:"currency"`
	Difference string    `json:"difference"`
	Stripe     string    `json:"stripe"`
	Open       string    `json:"open"`
	Documents  string    `json:"documents"`
	Matched    int       `json:"matched"`
	Hash       string    `json:"hash"` // sha256, hex, of the statement as JSON
	By         string    `json:"by"`
	At         time.Time `json:"at"` // UTC
}

// keyStated is before the connection of the hash that a scope had when it was
// last proved; no connection has such a name.
const keyStated = "_stated"

// Signatures keeps what was signed; nothing of that is ever changed. Beside them
// is what each scope last said, so that a list can tell which are out of date.
type Signatures struct{ bucket *bus.Bucket }

// NewSignatures returns those in the bucket "statements".
func NewSignatures(b *bus.Bus) *Signatures { return &Signatures{b.Bucket("statements")} }

// Sign stores that somebody signed a statement. The same statement signed by
// the same person again is stored once (Invariant 2).
func (s *Signatures) Sign(ctx context.Context, st *Statement, by string, at time.Time) (Signature, error) {
	if err := st.Signable(); err != nil {
		return Signature{}, err
	}
	g := Signature{
		Connection: st.Connection, Scope: st.Scope(), Currency: st.Currency, Difference: st.Difference, Stripe: st.Stripe, Open: st.Open,
		Documents: st.Documents, Matched: st.Matched, Hash: st.digest(), By: by, At: at.UTC().Truncate(time.Second),
	}
	data, err := json.Marshal(g)
	if err != nil {
		return Signature{}, fmt.Errorf("sign %s: %w", st.Scope(), err)
	}
	key := bus.Key(g.Connection, g.Scope, g.Currency, g.Hash, by)
	if _, err = s.bucket.Create(ctx, key, data); errors.Is(err, bus.ErrConflict) {
		old, _, err := s.bucket.Get(ctx, key)
		if err != nil {
			return Signature{}, err
		}
		err = json.Unmarshal(old, &g)
		return g, err
	}
	return g, err
}

// History lists what was signed of a connection, oldest first.
func (s *Signatures) History(ctx context.Context, connection string) ([]Signature, error) {
	entries, err := s.bucket.Entries(ctx, bus.Key(connection))
	if err != nil {
		return nil, err
	}
	all := make([]Signature, 0, len(entries))
	for key, data := range entries {
		var g Signature
		if err := json.Unmarshal(data, &g); err != nil {
			return nil, fmt.Errorf("signature %s: %w", key, err)
		}
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b Signature) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.By, b.By))
	})
	return all, nil
}

// Signable is why a statement cannot be signed; nil when it can.
func (s *Statement) Signable() error {
	var why string
	switch transit := func(e Entry) bool { return e.Cause == InTransit }; {
	case !s.OK():
		why = "it has a difference"
	case s.Payout != "" && slices.ContainsFunc(s.Reconciling, transit):
		why = "the payout is in transit"
	case s.Payout != "" && s.Matched == 0:
		why = "nothing of it is matched yet"
	default:
		return nil
	}
	return fault.Newf("reconcile.not_signed", "%s %s: %s", s.Scope(), s.Currency, why)
}

// digest is the hash of everything that the statement says.
func (s *Statement) digest() string {
	said := *s
	said.Hash = ""
	data, err := json.Marshal(&said)
	if err != nil { // texts and numbers always marshal
		panic(err)
	}
	return hash(data)
}

// Stands tells whether it is this statement that was signed.
func (g *Signature) Stands(s *Statement) bool { return g.Hash == s.Hash }

// about tells whether what was signed is of the statement's month or payout.
func (g *Signature) about(s *Statement) bool {
	return g.Connection == s.Connection && g.Scope == s.Scope() && g.Currency == s.Currency
}

// Of parts the signatures of the statement's month or payout into those of the
// statement as it is, and those of what it was before. A quick statement of a
// month leaves out what was signed, so it is never the same one.
func Of(all []Signature, s *Statement) (stand, outdated []Signature) {
	for _, g := range all {
		switch {
		case !g.about(s):
		case g.Stands(s):
			stand = append(stand, g)
		case s.Period == "" || s.Clearing != nil:
			outdated = append(outdated, g)
		}
	}
	return stand, outdated
}

// State keeps what a scope says now. A quick statement of a month says less.
func (s *Signatures) State(ctx context.Context, st *Statement) error {
	if st.Period != "" && st.Clearing == nil {
		return nil
	}
	_, err := s.bucket.Put(ctx, bus.Key(keyStated, st.Connection, st.Scope(), st.Currency), []byte(st.Hash))
	return err
}

// Outdated tells of each signature whether its scope said something else when it
// was last proved.
func (s *Signatures) Outdated(ctx context.Context, all []Signature) ([]bool, error) {
	old := make([]bool, len(all))
	for n, g := range all {
		now, _, err := s.bucket.Get(ctx, bus.Key(keyStated, g.Connection, g.Scope, g.Currency))
		if err != nil && !errors.Is(err, bus.ErrNotFound) {
			return nil, err
		}
		old[n] = err == nil && string(now) != g.Hash
	}
	return old, nil
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
