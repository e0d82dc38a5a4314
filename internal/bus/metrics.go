package bus

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"millrace/schemas"
)

// metrics of the stages; labels come from closed sets only.
type metrics struct {
	outcomes metric.Int64Counter
	reviews  metric.Int64Counter
	attempts metric.Float64Histogram
}

func newMetrics() (*metrics, error) {
	meter := otel.Meter("millrace/bus")
	outcomes, err := meter.Int64Counter("millrace_outcomes", metric.WithDescription("messages by stage and how they ended"))
	if err != nil {
		return nil, fmt.Errorf("metric: %w", err)
	}
	reviews, err := meter.Int64Counter("millrace_reviews", metric.WithDescription("outcomes by stage that a person should look at, although nothing is held up"))
	if err != nil {
		return nil, fmt.Errorf("metric: %w", err)
	}
	attempts, err := meter.Float64Histogram("millrace_attempt_duration", metric.WithUnit("s"),
		metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 660),
		metric.WithDescription("attempts by stage and result: an outcome or the kind of the failure"))
	if err != nil {
		return nil, fmt.Errorf("metric: %w", err)
	}
	return &metrics{outcomes, reviews, attempts}, nil
}

func (m *metrics) outcome(ctx context.Context, stage string, o *schemas.Outcome) {
	m.outcomes.Add(ctx, 1, metric.WithAttributes(attribute.String("stage", stage), attribute.String("outcome", o.Outcome)))
	if o.Review != "" {
		m.reviews.Add(ctx, 1, metric.WithAttributes(attribute.String("stage", stage)))
	}
}

func (m *metrics) attempt(ctx context.Context, stage, result string, took time.Duration) {
	m.attempts.Record(ctx, took.Seconds(), metric.WithAttributes(attribute.String("stage", stage), attribute.String("result", result)))
}
