package budget

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// syncEvery is how often the broker is asked for its time.
	syncEvery = time.Minute
	// surest is how long the broker's answer may take to be used: the time is
	// known to half of it.
	surest = time.Second
)

// clock is the broker's, as far as it can be known here. Between two answers
// it runs with the monotonic clock of this process.
type clock struct {
	ask func(context.Context) (time.Time, error)

	mu     sync.Mutex
	theirs time.Time
	ours   time.Time
}

// sync asks the broker when the last answer is old. An old one goes on to be
// used as long as there is no new one: clocks drift slowly.
func (c *clock) sync(ctx context.Context) error {
	c.mu.Lock()
	known, fresh := !c.theirs.IsZero(), time.Since(c.ours) < syncEvery
	c.mu.Unlock()
	if known && fresh {
		return nil
	}
	begun := time.Now()
	theirs, err := c.ask(ctx)
	took := time.Since(begun)
	switch {
	case err == nil && took <= surest:
		c.mu.Lock()
		c.theirs, c.ours = theirs, begun.Add(took/2)
		c.mu.Unlock()
		return nil
	case known:
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("the broker took %v to tell the time", took)
}

// now is the broker's time; zero before the first sync.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.theirs.IsZero() {
		return time.Time{}
	}
	return c.theirs.Add(time.Since(c.ours)).Round(0)
}
