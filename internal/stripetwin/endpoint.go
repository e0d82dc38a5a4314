package stripetwin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxEndpoints per account and mode. Stripe: 16.
const maxEndpoints = 16

// An endpoint receives events. Stripe: its secret is told only when it is
// made; its api_version, not the request's, shapes the events.
type endpoint struct {
	head
	URL         string
	Secret      string // whsec_…
	OldSecret   string // signs beside Secret until OldUntil
	OldUntil    int64  // Unix seconds
	Events      []string
	Description string
	APIVersion  string // "" follows the account, which is at APIVersion
	Disabled    bool
	Managed     bool // the one that SetWebhook looks after
}

func (e *endpoint) render() object {
	status := "enabled"
	if e.Disabled {
		status = "disabled"
	}
	return object{
		"id": e.ID, "object": "webhook_endpoint", "api_version": orNull(e.APIVersion), "application": nil, "created": e.Created,
		"description": orNull(e.Description), "enabled_events": strList(e.Events), "livemode": false,
		"metadata": metadataOf(e.Metadata), "status": status, "url": e.URL,
	}
}

// wants reports whether events of the type go to the endpoint. An endpoint for
// "*" gets no invoice.created: whoever takes that event holds up billing, so
// it must be asked for by name.
func (e *endpoint) wants(typ string) bool {
	return !e.Disabled && (slices.Contains(e.Events, typ) || typ != "invoice.created" && slices.Contains(e.Events, "*"))
}

// SetWebhook makes the twin deliver its events to url, signed with secret, in
// the shape of APIVersion. Calling it again moves the same endpoint, so that
// what was still undelivered goes to the new url.
func (t *Twin) SetWebhook(url, secret string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ep *endpoint
	for e := range t.s.Endpoints.find(nil, always, nil).newest() {
		if e.Managed {
			ep = e
		}
	}
	if ep == nil {
		ep = &endpoint{
			head: t.newHead(&call{now: t.now().Unix()}, t.newID("we_1", 23)), Events: []string{"*"},
			APIVersion: APIVersion, Managed: true,
		}
		t.s.Endpoints.put(ep)
	}
	ep.URL, ep.Secret, ep.OldSecret = url, secret, ""
	t.s.mark(ep.ID)
	t.s.Deliveries.hurry(ep.ID) // the address is a new one
	if err := t.commit(); err != nil {
		t.log.Error("webhook_not_saved", "err", err)
	}
}

func (t *Twin) endpointFields(c *call, ep *endpoint, fresh bool) error {
	f := c.form
	if f.has("url") || fresh {
		ep.URL = f.str("url", 2000)
		u, err := url.Parse(ep.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return invalid("url_invalid", "url", "Invalid URL: An explicit scheme (such as https) must be provided.")
		}
	}
	if f.has("enabled_events") || fresh {
		ep.Events = f.list("enabled_events")
		for _, v := range ep.Events {
			if v != "*" && (strings.Contains(v, "*") || !strings.Contains(v, ".")) {
				return invalid("", "enabled_events", "Invalid enabled_events: %s is not the name of an event.", v)
			}
		}
	}
	f.set(&ep.Description, "description", 5000)
	ep.Metadata = f.metadata(ep.Metadata)
	ep.Disabled = f.boolean("disabled", ep.Disabled)
	if f.err != nil {
		return f.err
	}
	return nil
}

func createEndpoint(t *Twin, c *call) (object, error) {
	for _, p := range []string{"url", "enabled_events"} {
		if !c.form.has(p) {
			return nil, missingParam(p)
		}
	}
	if t.s.Endpoints.len() >= maxEndpoints {
		return nil, refused("", "You have reached the maximum of %d test webhook endpoints.", maxEndpoints)
	}
	version := c.form.str("api_version", 40)
	if version != "" && version != APIVersion {
		return nil, notImplemented("api_version %s of a webhook endpoint (only %s)", version, APIVersion)
	}
	var draft endpoint
	if err := t.endpointFields(c, &draft, true); err != nil {
		return nil, err
	}
	meta := draft.Metadata
	draft.head = t.newHead(c, t.newID("we_1", 23))
	draft.Metadata, draft.APIVersion, draft.Secret = meta, version, t.newID("whsec_", 32)
	t.s.Endpoints.put(&draft)
	o := draft.render()
	o["secret"] = draft.Secret
	return o, nil
}

func (t *Twin) endpoint(c *call) (*endpoint, error) {
	ep := t.s.Endpoints.get(c.id)
	if ep == nil {
		return nil, missing("webhook endpoint", c.id, "webhook_endpoint", http.StatusNotFound)
	}
	return ep, nil
}

func getEndpoint(t *Twin, c *call) (object, error) {
	ep, err := t.endpoint(c)
	if err != nil {
		return nil, err
	}
	return ep.render(), nil
}

func listEndpoints(t *Twin, c *call) (object, error) {
	return page(c, t.s.Endpoints.find(nil, always, nil), "webhook endpoint", (*endpoint).render)
}

func updateEndpoint(t *Twin, c *call) (object, error) {
	ep, err := t.endpoint(c)
	if err != nil {
		return nil, err
	}
	changed := *ep
	if err := t.endpointFields(c, &changed, false); err != nil {
		return nil, err
	}
	*ep = changed
	t.touch(&ep.head)
	return ep.render(), nil
}

func deleteEndpoint(t *Twin, c *call) (object, error) {
	if _, err := t.endpoint(c); err != nil {
		return nil, err
	}
	t.s.Endpoints.delete(c.id)
	return object{"id": c.id, "object": "webhook_endpoint", "deleted": true}, nil
}
