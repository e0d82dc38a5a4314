package basis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
)

// standsFor is how long an answer that all is well is not asked for again.
const standsFor = 30 * time.Second

// Names of the keys behind that of the connection.
const (
	keyBasis   = "basis"
	keyRefused = "basis_refused"
)

// Bucket keeps the basis, and who refuses the configuration of now; writes
// answer bus.ErrConflict when somebody else was first, Get bus.ErrNotFound.
type Bucket interface {
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)
	Create(ctx context.Context, key string, value []byte) (revision uint64, err error)
	Update(ctx context.Context, key string, value []byte, rev uint64) (revision uint64, err error)
	Put(ctx context.Context, key string, value []byte) (revision uint64, err error)
	Delete(ctx context.Context, key string, rev uint64) error
}

// Options are what a Guard is made of.
type Options struct {
	Bucket              Bucket
	Service, Connection string
	Is                  *Basis // of the configuration; nil: nothing is settled
	Livemode            bool
	// Account is the id of the Stripe account, empty when it may not be read; nil:
	// it is not looked at.
	Account func(ctx context.Context) (string, error)
}

// Guard lets a service settle only by the basis that the connection has, and
// only one connection settle an account. Safe for concurrent use.
type Guard struct {
	o Options

	mu      sync.Mutex
	claimed bool      // the account is ours
	until   time.Time // the last good answer stands
	listed  string    // what the bucket says that this service refuses; "?": not known
}

// New returns the guard of a service for one connection.
func New(o Options) *Guard { return &Guard{o: o, listed: "?"} }

// Check is an error, config.books_changed, when the connection was settled by other
// choices than those of the configuration, and config.account_shared, when its
// account is settled by another connection. The first that settles decides.
func (g *Guard) Check(ctx context.Context) error { return g.check(ctx, time.Time{}) }

// Accept is Check, but takes over a change that is still to come at the time now
// of Stripe.
func (g *Guard) Accept(ctx context.Context, now time.Time) error { return g.check(ctx, now) }

func (g *Guard) check(ctx context.Context, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Now().Before(g.until) {
		return nil
	}
	err := g.claim(ctx) // first: a connection that is refused decides nothing
	if err == nil {
		err = g.compare(ctx, now)
	}
	if errors.Is(err, bus.ErrConflict) { // another service was first: its word counts
		err = g.compare(ctx, now)
	}
	if err == nil {
		g.until = time.Now().Add(standsFor)
		return g.list(ctx, "")
	}
	if code := fault.Of(err).Code; code == "config.books_changed" || code == "config.account_shared" {
		return errors.Join(err, g.list(ctx, err.Error()))
	}
	return err
}

func (g *Guard) compare(ctx context.Context, now time.Time) error {
	key := bus.Key(g.o.Connection, keyBasis)
	data, rev, err := g.o.Bucket.Get(ctx, key)
	if errors.Is(err, bus.ErrNotFound) {
		return g.write(ctx, key, 0)
	}
	if err != nil {
		return fmt.Errorf("read what the books are settled by: %w", err)
	}
	follows, err := compare(g.o.Connection, data, g.o.Is, now)
	if follows {
		return g.write(ctx, key, rev)
	}
	return err
}

// compare is an error when the basis is another one than the stored one, unless
// it follows that: everything that both treat differently is after now.
func compare(connection string, data []byte, is *Basis, now time.Time) (follows bool, err error) {
	var was Basis
	if err := json.Unmarshal(data, &was); err != nil {
		return false, fault.Newf("config.books_changed", "connection %s: what its books were settled by cannot be read: %w", connection, err)
	}
	if is == nil {
		return false, fault.Newf("config.books_changed", "connection %s: its books were settled, and books.clearing and books.accounts are empty now", connection)
	}
	list := is.changes(&was)
	switch {
	case len(list) == 0:
		return false, nil
	case !now.IsZero() && is.follows(&was, now):
		return true, nil
	}
	return false, fault.Newf("config.books_changed", "connection %s: %s", connection, strings.Join(list, "; "))
}

// Agrees is for who judges what was settled, and settles nothing: an error,
// config.books_changed, when that was by other choices than is has. It decides
// and stores nothing. A change that is still to come at the time now is none.
func Agrees(ctx context.Context, b Bucket, connection string, is *Basis, now time.Time) error {
	data, _, err := b.Get(ctx, bus.Key(connection, keyBasis))
	if errors.Is(err, bus.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what the books are settled by: %w", err)
	}
	_, err = compare(connection, data, is, now)
	return err
}

func (g *Guard) write(ctx context.Context, key string, rev uint64) error {
	if g.o.Is == nil {
		return nil
	}
	data, err := json.Marshal(g.o.Is)
	if err != nil {
		return fmt.Errorf("basis of %s: %w", g.o.Connection, err)
	}
	if rev == 0 {
		_, err = g.o.Bucket.Create(ctx, key, data)
	} else {
		_, err = g.o.Bucket.Update(ctx, key, data, rev)
	}
	if err != nil {
		return fmt.Errorf("write what the books of %s are settled by: %w", g.o.Connection, err)
	}
	return nil
}

// list tells whoever asks for the status what this service refuses.
func (g *Guard) list(ctx context.Context, text string) error {
	if g.listed == text {
		return nil
	}
	key := bus.Key(g.o.Connection, keyRefused, g.o.Service)
	if text != "" {
		if _, err := g.o.Bucket.Put(ctx, key, []byte(text)); err != nil {
			return err
		}
	} else if _, _, err := g.o.Bucket.Get(ctx, key); !errors.Is(err, bus.ErrNotFound) {
		if err == nil {
			err = g.o.Bucket.Delete(ctx, key, 0)
		}
		if err != nil {
			return err
		}
	}
	g.listed = text
	return nil
}

// Refused is why the services of a connection that refuse its configuration do
// so, by their names.
func Refused(ctx context.Context, b *bus.Bus, connection string) (map[string]string, error) {
	prefix := bus.Key(connection, keyRefused)
	entries, err := b.Bucket(BucketName).Entries(ctx, prefix)
	if err != nil {
		return nil, err
	}
	list := make(map[string]string, len(entries))
	for key, text := range entries {
		list[strings.TrimPrefix(key, prefix+".")] = string(text)
	}
	return list, nil
}

// BucketName is the bucket that has it all.
const BucketName = "cursors"
