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

// Signatures keeps what was signed; nothing in it is ever changed.
type Signatures struct{ bucket *bus.Bucket }

// NewSignatures returns those in the bucket "statements".
func NewSignatures(b *bus.Bus) *Signatures { return &Signatures{b.Bucket("statements")} }

// Sign stores that somebody signed a statement. The same statement signed by
// the same person again is stored once (Invariant 2).
func (s *Signatures) Sign(ctx context.Context, st *Statement, by string, at time.Time) (Signature, error) {
	data, err := json.Marshal(st)
	if err != nil {
		return Signature{}, fmt.Errorf("sign %s: %w", st.Scope(), err)
	}
	g := Signature{
		Connection: st.Connection, Scope: st.Scope(), Currency: st.Currency, Difference: st.Difference, Stripe: st.Stripe, Open: st.Open,
		Documents: st.Documents, Matched: st.Matched, Hash: hash(data), By: by, At: at.UTC().Truncate(time.Second),
	}
	if data, err = json.Marshal(g); err != nil {
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

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
