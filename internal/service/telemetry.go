package service

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	promexporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"millrace/internal/bus"
)

// startTelemetry sets up metrics and traces and returns the handler of
// /metrics. Spans are made always, so that trace ids reach logs and events;
// they leave the process only when OTEL_EXPORTER_OTLP_ENDPOINT is set.
func (rt *Runtime) startTelemetry(ctx context.Context, o Options) (http.Handler, error) {
	res := resource.NewSchemaless(attribute.String("service.name", "millrace-"+o.Name))

	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := promexporter.New(promexporter.WithRegisterer(reg), promexporter.WithoutScopeInfo(), promexporter.WithoutTargetInfo())
	if err != nil {
		return nil, err
	}
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(res))
	rt.OnStop("metrics", meters.Shutdown)
	rt.Meter = meters.Meter("millrace")
	if err := rt.observeBuild(); err != nil {
		return nil, err
	}

	traceOpts := []sdktrace.TracerProviderOption{sdktrace.WithResource(res)}
	if o.Getenv != nil && o.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" {
		exp, err := otlptracehttp.New(ctx)
		if err != nil {
			return nil, fmt.Errorf("trace exporter: %w", err)
		}
		traceOpts = append(traceOpts, sdktrace.WithBatcher(exp))
	}
	tracers := sdktrace.NewTracerProvider(traceOpts...)
	rt.OnStop("traces", tracers.Shutdown)

	otel.SetMeterProvider(meters)
	otel.SetTracerProvider(tracers)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg}), nil
}

// observeBuild exports millrace_build_info.
func (rt *Runtime) observeBuild() error {
	version, revision := "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	_, err := rt.Meter.Int64ObservableGauge("millrace_build_info",
		metric.WithDescription("Always 1; the labels say which build runs."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(1, metric.WithAttributes(attribute.String("version", version), attribute.String("revision", revision)))
			return nil
		}))
	return err
}

// observeLag exports what every stage still has before it. The numbers are the
// broker's, so each process of an installation reports the same ones:
// aggregate them with max.
func (rt *Runtime) observeLag() error {
	gauge := func(name, description string) (metric.Int64ObservableGauge, error) {
		return rt.Meter.Int64ObservableGauge(name, metric.WithDescription(description))
	}
	pending, err := gauge("millrace_lag_events", "Messages stored and not yet finished by the stage.")
	if err != nil {
		return err
	}
	blocked, err := gauge("millrace_blocked_lanes", "Lanes that wait or are parked at a message that failed.")
	if err != nil {
		return err
	}
	parked, err := gauge("millrace_parked_lanes", "Lanes held until a person decides.")
	if err != nil {
		return err
	}
	observe := func(o metric.Observer, l bus.StageLag) {
		labels := metric.WithAttributes(attribute.String("stage", l.Stage), attribute.String("connection", l.Connection))
		o.ObserveInt64(pending, int64(l.Pending)+int64(l.AckPending), labels) //nolint:gosec // a stream does not hold 2^63 messages
		o.ObserveInt64(blocked, int64(l.BlockedLanes), labels)
		o.ObserveInt64(parked, int64(l.ParkedLanes), labels)
	}
	_, err = rt.Meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		defer cancel()
		lags, err := rt.Bus.Lag(ctx, rt.Config.ConnectionNames())
		if err != nil {
			return fmt.Errorf("lag: %w", err)
		}
		for _, l := range lags {
			observe(o, l)
		}
		return nil
	}, pending, blocked, parked)
	return err
}
