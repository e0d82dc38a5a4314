package acumatica

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"millrace/internal/fault"
)

const (
	// The first look at a running action; each later one waits twice as long.
	firstLook = 200 * time.Millisecond
	// Acumatica's own client looks once a second.
	slowestLook = 2 * time.Second
)

// Invoke runs an action on the record that keys name, and follows it to its
// end: Acumatica: 204 is done; 202 is running, its Location is asked until it
// says 204. Nothing else of this client runs on the same form meanwhile. An
// error that is Uncertain leaves open whether the action was done: read the
// record's status.
func (c *Client) Invoke(ctx context.Context, entity, action string, keys map[string]any) error {
	err := c.invoke(ctx, entity, action, keys)
	if err != nil {
		return fmt.Errorf("%s %s: %w", entity, action, err)
	}
	return nil
}

func (c *Client) invoke(ctx context.Context, entity, action string, keys map[string]any) error {
	body, err := json.Marshal(map[string]any{"entity": keys})
	if err != nil {
		return fault.New("acumatica.request", err)
	}
	leave, err := c.form(entity).alone(ctx)
	if err != nil {
		return fault.New("acumatica.timeout", err)
	}
	defer leave()
	res, err := c.do(ctx, request{
		method: http.MethodPost, entity: entity, path: c.root + "/" + entity + "/" + action, body: body, write: true,
	})
	if err != nil || res.status != http.StatusAccepted {
		return err
	}
	look := request{method: http.MethodGet, entity: entity, write: true}
	if look.path, look.query, err = c.statusPath(res.header.Get("Location")); err != nil {
		return &uncertain{err: err}
	}
	return c.follow(ctx, look)
}

// follow asks for the status of a running action. The ceiling is the time-out
// of one request, counted anew: an action may well take that long.
func (c *Client) follow(ctx context.Context, look request) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	for wait := firstLook; ; wait = min(2*wait, slowestLook) {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return &uncertain{err: fault.New("acumatica.timeout", fmt.Errorf("still running: %w", context.Cause(ctx)))}
		}
		res, err := c.do(ctx, look)
		if err != nil {
			return lost(err)
		}
		if res.status != http.StatusAccepted {
			return nil
		}
	}
}

// lost says what an error while following means: only a business error tells
// that the action was not done; and a status that is gone, as after a restart
// of the site, is no wrong endpoint.
func lost(err error) error {
	switch {
	case fault.KindOf(err) == fault.Rejected || Uncertain(err):
		return err
	case fault.Of(err).Code == "acumatica.endpoint":
		return &uncertain{err: fault.Newf("acumatica.server_error", "the action's status is gone: %w", fault.Of(err).Err)}
	default:
		return &uncertain{err: err}
	}
}

// statusPath takes the path of a Location, host-relative or absolute, but
// only on our own host: the session must not travel anywhere else.
func (c *Client) statusPath(location string) (path, query string, err error) {
	u, err := url.Parse(location)
	if err != nil || location == "" {
		return "", "", fault.Newf("acumatica.server_error", "running action without a usable Location")
	}
	if u.Host != "" && !strings.EqualFold(u.Host, c.base.Host) || !strings.HasPrefix(u.Path, "/") {
		return "", "", fault.Newf("acumatica.endpoint", "the action's Location points to another host: %s", u.Host)
	}
	return u.EscapedPath(), u.RawQuery, nil
}
