package sinktest

import (
	"strings"
	"sync"
	"testing"
)

// together is how many cases run side by side: they wait for the disk most of
// the time, so it is more than there are processors.
const together = 8

// sampled: with -short, as under the race detector, which makes the cases some
// six times as long, every so manieth case is run.
const sampled = 5

// A group is cases that run side by side.
type group struct {
	t       *testing.T
	suite   *suite
	slots   chan struct{}
	added   int
	running sync.WaitGroup
}

// side gives add a group and waits for its cases.
func (s *suite) side(t *testing.T, add func(*group)) {
	t.Helper()
	g := &group{t: t, suite: s, slots: make(chan struct{}, together)}
	defer g.running.Wait()
	add(g)
}

// run adds a case, in a world where everything that comes first has happened.
func (g *group) run(name string, fn func(c *trial)) {
	g.add(name, g.suite.begin, fn)
}

// bare adds a case in a world where nothing has happened.
func (g *group) bare(name string, fn func(c *trial)) {
	g.add(name, g.suite.prepare, fn)
}

func (g *group) add(name string, world func(*testing.T) *trial, fn func(*trial)) {
	g.added++
	if testing.Short() && g.added%sampled != 1 {
		return
	}
	g.slots <- struct{}{}
	g.running.Go(func() {
		defer func() { <-g.slots }()
		name = strings.ReplaceAll(name, "/", "_") // a slash would make it a case of a case
		g.t.Run(name, func(t *testing.T) { fn(world(t)) })
	})
}
