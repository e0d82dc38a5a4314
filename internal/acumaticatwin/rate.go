package acumaticatwin

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// DefaultRateType is the rate type of every module and of customers that name
// none.
const DefaultRateType = "SPOT"

const (
	// entityRate is the table of currency rates (CM301000). No endpoint shows
	// it: Default has no entity for it.
	entityRate = "CurrencyRate"

	// docRate is the exchange rate of a document in a foreign currency; a
	// document in the base currency has none.
	docRate = "CurrencyInfo.CuryRate"
	// baseBalance is what a released document in a foreign currency has left,
	// in the base currency.
	baseBalance = "Document.DocBal"
)

// A Rate is what one unit of a currency is worth in the base currency from a
// day on, until the next rate of the same type.
type Rate struct {
	Currency string          `json:"currency"`
	Type     string          `json:"type"` // "" is DefaultRateType
	Date     string          `json:"date"` // 2006-01-02
	Rate     decimal.Decimal `json:"rate"`
}

func rateEntity(b *builder) *entity {
	return &entity{
		name: entityRate, display: "Currency Rates", screen: "CM301000", keys: []string{"FromCuryID", "CuryRateType", "CuryEffDate"},
		indexed: []string{"FromCuryID"}, readOnly: true, on: nowhere, shape: b.shape(`FromCuryID:S5 CuryRateType:S6 CuryEffDate:A CuryRate:D8`),
	}
}

// SetRate adds a rate, or replaces the one of the same currency, type and day.
// Documents that are saved already keep the rate they have.
func (t *Twin) SetRate(r Rate) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	x := t.begin()
	if err := x.setRate(r); err != nil {
		return err
	}
	return t.commit(x)
}

func (x *tx) setRate(r Rate) error {
	if r.Type == "" {
		r.Type = DefaultRateType
	}
	day, err := time.Parse(dayLayout, r.Date)
	switch {
	case err != nil:
		return fmt.Errorf("rate of %s: date %q: want YYYY-MM-DD", r.Currency, r.Date)
	case x.byKey(entityCurrency, r.Currency) == nil:
		return fmt.Errorf("rate of %q: the tenant has no such currency", r.Currency)
	case r.Currency == baseCurrency:
		return fmt.Errorf("rate of %s: it is the base currency", r.Currency)
	case !r.Rate.IsPositive():
		return fmt.Errorf("rate of %s: %s is not positive", r.Currency, r.Rate)
	}
	row := x.byKey(entityRate, r.Currency, r.Type, day.Format(dayLayout))
	if row == nil {
		row = x.row(entityRate, "FromCuryID", r.Currency, "CuryRateType", r.Type, "CuryEffDate", day.Format(dayLayout))
	}
	row = x.edit(entityRate, row)
	row.setDec("CuryRate", r.Rate.Round(8))
	return nil
}

// Rates returns all rates, ordered by currency, type and day.
func (t *Twin) Rates() []Rate {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	rates := []Rate{}
	for _, r := range t.begin().all(entityRate) {
		rates = append(rates, Rate{r.get("FromCuryID"), r.get("CuryRateType"), r.get("CuryEffDate"), r.dec("CuryRate")})
	}
	return rates
}

// rateOf is the rate that is effective on a day; the text says why there is
// none. The base currency is worth 1.
func (x *tx) rateOf(currency, kind string, day time.Time) (rate decimal.Decimal, text string) {
	if currency == baseCurrency || currency == "" {
		return decimal.NewFromInt(1), ""
	}
	if kind == "" {
		kind = DefaultRateType
	}
	at, best := day.Format(dayLayout), ""
	for _, r := range x.where(entityRate, "FromCuryID", currency) {
		since := r.get("CuryEffDate")
		if strings.EqualFold(r.get("CuryRateType"), kind) && since <= at && since > best {
			best, rate = since, r.dec("CuryRate")
		}
	}
	if best == "" {
		return decimal.Zero, fmt.Sprintf("The currency rate of the %s type from %s to %s is not defined for %s.", kind, currency, baseCurrency,
			day.Format("1/2/2006"))
	}
	return rate, ""
}

// crossRate is how much of one currency a unit of another is worth on a day,
// by way of the base currency.
func (x *tx) crossRate(from, to string, day time.Time) (rate decimal.Decimal, text string) {
	if from == to {
		return decimal.NewFromInt(1), ""
	}
	a, text := x.rateOf(from, "", day)
	if text != "" {
		return decimal.Zero, text
	}
	b, text := x.rateOf(to, "", day)
	if text != "" {
		return decimal.Zero, text
	}
	return a.DivRound(b, 12), ""
}

// rateDocument gives a document in a foreign currency the rate of its day.
// Acumatica: without an effective rate it cannot be saved.
func (x *tx) rateDocument(r *record, dateField, kind string, bad *problems) {
	delete(r.Fields, docRate)
	currency := docCurrency(r)
	if currency == baseCurrency {
		return
	}
	rate, text := x.rateOf(currency, kind, r.day(dateField))
	if text != "" {
		bad.add(r, dateField, "%s", text)
		return
	}
	r.setDec(docRate, rate)
}

// docCurrency is the currency of an invoice, a payment or another document.
func docCurrency(r *record) string {
	if c := r.get(curyID); c != "" {
		return c
	}
	return r.get("CurrencyID")
}

func rateOfDocument(r *record) decimal.Decimal {
	if r.get(docRate) == "" {
		return decimal.NewFromInt(1)
	}
	return r.dec(docRate)
}

// inBase is an amount of a document in the base currency.
func (x *tx) inBase(r *record, amount decimal.Decimal) decimal.Decimal {
	return x.round(amount.Mul(rateOfDocument(r)), baseCurrency)
}

// baseLeft is what a released document has left, in the base currency; open is
// the same in its own.
func baseLeft(r *record, open decimal.Decimal) decimal.Decimal {
	if r.get(docRate) == "" {
		return open
	}
	return r.dec(baseBalance)
}

// baseShare is the base value of a part of what a document has left. The last part
// takes all that remains, so that rounding leaves nothing on a closed document.
func (x *tx) baseShare(r *record, part, open decimal.Decimal) decimal.Decimal {
	if part.Equal(open) {
		return baseLeft(r, open)
	}
	return decimal.Min(x.inBase(r, part), baseLeft(r, open))
}

// lessBase takes a base value off a document in a foreign currency.
func lessBase(r *record, value decimal.Decimal) {
	if r.get(docRate) != "" {
		r.setDec(baseBalance, r.dec(baseBalance).Sub(value))
	}
}
