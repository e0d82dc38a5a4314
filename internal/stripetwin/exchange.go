package stripetwin

import (
	"hash/fnv"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"millrace/internal/money"
)

// rateDigits is how many digits of a rate Stripe shows; it computes with more,
// so that an amount computed from the shown rate is now and then off by one.
const rateDigits = 6

// wanderBasisPoints is how far a seeded rate strays from its price to either
// side, in hundredths of a percent.
const wanderBasisPoints = 200

// prices are what one unit of a currency costs in US dollars unless Options or
// the control API say otherwise.
var prices = map[string]string{
	"usd": "1", "eur": "1.0838", "gbp": "1.2671", "chf": "1.1327", "jpy": "0.0066823", "cad": "0.73915", "aud": "0.65342", "nzd": "0.60714",
	"sek": "0.095817", "nok": "0.094521", "dkk": "0.14537", "pln": "0.25118", "czk": "0.042873", "huf": "0.0027614", "ron": "0.21793",
	"bgn": "0.55410", "isk": "0.0072418", "try": "0.031044", "ils": "0.27096", "aed": "0.27229", "sar": "0.26667", "kwd": "3.2547",
	"bhd": "2.6525", "jod": "1.4104", "omr": "2.6008", "tnd": "0.32115", "inr": "0.012003", "sgd": "0.74318", "hkd": "0.12786",
	"cny": "0.13896", "twd": "0.031622", "krw": "0.00074832", "thb": "0.027814", "myr": "0.21134", "idr": "0.000063418",
	"php": "0.017821", "vnd": "0.000040412", "mxn": "0.058614", "brl": "0.20107", "clp": "0.0010437", "cop": "0.00025614", "zar": "0.053219",
	"ugx": "0.00025933",
}

// An exchange turns what customers pay into what the account keeps.
type exchange struct {
	kept   []string // currencies with a balance of their own, the account's default first; none: all
	prices map[string]decimal.Decimal
	seed   uint64 // 0: rates stand still
}

func newExchange(o Options) (*exchange, error) {
	x := &exchange{prices: map[string]decimal.Decimal{}, seed: o.RateSeed}
	if err := x.keep(o.Settle); err != nil {
		return nil, err
	}
	if err := x.set(prices); err != nil {
		return nil, err
	}
	return x, x.set(o.Rates)
}

// set changes prices: all or, when one is bad, none.
func (x *exchange) set(in map[string]string) error {
	read := map[string]decimal.Decimal{}
	for cur, text := range in {
		c, err := parseCurrency(cur)
		if err != nil {
			return err
		}
		d, ok := readDecimal(text)
		if !ok || !d.IsPositive() {
			return invalid("", "rates", "The price of one %s in US dollars must be a positive number, not %q.", c, text)
		}
		read[c] = d
	}
	maps.Copy(x.prices, read)
	return nil
}

// keep changes the currencies that have a balance of their own, for what comes.
func (x *exchange) keep(currencies []string) error {
	var kept []string
	for _, s := range currencies {
		cur, err := parseCurrency(s)
		if err != nil {
			return err
		}
		kept = append(kept, cur)
	}
	x.kept = kept
	return nil
}

// home is the account's default currency.
func (x *exchange) home() string {
	if len(x.kept) > 0 {
		return x.kept[0]
	}
	return "usd"
}

// settles is the currency in which the account keeps what is paid in cur. One
// without a price is kept as it is.
func (x *exchange) settles(cur string) string {
	_, priced := x.prices[cur]
	if len(x.kept) == 0 || !priced || slices.Contains(x.kept, cur) {
		return cur
	}
	return x.home()
}

// rate is what one minor unit of a currency is in minor units of another.
func (x *exchange) rate(from, to string, now int64) decimal.Decimal {
	a, _ := money.Exponent(from) // both are in the table: parseCurrency
	b, _ := money.Exponent(to)
	return x.price(from, now).Shift(int32(b-a)).DivRound(x.price(to, now), 14) //nolint:gosec // at most 3
}

// price moves with the day when the exchange is seeded: between two points a
// week apart, in a straight line, so that neighbouring days are alike.
func (x *exchange) price(cur string, now int64) decimal.Decimal {
	p := x.prices[cur]
	if x.seed == 0 || cur == "usd" {
		return p
	}
	day := now / (24 * 3600)
	week, in := day/7, day%7
	points := (x.point(cur, week)*(7-in) + x.point(cur, week+1)*in) * 100 / 7 // hundredths of a basis point
	return p.Mul(decimal.New(1_000_000+points, -6))
}

// point is where the rate of a currency is at the start of a week, in basis
// points from its price.
func (x *exchange) point(cur string, week int64) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strconv.FormatUint(x.seed, 10) + cur + strconv.FormatInt(week, 10)))
	return int64(h.Sum64()%(2*wanderBasisPoints+1)) - wanderBasisPoints
}

// A conversion is how the amounts of one charge, refund or dispute become the
// account's.
type conversion struct {
	currency string
	rate     decimal.Decimal
	foreign  bool
}

// conversion is the one of now for what is paid in cur.
func (x *exchange) conversion(cur string, now int64) conversion {
	to := x.settles(cur)
	if to == cur {
		return conversion{currency: cur, rate: decimal.New(1, 0)}
	}
	return conversion{currency: to, rate: x.rate(cur, to, now), foreign: true}
}

// of converts minor units, rounded half up (away from zero).
func (v conversion) of(minor int64) int64 {
	if !v.foreign {
		return minor
	}
	return decimal.New(minor, 0).Mul(v.rate).Round(0).IntPart()
}

// shown is the rate as Stripe shows it, or "" where nothing was exchanged.
func (v conversion) shown() string {
	if !v.foreign {
		return ""
	}
	whole := int32(v.rate.NumDigits()) + v.rate.Exponent() //nolint:gosec // a few dozen
	return v.rate.Round(rateDigits - whole).String()
}

// controlRates changes prices and the currencies that are kept, when any are
// given, and answers with those that hold now.
func (t *Twin) controlRates(w http.ResponseWriter, req *http.Request) {
	var in struct {
		Rates  map[string]string `json:"rates"`  // price of one unit in US dollars
		Settle []string          `json:"settle"` // the default first; [] keeps every currency
	}
	if req.Method == http.MethodPost && !readJSON(w, req, &in) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.fx.set(in.Rates); err != nil {
		refuseJSON(w, err)
		return
	}
	if in.Settle != nil {
		if err := t.fx.keep(in.Settle); err != nil {
			refuseJSON(w, err)
			return
		}
	}
	out := map[string]string{}
	for cur := range t.fx.prices {
		out[strings.ToLower(cur)] = t.fx.price(cur, t.now().Unix()).String()
	}
	sendJSON(w, http.StatusOK, map[string]any{"rates": out, "settle": t.fx.kept})
}
