package tieout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// refused is what Stripe says when it will not do a thing.
type refused struct{ code, text string }

func (r refused) Error() string { return r.code + ": " + r.text }

func isRefused(err error) bool {
	_, ok := errors.AsType[refused](err)
	return ok
}

// get reads a path of Stripe's API.
func (w *world) get(_ context.Context, path string, into any) error {
	return w.ask("GET", path, nil, into)
}

// post does something as the merchant. The form is pairs of name and value;
// without a value it is left out.
func (w *world) post(path string, into any, form ...string) error {
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		if form[i+1] != "" {
			values.Set(form[i], form[i+1])
		}
	}
	return w.ask("POST", path, strings.NewReader(values.Encode()), into)
}

func (w *world) ask(method, path string, form *strings.Reader, into any) error {
	if form == nil {
		form = strings.NewReader("")
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.stripeURL+path, form)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+stripeKey)
	if form.Len() > 0 {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end or abandoned
	var raw json.RawMessage
	if err := json.NewDecoder(res.Body).Decode(&raw); err != nil {
		return fmt.Errorf("%s %s: http %d: %w", method, path, res.StatusCode, err)
	}
	if res.StatusCode < http.StatusBadRequest {
		return json.Unmarshal(raw, into)
	}
	var e struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal(raw, &e); err != nil || res.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("%s %s: http %d: %s", method, path, res.StatusCode, raw)
	}
	return refused{e.Error.Code, e.Error.Message}
}

// An object is what Stripe answers; only a few members of it matter here.
type object struct {
	ID       string            `json:"id"`
	Charge   string            `json:"charge"`        // of an invoice
	Latest   string            `json:"latest_charge"` // of a payment intent
	Metadata map[string]string `json:"metadata"`
}

// list reads the first page of a list, which is all of it here.
func (w *world) list(path string) []object {
	var page struct {
		Data []object `json:"data"`
		More bool     `json:"has_more"`
	}
	if err := w.ask("GET", path, nil, &page); err != nil || page.More {
		w.t.Fatalf("%s: %v, more %v", path, err, page.More)
	}
	return page.Data
}
