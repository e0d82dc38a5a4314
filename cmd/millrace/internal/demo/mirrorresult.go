package demo

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"millrace/cmd/millrace/internal/mirrorproof"
	"millrace/cmd/millrace/internal/mirroryear"
	"millrace/schemas"
)

// MirrorResult is what a year of the mirror came to.
type MirrorResult struct {
	Mirror    Mirrored           `json:"mirror"`
	Played    *mirroryear.Played `json:"played"`
	Applied   int                `json:"applied"` // messages by how they ended, over all stages
	Duplicate int                `json:"duplicate"`
	Skipped   int                `json:"skipped"`
	Parked    int                `json:"parked"`
	Missing   []string           `json:"missing"` // what is not as it should be, in words
	TookMS    int64              `json:"took_ms"`
}

// Mirrored is how both systems compare in the end.
type Mirrored struct {
	Endpoint    string                   `json:"endpoint"`
	Seed        uint64                   `json:"seed"`
	Days        int                      `json:"days"`
	Checks      int                      `json:"checks"`      // how often both systems were compared
	Invoices    int                      `json:"invoices"`    // released in Acumatica
	Compared    int                      `json:"compared"`    // with what can be paid in Stripe; drafts too
	Mismatched  int                      `json:"mismatched"`  // of them
	Reviewed    int                      `json:"reviewed"`    // less can be paid than is open, because money came that is not applied; somebody was told
	Healed      int                      `json:"healed"`      // differences, earlier, that no window of polling found, only a full reading
	Looked      int                      `json:"looked"`      // how often, besides, it was looked at what can be paid of one
	Overpayable int                      `json:"overpayable"` // how often more could be paid than was open after its change was polled
	Customers   int                      `json:"customers"`   // of Acumatica, in Stripe
	Twice       int                      `json:"twice"`       // customers and charges that do not stand once in the other system
	Open        string                   `json:"open"`        // what is open in the end, in both
	Quiet       Quiet                    `json:"quiet"`
	Differences []mirrorproof.Difference `json:"differences"`
}

// OK reports whether all is as it should be.
func (r *MirrorResult) OK() bool {
	return r.Parked == 0 && len(r.Missing) == 0 && r.Mirror.Mismatched == 0 && r.Mirror.Twice == 0
}

// Summary is the one line that matters.
func (r *MirrorResult) Summary() string {
	m := r.Mirror
	text := fmt.Sprintf("%d invoices compared at %s, %d mismatched, %d left to a person; %d customers, each once", m.Compared, m.Endpoint, m.Mismatched, m.Reviewed, m.Customers)
	if r.OK() {
		text += "; never more payable than open"
	} else {
		text += fmt.Sprintf("; %d parked, %d things are not as they should be", r.Parked, len(r.Missing))
	}
	return text
}

// Print writes the result for people.
func (r *MirrorResult) Print(w io.Writer) {
	for _, name := range slices.Sorted(maps.Keys(r.Played.Did)) {
		fmt.Fprintf(w, "  %-48s %4d\n", name, r.Played.Did[name])
	}
	for _, d := range r.Mirror.Differences {
		fmt.Fprintf(w, "  left: %s\n", d)
	}
	for _, text := range r.Missing {
		fmt.Fprintf(w, "  missing: %s\n", text)
	}
	fmt.Fprintf(w, "\nopen in both: %s\n%s\n", r.Mirror.Open, r.Summary())
}

// result lets the rest arrive, compares for the last time, and looks whether
// anything goes on by itself.
func (m *mirror) result(ctx context.Context, played *mirroryear.Played) (*MirrorResult, error) {
	if err := m.Compare(ctx, played.Days); err != nil {
		return nil, err
	}
	m.tell(m.began, "everything has arrived")
	quiet, err := m.listen(ctx)
	if err != nil {
		return nil, err
	}
	m.tell(m.began, "quiet")
	p, err := m.prove(ctx)
	if err != nil {
		return nil, err
	}
	blocked, err := held(ctx, m.rt)
	if err != nil {
		return nil, err
	}
	looked, over := m.payable.verdict()
	asked := m.payable.asked(&m.worth)
	n := m.watch.counts()
	r := &MirrorResult{
		Mirror: Mirrored{
			Endpoint: m.endpoint(), Seed: played.Seed, Days: played.Days, Checks: m.checks, Invoices: p.Invoices, Compared: p.Compared,
			Looked: looked, Overpayable: m.over + len(over) + len(asked), Healed: m.healed, Customers: p.Customers, Twice: len(p.Twice), Open: p.Open, Quiet: quiet, Differences: p.Differences,
		},
		Played: played, Applied: n[schemas.Applied], Duplicate: n[schemas.Duplicate], Skipped: n[schemas.Skipped], Parked: n[schemas.Parked],
		Missing: append([]string{}, slices.Concat(played.Problems, m.watch.parked(), blocked, m.unequal, over, asked, p.Twice, quiet.problems())...),
	}
	for _, d := range p.Differences {
		if d.Review {
			r.Mirror.Reviewed++
			continue
		}
		r.Mirror.Mismatched++
		r.Missing = append(r.Missing, d.String())
	}
	for _, name := range mirroryear.Kinds() {
		if played.Did[name] == 0 && played.Days >= mirroryear.Short {
			r.Missing = append(r.Missing, "never happened: "+name)
		}
	}
	r.TookMS = time.Since(m.began).Milliseconds()
	return r, nil
}

