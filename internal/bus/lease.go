package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Lease keeps two replicas from doing the same polling. It saves work; safety
// never rests on it, because a paused holder cannot be stopped.
type Lease struct {
	bus    *Bus
	key    string
	holder string
	ttl    time.Duration
	rev    uint64
}

type leaseRecord struct {
	Holder string    `json:"holder"`
	Until  time.Time `json:"until"`
}

// Lease tries to take the lease of that name for ttl. It reports false when
// somebody else holds it.
func (b *Bus) Lease(ctx context.Context, name, holder string, ttl time.Duration) (*Lease, bool, error) {
	l := &Lease{bus: b, key: Key(name), holder: holder, ttl: ttl}
	data, rev, err := b.Bucket(bucketLeases).Get(ctx, l.key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, false, err
	}
	if err == nil {
		var rec leaseRecord
		if err := json.Unmarshal(data, &rec); err != nil {
			return nil, false, fmt.Errorf("lease %s: %w", name, err)
		}
		if rec.Holder != holder && rec.Until.After(time.Now()) {
			return nil, false, nil
		}
		l.rev = rev
	}
	err = l.Renew(ctx)
	if errors.Is(err, ErrConflict) {
		return nil, false, nil
	}
	return l, err == nil, err
}

// Renew prolongs the lease by its ttl. ErrConflict when it was lost.
func (l *Lease) Renew(ctx context.Context) error {
	data, err := json.Marshal(leaseRecord{l.holder, time.Now().UTC().Add(l.ttl)})
	if err != nil {
		return fmt.Errorf("lease %s: %w", l.key, err)
	}
	if l.rev == 0 {
		l.rev, err = l.bus.Bucket(bucketLeases).Create(ctx, l.key, data)
		return err
	}
	rev, err := l.bus.Bucket(bucketLeases).Update(ctx, l.key, data, l.rev)
	if err == nil {
		l.rev = rev
	}
	return err
}

// Release gives the lease back. A lease that was lost meanwhile is nobody's
// business any more.
func (l *Lease) Release(ctx context.Context) error {
	err := l.bus.Bucket(bucketLeases).Delete(ctx, l.key, l.rev)
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}
