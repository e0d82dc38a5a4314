package sinktest

import (
	"sync/atomic"
	"time"
)

// A Clock goes like any other and can be moved ahead.
type Clock struct {
	begun time.Time
	ahead atomic.Int64
}

// epoch is when every world begins: inside the periods that the Acumatica twin
// has open.
func epoch() time.Time { return time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC) }

func newClock() *Clock { return &Clock{begun: time.Now()} }

// Now is the time of everything in a world.
func (c *Clock) Now() time.Time {
	return epoch().Add(time.Since(c.begun) + time.Duration(c.ahead.Load()))
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) { c.ahead.Add(int64(d)) }
