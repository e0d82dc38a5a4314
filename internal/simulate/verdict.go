package simulate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// The kinds of problems, with which each begins.
const (
	doubled    = "doubled"      // the same thing twice, where it cannot be taken back
	disordered = "out of order" // an effect before that of an earlier message of its lane
	wrong      = "wrong"        // an amount, a state, a link
	copied     = "copied"       // a second document without an effect, to be taken away; doubled if it stays
	missing    = "missing"      // not there yet
	lost       = "lost"         // missing, and nothing is on its way
	unfinished = "unfinished"   // still on its way, or parked
	broken     = "broken"       // the simulation could not do what the plan says
)

// A verdict gathers what is wrong, in words.
type verdict []string

func (v *verdict) say(kind, format string, args ...any) {
	*v = append(*v, kind+": "+fmt.Sprintf(format, args...))
}

// has says whether there is a problem of the kind.
func (v verdict) has(kind string) bool {
	return slices.ContainsFunc(v, func(p string) bool { return strings.HasPrefix(p, kind+": ") })
}

// final says whether no waiting can mend it.
func (v verdict) final() bool { return v.has(doubled) || v.has(disordered) }

// settled is the verdict when there was time enough: what is missing is lost,
// and copies stay, unless something is still on its way.
func (v verdict) settled() verdict {
	if v.has(unfinished) {
		return v
	}
	for i, p := range v {
		switch kind, rest, _ := strings.Cut(p, ": "); kind {
		case missing:
			v[i] = lost + ": " + rest
		case copied:
			v[i] = doubled + ": " + rest
		}
	}
	return v
}

// minor is an amount of USD in minor units; one that is no whole number of
// them is a problem of its own.
func (v *verdict) minor(d decimal.Decimal, whose string, args ...any) int64 {
	m := d.Shift(2)
	if !m.IsInteger() {
		v.say(wrong, "%s is %s, no whole number of cents", fmt.Sprintf(whose, args...), d)
	}
	return m.IntPart()
}
