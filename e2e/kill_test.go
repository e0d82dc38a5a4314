package e2e

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
)

// The full run is `make kill`; the defaults are its short form.
var (
	killCustomers = flag.Int("kill.customers", 4, "kill test: customers")
	killEvents    = flag.Int("kill.events", 120, "kill test: charges and paid invoices")
	killEach      = flag.Int("kill.each", 1, "kill test: how often each service and the broker is killed")
	killReplicas  = flag.Int("kill.replicas", 2, "kill test: replicas of each service")
	killSeed      = flag.Uint64("kill.seed", uint64(time.Now().UnixNano()), "kill test: seed of what is bought and who is killed when")
)

const (
	// killWindow is how many movements may be on their way: enough to keep
	// every stage busy, few enough that a kill of any service hits work.
	killWindow = 200
	// invoiceShare: one movement in that many is a paid invoice, the others are
	// charges without one.
	invoiceShare = 10
)

// A siege is one kill test.
type siege struct {
	*fleet
	dice      *rand.Rand
	customers []string // Acumatica's ids
	stripe    map[string]string
	invoices  map[string]bool // Acumatica's numbers
	made      int
	saved     atomic.Int64 // requests that save a payment, repeated ones included
	kills     []kill
}

// A kill is due when that many payments were saved.
type kill struct {
	at      int64
	service string
}

// TestKilledAtRandomNothingIsLostDoubledOrOutOfOrder: real processes and a
// real broker, each killed again and again while money moves; then the twins'
// books say what became of it (Invariants 4 and 7).
func TestKilledAtRandomNothingIsLostDoubledOrOutOfOrder(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts and kills real processes")
	}
	began := time.Now()
	w := newWorld(t, trap{})
	s := &siege{
		dice:   rand.New(rand.NewPCG(*killSeed, 1)),
		stripe: map[string]string{}, invoices: map[string]bool{},
	}
	w.hold = func(system string, r *http.Request) {
		if system == "acumatica" && r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/Payment") {
			s.saved.Add(1)
		}
	}
	for i := range *killCustomers {
		s.customers = append(s.customers, w.acumatica.AddCustomer(acumaticatwin.Customer{
			Name: "Customer " + strconv.Itoa(i), Email: fmt.Sprintf("c%d@killed.example", i),
			Address: acumaticatwin.Address{Line1: "1 Main Street", City: "Springfield", State: "IL", PostalCode: "62701", Country: "US"},
		}))
	}
	s.fleet = newFleet(w, *killReplicas)
	s.everywhere(t)
	s.knowCustomers()
	s.planKills()
	t.Logf("-kill.seed %d: %d customers, %d movements, %d kills, %d replicas", *killSeed, *killCustomers, *killEvents, len(s.kills), *killReplicas)
	s.traffic(t.Context())
	took := time.Since(began)
	s.judgeKilled()
	t.Logf("%d movements in %v, %.0f a second; %s", s.made, took.Round(time.Second), float64(s.made)/took.Seconds(), s.lives())
}

// knowCustomers waits until every customer is in Stripe.
func (s *siege) knowCustomers() {
	s.w.until("every customer is in Stripe", func() bool {
		for _, c := range s.w.listAll("customers") {
			meta, _ := c["metadata"].(map[string]any)
			id, _ := meta["acumatica_customer_id"].(string)
			s.stripe[id], _ = c["id"].(string)
		}
		return !slices.ContainsFunc(s.customers, func(id string) bool { return s.stripe[id] == "" })
	})
}

// planKills spreads the kills over the run.
func (s *siege) planKills() {
	for _, service := range append(allServices(), "broker") {
		for range *killEach {
			s.kills = append(s.kills, kill{1 + s.dice.Int64N(int64(*killEvents)*9/10), service})
		}
	}
	slices.SortFunc(s.kills, func(a, b kill) int { return cmp.Compare(a.at, b.at) })
}

// traffic makes the movements, a window at a time, kills whoever is due, and
// waits until all has come to rest.
func (s *siege) traffic(ctx context.Context) {
	t := s.w.t
	end := time.Now().Add(time.Minute + time.Duration(*killEvents)*time.Second/4)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		for s.made < *killEvents && int64(s.made) < s.saved.Load()+killWindow {
			s.move(ctx)
		}
		for len(s.kills) > 0 && s.kills[0].at <= s.saved.Load() {
			replicas := s.of(s.kills[0].service)
			if !replicas[s.dice.IntN(len(replicas))].kill() {
				break // it is being started again: the next tick hits it
			}
			s.kills = s.kills[1:]
		}
		if n%25 == 0 {
			s.payInvoices(ctx)
		}
		if n%50 == 0 && s.made == *killEvents && len(s.kills) == 0 && s.w.idle() && s.posted() == s.made {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
		if time.Now().After(end) {
			t.Errorf("not at rest: %d of %d made, %d posted; %s", s.made, *killEvents, s.posted(), s.lives())
			return
		}
	}
}

// move makes one charge, or releases one invoice.
func (s *siege) move(ctx context.Context) {
	t, id, minor := s.w.t, s.customers[s.dice.IntN(len(s.customers))], 100+s.dice.Int64N(50_000)
	s.made++
	if s.dice.IntN(invoiceShare) > 0 {
		if _, err := s.w.stripe.ChargeCustomer(ctx, s.stripe[id], minor, "usd", "without an invoice"); err != nil {
			t.Fatal(err)
		}
		return
	}
	nbr := s.w.acumatica.AddInvoice(acumaticatwin.Invoice{CustomerID: id, Lines: []acumaticatwin.InvoiceLine{
		{Description: "Work", Qty: decimal.NewFromInt(1), UnitPrice: decimal.New(minor, -2)},
	}})
	if nbr == "" {
		t.Fatal("invoice refused")
	}
	s.invoices[nbr] = true
}

// payInvoices pays what has reached Stripe of the invoices made here.
func (s *siege) payInvoices(ctx context.Context) {
	for _, in := range s.w.listAll("invoices?status=open") {
		meta, _ := in["metadata"].(map[string]any)
		if nbr, _ := meta["acumatica_ref_nbr"].(string); !s.invoices[nbr] {
			continue // one of those that were there before
		}
		if err := s.w.stripe.Pay(ctx, in["id"].(string)); err != nil {
			s.w.t.Fatal(err)
		}
	}
}

// posted counts the payments that are as they must be in the end.
func (s *siege) posted() int {
	n := 0
	for _, p := range s.w.acumatica.Payments() {
		if p.Status == "Closed" || p.Status == "Open" {
			n++
		}
	}
	return n
}
