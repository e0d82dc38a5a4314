package simulate

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"millrace/internal/stripetwin"
	"millrace/internal/twinfault"
)

// A Plan is everything that will be done to one simulated installation. It
// depends on the seed alone.
type Plan struct {
	Seed      uint64 `json:"seed"`
	Customers int    `json:"customers"`
	// Together: each replica is one process with all services, else every
	// service of every replica is a process of its own.
	Together bool `json:"together"`
	Replicas int  `json:"replicas"`
	// Concurrency is how many requests Acumatica may be sent at once. When it
	// is small the slots of the dead are missed until they expire.
	Concurrency int `json:"concurrency"`
	// Webhooks is how Stripe's webhooks misbehave all the time: they come more
	// than once, late, out of order. Stripe promises none of it away.
	Webhooks stripetwin.Trouble `json:"webhooks"`
	// LostWebhooks is the share of webhooks that somebody between Stripe and us
	// answers with 200 and throws away.
	LostWebhooks float64 `json:"lost_webhooks,omitempty"`
	Steps        []Step  `json:"steps"` // in the order of At
}

// A Step is one thing that happens.
type Step struct {
	At time.Duration `json:"at"` // after the start
	Do Kind          `json:"do"`

	Customer int             `json:"customer,omitempty"` // business: index of the customer
	Minor    int64           `json:"minor,omitempty"`    // business: amount in minor units of USD
	Unpaid   bool            `json:"unpaid,omitempty"`   // invoice: its buyer never pays
	Process  int             `json:"process,omitempty"`  // kill, pause: which one, modulo their number
	Ops      int             `json:"ops,omitempty"`      // kill, pause: at its n-th operation from then on
	For      time.Duration   `json:"for,omitempty"`      // pause, broker, period, away: how long
	Jump     time.Duration   `json:"jump,omitempty"`     // clock, away: by how much the systems' clocks jump
	Fault    twinfault.Fault `json:"fault,omitzero"`     // erp, stripe: as the twin understands it
}

// Kind names what a step does.
type Kind string

// The kinds of steps: what people and the world do, then what goes wrong.
const (
	Invoice Kind = "invoice" // an invoice is released in Acumatica
	Charge  Kind = "charge"  // a customer pays without an invoice

	Kill   Kind = "kill"   // a process dies between two of its operations, and is started again
	Pause  Kind = "pause"  // a process stands still, and wakes up with everything it held
	Broker Kind = "broker" // the broker stops, and comes back on the same disk
	ERP    Kind = "erp"    // the Acumatica twin misbehaves
	Stripe Kind = "stripe" // the Stripe twin misbehaves
	Period Kind = "period" // the period is closed for a while
	Away   Kind = "away"   // nothing of ours runs for a while, which is days in both systems
	Clock  Kind = "clock"  // Acumatica's clock jumps ahead
)

// fault reports whether the step is something that goes wrong, rather than
// business that must be in the books in the end.
func (s Step) fault() bool { return s.Do != Invoice && s.Do != Charge }

func (s Step) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%6dms %-7s", s.At.Milliseconds(), s.Do)
	switch s.Do {
	case Invoice:
		fmt.Fprintf(&b, " customer %d, %d minor units", s.Customer, s.Minor)
		if s.Unpaid {
			b.WriteString(", never paid")
		}
	case Charge:
		fmt.Fprintf(&b, " customer %d, %d minor units", s.Customer, s.Minor)
	case Kill:
		fmt.Fprintf(&b, " process %d at its operation +%d", s.Process, s.Ops)
	case Pause:
		fmt.Fprintf(&b, " process %d at its operation +%d, for %v", s.Process, s.Ops, s.For)
	case Away, Clock:
		fmt.Fprintf(&b, " for %v, clocks jump by %v", s.For, s.Jump)
	case Broker, Period:
		fmt.Fprintf(&b, " for %v", s.For)
	case ERP, Stripe:
		fmt.Fprintf(&b, " %s %s %s × %d", s.Fault.Mode, cmp.Or(s.Fault.Method, "*"), s.Fault.PathPrefix, s.Fault.Count)
	}
	return b.String()
}

// span is how long business and faults go on; then the world calms down and
// everything must come to its end.
const span = 3 * time.Second

// Check says what keeps the plan from being run.
func (p Plan) Check() error {
	if p.Customers < 1 || p.Replicas < 1 || len(p.Steps) == 0 {
		return errors.New("want customers, replicas and steps; a seed alone is run with --seed")
	}
	for i, s := range p.Steps {
		if err := s.check(p.Customers); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		if i > 0 && s.At < p.Steps[i-1].At {
			return fmt.Errorf("step %d: at %v, before the one that precedes it", i+1, s.At)
		}
	}
	return nil
}

// longest bounds every time in a step: a run does not wait for ever.
const longest = time.Minute

