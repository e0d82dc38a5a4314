package webhook

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"millrace/internal/fault"
)

// outcome is how one webhook ended: the closed set behind the metric's label.
type outcome string

const (
	stored            outcome = "stored"
	duplicate         outcome = "duplicate"
	unsigned          outcome = "unsigned"
	tooLarge          outcome = "too_large"
	aborted           outcome = "aborted"
	overloaded        outcome = "overloaded"
	unavailable       outcome = "unavailable"
	unconfigured      outcome = "unconfigured"
	unknownConnection outcome = "unknown_connection"
)

// status is the HTTP answer. Stripe: every 2xx is success, everything else is
// sent again for up to three days.
func (o outcome) status() int {
	switch o {
	case stored, duplicate:
		return http.StatusOK
	case unsigned, aborted:
		return http.StatusBadRequest
	case tooLarge:
		return http.StatusRequestEntityTooLarge
	case unknownConnection:
		return http.StatusNotFound
	case overloaded, unavailable, unconfigured:
		return http.StatusServiceUnavailable
	}
	return http.StatusServiceUnavailable
}

// say is the body of a refusal. It tells a stranger nothing.
func (o outcome) say() string {
	switch o {
	case unsigned:
		return "signature not accepted"
	case tooLarge:
		return "body too large"
	case unknownConnection:
		return "no such connection"
	case aborted:
		return "body incomplete"
	case stored, duplicate, overloaded, unavailable, unconfigured:
		return "not stored, try again"
	}
	return "not stored, try again"
}

// level says who should look: nobody, whoever set up the sender, or us.
func (o outcome) level() slog.Level {
	switch o {
	case stored, duplicate:
		return slog.LevelInfo
	case unsigned, tooLarge, aborted, unknownConnection:
		return slog.LevelWarn
	case overloaded, unavailable, unconfigured:
		return slog.LevelError
	}
	return slog.LevelError
}

const scope = "millrace/ingest/webhook"

func tracer() trace.Tracer { return otel.Tracer(scope) }

type meters struct {
	webhooks metric.Int64Counter
	duration metric.Float64Histogram
}

func newMeters() (m meters, err error) {
	meter := otel.Meter(scope)
	m.webhooks, err = meter.Int64Counter("millrace_webhooks_total",
		metric.WithDescription("Stripe webhooks by how they ended."))
	if err != nil {
		return m, err
	}
	m.duration, err = meter.Float64Histogram("millrace_webhook_duration_seconds",
		metric.WithUnit("s"), metric.WithDescription("Time from the first byte of a webhook to its answer."),
		metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10))
	return m, err
}

// tell writes the one wide line, the metrics and the span of a webhook. No
// payload, no header, no secret gets here (Invariant 9).
func (h *Handler) tell(ctx context.Context, span trace.Span, d *delivery, status int, took time.Duration) {
	h.meter.webhooks.Add(ctx, 1, metric.WithAttributes(attribute.String("outcome", string(d.outcome))))
	h.meter.duration.Record(ctx, took.Seconds())
	span.SetAttributes(
		attribute.String("millrace.outcome", string(d.outcome)),
		attribute.String("millrace.event_id", d.event.ID),
		attribute.Int("http.response.status_code", status),
	)
	attrs := []slog.Attr{
		slog.String("outcome", string(d.outcome)), slog.Int("status", status),
		slog.String("connection", clip(d.connection)), slog.Int("bytes", d.bytes),
		slog.Float64("took_ms", float64(took.Microseconds())/1000),
	}
	if sc := span.SpanContext(); sc.HasTraceID() {
		attrs = append(attrs, slog.String("trace_id", sc.TraceID().String()))
	}
	if d.event.ID != "" {
		attrs = append(attrs, slog.String("event_id", d.event.ID), slog.String("type", clip(d.event.Type)),
			slog.String("lane", d.lane), slog.Bool("livemode", d.event.Livemode))
	}
	if d.ack.Seq > 0 {
		attrs = append(attrs, slog.Uint64("seq", d.ack.Seq))
	}
	if d.err != nil {
		span.SetStatus(codes.Error, string(d.outcome))
		attrs = append(attrs, slog.String("code", fault.Of(d.err).Code), slog.Any("err", d.err))
	}
	h.o.Log.LogAttrs(ctx, d.outcome.level(), "webhook", attrs...)
}

// clip keeps text from outside at a length that a log line can bear.
func clip(s string) string { return s[:min(len(s), maxType)] }
