package doctor

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"millrace/internal/fault"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

type stripeCheck struct {
	Options
	*chart
}

func (s *stripeCheck) run(ctx context.Context) {
	if err := s.Stripe.Check(ctx); err != nil {
		s.failed("key", err)
		return
	}
	s.account(ctx)
	s.collections(ctx)
	s.expansions(ctx)
	s.webhooks(ctx)
	s.currencies(ctx)
}

func (s *stripeCheck) account(ctx context.Context) {
	id, err := s.Stripe.Account(ctx)
	mode := "test"
	if s.Connection.Stripe.Livemode {
		mode = "live"
	}
	switch {
	case err != nil:
		s.failed("key", err)
	case id == "":
		s.ok("key", "is accepted; it may not read which account it is of")
	default:
		s.ok("key", "is accepted, of account %s, %s mode", id, mode)
	}
}

// collections are read as flows, sweeps and sinks will read them.
func (s *stripeCheck) collections(ctx context.Context) {
	wanted := map[string]bool{}
	for _, name := range stripeapi.Listed() {
		wanted[name] = true
	}
	if s.Connection.Items.Mirrored() {
		wanted["products"], wanted["prices"] = true, true
	}
	for _, d := range s.Flows {
		for _, r := range d.Reads() {
			if name, ok := stripeapi.Collection(r.Object); ok && r.System == schemas.Stripe {
				wanted[name] = true
			}
		}
	}
	names, clock := slices.Sorted(maps.Keys(wanted)), time.Time{}
	var may []string
	for _, name := range names {
		at, err := s.Stripe.CanRead(ctx, name)
		if err != nil {
			s.failed("read "+name, err)
			continue
		}
		may, clock = append(may, name), at
	}
	if len(may) > 0 {
		s.ok("read", "%s", strings.Join(may, ", "))
	}
	if clock.IsZero() {
		return
	}
	off := s.Now.Sub(clock).Abs().Truncate(time.Second)
	if off > s.MaxSkew {
		s.add(Wrong, "clock", "doctor.clock", "this machine and Stripe are %s apart; webhooks are refused from %s on", off, s.MaxSkew)
		return
	}
	s.ok("clock", "%s apart from this machine's", off)
}

// expansions are read as flows and sinks will ask for them: another object
// inside one takes the right to read that one, too.
func (s *stripeCheck) expansions(ctx context.Context) {
	wanted := map[string]map[string]bool{}
	want := func(collection, member string) {
		if wanted[collection] == nil {
			wanted[collection] = map[string]bool{}
		}
		wanted[collection][member] = true
	}
	want("customers", "tax_ids")
	for _, d := range s.Flows {
		for _, r := range d.Reads() {
			name, ok := stripeapi.Collection(r.Object)
			if !ok || r.System != schemas.Stripe || d.Trigger.Beside && !s.shows(r.Object) {
				continue
			}
			for _, member := range r.Expand {
				want(name, member)
			}
		}
	}
	var may []string
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		for _, member := range slices.Sorted(maps.Keys(wanted[name])) {
			if _, err := s.Stripe.CanRead(ctx, name, member); err != nil {
				s.failed("read "+name+" with "+member, err)
				continue
			}
			may = append(may, member+" of "+name)
		}
	}
	if len(may) > 0 {
		s.ok("read inside", "%s", strings.Join(may, ", "))
	}
}

// webhooks: what none of the endpoints is sent comes by the sweep alone.
func (s *stripeCheck) webhooks(ctx context.Context) {
	all, err := s.Stripe.WebhookEndpoints(ctx)
	if err != nil && fault.Of(err).Code == "stripe.permission" {
		s.untold("webhook", err)
		return
	}
	if err != nil {
		s.failed("webhook", err)
		return
	}
	var urls, missing []string
	for _, e := range all {
		if e.Status == "enabled" {
			urls = append(urls, e.URL)
		}
	}
	if len(urls) == 0 {
		s.add(Wrong, "webhook", "doctor.webhook", "%d endpoints are registered, none is switched on", len(all))
		return
	}
	needed := s.events()
	for _, event := range needed {
		if !slices.ContainsFunc(all, func(e stripeapi.WebhookEndpoint) bool { return e.Receives(event) }) {
			missing = append(missing, event)
		}
	}
	if len(missing) > 0 {
		s.add(Wrong, "webhook", "doctor.webhook_events", "%s: not sent: %s", strings.Join(urls, ", "), strings.Join(missing, ", "))
		return
	}
	s.ok("webhook", "%s, with all %d events that flows live on", strings.Join(urls, ", "), len(needed))
}

// currencies of the balance need a clearing account each.
func (s *stripeCheck) currencies(ctx context.Context) {
	books := s.Connection.Books
	if len(books.CashAccounts) == 0 {
		return // told by config lint
	}
	balance, err := s.Stripe.Balance(ctx)
	if err != nil {
		s.failed("balance", err)
		return
	}
	var fine []string
	for _, currency := range slices.Sorted(maps.Keys(balance)) {
		_, cleared := books.Clearing[currency]
		switch {
		case books.CashAccounts[currency] != "" && (cleared || !books.Settles()):
			fine = append(fine, currency)
		case balance[currency] == 0:
			s.add(Note, "balance "+currency, "doctor.currency", "is 0 and has no clearing account")
		default:
			s.add(Wrong, "balance "+currency, "doctor.currency", "%d minor units, and no clearing account", balance[currency])
		}
	}
	if len(fine) > 0 {
		s.ok("balance", "%s: with clearing accounts", strings.Join(fine, ", "))
	}
}
