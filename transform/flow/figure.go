package flow

import (
	"fmt"
	"net/url"

	"github.com/shopspring/decimal"

	"millrace/internal/money"
)

// plain is a number for people: plain(10.000000) is "10".
func plain(_ *meter, a []any) (any, error) {
	d, ok := asNumber(a[0])
	if !ok {
		return nil, fmt.Errorf("plain: %s instead of a number", kindOf(a[0]))
	}
	return d.String(), nil
}

// price is what one of something costs, for people: price(12.5, "USD") is
// "12.50". Digits beyond those of the currency are kept.
func price(_ *meter, a []any) (any, error) {
	d, ok := asNumber(a[0])
	if !ok {
		return nil, fmt.Errorf("price: %s instead of an amount", kindOf(a[0]))
	}
	currency, err := currencyOf("price", a[1])
	if err != nil {
		return nil, err
	}
	zero, err := money.New(0, currency)
	if err != nil {
		return nil, moneyFault(err)
	}
	none, err := zero.Decimal()
	if err != nil {
		return nil, moneyFault(err)
	}
	short, err := decimal.NewFromString(d.String())
	if err != nil {
		return nil, fmt.Errorf("price: %w", err)
	}
	return short.StringFixed(-min(none.Exponent(), short.Exponent(), 0)), nil
}

// escape makes a text fit for the query of an address.
func escape(m *meter, a []any) (any, error) {
	s, ok := a[0].(string)
	if !ok {
		return nil, fmt.Errorf("escape: %s instead of a text", kindOf(a[0]))
	}
	return m.text(url.QueryEscape(s))
}
