package acumatica

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"millrace/internal/calls"
	"millrace/internal/fault"
)

// List reads the records that match. The time is the server's clock, from the
// Date header; zero if there was none. Acumatica: the order is not defined,
// and an answer may be shortened silently by restriction groups.
func (c *Client) List(ctx context.Context, entity string, q Query) ([]Record, time.Time, error) {
	res, err := c.entity(ctx, request{method: http.MethodGet, entity: entity, path: c.root + "/" + entity, query: q.encode()})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("list %s: %w", entity, err)
	}
	var list []Record
	if err := c.decode(res, &list); err != nil {
		return nil, time.Time{}, fmt.Errorf("list %s: %w", entity, err)
	}
	return list, res.date, nil
}

// Get reads one record by its keys in the order of the form (Type first,
// number second), or by its id as the only key. acumatica.not_found if there
// is none: see IsNotFound.
func (c *Client) Get(ctx context.Context, entity string, keys []string, q Query) (Record, error) {
	path, err := c.keyPath(entity, keys)
	if err != nil {
		return nil, err
	}
	res, err := c.entity(ctx, request{method: http.MethodGet, entity: entity, path: path, query: q.encode(), byKey: true})
	if err != nil {
		return nil, fmt.Errorf("get %s %s: %w", entity, strings.Join(keys, " "), err)
	}
	var r Record
	if err := c.decode(res, &r); err != nil {
		return nil, fmt.Errorf("get %s %s: %w", entity, strings.Join(keys, " "), err)
	}
	return r, nil
}

// Put creates the record, or updates the one that the keys or the id in the
// body name, and returns it as saved, with the details that q expands.
// Acumatica: unknown fields are ignored without an error, a key that is
// numbered automatically is replaced; compare what comes back. Not
// idempotent: after an error that is Uncertain, search before putting again.
func (c *Client) Put(ctx context.Context, entity string, body map[string]any, q Query) (Record, error) {
	return c.put(ctx, request{entity: entity, query: q.encode()}, body)
}

// Update is Put for a record that must be there: it never inserts one, and
// fails with acumatica.validation where there is none any more.
func (c *Client) Update(ctx context.Context, entity string, body map[string]any, q Query) (Record, error) {
	return c.put(ctx, request{entity: entity, query: q.encode(), update: true}, body)
}

func (c *Client) put(ctx context.Context, r request, body map[string]any) (Record, error) {
	var err error
	r.method, r.path, r.write = http.MethodPut, c.root+"/"+r.entity, true
	if r.body, err = json.Marshal(body); err != nil {
		return nil, fault.Newf("acumatica.request", "put %s: %w", r.entity, err)
	}
	res, err := c.entity(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("put %s: %w", r.entity, err)
	}
	var saved Record
	if err := c.decode(res, &saved); err != nil {
		return nil, fmt.Errorf("put %s: %w", r.entity, err)
	}
	return saved, nil
}

// Delete removes the record with these keys, or with this id.
// acumatica.not_found if there is none.
func (c *Client) Delete(ctx context.Context, entity string, keysOrID ...string) error {
	path, err := c.keyPath(entity, keysOrID)
	if err != nil {
		return err
	}
	_, err = c.entity(ctx, request{method: http.MethodDelete, entity: entity, path: path, byKey: true, write: true})
	if err != nil {
		return fmt.Errorf("delete %s %s: %w", entity, strings.Join(keysOrID, " "), err)
	}
	return nil
}

// entity sends a request while no action runs on the same form. One that
// yields may wait long for the limiter: it takes the form only after it.
func (c *Client) entity(ctx context.Context, r request) (*response, error) {
	f := c.form(r.entity)
	if calls.Yields(ctx) {
		r.later = f
		return c.do(ctx, r)
	}
	leave, err := f.share(ctx)
	if err != nil {
		return nil, fault.New("acumatica.timeout", err)
	}
	defer leave()
	return c.do(ctx, r)
}

// keyPath refuses keys that cannot stand in a path. Acumatica: a key with a
// slash can be read by id only.
func (c *Client) keyPath(entity string, keys []string) (string, error) {
	if len(keys) == 0 {
		return "", fault.Newf("acumatica.request", "%s: no key", entity)
	}
	var path strings.Builder
	path.WriteString(c.root + "/" + entity)
	for _, k := range keys {
		if k == "" || k == "." || k == ".." || strings.ContainsAny(k, "/|\\") {
			return "", fault.Newf("acumatica.request", "%s: key %q cannot be part of an address", entity, k)
		}
		path.WriteString("/" + url.PathEscape(k))
	}
	return path.String(), nil
}
