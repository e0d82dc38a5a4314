package budget

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

const (
	// slotTTL is how long the slots of a dead process are missed.
	slotTTL = 15 * time.Second
	// lineTTL is how long the place of a dead process in the queue is kept.
	lineTTL = 3 * time.Second
	// patience is how long polling lets everything else go first.
	patience = 10 * time.Second
	// After a refusal that names no time, everybody waits for longest at most:
	// Acumatica counts requests by the minute. A refusal within calm after a
	// hold belongs to the same trouble in any case.
	firstHold = time.Second
	longest   = time.Minute
	calm      = 5 * time.Second
	// farAhead is how far beyond what it can be a time in the record may lie
	// before it is taken for one of a clock that was set back since.
	farAhead = time.Minute
	// longestTold is the longest pause that a system's word is taken for.
	longestTold = time.Hour
)

// A class says who goes first.
type class int

const (
	posting class = iota
	polling
	classes
)

func (c class) String() string { return [classes]string{"posting", "polling"}[c] }

// record is a budget as the bucket holds it. Its times are the broker's.
type record struct {
	Spent     time.Time         `json:"spent,omitzero"`      // tokens are spent up to here; see pace
	NotBefore time.Time         `json:"not_before,omitzero"` // nobody sends anything before
	Slowness  time.Duration     `json:"slowness,omitempty"`  // of the last hold whose length was ours to choose
	Workers   map[string]worker `json:"workers,omitempty"`   // processes that hold or want something
}

// worker is the part of one process.
type worker struct {
	Slots   [classes]int  `json:"slots"`
	Until   time.Time     `json:"until,omitzero"` // after it its slots are free
	Waiting [classes]line `json:"waiting"`
	Asked   time.Time     `json:"asked,omitzero"` // lineTTL after it its lines are void
}

// line is what waits in a process. Count may lag behind.
type line struct {
	Count int       `json:"count,omitempty"`
	Since time.Time `json:"since,omitzero"` // of the oldest
}

func decode(data []byte) (record, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, fmt.Errorf("budget: %w", err)
	}
	return r, nil
}

func (r record) clone() record {
	r.Workers = maps.Clone(r.Workers)
	if r.Workers == nil {
		r.Workers = make(map[string]worker)
	}
	return r
}

// prune takes out what is void: slots and lines of processes that are gone.
func (r record) prune(now time.Time) {
	for id, w := range r.Workers {
		if !w.Until.After(now) {
			w.Slots = [classes]int{}
		}
		if !w.Asked.Add(lineTTL).After(now) {
			w.Waiting = [classes]line{}
		}
		if w.Slots == ([classes]int{}) && w.Waiting == ([classes]line{}) {
			delete(r.Workers, id)
			continue
		}
		r.Workers[id] = w
	}
}

// setBack brings times that lie too far ahead to where they can be at most: the
// broker's clock was set back, and nobody must wait until it is there again.
func (r *record) setBack(p pace, now time.Time) {
	limit := func(t time.Time, most time.Duration) time.Time {
		if t.Sub(now) > most+farAhead {
			return now.Add(most)
		}
		return t
	}
	r.Spent = limit(r.Spent, time.Duration(p.burst)*p.gap)
	r.NotBefore = limit(r.NotBefore, longestTold)
	for id, w := range r.Workers {
		w.Until, w.Asked = limit(w.Until, slotTTL), limit(w.Asked, 0)
		r.Workers[id] = w
	}
}

// contended is until when somebody else than me is known to wait.
func (r record) contended(me string) time.Time {
	var until time.Time
	for id, w := range r.Workers {
		if id == me || w.Waiting == ([classes]line{}) {
			continue
		}
		if t := w.Asked.Add(lineTTL); t.After(until) {
			until = t
		}
	}
	return until
}

// hold lets nobody send anything for d; 0 means that the system did not say
// for how long. Refusals that come while everybody waits already belong to the
// same trouble.
func (r *record) hold(d time.Duration, now time.Time) {
	if d <= 0 {
		if r.NotBefore.After(now) {
			return
		}
		d = min(max(2*r.Slowness, firstHold), longest)
		if now.Sub(r.NotBefore) > max(r.Slowness, calm) {
			d = firstHold // requests were answered for as long as they had waited: that trouble is over
		}
		r.Slowness = d
	}
	if at := now.Add(d); at.After(r.NotBefore) {
		r.NotBefore = at
	}
}
