package ledger

import (
	"fmt"
	"maps"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// drawRules draws rules under which nothing is missing.
func drawRules(t *rapid.T) Rules {
	r := Rules{
		Location: time.UTC,
		Mode:     rapid.SampledFrom([]Mode{"", Detailed, Summary}).Draw(t, "mode"),
		Fees:     rapid.SampledFrom([]FeeStyle{FeesPerPayout, FeesPerTransaction, FeesOnPayments}).Draw(t, "fees"),
		Refunds:  rapid.SampledFrom([]RefundStyle{RefundDocument, RefundCreditMemo, RefundJournal}).Draw(t, "refunds"),
		Clearing: map[string]Account{"USD": {Account: "10250"}, "EUR": {Account: "10251"}, "JPY": {Account: "10253"}},
		Accounts: map[string]map[string]Account{},
	}
	if rapid.Bool().Draw(t, "start") {
		r.Start = start.AddDate(0, 0, 20)
	}
	if rapid.Bool().Draw(t, "switch") {
		r.SummaryFrom = start.AddDate(0, 0, 45)
	}
	for _, name := range []string{"bank", "dispute", "sales", "fee", "fx", "suspense", "write_off", "opening"} {
		r.Accounts[name] = map[string]Account{"": {Account: name}}
	}
	for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(Names()), rapid.ID).Draw(t, "specific") {
		if r.Accounts[name] == nil {
			r.Accounts[name] = map[string]Account{"EUR": {Account: name}}
		}
	}
	return r
}

func drawMovement(t *rapid.T, n int) *Movement {
	amount := rapid.Int64Range(-1_000_000, 1_000_000)
	currencies := rapid.SampledFrom([]string{"USD", "EUR", "JPY"})
	m := &Movement{
		ID: fmt.Sprintf("txn_%d", n), Currency: currencies.Draw(t, "currency"), Amount: amount.Draw(t, "amount"),
		Created: start.Add(time.Duration(rapid.Int64Range(0, 90*24*3600).Draw(t, "second")) * time.Second),
	}
	m.Category = rapid.SampledFrom(categories).Draw(t, "category").name
	m.Type = rapid.SampledFrom([]string{"charge", "refund", "adjustment", "payout", "stripe_fee", "reserve_hold", "moon_landing"}).Draw(t, "type")
	for range rapid.IntRange(0, 3).Draw(t, "fees") {
		f := FeePart{
			Type:   rapid.SampledFrom([]string{"stripe_fee", "application_fee", "tax", "withheld_tax", "payment_method_passthrough_fee", "moon"}).Draw(t, "fee"),
			Amount: rapid.Int64Range(-500, 5000).Draw(t, "fee amount"), Currency: m.Currency,
		}
		m.Fees, m.Fee = append(m.Fees, f), m.Fee+f.Amount
	}
	m.Net = m.Amount - m.Fee
	presentment := currencies.Draw(t, "presentment")
	shown := rapid.Int64Range(1, 1_000_000).Draw(t, "shown")
	m.Source = Source{Kind: "charge", ID: fmt.Sprintf("ch_%d", n), Amount: shown, Currency: presentment}
	m.Source.Charge = &Charge{
		ID: m.Source.ID, Customer: rapid.SampledFrom([]string{"", "cus_1"}).Draw(t, "customer"), Currency: presentment,
		Captured: rapid.SampledFrom([]int64{0, shown}).Draw(t, "captured"),
	}
	return m
}

func drawMovements(t *rapid.T) []*Movement {
	ms := make([]*Movement, rapid.IntRange(1, 30).Draw(t, "movements"))
	for i := range ms {
		ms[i] = drawMovement(t, i)
	}
	return ms
}

// effects is what clearing accounts have of documents and journals.
type effects map[string]int64

func (e effects) journals(t *rapid.T, r *Rules, journals []Journal) {
	for _, j := range journals {
		var debit, credit int64
		for _, l := range j.Lines {
			if l.Debit < 0 || l.Credit < 0 || (l.Debit == 0) == (l.Credit == 0) || l.Account == "" || l.Description == "" {
				t.Fatalf("line %+v", l)
			}
			debit, credit = debit+l.Debit, credit+l.Credit
			if l.Account == r.Clearing[j.Currency].Account {
				e[j.Currency] += l.Debit - l.Credit
			}
		}
		if debit != credit || len(j.Lines) == 0 {
			t.Fatalf("journal %s: debits %d, credits %d", j.Key, debit, credit)
		}
	}
}

