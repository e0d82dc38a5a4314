package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"millrace/internal/bus"
	"millrace/internal/money"
	"millrace/schemas"
)

// A watch follows the audit trail: it draws an arrow for each thing that went
// somewhere, and remembers how everything ended.
type watch struct {
	bus *bus.Bus
	out io.Writer

	mu       sync.Mutex
	intents  map[string]schemas.Intent // by id
	outcomes []schemas.Outcome
	latest   map[ending]string // how it ended last
	waiting  []schemas.Outcome // to be drawn once their intent is known
	silent   uint64            // outcomes up to here are of an earlier run
	changed  time.Time         // when the last outcome came
}

// An ending is one message that a stage handled.
type ending struct {
	stage, stream string
	seq           uint64
}

func newWatch(b *bus.Bus, out io.Writer) *watch {
	return &watch{bus: b, out: out, intents: map[string]schemas.Intent{}, latest: map[ending]string{}, changed: time.Now()}
}

// run follows both streams until ctx is done.
func (w *watch) run(ctx context.Context) error {
	err := w.bus.Scan(ctx, bus.Outcomes, 1, func(m *bus.Message) error { w.silent = m.Seq; return nil })
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, 2)
	go func() { errs <- w.bus.Follow(ctx, bus.Intents, 1, w.intent) }()
	go func() { errs <- w.bus.Follow(ctx, bus.Outcomes, 1, w.outcome) }()
	err = <-errs
	cancel()
	if second := <-errs; err == nil {
		err = second
	}
	return err
}

func (w *watch) intent(m *bus.Message) error {
	var in schemas.Intent
	if err := json.Unmarshal(m.Event.Data, &in); err != nil {
		return fmt.Errorf("intent %d: %w", m.Seq, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.intents[in.ID] = in
	waiting := w.waiting
	w.waiting = nil
	for _, o := range waiting {
		w.draw(o)
	}
	return nil
}

func (w *watch) outcome(m *bus.Message) error {
	var o schemas.Outcome
	if err := json.Unmarshal(m.Event.Data, &o); err != nil {
		return fmt.Errorf("outcome %d: %w", m.Seq, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outcomes = append(w.outcomes, o)
	w.changed = time.Now()
	e := ending{o.Stage, o.Stream, o.Seq}
	if o.Outcome != schemas.Duplicate || w.latest[e] != schemas.Applied { // seeing it again does not undo it
		w.latest[e] = o.Outcome
	}
	if m.Seq > w.silent {
		w.draw(o)
	}
	return nil
}

// draw prints what is worth a line: documents that were made, and whatever
// is held.
func (w *watch) draw(o schemas.Outcome) {
	if o.Outcome == schemas.Parked {
		fmt.Fprintf(w.out, "  held       %s: %s\n", o.Document, strings.Join(nonEmpty(o.Code, o.Error, o.Hint), ": "))
		return
	}
	if o.Outcome != schemas.Applied || o.IntentID == "" {
		return
	}
	in, ok := w.intents[o.IntentID]
	if !ok {
		w.waiting = append(w.waiting, o)
		return
	}
	if from, to, amount := arrow(in, o); from != "" {
		fmt.Fprintf(w.out, "  %-9s  %-27s  ──▶  %-9s  %-39s  %s\n", source(in), from, in.Target, to, amount)
	}
}

func source(in schemas.Intent) string {
	if in.Target == schemas.Stripe {
		return schemas.Acumatica
	}
	return schemas.Stripe
}

// arrow says what went where.
func arrow(in schemas.Intent, o schemas.Outcome) (from, to, amount string) {
	switch {
	case in.Verb == "annotate" && in.Target == schemas.Acumatica:
		var f schemas.AcumaticaAnnotation
		if json.Unmarshal(in.Fields, &f) != nil {
			return "", "", ""
		}
		return in.Key, f.ID, "written back"
	case in.Verb == "annotate":
		var f schemas.StripeMetadata
		if json.Unmarshal(in.Fields, &f) != nil {
			return "", "", ""
		}
		for _, v := range f.Metadata {
			from = v
		}
		return "number " + from, f.ID, "written back"
	case in.Target == schemas.Stripe && in.Document == "customer":
		return "Customer " + in.Key, idOf(o.Refs, schemas.Stripe, "customer"), ""
	case in.Target == schemas.Stripe:
		var f schemas.StripeInvoice
		if json.Unmarshal(in.Fields, &f) != nil {
			return "", "", ""
		}
		return in.Key, idOf(o.Refs, schemas.Stripe, "invoice"), minorText(f.Total, f.Currency)
	}
	var f schemas.AcumaticaPayment
	if json.Unmarshal(in.Fields, &f) != nil {
		return "", "", ""
	}
	to = f.Type
	for _, r := range o.Refs {
		if r.System == schemas.Acumatica && strings.HasPrefix(r.ID, f.Type+" ") {
			to = r.ID
		}
	}
	for _, d := range f.DocumentsToApply {
		to += ", applied to " + d.ReferenceNbr
	}
	return in.Key, to, f.PaymentAmount + " " + f.CurrencyID
}

func minorText(minor int64, currency string) string {
	a, err := money.New(minor, currency)
	if err != nil {
		return fmt.Sprintf("%d minor %s", minor, currency)
	}
	return a.String()
}

// idOf finds the id of a kind; a kind that is not there is "?".
func idOf(refs []schemas.Ref, system, kind string) string {
	for _, r := range refs {
		if r.System == system && strings.EqualFold(r.Kind, kind) {
			return r.ID
		}
	}
	return "?"
}

func nonEmpty(parts ...string) []string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}

// counts is how many messages ended in each way.
func (w *watch) counts() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := make(map[string]int)
	for _, how := range w.latest {
		n[how]++
	}
	return n
}

// quietFor is how long nothing has ended.
func (w *watch) quietFor() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.changed)
}
