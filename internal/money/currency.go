package money

import (
	"fmt"
	"strings"
)

// units says how Stripe counts a currency.
type units struct {
	exponent int32 // minor units are 10^-exponent of the unit
	multiple int64 // every amount is a multiple of this many minor units
}

// Exponent is the number of decimal places of a currency in Stripe's own
// table, which differs from ISO 4217: ISK, UGX, HUF and TWD have two, MGA has
// none. Upper or lower case. ErrCurrency for a currency that is not listed.
func Exponent(currency string) (int, error) {
	r, err := rule(currency)
	return int(r.exponent), err
}

// rule looks the currency up. Stripe: "Supported currencies", zero-decimal,
// three-decimal and special cases. A currency that Stripe adds later has to be
// added here before any of its money moves (Invariant 8).
func rule(currency string) (units, error) {
	switch strings.ToUpper(currency) {
	case "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF":
		return units{0, 1}, nil
	case "ISK", "UGX": // no decimals in life, two zeros in the API
		return units{2, 100}, nil
	case "BHD", "JOD", "KWD", "OMR", "TND": // the last of the three digits must be 0
		return units{3, 10}, nil
	case "HUF", "TWD": // two decimals in charges; only payouts are whole units
		return units{2, 1}, nil
	case "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN",
		"BAM", "BBD", "BDT", "BGN", "BMD", "BND", "BOB", "BRL", "BSD", "BWP", "BYN", "BZD",
		"CAD", "CDF", "CHF", "CNY", "COP", "CRC", "CVE", "CZK", "DKK", "DOP", "DZD",
		"EGP", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GIP", "GMD", "GTQ", "GYD",
		"HKD", "HNL", "HRK", "HTG", "IDR", "ILS", "INR", "JMD", "KES", "KGS", "KHR", "KYD", "KZT",
		"LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MKD", "MMK", "MNT", "MOP", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN",
		"NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR",
		"RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "STD", "SZL",
		"THB", "TJS", "TOP", "TRY", "TTD", "TZS", "UAH", "USD", "UYU", "UZS", "WST", "XCD", "YER", "ZAR", "ZMW":
		return units{2, 1}, nil
	}
	return units{}, fmt.Errorf("currency %q: %w", currency, ErrCurrency)
}
