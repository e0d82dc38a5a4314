package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"millrace/internal/fault"
)

// Clearing is the name that a missing clearing account is told by.
const Clearing = "clearing"

// general is the name that stands for another where that one has no account;
// empty when nothing does.
func general(name string) string {
	if c, ok := lookup(name); ok {
		return c.account
	}
	switch name {
	case "bank", "sales", "fee", "fx", "suspense", "write_off":
		return ""
	case "platform", "reserve", "financing", "issuing", "climate", "adjustment":
		return "suspense"
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[:i]
	}
	return ""
}

// Fallbacks lists a name and those that stand for it, the most specific first.
func Fallbacks(name string) []string {
	var names []string
	for ; name != ""; name = general(name) {
		names = append(names, name)
	}
	return names
}

// Names lists every account name that can be configured.
func Names() []string {
	set := map[string]bool{}
	add := func(name string) {
		for _, n := range Fallbacks(name) {
			set[n] = true
		}
	}
	for _, c := range categories {
		add(c.name)
	}
	for _, k := range feeKinds {
		add(k[0])
		if k[0] != "fee.credit" { // is given back itself
			add(k[0] + returned)
		}
	}
	for name := range exchanges {
		add(name)
	}
	return slices.Sorted(maps.Keys(set))
}

// Needed lists the names that the most ordinary unit asks for under the rules:
// without an account for each, something will not be posted.
func Needed(r *Rules) []string {
	names := []string{"bank", "dispute", "dispute_lost", "fee", "sales", "suspense"}
	if len(r.Clearing) > 1 {
		names = append(names, "fx")
	}
	if !r.Start.IsZero() && !r.NoOpening {
		names = append(names, "opening")
	}
	return names
}

// ToSuspense lists the names that have no account but that of suspense in some
// currency; of those that stand for each other only the most general.
func ToSuspense(r *Rules) []string {
	currencies := []string{""}
	if len(r.Clearing) > 0 {
		currencies = slices.Collect(maps.Keys(r.Clearing))
	}
	return slices.DeleteFunc(Names(), func(name string) bool {
		return name == "unknown" || general(name) != "suspense" || !slices.ContainsFunc(currencies, func(currency string) bool {
			_, found, ok := r.Find(name, currency)
			return ok && found == "suspense"
		})
	})
}

// Find returns the account of the most specific name that has one for the
// currency, and that name.
func (r *Rules) Find(name, currency string) (a Account, found string, ok bool) {
	for _, n := range Fallbacks(name) {
		for _, c := range []string{currency, ""} {
			if a, ok := r.Accounts[n][c]; ok && a.Account != "" {
				return a, n, true
			}
		}
	}
	return Account{}, "", false
}

// missing is an account that is needed and not configured.
type missing struct{ name, currency string }

// missingError names all of them at once; nil when there are none.
func missingError(what string, lacks map[missing]bool) error {
	if len(lacks) == 0 {
		return nil
	}
	list := make([]missing, 0, len(lacks))
	for l := range lacks {
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b missing) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.currency, b.currency))
	})
	texts := make([]string, len(list))
	for i, l := range list {
		texts[i] = fmt.Sprintf("%s %s", l.name, l.currency)
		if names := Fallbacks(l.name); len(names) > 1 {
			texts[i] += " (or " + strings.Join(names[1:], ", ") + ")"
		}
	}
	return fault.Newf("ledger.account_missing", "%s: no account for %s", what, strings.Join(texts, "; "))
}

// Name is an account name of the configuration.
type Name struct {
	Name     string
	Title    string   // what is posted there
	Instead  []string // the names that stand for it, the most specific first
	Category bool     // a reporting category of Stripe has this name
}

// Chart lists every account name with what it is for.
func Chart() []Name {
	var chart []Name
	for _, name := range Names() {
		c, isCategory := lookup(name)
		text := title(name)
		if text == name {
			text = purposes[name]
		}
		chart = append(chart, Name{Name: name, Title: text, Instead: Fallbacks(name)[1:], Category: isCategory && c.name == name})
	}
	return chart
}

// purposes says what names are for that no category has.
var purposes = map[string]string{
	"adjustment": "What Stripe adjusts without saying why",
	"bank":       "The bank account that payouts go to",
	"climate":    "Climate orders and contributions",
	"financing":  "What Stripe Capital lends",
	"issuing":    "Issued cards",
	"platform":   "Earned as a platform",
	"reserve":    "What Stripe keeps back",
	"sales":      "Charges without a document; everything in summary mode",
	"suspense":   "What nobody knows: look at it",
	"write_off":  "What is given up",
}
