package stripetwin

// Idle reports whether no webhook is under way or due.
func (t *Twin) Idle() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.s.Deliveries.lanes {
		if l.busy+len(l.held) > 0 || len(l.waiting) > 0 && !l.waiting[0].next.After(t.now()) {
			return false
		}
	}
	return true
}

// OnLostChange has lost told of every row that was changed and not marked, at
// the next request.
func (t *Twin) OnLostChange(lost func(id string)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.s.lost = lost
}