func (e effects) drop() effects {
	maps.DeleteFunc(e, func(_ string, n int64) bool { return n == 0 })
	return e
}

// TestClearingFollowsTheBalance: documents and lines together move the
// clearing account of the balance by the net, and no other.
func TestClearingFollowsTheBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRules(t)
		units := map[string]*Unit{}
		got, want := effects{}, effects{}
		for _, m := range drawMovements(t) {
			parts, err := r.Parts(m)
			if err != nil {
				t.Fatal(err)
			}
			if r.opening(m.Created) {
				if len(parts) > 1 || len(parts) == 1 && (parts[0].Cover != ByOpening || parts[0].Effect != m.Net) {
					t.Fatalf("before the start: %+v", parts)
				}
			} else {
				want[m.Currency] += m.Net
			}
			for _, p := range parts {
				if p.Cover == ByDocument {
					got[p.Currency] += p.Effect
				}
			}
			if c, _ := classify(m); c.role == payoutRole {
				js, err := Bank(r, m, m.Created)
				if err != nil {
					t.Fatal(err)
				}
				got.journals(t, &r, js)
				continue
			}
			u := units[m.Currency]
			if u == nil {
				u = NewUnit(r, "po_"+m.Currency, m.Currency)
				units[m.Currency] = u
			}
			if err := u.Add(m); err != nil {
				t.Fatal(err)
			}
		}
		for _, u := range units {
			js, err := u.Journals()
			if err != nil {
				t.Fatal(err)
			}
			got.journals(t, &r, js)
		}
		if g, w := got.drop(), want.drop(); !maps.Equal(g, w) {
			t.Fatalf("clearing %v, want %v", g, w)
		}
	})
}

// lineSums is what journals say in total, whatever units they are cut into.
func lineSums(t *rapid.T, units map[int]*Unit) map[string]int64 {
	sums := map[string]int64{}
	for _, u := range units {
		js, err := u.Journals()
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range js {
			for _, l := range j.Lines {
				sums[fmt.Sprint(j.Currency, l.Category, l.Account, l.Debit > 0)] += l.Debit + l.Credit
			}
		}
	}
	return sums
}

// TestAnyCutGivesTheSameSums: whether fees are settled by payout, by day or
// one by one changes only how many journals there are, and every part of every
// movement is in them once.
func TestAnyCutGivesTheSameSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRules(t)
		whole, cut := map[int]*Unit{}, map[int]*Unit{}
		parts := map[string]int64{}
		for i, m := range drawMovements(t) {
			m.Currency = "USD"
			for j := range m.Fees {
				m.Fees[j].Currency = "USD"
			}
			for units, n := range map[*map[int]*Unit]int{&whole: 0, &cut: rapid.IntRange(0, 5).Draw(t, fmt.Sprint("unit of ", i))} {
				if (*units)[n] == nil {
					(*units)[n] = NewUnit(r, fmt.Sprint("unit_", n), "USD")
				}
				if err := (*units)[n].Add(m); err != nil {
					t.Fatal(err)
				}
			}
			if c, _ := classify(m); c.role == payoutRole {
				continue
			}
			ps, err := r.Parts(m)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range ps {
				for _, l := range p.Lines() {
					parts[fmt.Sprint(p.Currency, l.Category, l.Account, l.Debit > 0)] += l.Debit + l.Credit
				}
			}
		}
		a, b := lineSums(t, whole), lineSums(t, cut)
		if !maps.Equal(a, b) || !maps.Equal(a, parts) {
			t.Fatalf("one unit %v\nmany units %v\nparts %v", a, b, parts)
		}
	})
}

func TestSumsThatDoNotFitAreRefused(t *testing.T) {
	u := NewUnit(Rules{Mode: Summary}, "po_1", "USD")
	m := Movement{ID: "txn_1", Category: "transfer", Type: "transfer", Currency: "USD", Amount: math.MaxInt64, Net: math.MaxInt64}
	if err := u.Add(&m); err != nil {
		t.Fatal(err)
	}
	if err := u.Add(&m); err == nil {
		t.Error("an overflow must be refused")
	}
}
