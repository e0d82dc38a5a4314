package acumaticatwin

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"millrace/internal/twinfault"
)

// Options configure a Twin. Username and Password are required.
type Options struct {
	// Tenant is the one tenant of the instance; it also stands as the company
	// name in messages about periods.
	Tenant string
	// Username and Password are the only API user.
	Username, Password string
	// ClientID is the OAuth client, "<GUID>@<tenant>" or the GUID alone.
	// Empty: no OAuth client is registered.
	ClientID, ClientSecret string
	// RedirectURIs are where the authorization code may be sent; none leaves
	// that flow closed.
	RedirectURIs []string
	// StateFile holds the state; empty keeps it in memory. It gets a line
	// before any changing request is answered, is written anew when it has
	// grown, and is read by New.
	StateFile string
	// Log gets one line per request at debug level; nil discards.
	Log *slog.Logger
	// Now is the server's clock; nil is time.Now.
	Now func() time.Time
	// Wall is the clock by which sessions and tokens end; nil is Now. Where Now
	// jumps, a token would end on its way to the client.
	Wall func() time.Time
	// ReleaseDelay makes release actions answer 202 and finish this long
	// after; 0 finishes them at once with 204.
	ReleaseDelay time.Duration
	// Seed names the scenario that an empty state starts with: SeedQuick,
	// SeedYear, or "empty", which is the same as "". The same seed on the same day gives the same documents.
	Seed string
	// Documents are invoices and payments of the past year that an empty state
	// gets on top of the scenario, this many at least; up to MaxDocuments.
	Documents int
	// Rates are added to an empty state, after those of the tenant.
	Rates []Rate
	// CustomEndpoint is the tenant's own endpoint, "Name/1.0.0", which extends
	// the newest Default by CreditMemo, CashAccount and BankDeposit. Empty:
	// there is none.
	CustomEndpoint string
	// CustomNames gives those three other names: an endpoint is made by the
	// installer, who chooses them.
	CustomNames map[string]string
	// UserFields are those that a customisation has added to forms.
	UserFields []UserField
	// RefundLabel is what the build calls the type of refunds: "" or
	// DefaultRefundLabel, or OldRefundLabel.
	RefundLabel string
	// Limits are those of the licence; the zero value has none.
	Limits Limits
	// Location is the server's time zone: its offset stands in every time, and
	// its calendar has the business date. nil is UTC.
	Location *time.Location
	// Destinations of push notifications; Run sends them.
	Destinations []Destination
	// Ledger, if any, is told of each invoice or memo that a change has touched,
	// one after the other and before anybody is answered. It must not call the twin.
	Ledger func(InvoiceView)
}

// A Twin is one Acumatica instance with one tenant. It is safe for use by
// several goroutines.
type Twin struct {
	o      Options
	cat    catalog
	gate   *gate
	faults *twinfault.Script

	mu       sync.Mutex
	st       *state
	sessions map[string]*session // by cookie ticket or by grant
	ops      map[string]*operation
	running  []*operation // of ops, as they end; all take equally long
	finished []*operation // of ops, as they ended
	jobs     []job
	log      []Request // a ring once it is full
	oldest   int       // in log

	destinations []*destination
	failed       []*notification
	poked        chan struct{}
	codes        map[string]code // by hash
	rights       *rights         // nil: the API user may do and see everything
}

// maxLog bounds the record of requests; the oldest go first.
const maxLog = 100_000

// A Request is one call that reached the protocol part of the twin.
type Request struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Query  string `json:"query"`
	Status int    `json:"status"` // 0: the connection was cut by a fault
}

