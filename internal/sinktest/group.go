package sinktest

import (
	"strings"
	"sync"
	"testing"
)

// together is how many cases run side by side: they wait for the disk most of
// the time, so it is more than there are processors.
const together = 8

// A group is cases that run side by side.
type group struct {
	t       *testing.T
	slots   chan struct{}
	running sync.WaitGroup
}

// side gives fn a group and waits for its cases.
func side(t *testing.T, fn func(g *group)) {
	t.Helper()
	g := &group{t: t, slots: make(chan struct{}, together)}
	defer g.running.Wait()
	fn(g)
}

// run adds a case; slashes in its name do not make it one of another case.
func (g *group) run(name string, fn func(t *testing.T)) {
	g.slots <- struct{}{}
	g.running.Go(func() {
		defer func() { <-g.slots }()
		g.t.Run(strings.ReplaceAll(name, "/", "_"), fn)
	})
}
