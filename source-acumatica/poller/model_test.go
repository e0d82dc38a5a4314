package poller

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"millrace/internal/acumatica"
	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/internal/link"
)

// mirror is all between the poller and what Stripe shows, by its rules alone: an
// event is stored, later the document is read, and later still what was read is
// shown, each in the order of the lane.
type mirror struct {
	s       *erp
	b       *broker
	p       *Poller
	hidden  map[string]acumatica.Record
	read    int                // events whose document was read
	asked   []acumatica.Record // what was read, and is not shown yet
	open    map[string]string  // number → what can be paid
	links   map[string]link.Link
	looks   int
	told    int // events, also those that were stored before
	restart func() *Poller
}

func newMirror(t *testing.T) *mirror {
	t.Helper()
	m := &mirror{s: newERP(), b: newBroker(), hidden: map[string]acumatica.Record{}, open: map[string]string{}, links: map[string]link.Link{}}
	m.restart = func() *Poller {
		return newPoller(t, m.s, m.b, func(o *Options) {
			o.Poll.Full = 24 * time.Hour
			o.Publish = func(ctx context.Context, connection, lane, source, object, verb string, ev bus.Event) (bus.PubAck, error) {
				m.told++
				return m.b.publish(ctx, connection, lane, source, object, verb, ev)
			}
			o.Linked = func(_ context.Context, _, _, id string) (link.Link, bool, error) {
				l, ok := m.links[id]
				return l, ok, nil
			}
		})
	}
	m.p = m.restart()
	return m
}

// standings that a document goes to and fro between: status and balance.
var standings = [][2]string{{"Open", "100"}, {"Open", "60"}, {"Reserved", "60"}, {"Closed", "0"}, {"On Hold", "100"}, {"Voided", "0"}}

var numbers = []string{"AR1", "AR2"}

func payableOf(r acumatica.Record) string {
	if r.String("Status") != "Open" {
		return "0"
	}
	return r.String("Balance")
}

func (m *mirror) change(nbr string, to [2]string) {
	if m.hidden["Invoiceguid-"+nbr] != nil {
		m.show(nbr)
		defer m.hide(nbr)
	}
	owed(m.s, m.s.now(), nbr, to[0], to[1])
}

// touch moves nothing but the change time.
func (m *mirror) touch(nbr string) {
	if r := m.s.rows["Invoiceguid-"+nbr]; r != nil {
		owed(m.s, m.s.now(), nbr, r.String("Status"), r.String("Balance"))
	}
}

func (m *mirror) hide(nbr string) {
	key := "Invoiceguid-" + nbr
	if r := m.s.rows[key]; r != nil {
		m.hidden[key] = r
		delete(m.s.rows, key)
	}
}

func (m *mirror) show(nbr string) {
	key := "Invoiceguid-" + nbr
	if r := m.hidden[key]; r != nil {
		m.s.rows[key] = r
		delete(m.hidden, key)
	}
}

// look is an event that the poller knows nothing of, as of a debit that failed.
func (m *mirror) look(nbr string) {
	if m.s.rows["Invoiceguid-"+nbr] == nil || m.links["Invoice "+nbr].StripeID == "" {
		return
	}
	m.looks++
	data, _ := json.Marshal(m.s.rows["Invoiceguid-"+nbr].Plain())
	m.b.events = append(m.b.events, event{"C1", "invoice", bus.Event{ID: fmt.Sprint("look ", m.looks), Subject: "Invoice " + nbr, Data: data}})
}

// transform reads the document of the next event. One that cannot be seen holds
// the lane, and what was told as gone is left to a person.
func (m *mirror) transform() bool {
	if m.read == len(m.b.events) {
		return false
	}
	ev := m.b.events[m.read].ev
	if ev.Type == "io.millrace.acumatica.invoice.gone.v1" {
		m.read++
		return true
	}
	var hint struct{ ReferenceNbr, Status, LastModifiedDateTime string }
	if err := json.Unmarshal(ev.Data, &hint); err != nil {
		panic(err)
	}
	r := m.s.rows["Invoiceguid-"+hint.ReferenceNbr]
	if hint.Status == "Closed" && m.links["Invoice "+hint.ReferenceNbr].StripeID != "" && m.open[hint.ReferenceNbr] == "0" {
		r = acumatica.Record{}
		for k, v := range invoice(hint.ReferenceNbr, "C1", "Closed") {
			r[k] = acumatica.Value(v)
		}
		r["LastModifiedDateTime"] = acumatica.Value(hint.LastModifiedDateTime)
	}
	if r == nil {
		return false
	}
	m.asked = append(m.asked, r)
	m.read++
	return true
}

