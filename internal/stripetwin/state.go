package stripetwin

import "crypto/rand"

// object is one JSON object on the wire.
type object map[string]any

// A head is what every stored object has.
type head struct {
	ID       string
	Created  int64 // Unix seconds
	Seq      int64 // order of creation; lists are sorted by it, because created ties
	Changed  int64 // Unix milliseconds of the last change, for the search index
	Metadata map[string]string
}

func (h *head) top() *head { return h }

// A record is a stored object.
type record interface{ top() *head }

// state is everything the twin remembers; journal.go keeps it on disk.
type state struct {
	Account    string // acct_…
	Opened     int64
	Seq        int64
	Customers  map[string]*customer
	Invoices   map[string]*invoice
	Items      map[string]*item
	Intents    map[string]*intent
	Charges    map[string]*charge
	Refunds    map[string]*refund
	Notes      map[string]*creditNote
	Payouts    map[string]*payout
	Disputes   map[string]*dispute
	Moves      map[string]*move // balance transactions
	Events     map[string]*event
	Endpoints  map[string]*endpoint
	Deliveries []*delivery // oldest first
	Keys       map[string]*kept

	dirty map[string]bool // ids that changed since the last commit
}

func newState(now int64) *state {
	return &state{
		Account: newID("acct_1", 15), Opened: now,
		Customers: map[string]*customer{}, Invoices: map[string]*invoice{}, Items: map[string]*item{},
		Intents: map[string]*intent{}, Charges: map[string]*charge{}, Moves: map[string]*move{}, Refunds: map[string]*refund{}, Notes: map[string]*creditNote{}, Payouts: map[string]*payout{}, Disputes: map[string]*dispute{},
		Events: map[string]*event{}, Endpoints: map[string]*endpoint{}, Keys: map[string]*kept{},
		dirty: map[string]bool{},
	}
}

// mark says that the object with the id was made, changed or removed, so that
// the next commit writes it.
func (s *state) mark(id string) { s.dirty[id] = true }

// newHead starts an object.
func (t *Twin) newHead(c *call, id string) head {
	t.s.Seq++
	t.s.mark(id)
	return head{ID: id, Created: c.now, Seq: t.s.Seq, Changed: t.now().UnixMilli(), Metadata: map[string]string{}}
}

// touch notes that an object changed.
func (t *Twin) touch(h *head) {
	h.Changed = t.now().UnixMilli()
	t.s.mark(h.ID)
}

const idAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newID returns prefix and n random characters.
func newID(prefix string, n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand
	for i, c := range b {
		b[i] = idAlphabet[int(c)%len(idAlphabet)]
	}
	return prefix + string(b)
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func timeOrNull(unix int64) any {
	if unix == 0 {
		return nil
	}
	return unix
}

func metadataOf(m map[string]string) object {
	o := object{}
	for k, v := range m {
		o[k] = v
	}
	return o
}
