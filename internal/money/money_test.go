package money

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

func TestDecimalFollowsStripesTable(t *testing.T) {
	for _, tt := range []struct {
		in   Amount
		want string
		err  error
	}{
		{Amount{1050, "USD"}, "10.50 USD", nil},
		{Amount{5, "EUR"}, "0.05 EUR", nil},
		{Amount{-5, "EUR"}, "-0.05 EUR", nil},
		{Amount{0, "USD"}, "0.00 USD", nil},
		{Amount{1050, "JPY"}, "1050 JPY", nil},
		{Amount{7, "MGA"}, "7 MGA", nil},
		{Amount{5120, "KWD"}, "5.120 KWD", nil},
		{Amount{5124, "KWD"}, "5124 minor KWD", ErrInexact},
		{Amount{500, "UGX"}, "5.00 UGX", nil},
		{Amount{550, "UGX"}, "550 minor UGX", ErrInexact},
		{Amount{500, "ISK"}, "5.00 ISK", nil},
		{Amount{1234, "HUF"}, "12.34 HUF", nil},
		{Amount{1234, "TWD"}, "12.34 TWD", nil},
		{Amount{math.MinInt64, "USD"}, "-92233720368547758.08 USD", nil},
		{Amount{1, "XTS"}, "1 minor XTS", ErrCurrency},
		{Amount{1, ""}, "1 minor ", ErrCurrency},
	} {
		_, err := tt.in.Decimal()
		if !errors.Is(err, tt.err) {
			t.Errorf("%+v: error %v, want %v", tt.in, err, tt.err)
		}
		if got := tt.in.String(); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestFromDecimalIsExactOrAnError(t *testing.T) {
	for _, tt := range []struct {
		in, currency string
		want         int64
		err          error
	}{
		{"12.5", "usd", 1250, nil},
		{"12.500", "USD", 1250, nil},
		{"12.505", "USD", 0, ErrInexact},
		{"-0.01", "USD", -1, nil},
		{"1.20e3", "JPY", 1200, nil},
		{"0.5", "JPY", 0, ErrInexact},
		{"5.12", "KWD", 5120, nil},
		{"5.124", "KWD", 0, ErrInexact},
		{"5", "UGX", 500, nil},
		{"5.5", "UGX", 0, ErrInexact},
		{"5.5", "ISK", 0, ErrInexact},
		{"92233720368547758.07", "USD", math.MaxInt64, nil},
		{"92233720368547758.08", "USD", 0, ErrOverflow},
		{"1e9999", "USD", 0, ErrOverflow},
		{"1e-9999", "USD", 0, ErrInexact},
		{"0e9999", "USD", 0, nil},
		{"1", "BTC", 0, ErrCurrency},
	} {
		got, err := FromDecimal(decimal.RequireFromString(tt.in), tt.currency)
		if !errors.Is(err, tt.err) || got.Minor != tt.want {
			t.Errorf("%s %s: %d, %v; want %d, %v", tt.in, tt.currency, got.Minor, err, tt.want, tt.err)
		}
	}
}

func TestAddAndSubRefuseOverflowAndOtherCurrencies(t *testing.T) {
	usd := func(n int64) Amount { return Amount{n, "USD"} }
	for _, tt := range []struct {
		name string
		op   func(Amount, Amount) (Amount, error)
		a, b Amount
		want int64
		err  error
	}{
		{"sum", Amount.Add, usd(2), usd(3), 5, nil},
		{"sum at the top", Amount.Add, usd(math.MaxInt64 - 1), usd(1), math.MaxInt64, nil},
		{"sum over the top", Amount.Add, usd(math.MaxInt64), usd(1), 0, ErrOverflow},
		{"sum under the bottom", Amount.Add, usd(math.MinInt64), usd(-1), 0, ErrOverflow},
		{"sum of two currencies", Amount.Add, usd(1), Amount{1, "EUR"}, 0, ErrMismatch},
		{"difference", Amount.Sub, usd(2), usd(3), -1, nil},
		{"difference with the smallest", Amount.Sub, usd(-1), usd(math.MinInt64), math.MaxInt64, nil},
		{"difference over the top", Amount.Sub, usd(0), usd(math.MinInt64), 0, ErrOverflow},
		{"difference under the bottom", Amount.Sub, usd(math.MinInt64), usd(1), 0, ErrOverflow},
		{"difference of two currencies", Amount.Sub, usd(1), Amount{1, "EUR"}, 0, ErrMismatch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.op(tt.a, tt.b)
			if !errors.Is(err, tt.err) || got.Minor != tt.want {
				t.Errorf("got %d, %v; want %d, %v", got.Minor, err, tt.want, tt.err)
			}
		})
	}
}

func TestExponentIsStripesNotISOs(t *testing.T) {
	for currency, want := range map[string]int{"usd": 2, "JPY": 0, "mga": 0, "ISK": 2, "UGX": 2, "HUF": 2, "TWD": 2, "TND": 3} {
		if got, err := Exponent(currency); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", currency, got, err, want)
		}
	}
	for _, currency := range []string{"", "US", "USDT", "IQD", "LYD", "XAU"} {
		if _, err := Exponent(currency); !errors.Is(err, ErrCurrency) {
			t.Errorf("%q: %v, want ErrCurrency", currency, err)
		}
		if _, err := New(1, currency); !errors.Is(err, ErrCurrency) {
			t.Errorf("new %q: %v, want ErrCurrency", currency, err)
		}
	}
	if a, err := New(7, "eur"); err != nil || a != (Amount{7, "EUR"}) {
		t.Errorf("new: %+v, %v", a, err)
	}
}

