package push

import "sync"

// maxIDs is how many notifications are remembered. One that comes again after
// that makes one more round of polling, nothing else.
const maxIDs = 4096

// ids are the notifications that were passed on, the newest maxIDs of them.
type ids struct {
	mu    sync.Mutex
	known map[[32]byte]bool
	ring  [][32]byte
	next  int
}

func newIDs() *ids { return &ids{known: make(map[[32]byte]bool)} }

func (s *ids) has(id [32]byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[id]
}

func (s *ids) add(id [32]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[id] {
		return
	}
	s.known[id] = true
	if len(s.ring) < maxIDs {
		s.ring = append(s.ring, id)
		return
	}
	delete(s.known, s.ring[s.next])
	s.ring[s.next], s.next = id, (s.next+1)%maxIDs
}
