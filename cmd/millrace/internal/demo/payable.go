package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"millrace/internal/bus"
	"millrace/schemas"
)

// A payable watches that no invoice can be paid for more than it was worth
// after its change was polled: not only at comparisons, when all is done, but
// whenever the pipeline has finished with a change, and whenever it lets
// something be paid. Then what Stripe lets pay of the document is not more than
// the largest amount that was asked for by that change, or by a later one.
type payable struct {
	d   *Demo
	bus *bus.Bus

	mu      sync.Mutex
	events  map[uint64]time.Time // when each came
	intents map[string]place     // by id
	docs    map[string]*history  // by the number of the document
	seen    []sight
}

// A place is where an intent stands in the history of its document.
type place struct {
	number string
	at     int
}

// A history is what was asked for of a document.
type history struct {
	totals  []int64  // minor units
	causes  []uint64 // sequences of the events that led to them
	made    []time.Time
	settled []time.Time // when it had ended; zero: not yet
}

// A sight is what could be paid of a document between two instants.
type sight struct {
	number      string
	sum         int64 // minor units
	from, until time.Time
}

func newPayable(d *Demo, b *bus.Bus) *payable {
	return &payable{d: d, bus: b, events: map[uint64]time.Time{}, intents: map[string]place{}, docs: map[string]*history{}}
}

// run follows both streams until ctx is done.
func (p *payable) run(ctx context.Context) error {
	errs := make(chan error, 3)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { errs <- p.bus.Follow(ctx, bus.Events, 1, p.event) }()
	go func() { errs <- p.bus.Follow(ctx, bus.Intents, 1, p.intent) }()
	go func() {
		errs <- p.bus.Follow(ctx, bus.Outcomes, 1, func(m *bus.Message) error { return p.outcome(ctx, m) })
	}()
	err := <-errs
	cancel()
	<-errs
	<-errs
	return err
}

func (p *payable) event(m *bus.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events[m.Seq] = m.Stored
	return nil
}

func (p *payable) intent(m *bus.Message) error {
	var in schemas.Intent
	var f schemas.StripeInvoice
	if err := json.Unmarshal(m.Event.Data, &in); err != nil {
		return fmt.Errorf("intent %d: %w", m.Seq, err)
	}
	number, of := numberOf(in.Key)
	if !of || in.Target != schemas.Stripe || in.Document != "invoice" || in.Verb != "upsert" {
		return nil
	}
	if err := json.Unmarshal(in.Fields, &f); err != nil {
		return fmt.Errorf("intent %d: %w", m.Seq, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.docs[number]
	if h == nil {
		h = &history{}
		p.docs[number] = h
	}
	p.intents[in.ID] = place{number, len(h.totals)}
	h.totals, h.causes = append(h.totals, f.Total), append(h.causes, in.Cause.EventSeq)
	h.made, h.settled = append(h.made, m.Stored), append(h.settled, time.Time{})
	return nil
}

// outcome looks at Stripe as soon as an intent has ended. One that is not known
// yet counts when the next one of its document ends.
func (p *payable) outcome(ctx context.Context, m *bus.Message) error {
	var o schemas.Outcome
	if err := json.Unmarshal(m.Event.Data, &o); err != nil {
		return fmt.Errorf("outcome %d: %w", m.Seq, err)
	}
	if o.Stage != "sink-stripe" || o.Outcome == schemas.Parked {
		return nil
	}
	p.mu.Lock()
	at, known := p.intents[o.IntentID]
	left := o.Outcome == schemas.Skipped && o.Review != "" // nothing was done, as while a bank is asked
	if known && !left && p.docs[at.number].settled[at.at].IsZero() {
		p.docs[at.number].settled[at.at] = m.Stored
	}
	p.mu.Unlock()
	if known {
		p.look(ctx, at.number, idOf(o.Refs, schemas.Stripe, "customer"))
	}
	return ctx.Err()
}

// finalized looks at Stripe when the pipeline has let an invoice be paid, before
// the pipeline knows.
func (p *payable) finalized(ctx context.Context, invoice string) {
	var page struct {
		Data []struct {
			ID       string            `json:"id"`
			Customer string            `json:"customer"`
			Metadata map[string]string `json:"metadata"`
		} `json:"data"`
	}
	if err := p.d.get(ctx, "/v1/invoices?limit=100&status=open", &page); err != nil {
		return // the year is over
	}
	for _, inv := range page.Data { // the newest come first
		if inv.ID == invoice {
			p.look(ctx, inv.Metadata[metaInvoice], inv.Customer)
		}
	}
}

// look notes what can be paid of a document now.
func (p *payable) look(ctx context.Context, number, customer string) {
	if !strings.HasPrefix(customer, "cus_") {
		return
	}
	s := sight{number: number, from: time.Now()}
	var page struct {
		Data []struct {
			Remaining int64             `json:"amount_remaining"`
			Metadata  map[string]string `json:"metadata"`
			Intent    struct {
				Status string `json:"status"`
			} `json:"payment_intent"`
		} `json:"data"`
	}
	if err := p.d.get(ctx, "/v1/invoices?limit=100&status=open&expand[]=data.payment_intent&customer="+url.QueryEscape(customer), &page); err != nil {
		return // the year is over
	}
	for _, i := range page.Data {
		if i.Metadata[metaInvoice] == number && i.Intent.Status != "processing" { // Stripe: nothing else can be paid on one that is being debited
			s.sum += i.Remaining
		}
	}
	s.until = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, s)
}

// verdict is how often was looked, and what was too much, in words.
func (p *payable) verdict() (looked int, over []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.seen {
		h := p.docs[s.number]
		if h == nil {
			over = append(over, fmt.Sprintf("%s: %d minor units can be paid, which nobody asked for", s.number, s.sum))
			continue
		}
		if most, settled := h.most(s); s.sum > most {
			over = append(over, fmt.Sprintf("%s: %d minor units can be paid at %s, at most %d were open since the change that was done last (%d of %d)",
				s.number, s.sum, s.until.UTC().Format(time.RFC3339Nano), most, settled+1, len(h.totals)))
		}
	}
	return len(p.seen), over
}

// asked compares what was asked for with the books themselves, in words: a
// document is read between its event and its intent, so no more may be asked for
// than it was worth at some instant in between.
func (p *payable) asked(w *worths) (over []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for number, h := range p.docs {
		for i, total := range h.totals {
			from, known := p.events[h.causes[i]]
			if most := w.most(number, from, h.made[i]); !known || total > most {
				over = append(over, fmt.Sprintf("%s: %d minor units were asked for at %s, at most %d were open since event %d",
					number, total, h.made[i].UTC().Format(time.RFC3339Nano), most, h.causes[i]))
			}
		}
	}
	slices.Sort(over)
	return over
}

// most is the largest amount that was asked for by the change that was done
// last when it was looked, or by a later one.
func (h *history) most(s sight) (most int64, settled int) {
	for i, at := range h.settled {
		if !at.IsZero() && at.Before(s.from) {
			settled = i
		}
	}
	for i := settled; i < len(h.totals); i++ {
		if h.made[i].Before(s.until) {
			most = max(most, h.totals[i])
		}
	}
	return most, settled
}
