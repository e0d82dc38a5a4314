package stripesink

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"millrace/internal/link"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// minCharge is the least that Stripe charges in US dollars; what is below goes
// on the customer's balance.
const minCharge = 50

// model is a document of the books, its invoices in Stripe by Stripe's rules,
// and what the sink knows of both.
type model struct {
	*world
	invoices []*stripeapi.Invoice // the last one stands for the document
	counts   bool                 // Stripe counts what was paid outside of it as paid

	amount  int64 // of the document
	void    bool
	lowered []schemas.StripeLowering
	number  int              // of the last document of the books
	seq     uint64           // of the last event
	charges map[string]int64 // that paid an invoice
	setOff  string           // the last invoice that went on the customer's balance
}

func newModel(t *rapid.T) *model {
	return &model{
		world:  &world{now: time.Unix(0, 0), links: map[string]link.Link{}, byStripe: map[string]link.Link{}},
		amount: rapid.SampledFrom([]int64{1000, 300, 60, 40}).Draw(t, "amount"), counts: rapid.Bool().Draw(t, "counts"), charges: map[string]int64{},
	}
}

func (m *model) current() stripeapi.Invoice {
	if len(m.invoices) == 0 {
		return stripeapi.Invoice{}
	}
	return *m.invoices[len(m.invoices)-1]
}

func (m *model) open() int64 {
	if m.void {
		return 0
	}
	open := m.amount
	for _, l := range m.lowered {
		open -= l.Amount
	}
	return open
}

// payable is what can be paid of open invoices.
func (m *model) payable() int64 {
	var sum int64
	for _, inv := range m.invoices {
		if inv.Status == statusOpen {
			sum += inv.Remaining
		}
	}
	return sum
}

// apply has a new document of the books lower the document.
func (m *model) apply(kind string, amount int64) string {
	m.number++
	number := fmt.Sprintf("%06d", m.number)
	if amount > 0 {
		m.lowered = append(m.lowered, schemas.StripeLowering{Type: kind, Number: number, Amount: amount})
	}
	return "Payment " + number
}

// takeBack takes one of the documents off again.
func (m *model) takeBack(t *rapid.T) {
	var on []int
	for i, l := range m.lowered {
		voided := slices.ContainsFunc(m.lowered, func(x schemas.StripeLowering) bool { return x.Number == l.Number && x.Amount < 0 })
		if l.Amount > 0 && !voided {
			on = append(on, i)
		}
	}
	if len(on) == 0 {
		return
	}
	i := rapid.SampledFrom(on).Draw(t, "taken back")
	if l := m.lowered[i]; paymentOf(l) == "Payment "+l.Number && rapid.Bool().Draw(t, "shown") {
		l.Type, l.Amount = rapid.SampledFrom([]string{"Voided Payment", "RPM"}).Draw(t, "name"), -l.Amount
		m.lowered = append(m.lowered, l)
		return
	}
	m.lowered = slices.Delete(m.lowered, i, i+1)
}

// applyAgain applies payments of Stripe that were taken off.
func (m *model) applyAgain() {
	for id, amount := range m.charges {
		payment, number, _ := strings.Cut(m.byStripe[connection+" payment "+id].AcumaticaID, " ")
		for _, l := range m.lowered {
			if l.Number == number && paymentOf(l) == payment+" "+number {
				amount -= l.Amount
			}
		}
		if amount = min(amount, m.open()); number != "" && amount > 0 {
			m.lowered = append(m.lowered, schemas.StripeLowering{Type: payment, Number: number, Amount: amount})
		}
	}
}

// pay pays the invoice that can be paid, if there is one.
func (m *model) pay() {
	if len(m.invoices) == 0 {
		return
	}
	inv := m.invoices[len(m.invoices)-1]
	if inv.Status != statusOpen && inv.Status != statusUncollectible || inv.Remaining < minCharge {
		return
	}
	inv.Charge, inv.Processing = "ch_"+inv.ID, false
	m.charges[inv.Charge] = inv.Remaining
	inv.Status, inv.Paid, inv.Remaining = statusPaid, inv.Remaining, 0
}