// sink shows the next document that was read.
func (m *mirror) sink() bool {
	if len(m.asked) == 0 {
		return false
	}
	r := m.asked[0]
	m.asked = m.asked[1:]
	nbr := r.String("ReferenceNbr")
	id := "Invoice " + nbr
	l, linked := m.links[id]
	if !linked && payableOf(r) == "0" {
		return true
	}
	changed, _ := r.Time("LastModifiedDateTime")
	if was := shown(l); was.After(changed) {
		changed = was
	}
	m.open[nbr] = payableOf(r)
	m.links[id] = link.Link{StripeID: "in_" + nbr, Attributes: map[string]string{link.AttrChanged: changed.Format(time.RFC3339Nano)}}
	return true
}

func (m *mirror) drain() {
	for m.transform() || m.sink() {
	}
}

// round polls; what fails is tried again by another one.
func (m *mirror) round(ctx context.Context) { _ = m.p.round(ctx) }

// settle lets everything come to rest.
func (m *mirror) settle(t *testing.T) {
	t.Helper()
	for range 3 {
		m.drain()
		time.Sleep(5 * time.Minute)
		m.round(t.Context())
	}
	m.drain()
}

// wrong lists the documents of which Stripe does not show what is open.
func (m *mirror) wrong() []string {
	var out []string
	for _, r := range m.s.rows {
		nbr := r.String("ReferenceNbr")
		got, want := m.open[nbr], payableOf(r)
		if got == "" {
			got = "0"
		}
		if !decimal.RequireFromString(got).Equal(decimal.RequireFromString(want)) {
			out = append(out, fmt.Sprintf("%s: %s can be paid, %s is open", nbr, got, want))
		}
	}
	return out
}

// play does something at random.
func (m *mirror) play(t *testing.T, rt *rapid.T) {
	t.Helper()
	nbr := rapid.SampledFrom(numbers).Draw(rt, "document")
	switch rapid.SampledFrom([]string{
		"change", "change", "change", "touch", "wait", "wait", "round", "round", "round", "round", "transform", "transform", "sink", "sink",
		"look", "hide", "show", "restart", "fail", "clock",
	}).Draw(rt, "do") {
	case "change":
		m.change(nbr, rapid.SampledFrom(standings).Draw(rt, "to"))
	case "touch":
		m.touch(nbr)
	case "wait":
		time.Sleep(rapid.SampledFrom([]time.Duration{
			time.Millisecond, 3 * time.Second, 3 * time.Second, 10 * time.Second, time.Minute, 5 * time.Minute, 25 * time.Hour,
		}).Draw(rt, "for"))
	case "round":
		time.Sleep(3 * time.Second)
		m.round(t.Context())
	case "transform":
		m.transform()
	case "sink":
		m.sink()
	case "look":
		m.look(nbr)
	case "hide":
		m.hide(nbr)
	case "show":
		m.show(nbr)
	case "clock":
		m.s.skew -= rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour}).Draw(rt, "back")
	case "restart":
		m.p = m.restart()
	case "fail":
		n := rapid.IntRange(0, 1).Draw(rt, "stored")
		m.b.fail = func(e event) error {
			if n == 1 { // stored, and nobody knows
				m.b.events = append(m.b.events, e)
			}
			return fault.Newf("bus.unavailable", "no answer")
		}
		m.round(t.Context())
		m.b.fail = nil
	}
}

// TestStripeShowsWhatIsOpenWhateverCrosses: in whatever order documents change,
// are polled, read and shown, with ties, crashes, and documents that are hidden
// for a while: after a full reading Stripe shows what is open, and the next
// reading has nothing to tell.
func TestStripeShowsWhatIsOpenWhateverCrosses(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var panicked any // rapid's own way to end a run: not for the bubble
		synctest.Test(t, func(t *testing.T) {
			defer func() { panicked = recover() }()
			crossed(t, rt)
		})
		if panicked != nil {
			panic(panicked)
		}
	})
}

func crossed(t *testing.T, rt *rapid.T) {
	t.Helper()
	m := newMirror(t)
	m.round(t.Context())
	for range rapid.IntRange(5, 40).Draw(rt, "steps") {
		m.play(t, rt)
	}
	for _, nbr := range numbers {
		m.show(nbr)
	}
	m.settle(t)
	for n := range 2 {
		time.Sleep(48 * time.Hour) // the clock passes where it was
		time.Sleep(25 * time.Hour)
		before := m.told
		readInFull(t, m.b, func() *Poller { return m.p })
		if n > 0 && m.told > before && len(m.links) == len(m.s.rows) { // without a link it is tried again each time
			rt.Errorf("%d events are told again", m.told-before)
		}
		m.settle(t)
	}
	if wrong := m.wrong(); len(wrong) > 0 {
		rt.Errorf("%q", wrong)
	}
}
