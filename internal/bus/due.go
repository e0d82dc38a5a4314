package bus

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// relistEvery is how often all block records are read again, in case that the
// watch between two such readings has missed one.
const relistEvery = 30 * time.Second

// dueList is when each held lane of a stage may be claimed, as far as a watch
// has told. It is a hint and affects how soon a lane goes on, nothing else:
// whoever claims a lane reads its record from the leader and swaps it by its
// revision. Thousands of parked lanes cost nothing while they do not change.
type dueList struct {
	mu sync.Mutex
	at map[string]time.Time // by key; without the lanes that wait for a person
}

// due lists the lanes that may be claimed at now.
func (l *dueList) due(now time.Time) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var keys []string
	for key, at := range l.at {
		if !at.After(now) {
			keys = append(keys, key)
		}
	}
	return keys
}

// replace takes over a whole reading.
func (l *dueList) replace(at map[string]time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = at
}

// note takes over one record, or that it is gone.
func (l *dueList) note(e jetstream.KeyValueEntry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	noteIn(l.at, e)
}

func noteIn(list map[string]time.Time, e jetstream.KeyValueEntry) {
	delete(list, e.Key())
	if e.Operation() != jetstream.KeyValuePut {
		return
	}
	var rec Block
	if err := json.Unmarshal(e.Value(), &rec); err != nil {
		list[e.Key()] = time.Time{} // who claims it says what is wrong with it
	} else if !rec.Parked {
		list[e.Key()] = rec.Until
	}
}

// followBlocks keeps the list of due lanes until ctx is done.
func (r *runner) followBlocks(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.followOnce(ctx); err != nil && ctx.Err() == nil {
			r.bus.log.Warn("block records not read", "stage", r.stage.Name, "err", err)
			sleep(ctx, time.Second)
		}
	}
}

// followOnce reads all block records of the stage and then watches them until
// it is time to read them again: after relistEvery, or when the broker was
// away meanwhile.
func (r *runner) followOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, relistEvery+listTimeout)
	defer cancel()
	reconnects := r.bus.nc.Stats().Reconnects
	kv, err := r.bus.kv(ctx, bucketName(bucketBlocks))
	if err != nil {
		return unavailable(err, "open %s", bucketBlocks)
	}
	var keys []string
	for _, conn := range r.stage.Connections {
		keys = append(keys, below(Key(r.stage.Name, conn))...)
	}
	w, err := kv.WatchFiltered(ctx, keys)
	if err != nil {
		return unavailable(err, "watch %s", bucketBlocks)
	}
	defer func() { _ = w.Stop() }()
	reading := make(map[string]time.Time) // nil when everything that was there has come
	again := time.After(relistEvery)
	t := time.NewTicker(scanEvery)
	defer t.Stop()
	for {
		select {
		case e, open := <-w.Updates():
			switch {
			case !open:
				return unavailable(errors.New("the watch was cut"), "watch %s", bucketBlocks)
			case e == nil:
				r.due.replace(reading)
				reading = nil
			case reading != nil:
				noteIn(reading, e)
			default:
				r.due.note(e)
			}
		case <-t.C:
			if r.bus.nc.Stats().Reconnects != reconnects {
				return nil
			}
		case <-again:
			if reading != nil {
				return unavailable(errors.New("the listing took too long"), "watch %s", bucketBlocks)
			}
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}
