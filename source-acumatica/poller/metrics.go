package poller

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"millrace/internal/fault"
)

const scope = "millrace/source-acumatica/poller"

func tracer() trace.Tracer { return otel.Tracer(scope) }

type meters struct {
	connection metric.MeasurementOption
	polls      metric.Int64Counter
	events     metric.Int64Counter
	unstable   metric.Int64Counter
	callback   metric.Registration
}

// newMeters makes the instruments of one connection; ages is asked whenever
// somebody reads the metrics.
func newMeters(connection string, ages func(func(object string, age time.Duration))) (m meters, err error) {
	meter := otel.Meter(scope)
	m.connection = metric.WithAttributes(attribute.String("connection", connection))
	if m.polls, err = meter.Int64Counter("millrace_polls_total",
		metric.WithDescription("Rounds of polling by how they ended: ok, or the kind of the failure.")); err != nil {
		return m, err
	}
	if m.events, err = meter.Int64Counter("millrace_polled_events_total",
		metric.WithDescription("Changes found by polling and stored, or found stored already.")); err != nil {
		return m, err
	}
	if m.unstable, err = meter.Int64Counter("millrace_unstable_windows_total",
		metric.WithDescription("Windows given up because their rows kept moving; they are read again.")); err != nil {
		return m, err
	}
	age, err := meter.Float64ObservableGauge("millrace_cursor_age_seconds", metric.WithUnit("s"),
		metric.WithDescription("How far the poller is behind Acumatica's clock; only where it polls."))
	if err != nil {
		return m, err
	}
	m.callback, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		ages(func(object string, d time.Duration) {
			o.ObserveFloat64(age, d.Seconds(), m.connection, metric.WithAttributes(attribute.String("object", object)))
		})
		return nil
	}, age)
	return m, err
}

// stop takes the poller out of the metrics.
func (m *meters) stop() { _ = m.callback.Unregister() }

func (m *meters) poll(ctx context.Context, err error) {
	outcome := "ok"
	if err != nil {
		outcome = fault.KindOf(err).String()
	}
	m.polls.Add(ctx, 1, m.connection, metric.WithAttributes(attribute.String("outcome", outcome)))
}

func (m *meters) event(ctx context.Context, object string, duplicate bool) {
	outcome := "stored"
	if duplicate {
		outcome = "duplicate"
	}
	m.events.Add(ctx, 1, m.connection, metric.WithAttributes(attribute.String("object", object), attribute.String("outcome", outcome)))
}

func (m *meters) unsettled(ctx context.Context) { m.unstable.Add(ctx, 1, m.connection) }
