package acumaticatwin

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

const (
	tradeDays = 365 // before today
	// What becomes of invoices, in percent; the rest is never paid.
	paidShare, partlyShare, creditedShare = 86, 4, 4
	// voidEvery payment of that number bounces and is voided.
	voidEvery = 500
	// documentsPerInvoice is a little less than what an invoice and its
	// payment, if it is paid by now, come to.
	documentsPerInvoice = 1.9
)

// A trade is a year of sales: documents are made by the rules of the API, each
// at its own time, so that they are what clients would have left. The choices
// depend only on the random seed.
type trade struct {
	t      *Twin
	rand   *rand.Rand
	buyers []buyer
	goods  []ware
	banks  map[string]string // cash account for checks by currency
	first  time.Time         // midnight of the first day
	due    [tradeDays][]payment

	tx        *tx
	documents int
	payments  int
}

// A buyer is a customer with habits.
type buyer struct {
	id, currency, code string
	taxed              bool
	terms, late        int   // days
	size               int64 // usual quantity of a line
	orders             int   // so far
}

// A ware is an item with its price in hundredths.
type ware struct {
	id, text string
	price    int64
	stock    bool
	taxed    bool
}

// A payment is one that is expected.
type payment struct {
	buyer   int
	invoice string
	percent int64 // of the balance
	credit  bool  // a credit memo instead, for a part
}

func (t *Twin) newTrade(seed uint64, banks map[string]string) *trade {
	today := t.now().UTC().Truncate(24 * time.Hour)
	return &trade{
		t: t, rand: rand.New(rand.NewPCG(seed, seed)), banks: banks, //nolint:gosec // G404: a repeatable choice is wanted
		first: today.AddDate(0, 0, -tradeDays),
	}
}

// run trades for a year, so many documents at least.
func (s *trade) run(documents int) error {
	working := 0
	for day := range tradeDays {
		if s.works(day) {
			working++
		}
	}
	invoices := int(float64(documents)/documentsPerInvoice)/working + 1
	for day := range tradeDays {
		n := 0
		if s.works(day) {
			n = invoices
		}
		last := day == tradeDays-1
		events := n + len(s.due[day])
		for i := 0; i < n || last && s.documents+len(s.due[day]) < documents; i++ {
			if err := s.at(day, i, max(events, i+1), func() error { return s.sell(day) }); err != nil {
				return err
			}
		}
		for i, p := range s.due[day] {
			if err := s.at(day, n+i, events, func() error { return s.settle(p) }); err != nil {
				return err
			}
		}
		s.due[day] = nil
	}
	return nil
}

func (s *trade) works(day int) bool {
	d := s.first.AddDate(0, 0, day).Weekday()
	return d != time.Saturday && d != time.Sunday
}

// at runs one step in a transaction at the nth of so many moments of a working
// day, which has ten hours.
func (s *trade) at(day, n, of int, step func() error) error {
	s.tx = s.t.begin()
	s.tx.now = s.first.AddDate(0, 0, day).Add(8*time.Hour + 10*time.Hour*time.Duration(n)/time.Duration(of))
	if err := step(); err != nil {
		return fmt.Errorf("seed, %s: %w", s.tx.today(), err)
	}
	s.tx.apply() // New writes everything at once
	return nil
}

// make saves a document and runs actions on it.
func (s *trade) make(entityName string, old *record, p *patch, actions ...string) (*record, error) {
	x, e := s.tx, s.t.cat[entityName]
	r, bad := x.upsert(e, old, p)
	if !bad.empty() {
		return nil, bad.err()
	}
	for _, name := range actions {
		if fail := e.actions[name](x, x.get(entityName, r.ID)); fail != nil {
			return nil, fail
		}
	}
	s.documents++
	return x.get(entityName, r.ID), nil
}

