package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Watch calls fn with the value of a key, if it has one, and with every later
// one as it is stored, until ctx is done; then it returns nil. Values that
// follow each other fast may be left out, the newest never. It is a hint, not
// a read: what fn sees may already be replaced.
func (k *Bucket) Watch(ctx context.Context, key string, fn func(value []byte, revision uint64)) error {
	opening, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	kv, err := k.open(opening)
	if err != nil {
		return unavailable(err, "open %s", k.name)
	}
	w, err := kv.Watch(ctx, key, jetstream.IgnoreDeletes())
	if err != nil {
		return unavailable(err, "watch %s %s", k.name, key)
	}
	defer func() { _ = w.Stop() }()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, open := <-w.Updates():
			if !open {
				return unavailable(errors.New("the watch was cut"), "watch %s %s", k.name, key)
			}
			if e != nil { // nil: everything that was there has come
				fn(e.Value(), e.Revision())
			}
		}
	}
}

// Clock asks the broker what time it is. The answer was right at some moment
// between the call and its return.
func (b *Bus) Clock(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	s, err := b.stream(ctx, "KV_"+bucketName(bucketBudgets))
	if err != nil {
		return time.Time{}, unavailable(err, "ask for the time")
	}
	info, err := s.Info(ctx)
	if err != nil {
		return time.Time{}, unavailable(err, "ask for the time")
	}
	return info.TimeStamp, nil
}
