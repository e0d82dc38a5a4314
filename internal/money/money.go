// Package money holds amounts as integer minor units with a currency, and
// turns them into exact decimals and back. It follows Stripe's own table of
// minor units, never rounds, and refuses a currency it does not know
// (Invariants 6 and 8).
package money

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// Reasons why an amount cannot be had. Callers decide with errors.Is what
// they mean for the message at hand.
var (
	ErrCurrency = errors.New("unknown currency")
	ErrInexact  = errors.New("not a whole number of the units that Stripe accepts")
	ErrOverflow = errors.New("amount does not fit into 64 bits")
	ErrMismatch = errors.New("currencies differ")
)

// Amount is a count of the currency's minor units as Stripe counts them: 1050
// USD is $10.50, 1050 JPY is ¥1050, 1050 KWD is 1.050 dinar.
type Amount struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency"` // upper case
}

// New returns the amount with the currency in upper case. ErrCurrency when
// Stripe's table does not have it.
func New(minor int64, currency string) (Amount, error) {
	if _, err := rule(currency); err != nil {
		return Amount{}, err
	}
	return Amount{Minor: minor, Currency: strings.ToUpper(currency)}, nil
}

// FromDecimal returns the amount that d units of currency are, for example
// 12.5 USD as 1250. ErrInexact when d has more digits than the currency, or
// digits that Stripe refuses; ErrOverflow; ErrCurrency. It never rounds.
func FromDecimal(d decimal.Decimal, currency string) (Amount, error) {
	r, err := rule(currency)
	if err != nil {
		return Amount{}, err
	}
	currency = strings.ToUpper(currency)
	if d.IsZero() {
		return Amount{Currency: currency}, nil
	}
	// A hostile exponent would otherwise cost memory without bound.
	if e := d.Exponent(); e < -maxExponent {
		return Amount{}, fmt.Errorf("amount with %d decimal places in %s: %w", -e, currency, ErrInexact)
	} else if e > maxExponent {
		return Amount{}, fmt.Errorf("amount times 10^%d in %s: %w", e, currency, ErrOverflow)
	}
	shifted := d.Shift(r.exponent)
	if !shifted.IsInteger() {
		return Amount{}, fmt.Errorf("%s %s: %w", d, currency, ErrInexact)
	}
	n := shifted.BigInt()
	if !n.IsInt64() {
		return Amount{}, fmt.Errorf("%s %s: %w", d, currency, ErrOverflow)
	}
	a := Amount{Minor: n.Int64(), Currency: currency}
	if a.Minor%r.multiple != 0 {
		return Amount{}, fmt.Errorf("%s %s: %w", d, currency, ErrInexact)
	}
	return a, nil
}

// maxExponent bounds the powers of ten that FromDecimal looks at; 64 bits
// need 19.
const maxExponent = 64

// Decimal returns the amount in whole units, exactly, with as many places as
// the currency has in Stripe's table. ErrCurrency; ErrInexact for an amount
// that Stripe itself would refuse, such as 550 UGX.
func (a Amount) Decimal() (decimal.Decimal, error) {
	r, err := rule(a.Currency)
	if err != nil {
		return decimal.Decimal{}, err
	}
	if a.Minor%r.multiple != 0 {
		return decimal.Decimal{}, fmt.Errorf("%d minor units of %s: %w", a.Minor, a.Currency, ErrInexact)
	}
	return decimal.New(a.Minor, -r.exponent), nil
}

// Add returns a + b. ErrMismatch, ErrOverflow.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, fmt.Errorf("%s + %s: %w", a, b, ErrMismatch)
	}
	if b.Minor > 0 && a.Minor > math.MaxInt64-b.Minor || b.Minor < 0 && a.Minor < math.MinInt64-b.Minor {
		return Amount{}, fmt.Errorf("%s + %s: %w", a, b, ErrOverflow)
	}
	return Amount{Minor: a.Minor + b.Minor, Currency: a.Currency}, nil
}

// Sub returns a - b. ErrMismatch, ErrOverflow.
func (a Amount) Sub(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, fmt.Errorf("%s - %s: %w", a, b, ErrMismatch)
	}
	if b.Minor < 0 && a.Minor > math.MaxInt64+b.Minor || b.Minor > 0 && a.Minor < math.MinInt64+b.Minor {
		return Amount{}, fmt.Errorf("%s - %s: %w", a, b, ErrOverflow)
	}
	return Amount{Minor: a.Minor - b.Minor, Currency: a.Currency}, nil
}

// String is for people: "12.50 USD". An amount that has no decimal form is
// shown as the count it is: "550 minor UGX".
func (a Amount) String() string {
	d, err := a.Decimal()
	if err != nil {
		return strconv.FormatInt(a.Minor, 10) + " minor " + a.Currency
	}
	return d.StringFixed(-d.Exponent()) + " " + a.Currency
}
