package acumaticatwin

// A JournalView is a batch of the general ledger as a bookkeeper sees it,
// posted or not.
type JournalView struct {
	Batch
	Status string `json:"status"`
}

// Journals returns the batches that were entered in the general ledger itself,
// ordered by number.
func (t *Twin) Journals() []JournalView {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	views := []JournalView{}
	x := t.begin()
	for r := range x.prefixed(entityJournal, []string{moduleGL}) {
		views = append(views, JournalView{Batch: batchOf(r), Status: r.get("Status")})
	}
	return views
}