func TestJSON(t *testing.T) {
	data, err := json.Marshal(Amount{-1250, "USD"})
	if want := `{"minor":-1250,"currency":"USD"}`; err != nil || string(data) != want {
		t.Fatalf("got %s, %v; want %s", data, err, want)
	}
	var back Amount
	if err := json.Unmarshal(data, &back); err != nil || back != (Amount{-1250, "USD"}) {
		t.Fatalf("got %+v, %v", back, err)
	}
}

func TestDecimalRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		currency := rapid.SampledFrom([]string{"USD", "EUR", "JPY", "KWD", "UGX", "ISK", "HUF", "MGA"}).Draw(t, "currency")
		a := Amount{rapid.Int64().Draw(t, "minor"), currency}
		d, err := a.Decimal()
		if errors.Is(err, ErrInexact) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		back, err := FromDecimal(d, currency)
		if err != nil || back != a {
			t.Fatalf("%s became %+v, %v", d, back, err)
		}
	})
}

func TestSubUndoesAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := Amount{rapid.Int64().Draw(t, "a"), "USD"}, Amount{rapid.Int64().Draw(t, "b"), "USD"}
		sum, err := a.Add(b)
		if err != nil {
			return
		}
		if back, err := sum.Sub(b); err != nil || back != a {
			t.Fatalf("(%s + %s) - %s = %s, %v", a, b, b, back, err)
		}
	})
}

func FuzzFromDecimal(f *testing.F) {
	for _, s := range []string{"12.50", "-0.01", "1e9", "0.000", "9e9999", "1e-9999"} {
		f.Add(s, "USD")
	}
	f.Add("5.12", "KWD")
	f.Add("5", "UGX")
	f.Fuzz(func(t *testing.T, s, currency string) {
		d, err := decimal.NewFromString(s)
		if err != nil {
			return
		}
		a, err := FromDecimal(d, currency)
		if err != nil {
			return
		}
		back, err := a.Decimal()
		if err != nil {
			t.Fatalf("%s %s became %+v, which has no decimal: %v", s, currency, a, err)
		}
		if !d.IsZero() && !back.Equal(d) || d.IsZero() && !back.IsZero() {
			t.Fatalf("%s %s became %s", s, currency, back)
		}
	})
}
