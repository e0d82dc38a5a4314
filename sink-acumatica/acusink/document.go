package acusink

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"millrace/internal/acumatica"
	"millrace/schemas"
)

// A kind is what the protocol must know of a document kind. Each kind has a
// file of its own.
type kind struct {
	entity  string    // of the endpoint
	action  string    // that releases it
	keys    [2]string // in the order of the form; Acumatica gives the second one, the number
	types   []string  // what the first key of our documents may be
	ledger  []string  // statuses of a document that is in the ledger
	custom  []string  // fields outside the contract that are compared, "<View>.<Field>"
	link    string    // kind of the link that is left
	subject string    // Stripe's word for what the intent's key names; empty: it names no object

	ref    string // the field that carries our reference
	within bool   // the reference is only a part of that field
	// filter finds what may carry the reference, by what document.find returned.
	filter func(find map[string]string) string
	// decode returns, with an error, as much of the document as could be read.
	decode func(fields json.RawMessage) (document, error)
}

// A document is what an intent asks for, its amounts parsed.
type document interface {
	// find is what it can be found by once it was sent: kind.ref, and fields
	// that narrow the search.
	find() map[string]string
	// details are those that are compared, before the release or after it.
	details(released bool) []string
	// body is the document as it is put: not on hold, and unreleased, so that
	// it has no effect on the ledger yet.
	body() map[string]any
	// differs names the first field in which the unreleased document is not
	// what was sent, with both values; empty if none. Acumatica ignores fields
	// it does not know, and lets business logic override others, both without
	// an error.
	differs(r acumatica.Record) string
	// unproven does the same for a document that is in the ledger, where others
	// may have gone on with it (Invariant 10).
	unproven(r acumatica.Record) string
	// title names the document without a number, effect says what it did.
	title() string
	effect() string
	// refs are the documents that it is about.
	refs() []schemas.Ref
}

// needless is a document that may turn out not to be wanted. unwanted says why
// the intent ends without it, empty if it is wanted.
type needless interface {
	unwanted(ctx context.Context, w *work) (string, error)
}

// documents are the kinds by document and verb of the intent.
func documents() map[string]kind {
	return map[string]kind{
		"payment create":    paymentKind(),
		"payment void":      voidKind(),
		"refund create":     refundKind(),
		"creditmemo create": creditMemoKind(),
		"journal create":    journalKind(),
	}
}

// Statuses that mean the same for every kind.
const (
	balanced = "Balanced"
	voided   = "Voided"
)

// released reports that the document is in the ledger.
func (k kind) released(r acumatica.Record) bool { return slices.Contains(k.ledger, r.String("Status")) }

// name is how people call a document: "Payment 000123".
func (k kind) name(r acumatica.Record) string { return strings.Join(k.of(r), " ") }

// of are the keys of a document.
func (k kind) of(r acumatica.Record) []string {
	return []string{r.String(k.keys[0]), r.String(k.keys[1])}
}

// carries reports that a document carries that reference of ours. The database
// compares without regard to case, Stripe's ids differ by it: we must not
// adopt, or delete, a stranger's document (Invariant 8).
func (k kind) carries(r acumatica.Record, ref string) bool {
	got := strings.TrimSpace(r.String(k.ref))
	ours := got == ref || k.within && strings.Contains(got, ref)
	return ours && r.String(k.keys[1]) != "" && slices.Contains(k.types, r.String(k.keys[0]))
}

// unlike names the first of the fields whose text is not what was sent; upper
// and lower case are the same to Acumatica.
func unlike(r acumatica.Record, fields [][2]string) string {
	for _, f := range fields {
		if got := r.String(f[0]); !strings.EqualFold(strings.TrimSpace(got), strings.TrimSpace(f[1])) {
			return fmt.Sprintf("%s: sent %q, saved %q", f[0], f[1], got)
		}
	}
	return ""
}
