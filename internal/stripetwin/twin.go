package stripetwin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"millrace/internal/twinfault"
)

// APIVersion is the only Stripe-Version the twin speaks.
const APIVersion = "2023-10-16"

// maxRequests bounds the request log; the oldest entries go first.
const maxRequests = 10_000

// Options configures a Twin.
type Options struct {
	APIKey       string           // required, sk_test_… or rk_test_…: the one key that is accepted
	StateFile    string           // "" keeps the state in memory only; else every write is in it before it is answered
	Log          *slog.Logger     // nil discards
	Now          func() time.Time // nil is time.Now; stamps objects and idempotency keys
	Wall         func() time.Time // nil is Now; stamps signatures, which receivers compare with their own clock
	BaseURL      string           // scheme://host[:port] of this twin, for hosted_invoice_url; "" takes the host of the first request
	DailyPayouts bool             // at 00:00 UTC all that is available is paid out; else payouts are manual
	RefundFees   bool             // a refund gives its share of the charge's fee back; Stripe normally keeps it
	FeeTax       int64            // tax on Stripe's fees per mille, such as 230
	SearchLag    time.Duration    // an object is missing from search until this long after its last change; Stripe: normally under a minute
	Webhooks     Trouble          // how badly webhooks are delivered

	// Seed is the scenario that a twin without a state starts with: "" (an
	// empty account), "quick" (a handful of objects) or "year" (50 customers in
	// three currencies, with a year of invoices, payments and payouts).
	Seed    string
	Objects int // makes the scenario year as large as this, up to a million; 0: as large as it is

	// Settle names the currencies that the account has a balance in, its
	// default first; what is paid in another one is exchanged to the default.
	// Empty: usd is the default and every currency is kept as it is.
	Settle   []string
	Rates    map[string]string // price of one unit of a currency in US dollars, such as {"eur": "1.0838"}; the twin knows the usual ones
	RateSeed uint64            // rates move with the days, the same way for the same seed; 0: they stand still
}

// A Twin is one Stripe test-mode account. Its methods may be called from any
// goroutine.
type Twin struct {
	apiKey    string
	log       *slog.Logger
	now       func() time.Time
	searchLag time.Duration
	daily     bool             // automatic payouts
	feeTax    int64            // per mille
	ahead     atomic.Int64     // nanoseconds that Advance moved the clock
	wall      func() time.Time // what Advance does not move: receivers compare a signature's time with their own clock
	routes    []route
	faults    *twinfault.Script
	poked     chan struct{} // capacity 1: there may be webhooks to deliver

	mu       sync.Mutex // guards all below
	fx       *exchange
	feeBack  bool // of refunds
	s        *state
	j        *journal
	dice     *mathrand.ChaCha8 // nil unless a scenario is built
	quiet    int64             // Unix seconds; events before are too old to be listed, and not made
	day      int64             // Unix seconds; the day's work is done until then
	baseURL  string
	inFlight map[string]bool // idempotency keys of requests being executed
	trouble  Trouble
	requests []Request
}

// A Request is one line of the log of API requests.
type Request struct {
	At             time.Time `json:"at"`
	ID             string    `json:"id"` // Request-Id of the answer
	Method         string    `json:"method"`
	Path           string    `json:"path"`
	Status         int       `json:"status"` // 0: the connection was cut instead of an answer
	IdempotencyKey string    `json:"idempotency_key,omitempty"`
	Replayed       bool      `json:"replayed,omitempty"` // the answer came from the idempotency store
}