// reviewed are the numbers of the invoices that somebody was told to look at,
// and that were not shown anew since: what is asked for last decides, and what
// becomes of a payment after it can only add to that.
func (w *watch) reviewed() map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]bool{}
	for _, o := range w.outcomes {
		in := w.intents[o.IntentID]
		if number, of := numberOf(in.Key); of && in.Target == schemas.Stripe && in.Verb == "upsert" {
			if o.Outcome != schemas.Duplicate {
				out[number] = o.Review != ""
			}
			continue
		}
		if o.Review == "" || in.Verb == "annotate" {
			continue
		}
		for _, ref := range append(slices.Clone(o.Refs), in.Refs...) {
			if number, of := numberOf(ref.ID); of {
				out[number] = true
			}
		}
	}
	return out
}

// numberOf is the number in the key of a document that buyers pay.
func numberOf(key string) (string, bool) {
	for _, kind := range mirroryear.Receivables() {
		if number, of := strings.CutPrefix(key, kind+" "); of {
			return number, true
		}
	}
	return "", false
}

// Quiet is what the pipeline did when nobody did anything.
type Quiet struct {
	Resent  int   `json:"resent"`  // events of Stripe that came once more
	Rounds  int64 `json:"rounds"`  // of polling
	Writes  int64 `json:"writes"`  // to both systems
	Intents int   `json:"intents"` // that were new
}

func (q Quiet) problems() []string {
	if q.Writes+int64(q.Intents) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("the pipeline is not quiet: %d writes and %d new intents while nobody did anything", q.Writes, q.Intents)}
}

const (
	// listenRounds is for how many rounds of polling nothing may happen, over
	// listenDays of the twins' time: all is read in full meanwhile.
	listenRounds = 60
	listenDays   = 4
)

// listen lets days pass in which nobody does anything.
func (m *mirror) listen(ctx context.Context) (Quiet, error) {
	erp, stripe := m.line(mirroryear.Acumatica), m.line(mirroryear.Stripe)
	rounds, writes, intents := erp.rounds.Load(), erp.writes.Load()+stripe.writes.Load(), m.watch.known()
	resent, err := m.resend(ctx)
	if err != nil {
		return Quiet{}, err
	}
	for n := int64(1); n <= listenDays; n++ {
		if err := m.Pass(ctx, 24*time.Hour, 0); err != nil {
			return Quiet{}, err
		}
		for over := time.Now().Add(patient); erp.rounds.Load() < rounds+n*listenRounds/listenDays && time.Now().Before(over); {
			if err := m.Pass(ctx, 0, tick/4); err != nil {
				return Quiet{}, err
			}
		}
	}
	if err := m.polled(ctx); err != nil {
		return Quiet{}, err
	}
	return Quiet{
		Resent: resent, Rounds: erp.rounds.Load() - rounds, Writes: erp.writes.Load() + stripe.writes.Load() - writes, Intents: m.watch.known() - intents,
	}, nil
}

// resendEvery is of how many events of Stripe one comes once more.
const resendEvery = 4

// resend lets events of the whole year come once more.
func (m *mirror) resend(ctx context.Context) (int, error) {
	events, err := listAll[stripeEvent](ctx, m.Demo, "/v1/events")
	if err != nil {
		return 0, err
	}
	var ids []string
	for i := 0; i < len(events); i += resendEvery {
		ids = append(ids, events[i].ID)
	}
	return len(ids), m.stripe.Resend(ctx, ids...)
}

// known is how many intents there are.
func (w *watch) known() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.intents)
}

// read gets something of Acumatica as one who reads.
func (m *mirror) read(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.erpURL+path, nil)
	if err != nil {
		return err
	}
	return fetch(&m.erp, req, into)
}
