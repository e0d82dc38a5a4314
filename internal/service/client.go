package service

import (
	"context"
	"fmt"
	"net/http"

	"millrace/internal/acumatica"
	"millrace/internal/config"
	"millrace/internal/stripeapi"
)

// clients are the process's API clients by connection. All services of a
// process share them: sessions and budgets are counted per user, not per
// service.
type clients struct {
	http      http.RoundTripper // nil: each client has its own connections
	acumatica map[string]*acumatica.Client
	stripe    map[string]*stripeapi.Client
}

// client is the HTTP client of an API client; nil lets it make its own.
func (c *clients) client() *http.Client {
	if c.http == nil {
		return nil
	}
	return &http.Client{Transport: c.http} // the API clients bound each request themselves
}

// Acumatica returns the process's one client of a connection. It is checked by
// /readyz and signed out when the process stops: a session that is not signed
// out holds a licence slot (Acumatica: until it has been idle for minutes).
func (rt *Runtime) Acumatica(c config.Connection) (*acumatica.Client, error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if client, ok := rt.clients.acumatica[c.Name]; ok {
		return client, nil
	}
	limiter, err := rt.acumaticaBudget(c)
	if err != nil {
		return nil, err
	}
	a := c.Acumatica
	client, err := acumatica.New(acumatica.Config{
		BaseURL: a.URL, Tenant: a.Tenant, Endpoint: a.Endpoint,
		Username: a.Username, Password: a.Password.Reveal(),
		ClientID: a.ClientID, ClientSecret: a.ClientSecret.Reveal(),
		Branch: a.Branch, Timeout: a.Timeout, Concurrency: a.Concurrency,
		Limiter: limiter, HTTPClient: rt.clients.client(),
		Log: rt.Log.With("connection", c.Name),
	})
	if err != nil {
		return nil, fmt.Errorf("connection %s: %w", c.Name, err)
	}
	if rt.clients.acumatica == nil {
		rt.clients.acumatica = make(map[string]*acumatica.Client)
	}
	rt.clients.acumatica[c.Name] = client
	rt.closers = append(rt.closers, closer{"sign-out of acumatica " + c.Name, client.Close})
	rt.checks = append(rt.checks, check{"acumatica " + c.Name, newProbe(client.Ping).check})
	return client, nil
}

// Stripe returns the process's one client of a connection; /readyz checks that
// its key is accepted.
func (rt *Runtime) Stripe(c config.Connection) (*stripeapi.Client, error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if client, ok := rt.clients.stripe[c.Name]; ok {
		return client, nil
	}
	limiter, err := rt.stripeBudget(c)
	if err != nil {
		return nil, err
	}
	client, err := stripeapi.New(stripeapi.Config{
		APIKey: c.Stripe.APIKey.Reveal(), BaseURL: c.Stripe.APIBase, Limiter: limiter, HTTPClient: rt.clients.client(),
		Log: rt.Log.With("connection", c.Name),
	})
	if err != nil {
		return nil, fmt.Errorf("connection %s: %w", c.Name, err)
	}
	if rt.clients.stripe == nil {
		rt.clients.stripe = make(map[string]*stripeapi.Client)
	}
	rt.clients.stripe[c.Name] = client
	rt.checks = append(rt.checks, check{"stripe " + c.Name, newProbe(func(ctx context.Context) error { return client.Check(ctx) }).check})
	return client, nil
}
