package simulate

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
	"millrace/internal/service"
)

// A player does what the plan says and remembers what must come of it.
type player struct {
	w        *world
	plan     Plan
	calm     chan struct{} // closed when the faults are over
	faults   sync.WaitGroup
	business sync.WaitGroup

	mu        sync.Mutex
	customers []string        // Acumatica's ids
	invoices  []string        // Acumatica's numbers, in the order of their release
	unpaid    map[string]bool // invoices that nobody pays, by Acumatica's number
	charges   []string        // charges without an invoice
	problems  []string        // what the player itself could not do
	did       Tally
}

func newPlayer(w *world, plan Plan) *player {
	return &player{w: w, plan: plan, calm: make(chan struct{}), unpaid: map[string]bool{}}
}

func (p *player) problem(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

// play runs the plan to its end; then the faults are over and all that is
// left is to finish. Customers who cannot pay because Stripe does not know
// them wait for as long as patience lasts.
func (p *player) play(ctx context.Context, services []service.Service, patience time.Duration) {
	for i := range p.plan.Customers {
		id := p.w.erp.AddCustomer(acumaticatwin.Customer{
			Name: "Customer " + strconv.Itoa(i), Email: "c" + strconv.Itoa(i) + "@simulated.example",
			Address: acumaticatwin.Address{Line1: "1 Main Street", City: "Springfield", State: "IL", PostalCode: "62701", Country: "US"},
		})
		p.customers = append(p.customers, id)
	}
	p.start(services)
	start := time.Now()
	paying, cancel := context.WithTimeout(ctx, p.plan.length()+patience)
	defer cancel()
	for _, s := range p.plan.Steps {
		if !wait(ctx, time.Until(start.Add(s.At))) {
			return
		}
		p.step(ctx, paying, s)
	}
	wait(ctx, time.Until(start.Add(p.plan.length())))
	close(p.calm)
	p.faults.Wait()
	p.business.Wait()
}

// start starts the processes as the plan lays them out.
func (p *player) start(services []service.Service) {
	for r := range p.plan.Replicas {
		if p.plan.Together {
			p.w.startProcess(len(p.w.processes()), fmt.Sprintf("all-%d", r), services)
			continue
		}
		for _, s := range services {
			p.w.startProcess(len(p.w.processes()), fmt.Sprintf("%s-%d", s.Name, r), []service.Service{s})
		}
	}
}

func (p *player) step(ctx, paying context.Context, s Step) {
	p.w.log.Info(byPlan, "step", s.String())
	if s.fault() {
		p.count(func(t *Tally) { t.Faults++ })
	}
	switch s.Do {
	case Invoice:
		p.invoice(s)
	case Charge:
		p.business.Go(func() { p.charge(paying, s) })
	case Kill:
		v := p.victim(s)
		v.line.set(s.Ops, func() {
			v.kill()
			p.w.log.Info(byPlan, "killed", v.name)
			p.count(func(t *Tally) { t.Killed++ })
		})
	case Pause:
		p.pause(s)
	case Broker:
		p.faults.Go(func() { p.stopBroker(ctx, s.For) })
	case Period:
		p.faults.Go(func() { p.closePeriod(ctx, s.For) })
	case Away:
		p.faults.Go(func() { p.goAway(ctx, s) })
	case Clock:
		p.w.ahead.Add(int64(s.Jump))
	case ERP:
		if err := p.w.erp.AddFault(s.Fault); err != nil {
			p.problem("%s: %v", s, err)
		}
	case Stripe:
		if err := p.w.stripe.AddFault(s.Fault); err != nil {
			p.problem("%s: %v", s, err)
		}
	}
}

func (p *player) victim(s Step) *process {
	procs := p.w.processes()
	return procs[s.Process%len(procs)]
}

// pause holds the process at one of its operations. What it was about to do
// happens when it wakes up, however late that is.
func (p *player) pause(s Step) {
	v := p.victim(s)
	v.line.set(s.Ops, func() {
		release := v.line.hold()
		p.w.log.Info(byPlan, "stands_still", v.name)
		p.count(func(t *Tally) { t.Paused++ })
		time.AfterFunc(s.For, release)
	})
}

func (p *player) stopBroker(ctx context.Context, d time.Duration) {
	p.w.outage.Lock()
	defer p.w.outage.Unlock()
	p.w.stopBroker()
	wait(ctx, d)
	if err := p.w.startBroker(); err != nil {
		p.problem("broker: %v", err)
	}
	p.count(func(t *Tally) { t.Restarted++ })
}

// goAway stops everything of ours for a while. Stripe's clock jumps first: a
// charge may not be older than the invoice that it pays.
func (p *player) goAway(ctx context.Context, s Step) {
	p.w.outage.Lock()
	defer p.w.outage.Unlock()
	p.w.away.Store(true)
	for _, v := range p.w.processes() {
		v.kill()
		p.count(func(t *Tally) { t.Killed++ })
	}
	if err := p.w.stripe.Advance(ctx, s.Jump); err != nil {
		p.problem("advance: %v", err)
	}
	p.w.ahead.Add(int64(s.Jump))
	wait(ctx, s.For)
	p.w.away.Store(false)
}

func (p *player) closePeriod(ctx context.Context, d time.Duration) {
	period := p.w.erpNow().UTC().Format("2006-01")
	if err := p.w.erp.ClosePeriod(period); err != nil {
		p.problem("close period: %v", err)
	}
	wait(ctx, d)
	if err := p.w.erp.OpenPeriod(period); err != nil {
		p.problem("open period: %v", err)
	}
}

// invoice releases an invoice. In a closed period nobody can.
func (p *player) invoice(s Step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	nbr := p.w.erp.AddInvoice(acumaticatwin.Invoice{
		CustomerID: p.customers[s.Customer], Description: "Simulated",
		Lines: []acumaticatwin.InvoiceLine{{Description: "Work", Qty: decimal.NewFromInt(1), UnitPrice: decimal.New(s.Minor, -2)}},
	})
	if nbr == "" {
		return
	}
	p.invoices = append(p.invoices, nbr)
	p.unpaid[nbr] = s.Unpaid
}

// charge pays without an invoice once the customer is known to Stripe.
func (p *player) charge(ctx context.Context, s Step) {
	for {
		customers, err := list[stripeCustomer](ctx, p.w, "/v1/customers")
		if err == nil {
			for _, c := range customers {
				if c.Metadata["acumatica_customer_id"] != p.customers[s.Customer] {
					continue
				}
				id, err := p.w.stripe.ChargeCustomer(ctx, c.ID, s.Minor, "usd", "without an invoice")
				if err != nil {
					p.problem("charge %s: %v", c.ID, err)
					return
				}
				p.mu.Lock()
				p.charges = append(p.charges, id)
				p.mu.Unlock()
				return
			}
		}
		if !wait(ctx, buyEvery) {
			p.problem("charge of customer %s: Stripe does not know him", p.customers[s.Customer])
			return
		}
	}
}

const buyEvery = 100 * time.Millisecond

// count changes the tally.
func (p *player) count(change func(*Tally)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.did)
}

// found takes from the books what they hold in the end.
func (p *player) found(b books) {
	p.count(func(t *Tally) {
		t.Customers, t.Invoices, t.Charges, t.Payments = len(b.customers), len(p.invoices), len(b.charges), len(b.payments)
	})
}

func (p *player) tally() Tally {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.did
}

// buy pays the invoices that have reached Stripe, until ctx is done.
func (p *player) buy(ctx context.Context) {
	for wait(ctx, buyEvery) {
		open, err := list[stripeInvoice](ctx, p.w, "/v1/invoices", "status", "open")
		if err != nil {
			continue // the twin misbehaves right now
		}
		for _, inv := range open {
			p.mu.Lock()
			unpaid := p.unpaid[inv.Metadata["acumatica_ref_nbr"]]
			p.mu.Unlock()
			if unpaid {
				continue
			}
			if err := p.w.stripe.Pay(ctx, inv.ID); err != nil {
				p.problem("pay %s: %v", inv.ID, err)
			}
		}
	}
}

// wait says whether d passed before ctx was done.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