// post posts what was paid in Stripe and is not in the books, up to what is open.
func (m *model) post(t *rapid.T) {
	for _, inv := range m.invoices {
		id := inv.Charge
		if _, known := m.byStripe[connection+" payment "+id]; known || m.charges[id] == 0 {
			continue
		}
		number := m.apply(rapid.SampledFrom([]string{"Payment", "PMT"}).Draw(t, "type"), min(m.charges[id], m.open()))
		_ = m.Put(t.Context(), connection, link.Link{Kind: link.Payment, AcumaticaID: number, StripeID: id})
	}
}

// loose is money from Stripe that does not lower the document.
func (m *model) loose() int64 {
	var sum int64
	for id, amount := range m.charges {
		payment := m.byStripe[connection+" payment "+id].AcumaticaID
		sum += amount
		for _, l := range m.lowered {
			if payment != "" && paymentOf(l) == payment {
				sum -= l.Amount
			}
		}
	}
	return sum
}

// take does a step by Stripe's rules.
func (m *model) take(t *rapid.T, f schemas.StripeInvoice, s step) {
	if s.do == doMake {
		m.make(t, f)
		return
	}
	inv := m.invoices[len(m.invoices)-1]
	open := inv.Status == statusOpen
	switch {
	case inv.Processing:
	case s.do == doCredit && open && s.amount > 0 && s.amount <= inv.Remaining:
		inv.Credited, inv.Remaining, inv.AmountDue = inv.Credited+s.amount, inv.Remaining-s.amount, inv.AmountDue-s.amount
		if inv.Remaining == 0 {
			inv.Status = statusPaid
		}
		return
	case s.do == doOutside && (open || inv.Status == statusUncollectible):
		if inv.OutOfBand = true; m.counts {
			inv.Paid = inv.Remaining
		}
		inv.Status, inv.Remaining = statusPaid, 0
		return
	case s.do == doVoid && (open || inv.Status == statusUncollectible) && inv.Credited == 0:
		inv.Status = statusVoid
		return
	case s.do == doWriteOff && open:
		inv.Status = statusUncollectible
		return
	}
	t.Fatalf("Stripe refuses %+v of %+v", s, *inv)
}

func (m *model) make(t *rapid.T, f schemas.StripeInvoice) {
	if f.Total <= 0 {
		t.Fatalf("an invoice over %d", f.Total)
	}
	if loose := m.loose(); loose != 0 {
		t.Fatalf("%d are billed although %d that were paid before do not lower the document", f.Total, loose)
	}
	old := m.current()
	inv := &stripeapi.Invoice{
		ID: fmt.Sprintf("in_%d", len(m.invoices)+1), Currency: "usd", Status: statusOpen, Total: f.Total, AmountDue: f.Total, Remaining: f.Total,
		Metadata: map[string]string{
			metaCharges: chargesMark(old), metaMemos: fmt.Sprint(lowered(f, isCreditMemo)), metaWriteOffs: fmt.Sprint(lowered(f, isWriteOff)),
		},
	}
	if f.Total < minCharge {
		inv.Status, inv.AmountDue, inv.Remaining = statusPaid, 0, 0
		m.setOff = inv.ID
	}
	m.invoices = append(m.invoices, inv)
}

// mirror is what the sink does about a change, and how it ends.
func (m *model) mirror(t *rapid.T) step {
	m.seq++
	f := schemas.StripeInvoice{Currency: "usd", Total: m.open(), Void: m.void, Lowered: m.lowered}
	w := &work{Sink: &Sink{links: m.world, now: func() time.Time { return m.now }}, in: schemas.Intent{
		Connection: connection, Key: "Invoice AR1", Lane: "C1", Cause: schemas.Cause{EventSeq: m.seq},
	}}
	for range maxSteps {
		inv := m.current()
		l := m.links[connection+" invoice Invoice AR1"]
		s := step{do: doNothing}
		if inv.ID == "" && f.Total > 0 {
			s.do = doMake
		} else if inv.ID != "" {
			p, err := w.paid(t.Context(), f, inv)
			if err != nil {
				t.Fatal(err)
			}
			s = decide(f, inv, past{p, showing(l, inv)})
		}
		if s.do == doNothing || s.do == doLeave || s.do == doWait {
			if inv.ID != "" {
				_ = m.Put(t.Context(), connection, w.told(f, l, inv, s.do == doNothing, s.do == doWait))
			}
			return s
		}
		before := m.payable()
		m.take(t, f, s)
		if s.do == doMake {
			m.links[connection+" invoice Invoice AR1"] = w.told(f, l, m.current(), true, false)
		}
		if now := m.payable(); now > max(before, f.Total) || now > before && now > f.Total {
			t.Fatalf("%+v: %d can be paid, %d before, %d is open", s, now, before, f.Total)
		}
	}
	t.Fatalf("no end after %d steps: %+v of %+v", maxSteps, f, m.current())
	return step{}
}

