package fault

import "slices"

// A Code is one row of the registry from which docs/errors.md is made.
type Code struct {
	Code    string // dotted, stable: "<package>.<what>"
	Kind    Kind
	Meaning string // one sentence a bookkeeper or operator understands
	Hint    string // imperative, one line: what to do
}

// Codes returns the whole registry, in the order it is documented.
func Codes() []Code {
	return slices.Concat(internalCodes, busCodes, configCodes, ingestCodes, stripeCodes, acumaticaCodes, flowCodes, ledgerCodes, reconcileCodes, doctorCodes)
}

// Lookup finds a code in the registry.
func Lookup(code string) (Code, bool) {
	for _, c := range Codes() {
		if c.Code == code {
			return c, true
		}
	}
	return Code{}, false
}

var internalCodes = []Code{
	{"internal.unclassified", Transient, "An error that no part of Millrace has classified.", "look at the log line of the attempt; report it if it repeats"},
	{"internal.panic", Invalid, "Handling the message crashed; the stack is in the outcome.", "report it with the outcome; the message is parked and nothing was lost"},
}
