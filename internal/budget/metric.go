package budget

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// metrics of one budget; labels come from closed sets only.
type metrics struct {
	wait   metric.Float64Histogram
	labels []attribute.KeyValue
	tokens metric.Registration // nil without a limit
}

func newMetrics(b *Budget) (*metrics, error) {
	meter := otel.Meter("millrace/budget")
	m := &metrics{labels: []attribute.KeyValue{attribute.String("system", b.o.System), attribute.String("connection", b.o.Connection)}}
	var err error
	m.wait, err = meter.Float64Histogram("millrace_budget_wait", metric.WithUnit("s"),
		metric.WithExplicitBucketBoundaries(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300),
		metric.WithDescription("how long requests waited for leave to be sent, by class (posting or polling) and result (sent or refused)"))
	if err != nil {
		return nil, fmt.Errorf("metric: %w", err)
	}
	if b.limits.pace.gap == 0 {
		return m, nil
	}
	gauge, err := meter.Int64ObservableGauge("millrace_budget_tokens",
		metric.WithDescription("requests that all processes together may send at this moment; each process reports the same, so aggregate with max"))
	if err != nil {
		return nil, fmt.Errorf("metric: %w", err)
	}
	m.tokens, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveInt64(gauge, int64(b.left()), metric.WithAttributes(m.labels...))
		return nil
	}, gauge)
	if err != nil {
		return nil, fmt.Errorf("metric: %w", err)
	}
	return m, nil
}

func (m *metrics) waited(ctx context.Context, c class, took time.Duration, err error) {
	result := "sent"
	if err != nil {
		result = "refused"
	}
	m.wait.Record(ctx, took.Seconds(), metric.WithAttributes(
		append([]attribute.KeyValue{attribute.String("class", c.String()), attribute.String("result", result)}, m.labels...)...))
}

func (m *metrics) close() {
	if m.tokens != nil {
		_ = m.tokens.Unregister() // it never fails
	}
}

// left is how many tokens are there, as far as this process knows.
func (b *Budget) left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.now()
	if now.IsZero() || now.Before(b.notBefore) {
		return 0
	}
	return b.limits.pace.left(b.view.Spent, now)
}