func (s Step) check(customers int) error {
	if s.At < 0 || s.At > longest || s.For < 0 || s.For > longest {
		return fmt.Errorf("at and for: want nanoseconds up to %v", longest)
	}
	switch s.Do {
	case Invoice, Charge:
		if s.Customer < 0 || s.Customer >= customers || s.Minor < 1 {
			return fmt.Errorf("%s: want a customer from 0 to %d, and minor units", s.Do, customers-1)
		}
	case Kill, Pause:
		if s.Process < 0 || s.Ops < 1 {
			return fmt.Errorf("%s: want a process from 0, and ops from 1", s.Do)
		}
	case Broker, Period:
	case Away, Clock:
		if s.Jump < 0 {
			return fmt.Errorf("%s: clocks only jump ahead", s.Do)
		}
	case ERP, Stripe:
		if s.Fault.Mode == "" {
			return fmt.Errorf("%s: want a fault with a mode", s.Do)
		}
	default:
		return fmt.Errorf("do: no kind %q", s.Do)
	}
	return nil
}

// length is how long the plan goes on.
func (p Plan) length() time.Duration {
	d := span
	for _, s := range p.Steps {
		d = max(d, s.At)
	}
	return d
}

// NewPlan makes the plan of a seed.
func NewPlan(seed uint64) Plan {
	r := rand.New(rand.NewPCG(seed, 0x6d696c6c72616365)) //nolint:gosec // G404: a repeatable choice is wanted
	p := Plan{Seed: seed, Customers: 2 + r.IntN(4), Together: r.IntN(2) == 0, Replicas: 1 + r.IntN(2)}
	p.Concurrency = pick(r, 2, 12, 12, 12)
	if r.IntN(2) == 0 {
		p.Webhooks = stripetwin.Trouble{Duplicate: 0.3, DelayMax: within(r, 500*time.Millisecond), Reorder: 0.3, TwoEvents: 0.2, Seed: seed}
	}
	if r.IntN(3) == 0 {
		p.LostWebhooks = 0.2
	}
	for range p.Customers * (2 + r.IntN(3)) {
		p.Steps = append(p.Steps, business(r, p.Customers))
	}
	for range 1 + r.IntN(8) {
		p.Steps = append(p.Steps, trouble(r))
	}
	slices.SortStableFunc(p.Steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	return p
}

func within(r *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(d/time.Millisecond))) * time.Millisecond
}

func business(r *rand.Rand, customers int) Step {
	s := Step{At: within(r, span*2/3), Do: Invoice, Customer: r.IntN(customers), Minor: 100 + r.Int64N(500_000)}
	switch r.IntN(10) {
	case 0:
		s.Unpaid = true
	case 1, 2:
		s.Do = Charge
	}
	return s
}

func trouble(r *rand.Rand) Step {
	s := Step{At: within(r, span), Process: r.IntN(16)}
	switch r.IntN(10) {
	case 8:
		s.Do, s.For, s.Jump = Away, 200*time.Millisecond+within(r, 2*time.Second), time.Duration(1+r.IntN(3))*24*time.Hour
	case 9:
		s.Do, s.Jump = Clock, time.Duration(1+r.IntN(20))*time.Minute
	case 0, 1, 2:
		s.Do, s.Ops = Kill, 1+r.IntN(60)
	case 3:
		s.Do, s.Ops, s.For = Pause, 1+r.IntN(60), 200*time.Millisecond+within(r, 4*time.Second)
	case 4:
		s.Do, s.For = Broker, 50*time.Millisecond+within(r, time.Second)
	case 5:
		s.Do, s.For = Period, 200*time.Millisecond+within(r, 2*time.Second)
	case 6:
		s.Do = ERP
		s.Fault = twinfault.Fault{
			Count: 1 + r.IntN(12), Method: pick(r, "PUT", "GET", "POST", ""),
			PathPrefix: pick(r, "/entity", "/entity/Default/24.200.001/Payment"),
			Mode: pick(r, "status:500", "status:503", "status:429", "status:429:json", "bad_gateway", "cut_before", "cut_after_commit",
				"cut_after_commit", "status_after_commit:500", "queued:2s", "queued:2s", "cut_body", "delay:300ms", "slow_body:300ms", "expire_token"),
		}
		switch storm := strings.HasPrefix(s.Fault.Mode, "status:429"); {
		case storm && s.Fault.Count > 3:
			s.Fault.RetryAfter = time.Second // a storm that does not say how long it lasts is waited out for minutes
		case s.Fault.Mode == "expire_token":
			s.Fault.Count = 1 // a fresh session that is refused too looks like a wrong password, and is tried again rarely
		case !storm:
			s.Fault.Count = 1 + s.Fault.Count%4 // who backs off waits ever longer, and a fault lasts until it is used up
		}
	case 7:
		s.Do = Stripe
		// Prefixes of single objects for reading: the observer reads lists.
		s.Fault = twinfault.Fault{Count: 1 + r.IntN(4), Method: "POST", PathPrefix: pick(r, "/v1", "/v1/invoices")}
		if r.IntN(3) == 0 {
			s.Fault.Method, s.Fault.PathPrefix = "GET", pick(r, "/v1/charges/", "/v1/invoices/", "/v1/customers/")
		}
		s.Fault.Mode = pick(r, "status:500", "status:503", "status:429", "status:429:lock_timeout", "status:409", "bad_gateway",
			"status_after_commit:500", "cut_before", "cut_after_commit", "cut_body", "delay:300ms", "slow_body:300ms")
	}
	return s
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }
