package year

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// An object is what Stripe answers; only a few members of it matter here.
type object struct {
	ID       string            `json:"id"`
	Amount   int64             `json:"amount"`
	Charge   string            `json:"latest_charge"` // of a payment intent
	Created  int64             `json:"created"`
	Metadata map[string]string `json:"metadata"`
	Error    *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// refused is what Stripe says when it will not do a thing.
type refused struct{ code, text string }

func (r refused) Error() string { return strings.TrimPrefix(r.code+": "+r.text, ": ") }

// post does something in Stripe as the merchant. The form is pairs of name and
// value.
func (c *company) post(ctx context.Context, path string, form ...string) (object, error) {
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		if form[i+1] != "" {
			values.Set(form[i], form[i+1])
		}
	}
	return c.call(ctx, http.MethodPost, path, values.Encode())
}

func (c *company) call(ctx context.Context, method, path, body string) (o object, err error) {
	err = c.ask(ctx, method, path, body, &o)
	if err == nil && o.Error != nil {
		return o, refused{o.Error.Code, o.Error.Message}
	}
	return o, err
}

func (c *company) ask(ctx context.Context, method, path, body string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.StripeURL+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.Client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end or abandoned
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return fmt.Errorf("%s %s: http %d: %w", method, path, res.StatusCode, err)
	}
	return nil
}

// index lists objects and files them under one of their metadata.
func (c *company) index(ctx context.Context, path, key string, into map[string]string) error {
	for after := ""; ; {
		var page struct {
			Data    []object `json:"data"`
			HasMore bool     `json:"has_more"`
		}
		if err := c.ask(ctx, http.MethodGet, path+"&limit=100"+after, "", &page); err != nil {
			return err
		}
		for _, o := range page.Data {
			if v := o.Metadata[key]; v != "" {
				into[v] = o.ID
			}
			after = "&starting_after=" + o.ID
		}
		if !page.HasMore {
			return nil
		}
	}
}
