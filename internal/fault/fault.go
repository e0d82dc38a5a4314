// Package fault answers the only question a consumer asks of an error: what
// should happen to the message? The package that first understands a failure
// picks a code from the registry; everybody else wraps with fmt.Errorf and %w.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// A Kind is the disposition of the message whose handling failed. Kinds are
// part of the operator contract: they appear in logs, metrics and outcomes.
// Append only.
type Kind uint8

// The kinds of design: what happens to the message is decided in one switch,
// in package bus.
const (
	Transient     Kind = iota // this attempt failed: back off in place, then block the lane
	Throttled                 // the system says slow down: wait RetryAfter, block nothing
	Down                      // the system is unreachable for everybody: open the breaker
	Rejected                  // the target will never accept this: park
	Invalid                   // our message is malformed or unmappable: park
	Misconfigured             // nothing can succeed: open the breaker and say what to fix
)

var kindNames = [...]string{"transient", "throttled", "down", "rejected", "invalid", "misconfigured"}

func (k Kind) String() string { return kindNames[k] }

// Error carries a Kind, a stable code an operator can search for, and a hint
// that says what to do about it.
type Error struct {
	Kind       Kind
	Code       string        // "acumatica.period_closed"; never reworded
	Hint       string        // imperative, one line; empty if nothing helps
	RetryAfter time.Duration // Throttled and Transient: not before this long from now; 0 = caller's own back-off
	Err        error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Code, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// KindOf reports the outermost Kind in err's chain. An error nobody
// classified is Transient: trying again is safe, because sinks are idempotent
// and the tries in place are bounded; parking a good message is not.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Transient
}

// Of returns the outermost classified error of err's chain, or one of code
// "internal.unclassified" that wraps err. err must not be nil.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return New("internal.unclassified", err)
}

// New makes an Error with the kind and hint that the registry holds for code.
// A code that is not registered is a programming error and panics: a test
// walks the sources so that none gets through.
func New(code string, err error) *Error {
	c, ok := Lookup(code)
	if !ok {
		panic("fault: code not registered: " + code)
	}
	return &Error{Kind: c.Kind, Code: c.Code, Hint: c.Hint, Err: err}
}

// Newf is New with the error made by fmt.Errorf.
func Newf(code, format string, args ...any) *Error {
	return New(code, fmt.Errorf(format, args...))
}

// After sets RetryAfter and returns e.
func (e *Error) After(d time.Duration) *Error {
	e.RetryAfter = d
	return e
}
