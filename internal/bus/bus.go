// Package bus is the only way to the broker: publish, consume in order, and
// keep small state. It owns the streams and their settings, the lane protocol,
// and the one switch that decides what happens to a message whose handling
// failed.
package bus

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"

	"millrace/schemas"
)

var errTODO = errors.New("not yet")

type InProcessServer interface{ InProcessConn() (net.Conn, error) }

type Options struct {
	URL, Creds, Token, Name string
	InProcess               InProcessServer
	Partitions              int // used when streams are first made; default 32
	Log                     *slog.Logger
}

type Bus struct{}

func Connect(ctx context.Context, o Options) (*Bus, error)               { return nil, errTODO }
func (b *Bus) Close() error                                              { return nil }
func (b *Bus) Provision(ctx context.Context, connections []string) error { return errTODO }
func (b *Bus) Verify(ctx context.Context) error                          { return errTODO }
func (b *Bus) Partitions() int                                           { return 32 }
func (b *Bus) PublishEvent(ctx context.Context, connection, lane, source, object, verb string, ev Event) (PubAck, error) {
	return PubAck{}, errTODO
}
func (b *Bus) PublishIntent(ctx context.Context, in schemas.Intent) (PubAck, error) {
	return PubAck{}, errTODO
}
func (b *Bus) PublishOutcome(ctx context.Context, o schemas.Outcome) error { return errTODO }
func (b *Bus) Run(ctx context.Context, s Stage) error                      { return errTODO }
func (b *Bus) Scan(ctx context.Context, stream string, fromSeq uint64, fn func(*Message) error) error {
	return errTODO
}
func (b *Bus) Follow(ctx context.Context, stream string, fromSeq uint64, fn func(*Message) error) error {
	return errTODO
}
func (b *Bus) Bucket(name string) *Bucket                  { return nil }
func (b *Bus) Lag(ctx context.Context) ([]StageLag, error) { return nil, errTODO }
func (b *Bus) Lease(ctx context.Context, name, holder string, ttl time.Duration) (*Lease, bool, error) {
	return nil, false, errTODO
}

type StageLag struct {
	Stage, Connection string
	Pending           uint64 // stored, not yet handed out
	AckPending        int    // in flight
	BlockedLanes      int    // waiting or parked
	ParkedLanes       int
}

type Lease struct{}

func (l *Lease) Renew(ctx context.Context) error   { return errTODO } // ErrConflict: lost
func (l *Lease) Release(ctx context.Context) error { return errTODO }

var (
	ErrNotFound = errors.New("key not found")
	ErrConflict = errors.New("key changed meanwhile")
)

type Bucket struct{}

func (k *Bucket) Get(ctx context.Context, key string) ([]byte, uint64, error) { return nil, 0, errTODO }
func (k *Bucket) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	return 0, errTODO
}
func (k *Bucket) Update(ctx context.Context, key string, value []byte, rev uint64) (uint64, error) {
	return 0, errTODO
}
func (k *Bucket) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	return 0, errTODO
}
func (k *Bucket) Delete(ctx context.Context, key string, rev uint64) error  { return errTODO }
func (k *Bucket) Keys(ctx context.Context, prefix string) ([]string, error) { return nil, errTODO }

// Key joins escaped parts into a key-value key.
func Key(parts ...string) string {
	for i, p := range parts {
		parts[i] = Escape(p)
	}
	return strings.Join(parts, ".")
}