// judge compares what can be paid with the books.
func (m *model) judge(t *rapid.T, s step) {
	inv := m.current()
	switch {
	case (s.do == doLeave || s.do == doWait) && s.why == "":
		t.Fatalf("%+v says not why", s)
	case s.do == doWait && !inv.Processing:
		t.Fatalf("%+v waits for nothing: %+v", s, inv)
	case s.do == doWait:
	case strings.Contains(s.why, "set off") && m.setOff != inv.ID:
		t.Fatalf("%+v: %+v", s, inv)
	case s.do == doLeave && !strings.Contains(s.why, "set off") && m.loose() == 0:
		t.Fatalf("%+v although all that was paid is applied: %+v", s, inv)
	case m.payable() > m.open():
		t.Fatalf("%+v: %d can be paid, %d is open", s, m.payable(), m.open())
	case s.do == doNothing && m.payable() < m.open() && m.loose() == 0:
		t.Fatalf("%d can be paid, %d is open, and nobody is told: %+v", m.payable(), m.open(), inv)
	}
	for _, old := range m.invoices[:max(0, len(m.invoices)-1)] {
		if old.Status == statusOpen || old.Status == statusUncollectible {
			t.Fatalf("a replaced invoice can be paid: %+v", *old)
		}
	}
}

// TestWhateverHappensEndsRight: after any changes of the document and whatever
// the buyer does meanwhile, what can be paid is what is open, or a person is
// told; never more, and no money twice.
func TestWhateverHappensEndsRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 8 { // documents: more than a hundred are needed to meet what is rare
			newModel(t).live(t)
		}
	})
}

func (m *model) live(t *rapid.T) {
	m.judge(t, m.mirror(t))
	for range rapid.IntRange(20, 40).Draw(t, "changes") {
		for range rapid.IntRange(1, 2).Draw(t, "at once") {
			m.change(t)
		}
		s := m.mirror(t)
		m.judge(t, s)
		count := len(m.invoices)
		if again := m.mirror(t); again != s || len(m.invoices) != count { // Invariant 2
			t.Fatalf("again: %+v after %+v", again, s)
		}
	}
}

func (m *model) change(t *rapid.T) {
	open := m.open()
	part := func() int64 {
		if open < 1 {
			return 0
		}
		return rapid.SampledFrom([]int64{open, max(1, open/2), max(1, open/10), 1}).Draw(t, "amount")
	}
	switch what := rapid.SampledFrom([]string{"pay", "post", "back", "again", "raise", "debit", "Payment", "Credit Memo", "SMB", "void"}).Draw(t, "what"); what {
	case "back":
		m.takeBack(t)
	case "again":
		m.applyAgain()
	case "pay":
		m.pay()
	case "post":
		m.post(t)
	case "raise":
		m.amount += rapid.SampledFrom([]int64{200, 1}).Draw(t, "by")
	case "void":
		m.void = !m.void
	case "debit":
		if n := len(m.invoices); n > 0 && (m.invoices[n-1].Processing || m.invoices[n-1].Status == statusOpen) {
			m.invoices[n-1].Processing = !m.invoices[n-1].Processing
			m.invoices[n-1].Charge = "ch_failed" // of one that ends so
		}
	default:
		if amount := part(); amount > 0 {
			m.apply(what, amount)
		}
	}
}

func TestPaymentsAreKnownByNameAndByCode(t *testing.T) {
	for _, tt := range []struct{ types, want string }{
		{"Payment,PMT,Voided Payment,RPM, pmt ", "Payment 000007"},
		{"Prepayment,PPM", "Prepayment 000007"},
		{"Refund,REF,Voided Refund,VRF", "Refund 000007"},
		{"Credit Memo", "Credit Memo 000007"},
	} {
		for kind := range strings.SplitSeq(tt.types, ",") {
			if got := paymentOf(schemas.StripeLowering{Type: kind, Number: "000007"}); got != tt.want {
				t.Errorf("%s: got %s, want %s", kind, got, tt.want)
			}
		}
	}
}