// New makes a twin, from the state file if there is one. An empty state gets
// the tenant's configuration (currencies, accounts, cash accounts, payment
// methods, periods, taxes) and then the seed scenario. It fails on missing
// credentials, an unknown seed, or a state file that cannot be read.
func New(o Options) (*Twin, error) {
	if o.Username == "" || o.Password == "" {
		return nil, errors.New("acumatica twin: username and password are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wall == nil {
		o.Wall = o.Now
	}
	if o.RefundLabel == "" {
		o.RefundLabel = DefaultRefundLabel
	}
	if !refundKind(o.RefundLabel) {
		return nil, fmt.Errorf("acumatica twin: refund label %q: want %q or %q", o.RefundLabel, DefaultRefundLabel, OldRefundLabel)
	}
	if n := o.Documents; n < 0 || n > MaxDocuments {
		return nil, fmt.Errorf("acumatica twin: %d documents: want 0 to %d", n, MaxDocuments)
	}
	cat, err := newCatalog(o.RefundLabel)
	if err != nil {
		return nil, fmt.Errorf("acumatica twin: %w", err)
	}
	t := &Twin{
		o: o, cat: cat, gate: newGate(o.Limits, o.Now), faults: twinfault.NewScript(faultWords(), o.Now), sessions: map[string]*session{}, ops: map[string]*operation{},
		poked: make(chan struct{}, 1), codes: map[string]code{},
	}
	if err := t.addUserFields(); err != nil {
		return nil, err
	}
	if err := t.checkCustom(); err != nil {
		return nil, err
	}
	if err := t.open(); err != nil {
		return nil, err
	}
	for _, d := range o.Destinations {
		if err := t.AddDestination(d); err != nil {
			return nil, fmt.Errorf("acumatica twin: %w", err)
		}
	}
	return t, nil
}

// open reads the state, or makes one.
func (t *Twin) open() error {
	st, empty, err := openState(t.o.StateFile, t.o.Tenant, t.cat)
	if err != nil {
		return err
	}
	t.st = st
	if !empty {
		return nil
	}
	// Written once, whole: a kill while seeding leaves no half scenario.
	file := st.file
	st.file = nil
	if err := t.seed(t.o.Seed); err != nil {
		return err
	}
	if st.file = file; file == nil {
		return nil
	}
	return st.rewrite()
}

// location is the server's time zone.
func (t *Twin) location() *time.Location {
	if t.o.Location == nil {
		return time.UTC
	}
	return t.o.Location
}

func (t *Twin) now() time.Time { return t.o.Now() }

func (t *Twin) wall() time.Time { return t.o.Wall() }

// Requests returns what was called, oldest first, at most the last 100000.
func (t *Twin) Requests() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Concat(t.log[t.oldest:], t.log[:t.oldest])
}

func (t *Twin) record(q Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.log) < maxLog {
		t.log = append(t.log, q)
		return
	}
	t.log[t.oldest] = q
	t.oldest = (t.oldest + 1) % maxLog
}

// opTTL is how long a finished operation can be asked for.
const opTTL = 15 * time.Minute

// An operation is an action that runs on after its 202.
type operation struct {
	id      string
	session string
	within  within
	entity  string
	action  string
	record  string
	params  map[string]string
	readyAt time.Time
	done    bool
	fail    *failure
}

// settle finishes the operations whose time has come, in the order in which
// they were started: numbers are the same each time. Operations live in
// memory: a restart of the instance kills those that run, as it does in
// Acumatica.
func (t *Twin) settle() {
	t.runJobs()
	now := t.now()
	for len(t.running) > 0 && !now.Before(t.running[0].readyAt) {
		op := t.running[0]
		t.running, t.finished = t.running[1:], append(t.finished, op)
		op.done = true
		op.fail = t.perform(op)
	}
	for len(t.finished) > 0 && now.Sub(t.finished[0].readyAt) > opTTL {
		delete(t.ops, t.finished[0].id)
		t.finished = t.finished[1:]
	}
}

// perform runs an action in a transaction of its own.
func (t *Twin) perform(op *operation) *failure {
	x := t.beginWithin(op.within)
	if fail := x.run(op); fail != nil {
		return fail
	}
	if err := t.commit(x); err != nil {
		return pxError("%v", err)
	}
	return nil
}

func (x *tx) run(op *operation) *failure {
	e := x.cat[op.entity]
	r := x.get(e.stored(), op.record)
	if r == nil {
		return notFound()
	}
	x.params = op.params
	return e.actions[op.action](x, r)
}

// start begins an action and reports the id to poll, or "" when it is done.
func (t *Twin) start(op *operation) (string, *failure) {
	if t.o.ReleaseDelay <= 0 {
		return "", t.perform(op)
	}
	// A button that is disabled says so at once; everything else is found out
	// by the operation.
	if fail := t.beginWithin(op.within).run(op); fail != nil && fail.kind == disabledType {
		return "", fail
	}
	op.id, op.readyAt = uuid.NewString(), t.now().Add(t.o.ReleaseDelay)
	t.ops[op.id] = op
	t.running = append(t.running, op)
	return op.id, nil
}

// busy fails a call on a form on which the session has an operation running.
func (t *Twin) busy(sess, entityName string) *failure {
	for _, op := range t.running {
		if op.session == sess && op.entity == entityName {
			return pxError("The previous operation has not been completed yet.")
		}
	}
	return nil
}

func (t *Twin) status(id, entityName, name string) reply {
	op := t.ops[id]
	switch {
	case op == nil || op.entity != entityName || op.action != name:
		return plain(http.StatusNotFound, "The operation does not exist.").reply()
	case !op.done:
		return emptyReply(http.StatusAccepted)
	case op.fail != nil:
		return op.fail.reply()
	}
	return emptyReply(http.StatusNoContent)
}
