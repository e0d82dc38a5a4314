package service

import (
	"cmp"
	"fmt"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/budget"
	"millrace/internal/config"
)

// acumaticaBudget is this process's part of what the installation may ask of
// Acumatica. It is given back after the client has signed out.
func (rt *Runtime) acumaticaBudget(c config.Connection) (*budget.Budget, error) {
	return rt.budget(budget.Options{
		System: "acumatica", Connection: c.Name,
		Requests: c.Acumatica.RequestsPerMinute, Per: time.Minute, Concurrent: cmp.Or(c.Acumatica.Concurrency, acumatica.DefaultConcurrency),
	})
}

// stripeBudget is this process's part of what the installation may ask of
// Stripe.
func (rt *Runtime) stripeBudget(c config.Connection) (*budget.Budget, error) {
	return rt.budget(budget.Options{System: "stripe", Connection: c.Name, Requests: c.Stripe.RequestsPerSecond, Per: time.Second})
}

func (rt *Runtime) budget(o budget.Options) (*budget.Budget, error) {
	o.Log = rt.Log
	b, err := budget.New(rt.Bus, o)
	if err != nil {
		return nil, fmt.Errorf("connection %s: %w", o.Connection, err)
	}
	rt.closers = append(rt.closers, closer{"budget of " + o.System + " " + o.Connection, b.Close})
	return b, nil
}
