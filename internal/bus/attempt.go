package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"millrace/internal/calls"
	"millrace/internal/fault"
	"millrace/schemas"
)

const (
	// inPlaceBudget is how long a message of a free lane is tried again before
	// its lane is blocked and the partition goes on.
	inPlaceBudget = 2 * time.Second
	firstBackoff  = 100 * time.Millisecond
	// throttleWait is used when the system does not say how long to wait.
	throttleWait = time.Second
)

// attemptInPlace tries a message until it succeeds or its lane must be
// blocked. It is the one switch from the kind of a failure to what happens to
// the message. The outcome is also meaningful beside an error: it holds the
// ids that the handler knew.
func (r *runner) attemptInPlace(ctx context.Context, m *Message) (schemas.Outcome, error) {
	ctx, counter := calls.With(ctx)
	br := r.breakers[m.Subject.Connection]
	backoff, spent := firstBackoff, time.Duration(0)
	for try := 1; ; try++ {
		if !br.enter(ctx, r) {
			return schemas.Outcome{}, errStopping
		}
		before := made(counter)
		o, err := r.attempt(ctx, m, try)
		o.Attempt = try
		o.Calls = schemas.Calls{
			Acumatica: counter.AcumaticaCalls.Load(), StripeReads: counter.StripeReads.Load(), StripeWrites: counter.StripeWrites.Load(),
		}
		if err == nil {
			r.recovered(br, m)
			br.handled()
			return o, nil
		}
		if errors.Is(err, errStopping) {
			br.unsent()
			return o, errStopping // while it waited to send something
		}
		f := fault.Of(err)
		heard := made(counter) > before && !ours(f)
		var wait time.Duration
		switch f.Kind {
		case fault.Transient:
			r.failed(br, m, heard)
			if wait = max(f.RetryAfter, jitter(backoff)); spent+wait > inPlaceBudget {
				if !leased(f) && br.suspect(m.Subject.Lane) {
					r.bus.log.Warn("many customers fail, stage slows down", "stage", r.stage.Name, "connection", m.Subject.Connection, "code", f.Code)
				}
				return o, err
			}
			spent, backoff = spent+wait, backoff*2
		case fault.Throttled:
			r.failed(br, m, heard)
			br.hold(max(f.RetryAfter, throttleWait)) // for every worker of the stage
			continue
		case fault.Down, fault.Misconfigured:
			if br.failure(f) {
				r.bus.log.Warn("stage waits", "stage", r.stage.Name, "connection", m.Subject.Connection,
					"kind", f.Kind.String(), "code", f.Code, "hint", f.Hint, "err", fmt.Sprintf("%.600s", err.Error()))
			}
			continue // enter waits until the next probe
		case fault.Rejected, fault.Invalid:
			r.failed(br, m, heard)
			return o, err
		}
		if !r.pause(ctx, wait) {
			return o, errStopping
		}
	}
}

// leased says that another worker has the posting, which says nothing about the
// other system.
func leased(f *fault.Error) bool { return f.Code == "posting.held" || f.Code == "posting.fenced" }

// ours says that the failure is of Millrace's own making, whatever was sent
// before it.
func ours(f *fault.Error) bool { return leased(f) || f.Code == "budget.waiting" }

// made counts the requests that went to the other systems.
func made(c *calls.Counter) int64 {
	return c.AcumaticaCalls.Load() + c.StripeReads.Load() + c.StripeWrites.Load()
}

// failed tells the breaker of an attempt that failed although the other system
// is not down: it answered, if it was heard at all.
func (r *runner) failed(br *breaker, m *Message, heard bool) {
	if heard {
		r.recovered(br, m)
	} else {
		br.unsent()
	}
}

// recovered tells the breaker that the other system answered, and the log when
// the stage goes on because of it.
func (r *runner) recovered(br *breaker, m *Message) {
	if br.success() {
		r.bus.log.Info("stage goes on", "stage", r.stage.Name, "connection", m.Subject.Connection)
	}
}

// attempt calls the handler once, catches what it throws, and writes the one
// log line of the attempt.
func (r *runner) attempt(ctx context.Context, m *Message, try int) (o schemas.Outcome, err error) {
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{extTrace: m.Event.TraceParent})
	ctx, span := otel.Tracer("millrace/bus").Start(ctx, "process "+r.stage.Name, trace.WithSpanKind(trace.SpanKindConsumer))
	defer span.End()
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			err = fault.Newf("internal.panic", "%v\n%s", p, debug.Stack())
		}
		took := time.Since(start)
		o.TookMS = took.Milliseconds()
		if sc := span.SpanContext(); sc.HasTraceID() {
			o.TraceID = sc.TraceID().String()
		}
		r.record(ctx, m, o, err, try, took)
	}()
	o, err = r.end(ctx, m)
	if err == nil {
		switch o.Outcome {
		case schemas.Applied, schemas.Duplicate, schemas.Skipped:
		default:
			err = fault.Newf("internal.panic", "handler of %s ended a message as %q", r.stage.Name, o.Outcome)
		}
	}
	return o, err
}

func (r *runner) record(ctx context.Context, m *Message, o schemas.Outcome, err error, try int, took time.Duration) {
	log := r.bus.log.With("stage", r.stage.Name, "connection", m.Subject.Connection, "lane", m.Subject.Lane,
		"event_id", m.Event.ID, "type", m.Event.Type, "seq", m.Seq, "attempt", try, "took_ms", took.Milliseconds(), "trace_id", o.TraceID)
	if err == nil {
		r.metrics.attempt(ctx, r.stage.Name, o.Outcome, took)
		if o.Review != "" {
			log.Warn("attempt", "outcome", o.Outcome, "reason", o.Reason, "review", o.Review, "code", o.Code, "hint", o.Hint)
			return
		}
		log.Info("attempt", "outcome", o.Outcome, "reason", o.Reason)
		return
	}
	f := fault.Of(err)
	r.metrics.attempt(ctx, r.stage.Name, f.Kind.String(), took)
	if errors.Is(err, context.Canceled) || errors.Is(err, errStopping) {
		log.Debug("attempt", "kind", "stopped")
		return
	}
	level := slog.LevelWarn
	if f.Kind == fault.Down || f.Kind == fault.Misconfigured {
		level = slog.LevelDebug // every probe fails the same way: told when the stage stops and goes on
	}
	log.Log(ctx, level, "attempt", "kind", f.Kind.String(), "code", f.Code, "hint", f.Hint, "err", fmt.Sprintf("%.600s", err.Error()))
}