// sell makes and releases an invoice, and decides when it will be paid.
func (s *trade) sell(day int) error {
	n := s.rand.IntN(len(s.buyers))
	if other := s.rand.IntN(len(s.buyers)); other < n {
		n = other // the first ones buy most
	}
	b := &s.buyers[n]
	b.orders++
	p := newPatch("Customer", b.id, "CustomerOrder", fmt.Sprintf("%s-%04d", b.code, b.orders), curyID, b.currency, "Hold", "false",
		"Description", "Order of "+s.tx.now.Format("January 2"))
	for range 1 + s.rand.IntN(3) {
		p.many["Details"] = append(p.many["Details"], s.line(b))
	}
	r, err := s.make(entityInvoice, nil, p, "ReleaseInvoice")
	if err != nil {
		return err
	}
	pays := payment{buyer: n, invoice: r.get("ReferenceNbr"), percent: 100}
	when := day + max(1, b.terms+b.late+s.rand.IntN(9)-4)
	switch fate := s.rand.IntN(100); {
	case fate < paidShare:
	case fate < paidShare+partlyShare:
		pays.percent = 30 + s.rand.Int64N(50)
	case fate < paidShare+partlyShare+creditedShare:
		s.expect(day+2+s.rand.IntN(7), payment{buyer: n, invoice: pays.invoice, credit: true})
	default:
		return nil
	}
	s.expect(max(when, day+10), pays)
	return nil
}

func (s *trade) line(b *buyer) *patch {
	g := s.goods[s.rand.IntN(len(s.goods))]
	qty := 1 + s.rand.Int64N(b.size)
	if !g.stock {
		qty = 1 + qty/4
	}
	category := ""
	if g.taxed && b.taxed {
		category = SeedTaxCategory
	}
	return newPatch("InventoryID", g.id, "TransactionDescription", g.text, "Qty", strconv.FormatInt(qty, 10),
		"UnitPrice", decimal.New(g.price, -2).String(), "TaxCategory", category)
}

// expect notes a payment for the next working day from a day on; what would
// come after today stays open.
func (s *trade) expect(day int, p payment) {
	for day < tradeDays && !s.works(day) {
		day++
	}
	if day < tradeDays {
		s.due[day] = append(s.due[day], p)
	}
}

// settle makes the payment of an invoice, or a credit memo for it.
func (s *trade) settle(p payment) error {
	invoice := s.tx.byKey(entityInvoice, typeInvoice, p.invoice)
	balance := invoice.dec("Balance")
	if p.credit {
		return s.credit(p, invoice)
	}
	amount := balance
	if p.percent < 100 {
		amount = s.tx.round(balance.Mul(decimal.New(p.percent, -2)), invoice.get(curyID))
	}
	if !amount.IsPositive() {
		return nil
	}
	b := &s.buyers[p.buyer]
	s.payments++
	pay := newPatch("Type", typePayment, "CustomerID", b.id, "PaymentMethod", SeedCheckMethod, "CashAccount", s.banks[b.currency],
		"PaymentRef", fmt.Sprintf("%s %06d", b.code, 1000+s.payments), "PaymentAmount", amount.String(), "Hold", "false")
	pay.many[partApply] = []*patch{newPatch("DocType", typeInvoice, "ReferenceNbr", p.invoice, "AmountPaid", amount.String())}
	r, err := s.make(entityPayment, nil, pay, "ReleasePayment")
	if err != nil || s.payments%voidEvery != 0 {
		return err
	}
	actions := s.t.cat[entityPayment].actions
	if fail := actions["VoidPayment"](s.tx, r); fail != nil {
		return fail
	}
	s.documents++
	if fail := actions["ReleasePayment"](s.tx, s.tx.byKey(entityPayment, typeVoidedPayment, r.get("ReferenceNbr"))); fail != nil {
		return fail
	}
	return nil
}

// credit takes the first line of an invoice back and applies the memo to it.
func (s *trade) credit(p payment, invoice *record) error {
	line := invoice.Many["Details"][0]
	memo := newPatch("Type", typeCreditMemo, "Customer", s.buyers[p.buyer].id, "CustomerOrder", invoice.get("CustomerOrder"),
		curyID, invoice.get(curyID), "Hold", "false", "Description", "Return of "+p.invoice)
	memo.many["Details"] = []*patch{newPatch("InventoryID", line.get("InventoryID"), "TransactionDescription", line.get("TransactionDescription"),
		"Qty", line.get("Qty"), "UnitPrice", line.get("UnitPrice"), "TaxCategory", line.get("TaxCategory"))}
	r, err := s.make(entityInvoice, nil, memo, "ReleaseInvoice")
	if err != nil {
		return err
	}
	apply := newPatch()
	apply.many[partApply] = []*patch{newPatch("DocType", typeInvoice, "ReferenceNbr", p.invoice)}
	row := s.tx.byKey(entityPayment, typeCreditMemo, r.get("ReferenceNbr"))
	_, err = s.make(entityPayment, row, apply, "ReleasePayment")
	s.documents-- // its second row is no document of its own
	return err
}
