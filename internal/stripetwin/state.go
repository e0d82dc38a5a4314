package stripetwin

import (
	"crypto/rand"
	"encoding/json"
	"hash/maphash"
	"iter"
	"math"
	"strings"
)

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

// A store is what journal.go needs of the place where one kind of object is.
type store interface {
	restore(line json.RawMessage) error
	delete(id string)
	line(w *jsonWriter, id string) // null when it is gone
	each() iter.Seq[string]        // ids in order of creation
	mark(id string)
	settle()
	forget()
	len() int
	expanded(t *Twin, id string) object
	wakesAt() int64
}

// state is everything the twin remembers; journal.go keeps it on disk.
type state struct {
	Account        string // acct_…
	Opened         int64
	Seq            int64
	Last           int64 // Unix seconds of the last change; the clock never shows less
	Customers      *table[customer, *customer]
	Invoices       *table[invoice, *invoice]
	Items          *table[item, *item]
	Intents        *table[intent, *intent]
	Charges        *table[charge, *charge]
	Refunds        *table[refund, *refund]
	Notes          *table[creditNote, *creditNote]
	Payouts        *table[payout, *payout]
	BalanceChanges *table[balanceChange, *balanceChange] // of customers
	Topups         *table[topup, *topup]
	Disputes       *table[dispute, *dispute]
	Moves          *table[move, *move] // balance transactions
	Events         *table[event, *event]
	Endpoints      *table[endpoint, *endpoint]
	Deliveries     *queue
	Keys           *table[kept, *kept]
	Methods        *table[paymentMethod, *paymentMethod]
	Setups         *table[setupIntent, *setupIntent]
	Products       *table[product, *product]
	Prices         *table[price, *price]
	TaxRates       *table[taxRate, *taxRate]
	TaxIDs         *table[taxID, *taxID] // of customers
	Subs           *table[subscription, *subscription]
	SubItems       *table[subItem, *subItem]
	Sessions       *table[session, *session] // of checkout

	stores  []store
	kinds   map[string]store // by the prefix of ids
	seed    maphash.Seed
	z       *squeezer
	slab    slab
	scratch []byte          // for packing
	dirty   map[string]bool // ids that changed since the last commit

	advanced bool // Last was moved on purpose since the last commit

	balance purse // sums of Moves

	lost func(id string) // hears of changes that nobody marked; nil outside of tests
}

// newState lists every kind of object once: where it is kept, how it looks
// where another object is expanded to it, its columns, how its ids begin.
func newState(now int64) *state {
	s := &state{Account: randomID("acct_1", 15), Opened: now, kinds: map[string]store{}, seed: maphash.MakeSeed(), z: newSqueezer(), scratch: make([]byte, 0, 1<<12), dirty: map[string]bool{}, balance: newPurse()}
	s.Customers = keep(s, still((*customer).show), customerColumns(), "cus")
	s.Invoices = keep(s, (*Twin).renderInvoice, invoiceColumns(), "in")
	s.Items = keep(s, (*Twin).renderItem, itemColumns(), "ii", "il")
	s.Intents = keep(s, still((*intent).render), intentColumns(), "pi")
	s.Charges = keep(s, still((*charge).render), chargeColumns(), "ch", "py")
	s.Refunds = keep(s, still((*refund).render), refundColumns(), "re", "pyr")
	s.Notes = keep(s, still((*creditNote).render), noteColumns(), "cn")
	s.Payouts = keep(s, still((*payout).render), payoutColumns(), "po")
	s.BalanceChanges = keep(s, still((*balanceChange).render), balanceChangeColumns(), "cbtxn")
	s.Topups = keep(s, still((*topup).render), topupColumns(), "tu")
	s.Disputes = keep(s, (*Twin).showDispute, disputeColumns(), "dp")
	s.Moves = keep(s, (*Twin).showMove, moveColumns(), "txn")
	s.Events = keep[event](s, nil, eventColumns(), "evt")
	s.Endpoints = keep[endpoint](s, nil, nil, "we")
	s.Methods = keep(s, still((*paymentMethod).render), methodColumns(), "pm")
	s.Setups = keep(s, still((*setupIntent).render), setupColumns(), "seti")
	s.Products = keep(s, still((*product).render), nil, "prod")
	s.Prices = keep(s, still((*price).render), priceColumns(), "price")
	s.TaxRates = keep(s, still((*taxRate).render), nil, "txr")
	s.TaxIDs = keep(s, still((*taxID).render), taxIDColumns(), "txi")
	s.Subs = keep(s, (*Twin).renderSub, subColumns(), "sub")
	s.SubItems = keep(s, (*Twin).renderSubItem, subItemColumns(), "si")
	s.Sessions = keep(s, (*Twin).renderSession, sessionColumns(), "cs")
	s.Keys = keep[kept](s, nil, keyColumns(), "key")
	s.Deliveries = newQueue(s)
	return s
}

// still adapts a render method that needs to know nothing but the row.
func still[T any](render func(*T) object) func(*Twin, *T) object {
	return func(_ *Twin, v *T) object { return render(v) }
}

// storeOf finds the place where the object with the id is, or nil.
func (s *state) storeOf(id string) store {
	if i := strings.IndexAny(id, "_:"); i > 0 {
		return s.kinds[id[:i]]
	}
	return nil
}

// mark says that the object with the id was made, changed or removed, so that
// the next commit writes it.
func (s *state) mark(id string) {
	s.dirty[id] = true
	if st := s.storeOf(id); st != nil {
		st.mark(id)
	}
}

// settle puts to rest what changed.
func (s *state) settle() {
	for id := range s.dirty {
		s.mark(id) // again: it may have changed after it was first marked
	}
	for _, st := range s.stores {
		st.settle()
	}
}

// wakesAt is when the next object is due, in Unix seconds.
func (s *state) wakesAt() int64 {
	at := int64(math.MaxInt64)
	for _, st := range s.stores {
		at = min(at, st.wakesAt())
	}
	return at
}

// len is how many objects there are.
func (s *state) len() int {
	n := 0
	for _, st := range s.stores {
		n += st.len()
	}
	return n
}

func (s *state) forget() {
	for _, st := range s.stores {
		st.forget()
	}
}

// newHead starts an object.
func (t *Twin) newHead(c *call, id string) head {
	t.s.Seq++
	return head{ID: id, Created: c.now, Seq: t.s.Seq, Changed: t.now().UnixMilli(), Metadata: map[string]string{}}
}

// touch notes that an object changed.
func (t *Twin) touch(h *head) {
	h.Changed = t.now().UnixMilli()
	t.s.mark(h.ID)
}

const idAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// randomID returns prefix and n random characters.
func randomID(prefix string, n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand
	return idOf(prefix, b)
}

// newID is randomID, but while a scenario is built the same one each time.
func (t *Twin) newID(prefix string, n int) string {
	if t.dice == nil {
		return randomID(prefix, n)
	}
	b := make([]byte, n)
	_, _ = t.dice.Read(b) // never fails
	return idOf(prefix, b)
}

func idOf(prefix string, random []byte) string {
	for i, c := range random {
		random[i] = idAlphabet[int(c)%len(idAlphabet)]
	}
	return prefix + string(random)
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
