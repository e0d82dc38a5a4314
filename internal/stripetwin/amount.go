package stripetwin

import (
	"strings"

	"github.com/shopspring/decimal"

	"millrace/internal/money"
)

// mostCharged is the largest payment, in minor units. Stripe: eight digits.
const mostCharged = 99_999_999

// least are the smallest payments, in minor units. Stripe: "Minimum and
// maximum charge amounts"; what is not there has no minimum in the twin.
var least = map[string]int64{
	"aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 15_00, "dkk": 2_50, "eur": 50, "gbp": 30, "hkd": 4_00,
	"huf": 175_00, "inr": 50, "jpy": 50, "mxn": 10_00, "myr": 2_00, "nok": 3_00, "nzd": 50, "pln": 2_00, "ron": 2_00, "sek": 3_00,
	"sgd": 50, "thb": 10_00, "usd": 50,
}

// sum reads amount and currency, of which a request of money needs both.
func (f *form) sum() (amount int64, currency string) {
	amount, currency = f.integer("amount", 0), f.currency("")
	switch {
	case !f.has("amount"):
		f.fail(missingParam("amount"))
	case !f.has("currency"):
		f.fail(missingParam("currency"))
	}
	return amount, currency
}

// chargeable refuses an amount that cannot be taken in a currency: not above
// zero, too large, or not a whole number of what the currency is counted in.
func chargeable(param string, amount int64, cur string) error {
	switch {
	case amount < 1:
		return invalid("parameter_invalid_integer", param, "This value must be greater than or equal to 1.")
	case amount > mostCharged:
		return invalid("amount_too_large", param, "Amount must be no more than %s", display(mostCharged, cur))
	}
	return countable(param, amount, cur)
}

// countable refuses digits that a currency does not have. Stripe: the last
// digit of three-decimal currencies is 0, and the last two of ISK and UGX.
func countable(param string, amount int64, cur string) error {
	if _, err := (money.Amount{Minor: amount, Currency: strings.ToUpper(cur)}).Decimal(); err != nil {
		return invalid("", param, "Invalid amount: %d is not a whole number of the units in which %s is charged.", amount, cur)
	}
	return nil
}

// payableAmount also refuses what is below Stripe's minimum for payments.
func payableAmount(param string, amount int64, cur string) error {
	if err := chargeable(param, amount, cur); err != nil {
		return err
	}
	if m := least[cur]; amount < m {
		return refused("amount_too_small", "Amount must be at least %s %s", display(m, cur), cur)
	}
	return nil
}

// readDecimal reads a number that is written out. With an exponent a few bytes
// could name one that fills all memory.
func readDecimal(text string) (decimal.Decimal, bool) {
	if strings.ContainsAny(text, "eE") {
		return decimal.Decimal{}, false
	}
	d, err := decimal.NewFromString(text)
	return d, err == nil
}

// lineAmount is what a quantity costs, rounded half up to minor units, unless
// it is more than can be paid.
func lineAmount(param string, unit decimal.Decimal, quantity int64) (int64, error) {
	sum := unit.Mul(decimal.NewFromInt(quantity)).Round(0)
	if sum.Abs().GreaterThan(decimal.NewFromInt(mostCharged)) {
		return 0, invalid("amount_too_large", param, "Amount must be no more than %d", mostCharged)
	}
	return sum.IntPart(), nil
}
