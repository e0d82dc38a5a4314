package acusink

import (
	"context"
	"errors"
	"strings"
	"time"

	"millrace/internal/fault"
	"millrace/internal/posting"
	"millrace/schemas"
)

// keyFailing is, among the keys of a posting, since when its record cannot be
// read, in RFC 3339.
const keyFailing = "failing"

const (
	// failingFor is how long a record that cannot be read may be the only thing
	// that fails: an outage shows in other ways, too.
	failingFor = 2 * time.Minute
	// sendsAtMost is how often an annotation is written. Whoever writes a second
	// time has waited, and seen that the first one did nothing.
	sendsAtMost = 2
)

// gaveUp reports that nothing more is done for an annotation after err: it is
// refused, or it is this one that fails, while Acumatica answers. Whether the
// write was executed after all may stay open: it has no effect on money, and the
// next one compares before it writes.
func (w *work) gaveUp(ctx context.Context, err error) bool {
	if _, lost := errors.AsType[*lostError](err); lost || ctx.Err() != nil {
		return false
	}
	f := fault.Of(err)
	switch f.Kind {
	case fault.Rejected, fault.Invalid:
		return true
	case fault.Misconfigured:
		return f.Code == "acumatica.forbidden" || f.Code == "acumatica.endpoint"
	case fault.Transient:
		return w.hopeless(f)
	case fault.Throttled, fault.Down:
		return false // as everybody
	}
	return false
}

// hopeless reports a failure of Acumatica itself that has lasted.
func (w *work) hopeless(f *fault.Error) bool {
	if !strings.HasPrefix(f.Code, "acumatica.") || f.Code == "acumatica.uncertain" {
		return false
	}
	rec := w.p.Data()
	since, err := time.Parse(time.RFC3339, rec.Keys[keyFailing])
	return rec.Sends >= sendsAtMost || err == nil && w.sink.now().Sub(since) >= failingFor
}

// failing keeps since when the record of the posting cannot be read.
func (w *work) failing(ctx context.Context, cause error) error {
	rec := w.p.Data()
	if fault.KindOf(cause) != fault.Transient || rec.Keys[keyFailing] != "" || ctx.Err() != nil {
		return cause
	}
	if rec.Keys == nil {
		rec.Keys = map[string]string{}
	}
	rec.Keys[keyFailing] = w.sink.now().UTC().Format(time.RFC3339)
	if err := w.p.Save(ctx); err != nil {
		return errors.Join(err, cause)
	}
	return cause
}

// refused ends an annotation that Acumatica does not take.
func (w *work) refused(ctx context.Context, a annotation, out schemas.Outcome, cause error) (schemas.Outcome, error) {
	f := fault.Of(cause)
	rec := w.p.Data()
	rec.State, rec.Keys = posting.Done, map[string]string{keyRefused: f.Code}
	out.Outcome, out.Reason = schemas.Skipped, a.ID+" does not show what is in Stripe: "+f.Code
	out.Review = "what was to be written on " + a.ID + " was refused: " + cause.Error()
	out.Code, out.Hint = f.Code, f.Hint
	return out, w.saved(ctx)
}