// New opens the state file, when one is named and exists, and returns a twin
// that serves nothing until its Handler is mounted and delivers nothing until
// Run is called.
func New(o Options) (*Twin, error) {
	if !strings.HasPrefix(o.APIKey, "sk_test_") && !strings.HasPrefix(o.APIKey, "rk_test_") {
		return nil, errors.New("stripe twin: the API key must start with sk_test_ or rk_test_")
	}
	if err := o.Webhooks.check(); err != nil {
		return nil, fmt.Errorf("stripe twin: webhooks: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	sc, err := scenarioOf(o)
	if err != nil {
		return nil, fmt.Errorf("stripe twin: %w", err)
	}
	if sc != nil {
		o.DailyPayouts = o.DailyPayouts || sc.daily
		if len(o.Settle) == 0 {
			o.Settle = sc.settle
		}
	}
	fx, err := newExchange(o)
	if err != nil {
		return nil, fmt.Errorf("stripe twin: %w", err)
	}
	s := newState(o.Now().Unix())
	j, err := openJournal(o.StateFile, s)
	if err != nil {
		return nil, fmt.Errorf("stripe twin: %w", err)
	}
	t := &Twin{
		apiKey: o.APIKey, j: j, log: o.Log, fx: fx, feeTax: o.FeeTax,
		searchLag: o.SearchLag, feeBack: o.RefundFees, daily: o.DailyPayouts, baseURL: strings.TrimRight(o.BaseURL, "/"),
		poked: make(chan struct{}, 1), s: s, inFlight: map[string]bool{}, trouble: o.Webhooks,
	}
	if behind := s.Last - o.Now().Unix(); behind > 0 { // it was advanced before the restart
		t.ahead.Store(behind * int64(time.Second))
	}
	if t.wall = o.Wall; t.wall == nil {
		t.wall = o.Now
	}
	t.now = func() time.Time { return o.Now().Add(time.Duration(t.ahead.Load())) }
	t.routes = apiRoutes()
	t.faults = twinfault.NewScript(faultWords(), t.now)
	if sc != nil && s.Seq == 0 {
		if err := t.seed(orElse(o.Seed, "year"), sc); err != nil {
			return nil, fmt.Errorf("stripe twin: %w", err)
		}
	}
	return t, nil
}

// Handler serves the API under /v1, hosted invoice pages under /i and the
// control API under /_twin.
func (t *Twin) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range t.routes {
		mux.Handle(r.method+" "+r.pattern, t.serve(r))
	}
	mux.HandleFunc("/v1/", t.serveUnknown)
	t.mountHosted(mux)
	t.mountCheckout(mux)
	t.mountControl(mux)
	return mux
}

// SetBaseURL changes where hosted invoice pages are said to live.
func (t *Twin) SetBaseURL(u string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.baseURL = strings.TrimRight(u, "/")
}

// Requests returns the API requests since the twin was made, oldest first.
func (t *Twin) Requests() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.requests)
}

// Pay pays an open invoice by card, as its buyer does on the hosted page.
func (t *Twin) Pay(ctx context.Context, invoiceID string) error {
	return t.as(ctx, func(c *call) error {
		inv := t.s.Invoices.get(invoiceID)
		if inv == nil {
			return missing("invoice", invoiceID, "invoice", http.StatusNotFound)
		}
		return t.payInvoice(c, inv, "pm_card_visa")
	})
}

// ChargeCustomer makes a successful card payment that belongs to no invoice,
// as a buyer in a shop causes it, and returns the id of the charge. The amount
// is in minor units of the currency; an empty customerID is a guest.
func (t *Twin) ChargeCustomer(ctx context.Context, customerID string, amountMinor int64, currency, description string) (string, error) {
	var id string
	err := t.as(ctx, func(c *call) error {
		if customerID != "" && t.customer(customerID) == nil {
			return missing("customer", customerID, "customer", http.StatusBadRequest)
		}
		cur, err := parseCurrency(currency)
		if err != nil {
			return err
		}
		if amountMinor < 1 {
			return invalid("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
		}
		pi := t.newIntent(c, customerID, "", amountMinor, cur, description)
		id = t.takePayment(c, pi, t.use(c, "pm_card_visa")).ID
		return nil
	})
	return id, err
}

// as runs fn as somebody without an API key: its events carry no request.
func (t *Twin) as(ctx context.Context, fn func(*call) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c := &call{now: t.now().Unix(), form: newForm()}
	t.tick(c)
	err := fn(c)
	if e, ok := errors.AsType[*apiError](err); err != nil && (!ok || !e.executed) {
		return err
	}
	return errors.Join(err, t.commit()) // a decline is an error and a change
}

// commit makes the state durable and wakes the deliverer. The caller holds mu,
// so nobody sees or is told of a state that a crash could take back.
// Invariant 1.
func (t *Twin) commit() error {
	if err := t.j.write(t.s); err != nil {
		t.log.Error("state_not_saved", "file", t.j.path, "err", err)
		return err
	}
	t.poke()
	return nil
}

func (t *Twin) poke() {
	select {
	case t.poked <- struct{}{}:
	default:
	}
}
