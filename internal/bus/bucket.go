package bus

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Errors of a Bucket that callers branch on.
var (
	ErrNotFound = errors.New("key not found")
	ErrConflict = errors.New("key changed meanwhile")
)

// Bucket keeps small state by key. Reads are answered by the leader; every
// change can be a compare-and-swap on the revision, and a revision never
// repeats, also across delete and create.
type Bucket struct {
	bus  *Bus
	name string
}

// Bucket returns the bucket of that name: "links", "postings", "blocks",
// "leases", "cursors", "doubts", "kept", "budgets", "statements" or "told". It is
// looked up when it is used.
func (b *Bus) Bucket(name string) *Bucket { return &Bucket{bus: b, name: name} }

// Key joins parts, each escaped, into a key.
func Key(parts ...string) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = Escape(p)
	}
	return strings.Join(escaped, ".")
}

func (k *Bucket) open(ctx context.Context) (jetstream.KeyValue, error) {
	return k.bus.kv(ctx, bucketName(k.name))
}

// Get returns the value and its revision, or ErrNotFound.
func (k *Bucket) Get(ctx context.Context, key string) (value []byte, revision uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	kv, err := k.open(ctx)
	if err != nil {
		return nil, 0, unavailable(err, "open %s", k.name)
	}
	e, err := kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, 0, ErrNotFound
	}
	if err != nil {
		return nil, 0, unavailable(err, "get %s %s", k.name, key)
	}
	return e.Value(), e.Revision(), nil
}

// Create stores the value of a key that is absent, or returns ErrConflict.
func (k *Bucket) Create(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	return k.write(ctx, key, func(ctx context.Context, kv jetstream.KeyValue) (uint64, error) {
		return kv.Create(ctx, key, value)
	})
}

// Update stores the value if the key's revision is still rev, or returns
// ErrConflict.
func (k *Bucket) Update(ctx context.Context, key string, value []byte, rev uint64) (revision uint64, err error) {
	return k.write(ctx, key, func(ctx context.Context, kv jetstream.KeyValue) (uint64, error) {
		return kv.Update(ctx, key, value, rev)
	})
}

// Put stores the value whatever is there.
func (k *Bucket) Put(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	return k.write(ctx, key, func(ctx context.Context, kv jetstream.KeyValue) (uint64, error) {
		return kv.Put(ctx, key, value)
	})
}

// Delete removes the key if its revision is still rev, or returns
// ErrConflict; rev 0 removes whatever is there.
func (k *Bucket) Delete(ctx context.Context, key string, rev uint64) error {
	_, err := k.write(ctx, key, func(ctx context.Context, kv jetstream.KeyValue) (uint64, error) {
		if rev == 0 {
			return 0, kv.Delete(ctx, key)
		}
		return 0, kv.Delete(ctx, key, jetstream.LastRevision(rev))
	})
	return err
}

func (k *Bucket) write(ctx context.Context, key string, do func(context.Context, jetstream.KeyValue) (uint64, error)) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	kv, err := k.open(ctx)
	if err != nil {
		return 0, unavailable(err, "open %s", k.name)
	}
	rev, err := do(ctx, kv)
	if isConflict(err) {
		return 0, ErrConflict
	}
	return rev, unavailable(err, "write %s %s", k.name, key)
}

// isConflict: the broker answers a lost compare-and-swap with code 10071, or
// another one on a
// replicated stream.
func isConflict(err error) bool {
	if err == nil {
		return false
	}
	if errors.Is(err, jetstream.ErrKeyExists) {
		return true
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// underWayPause is how long a publication waits for another one of which the
// broker does not know yet whether it will be stored.
const underWayPause = 20 * time.Millisecond

// sameIDUnderWay is the broker's code for a message id of which a replicated
// stream does not know yet whether it will be stored.
const sameIDUnderWay jetstream.ErrorCode = 10158

// underWay says that a replicated stream has refused a message because another
// one with the same id, or with a condition on the same subject, is not stored
// yet: that says nothing about the subject.
func underWay(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant || api.ErrorCode == sameIDUnderWay)
}

// Entries reads, in one go, the values of the keys that equal prefix or lie
// below it; an empty prefix reads all. What changes meanwhile may be in it or
// not.
func (k *Bucket) Entries(ctx context.Context, prefix string) (map[string][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	kv, err := k.open(ctx)
	if err != nil {
		return nil, unavailable(err, "open %s", k.name)
	}
	w, err := kv.WatchFiltered(ctx, below(prefix), jetstream.IgnoreDeletes())
	if err != nil {
		return nil, unavailable(err, "read %s", k.name)
	}
	defer func() { _ = w.Stop() }()
	entries := make(map[string][]byte)
	for {
		select {
		case e, open := <-w.Updates():
			if !open {
				return nil, unavailable(errors.New("the listing was cut"), "read %s", k.name)
			}
			if e == nil { // everything that was there has come
				return entries, nil
			}
			entries[e.Key()] = e.Value()
		case <-ctx.Done():
			return nil, unavailable(ctx.Err(), "read %s", k.name)
		}
	}
}

func below(prefix string) []string {
	if prefix == "" {
		return []string{">"}
	}
	return []string{prefix, prefix + ".>"}
}

// Keys lists, sorted, the keys that equal prefix or lie below it; an empty
// prefix lists all.
func (k *Bucket) Keys(ctx context.Context, prefix string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	kv, err := k.open(ctx)
	if err != nil {
		return nil, unavailable(err, "open %s", k.name)
	}
	l, err := kv.ListKeysFiltered(ctx, below(prefix)...)
	if err != nil {
		return nil, unavailable(err, "list %s", k.name)
	}
	keys := []string{}
	for key := range l.Keys() {
		keys = append(keys, key)
	}
	if err := ctx.Err(); err != nil {
		return nil, unavailable(err, "list %s", k.name) // the listing may be cut
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// KeysAfter lists, sorted, the first keys that lie below prefix and after the
// key after, most of them at most. It holds no more than twice as many.
func (k *Bucket) KeysAfter(ctx context.Context, prefix, after string, most int) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	kv, err := k.open(ctx)
	if err != nil {
		return nil, unavailable(err, "open %s", k.name)
	}
	l, err := kv.ListKeysFiltered(ctx, prefix+".>")
	if err != nil {
		return nil, unavailable(err, "list %s", k.name)
	}
	var keys []string
	first := func() {
		slices.Sort(keys)
		keys = slices.Compact(keys)
		keys = keys[:min(most, len(keys))]
	}
	for key := range l.Keys() {
		if key > after {
			keys = append(keys, key)
		}
		if len(keys) >= 2*most {
			first()
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, unavailable(err, "list %s", k.name) // the listing may be cut
	}
	first()
	return slices.Clone(keys), nil // without what was cut off
}
