package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// stripe is the twin, as a merchant and as its owner.
type stripe struct{ url, key string }

// buyers is how many pay at a time.
const buyers = 8

// charge makes charges whose money is available at once.
func (s stripe) charge(ctx context.Context, n int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var running sync.WaitGroup
	for range buyers {
		running.Go(func() {
			for i := range next {
				form := url.Values{
					"amount": {strconv.Itoa(5_00 + i%200_00)}, "currency": {"usd"}, "confirm": {"true"}, "payment_method": {"pm_card_bypassPending"},
				}
				if err := s.call(ctx, http.MethodPost, "/v1/payment_intents", "application/x-www-form-urlencoded", form.Encode(), nil); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	running.Wait()
	return context.Cause(ctx)
}

// delivered waits until every webhook was taken.
func (s stripe) delivered(ctx context.Context) error {
	return wait(ctx, "the webhooks are delivered", func() (bool, error) {
		var open struct {
			Data []struct{} `json:"data"`
		}
		err := s.call(ctx, http.MethodGet, "/v1/events?limit=1&delivery_success=false", "", "", &open)
		return err == nil && len(open.Data) == 0, err
	})
}

// payOut pays everything out and lets it arrive.
func (s stripe) payOut(ctx context.Context) (id string, err error) {
	var made struct {
		Payout string `json:"payout"`
	}
	if err := s.control(ctx, "/_twin/payout", map[string]string{"currency": "usd"}, &made); err != nil {
		return "", err
	}
	return made.Payout, s.control(ctx, "/_twin/advance", map[string]string{"by": "72h"}, nil)
}

func (s stripe) control(ctx context.Context, path string, in, into any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return s.call(ctx, http.MethodPost, path, "application/json", string(body), into)
}

func (s stripe) call(ctx context.Context, method, path, kind, body string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return do(req, into)
}

func do(req *http.Request, into any) error {
	res, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	var text bytes.Buffer
	if _, err := text.ReadFrom(res.Body); err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: http %d: %s", req.Method, req.URL.Path, res.StatusCode, text.String())
	}
	if into == nil {
		return nil
	}
	return decode(text.Bytes(), into)
}

func decode(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%w in %.200q", err, text)
	}
	return nil
}

// posted waits for the journals of a payout, the one of its own movement
// included, and returns how many lines they have.
func (x *installation) posted(ctx context.Context, payout string) (lines int, err error) {
	err = wait(ctx, "the journals of "+payout, func() (bool, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, x.erp+"/_twin/ledger", nil)
		if err != nil {
			return false, err
		}
		var batches []struct {
			Description string     `json:"description"`
			Lines       []struct{} `json:"lines"`
		}
		if err := do(req, &batches); err != nil {
			return false, err
		}
		bank, parts := false, false
		lines = 0
		for _, b := range batches {
			if !strings.Contains(b.Description, payout) {
				continue
			}
			lines += len(b.Lines)
			if strings.Contains(b.Description, " bank ") {
				bank = true
			} else {
				parts = true
			}
		}
		return bank && parts, nil
	})
	return lines, err
}

// wait asks until it is so.
func wait(ctx context.Context, what string, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("not in time: "+what))
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := done()
		if ok || err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}
