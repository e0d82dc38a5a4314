package ledger

import (
	"cmp"

	"millrace/internal/fault"
)

// Parts tells what happens to each part of a movement. The effects of its
// parts add up to the movement's net in the movement's currency, and to zero
// in every other. Accounts that are missing are named all at once.
func (r *Rules) Parts(m *Movement) ([]Part, error) {
	parts, err := r.split(m)
	if err != nil {
		return nil, err
	}
	lacks := map[missing]bool{}
	for i := range parts {
		r.resolve(&parts[i], lacks)
	}
	if err := missingError("movement "+m.ID, lacks); err != nil {
		return nil, err
	}
	return parts, nil
}

// PaymentCharge is how much of a charge's fee is on its AR payment as a charge,
// in minor units of the payment's currency; 0 for none.
func (r *Rules) PaymentCharge(m *Movement) (int64, error) {
	parts, err := r.split(m)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, p := range parts {
		if p.Cover == ByDocument && p.Document.Kind == PaymentCharge {
			sum += p.Document.Amount
		}
	}
	return sum, nil
}

// resolve finds the accounts of a part's lines.
func (r *Rules) resolve(p *Part, lacks map[missing]bool) {
	if p.Cover != ByJournal {
		return
	}
	var ok bool
	if p.Clearing, ok = r.Clearing[p.Currency]; !ok || p.Clearing.Account == "" {
		lacks[missing{Clearing, p.Currency}] = true
	}
	if p.Account, p.Name, ok = r.Find(p.Category, p.Currency); !ok {
		lacks[missing{p.Category, p.Currency}] = true
	}
}

// splitter makes the parts of one movement.
type splitter struct {
	rules *Rules
	m     *Movement
	c     category
	flag  string
	parts []Part
}

// split is Parts before accounts are looked for.
func (r *Rules) split(m *Movement) ([]Part, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	s := &splitter{rules: r, m: m}
	s.c, s.flag = classify(m)
	if r.opening(m.Created) {
		s.add(Part{Category: s.c.name, Cover: ByOpening, Effect: m.Net, Currency: m.Currency})
		return s.parts, nil
	}
	if err := s.amount(); err != nil {
		return nil, err
	}
	for _, f := range m.Fees {
		s.fee(f)
	}
	return s.parts, nil
}

// add appends a part that moves something.
func (s *splitter) add(p Part) {
	if p.Effect == 0 {
		return
	}
	p.Movement = s.m.ID
	p.Flag = cmp.Or(p.Flag, s.flag)
	s.parts = append(s.parts, p)
}

// lines appends a pair of lines in the currency of the movement.
func (s *splitter) lines(category string, effect int64, flag string) {
	s.add(Part{Category: category, Cover: ByJournal, Effect: effect, Currency: s.m.Currency, Flag: flag})
}

func (s *splitter) amount() error {
	charge := s.m.Source.Charge
	documents := s.rules.covered(s.m.Created) && charge != nil && charge.Customer != ""
	switch s.c.role {
	case plain, payoutRole:
	case feeRole:
		s.lines(feeOfMovement(s.c, s.m), s.m.Amount, "")
		return nil
	case chargeRole:
		if s.m.Source.Kind == "charge" && charge == nil {
			return fault.Newf("ledger.charge_missing", "movement %s: charge %s is not at hand", s.m.ID, s.m.Source.ID)
		}
		if documents {
			s.charge(Payment, 1)
			return nil
		}
	case failedRole:
		// The payment was made, or not, by the rules of then.
		if charge != nil && charge.Customer != "" && s.rules.covered(charge.Created) && !s.rules.opening(charge.Created) {
			s.charge(PaymentVoid, -1)
			return nil
		}
	case refundRole:
		if documents && s.rules.Refunds != RefundJournal {
			return s.refund()
		}
	case restRole:
		if documents && charge.Currency != s.m.Currency {
			s.lines("fx.partial_capture", s.m.Amount, "")
			return nil
		}
	}
	s.lines(s.c.name, s.m.Amount, "")
	return nil
}

// charge covers the amount of a charge by its AR payment, or what came back of
// it by the payment's void.
func (s *splitter) charge(kind DocumentKind, sign int64) {
	ch := s.m.Source.Charge
	captured := cmp.Or(ch.Captured, s.m.Source.Amount)
	if captured == 0 && ch.Currency == s.m.Currency {
		captured = sign * s.m.Amount
	}
	s.document(Document{Kind: kind, ID: ch.ID, Customer: ch.Customer, Amount: captured, Currency: ch.Currency}, sign, "partial_capture")
}

func (s *splitter) refund() error {
	src := s.m.Source
	if src.Amount <= 0 || src.Currency == "" {
		return fault.Newf("ledger.charge_missing", "movement %s: the amount of refund %s is not at hand", s.m.ID, src.ID)
	}
	s.document(Document{Kind: Refund, ID: src.ID, Customer: src.Charge.Customer, Amount: src.Amount, Currency: src.Currency}, -1, "refund")
	return nil
}

// document covers the movement's amount by a document. In the same currency,
// what the document leaves of the amount goes to the account rest. Across
// currencies nothing is computed from a rate: the document's clearing account
// is emptied against the exchange account, and the clearing account of the
// movement takes what the movement says.
func (s *splitter) document(d Document, sign int64, rest string) {
	effect := sign * d.Amount
	s.add(Part{Category: s.c.name, Cover: ByDocument, Effect: effect, Currency: d.Currency, Document: d})
	if d.Currency == s.m.Currency {
		flag := ""
		if left := s.m.Amount - effect; left != 0 && (rest != "partial_capture" || sign*left < 0) {
			flag = "the document is for more or less than the movement"
		}
		s.lines(rest, s.m.Amount-effect, flag)
		return
	}
	exchange := "fx." + s.c.name
	s.add(Part{Category: exchange, Cover: ByJournal, Effect: -effect, Currency: d.Currency})
	s.lines(exchange, s.m.Amount, "")
}

// fee posts one fee of the movement. Of a bank debit it is never on the payment:
// whether there will be one is not known when the fee is taken, and a void of
// the payment would give the fee back a second time.
func (s *splitter) fee(f FeePart) {
	kind, flag := feeOfPart(s.c, f)
	ch := s.m.Source.Charge
	if s.rules.Fees == FeesOnPayments && s.c.role == chargeRole && s.m.Type == "charge" && (kind == "fee.processing" || kind == "fee.network_cost") &&
		ch != nil && ch.Customer != "" && ch.Currency == s.m.Currency && s.rules.covered(s.m.Created) {
		s.add(Part{Category: kind, Cover: ByDocument, Effect: -f.Amount, Currency: s.m.Currency, Flag: flag, Document: Document{
			Kind: PaymentCharge, ID: ch.ID, Customer: ch.Customer, Amount: f.Amount, Currency: f.Currency,
		}})
		return
	}
	s.lines(kind, -f.Amount, flag)
}
