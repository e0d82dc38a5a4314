package e2e

import (
	"encoding/json"

	"github.com/shopspring/decimal"

	"millrace/internal/acumaticatwin"
	"millrace/internal/bus"
)

// judgeKilled compares the books of the twins, and their order with that of
// the events.
func (s *siege) judgeKilled() {
	t := s.w.t
	t.Helper()
	payments := map[string][]acumaticatwin.PaymentView{}
	for _, p := range s.w.acumatica.Payments() {
		payments[p.PaymentRef] = append(payments[p.PaymentRef], p)
	}
	charges := s.w.listAll("charges")
	lost, doubled, wrong, taken := 0, 0, 0, int64(0)
	for _, c := range charges {
		amount, _ := c["amount"].(float64) // minor units, far below 2^53
		taken += int64(amount)
		mine := payments[c["id"].(string)]
		delete(payments, c["id"].(string))
		typ, status := "Payment", "Closed"
		if c["invoice"] == nil {
			typ, status = "Prepayment", "Open"
		}
		switch {
		case len(mine) == 0:
			lost++
		case len(mine) > 1:
			doubled++
		case mine[0].Type != typ || mine[0].Status != status || !mine[0].PaymentAmount.Equal(decimal.New(int64(amount), -2)):
			wrong++
			t.Errorf("charge %v of %v is %+v", c["id"], amount, mine[0])
		}
	}
	posted, rank := s.batches()
	for _, n := range posted {
		if n > 1 {
			doubled++
		}
	}
	events, disorder := s.disorder(rank)
	if len(charges) != s.made || len(payments) > 0 || lost+doubled+wrong+disorder > 0 {
		t.Errorf("%d charges for %d movements, %d payments of nothing", len(charges), s.made, len(payments))
	}
	s.judgeInvoices()
	s.judgeBalance(taken)
	t.Logf("%d events: %d lost, %d doubled, %d wrong, %d out of order", events, lost, doubled, wrong, disorder)
}

// batches counts the postings of each payment, and ranks the charges by when
// they were posted.
func (s *siege) batches() (posted, rank map[string]int) {
	posted, rank = map[string]int{}, map[string]int{}
	charge := map[string]string{}
	for _, p := range s.w.acumatica.Payments() {
		charge[p.Type+" "+p.ReferenceNbr] = p.PaymentRef
	}
	for n, b := range s.w.acumatica.Ledger() {
		if id, ok := charge[b.Description]; ok {
			posted[id]++
			rank[id] = n + 1
		}
	}
	return posted, rank
}

// disorder counts the events whose posting came before that of an earlier
// event of the same lane (Invariant 4).
func (s *siege) disorder(rank map[string]int) (events, disorder int) {
	t := s.w.t
	b, err := bus.Connect(t.Context(), bus.Options{URL: s.w.nats, Name: "e2e"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	last, ids, compared := map[string]int{}, map[string]int{}, 0
	err = b.Scan(t.Context(), bus.Events, 1, func(m *bus.Message) error {
		events++
		if ids[m.Event.ID]++; ids[m.Event.ID] > 1 {
			return nil
		}
		var ev struct {
			Type string `json:"type"`
			Data struct {
				Object struct {
					ID      string  `json:"id"`
					Invoice *string `json:"invoice"`
					Charge  string  `json:"charge"`
				} `json:"object"`
			} `json:"data"`
		}
		if err := json.Unmarshal(m.Event.Data, &ev); err != nil {
			return err
		}
		id := ev.Data.Object.Charge // of a paid invoice
		if ev.Type == "charge.succeeded" && ev.Data.Object.Invoice == nil {
			id = ev.Data.Object.ID
		} else if ev.Type != "invoice.paid" {
			return nil
		}
		lane := m.Subject.Lane
		if at := rank[id]; at > 0 && at < last[lane] {
			disorder++
			t.Errorf("lane %s: charge %s of event %d was posted before an earlier one", lane, id, m.Seq)
		}
		last[lane] = max(last[lane], rank[id])
		compared++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if compared != s.made {
		t.Errorf("%d events of %d movements could be compared", compared, s.made)
	}
	err = b.Scan(t.Context(), bus.Outcomes, 1, func(m *bus.Message) error {
		if m.Subject.C == "parked" {
			t.Errorf("parked: %s", m.Event.Data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return events, disorder
}

func (s *siege) judgeInvoices() {
	t, stands := s.w.t, map[string]int{}
	for _, in := range s.w.listAll("invoices") {
		meta, _ := in["metadata"].(map[string]any)
		if nbr, _ := meta["acumatica_ref_nbr"].(string); in["status"] != "draft" {
			stands[nbr]++
		}
	}
	for nbr := range s.invoices {
		if stands[nbr] != 1 {
			t.Errorf("invoice %s stands %d times in Stripe", nbr, stands[nbr])
		}
	}
	for _, in := range s.w.acumatica.Invoices() {
		if s.invoices[in.ReferenceNbr] && in.Status != "Closed" {
			t.Errorf("invoice %s is %s", in.ReferenceNbr, in.Status)
		}
	}
}

// judgeBalance: the books balance, and the clearing account holds what Stripe
// took in.
func (s *siege) judgeBalance(taken int64) {
	sum, clearing := decimal.Zero, decimal.Zero
	for _, a := range s.w.acumatica.TrialBalance() {
		sum = sum.Add(a.Balance)
		if a.Account == "10250" && a.Currency == "USD" {
			clearing = clearing.Add(a.Balance)
		}
	}
	if !sum.IsZero() || !clearing.Equal(decimal.New(taken, -2)) {
		s.w.t.Errorf("trial balance %s, clearing account %s; Stripe took %d minor units", sum, clearing, taken)
	}
}
