package stripeapi

import (
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"millrace/internal/fault"
)

// Why a webhook is refused; the fault codes are stripe.signature and
// stripe.signature_age.
var (
	ErrSignature = errors.New("no signature matches an active secret")
	ErrAge       = errors.New("signed time is out of range")
)

// VerifyWebhook proves that Stripe signed the raw body with one of the active
// secrets, of which there are several while one is rolled, and that it did so
// within maxAge of now, in the past or in the future. The signature is judged
// before the age, so that ErrAge is only ever told to somebody who knows a
// secret. Header: "t=<unix seconds>,v1=<hex>,…". (Stripe: "Verify webhook
// signatures".)
func VerifyWebhook(body []byte, header string, secrets []string, maxAge time.Duration, now time.Time) error {
	signed, signatures, err := parseSignature(header)
	if err != nil {
		return fault.New("stripe.signature", err)
	}
	if !signatureMatches(body, signed, signatures, secrets) {
		return fault.New("stripe.signature", ErrSignature)
	}
	if age := now.Sub(signed); age.Abs() > maxAge {
		return fault.Newf("stripe.signature_age", "signed %s before now, allowed are %s both ways: %w", age.Truncate(time.Second), maxAge, ErrAge)
	}
	return nil
}

// signatureMatches says whether any signature was made with any secret. An
// empty secret would let anybody sign, so it never matches (Invariant 8).
func signatureMatches(body []byte, signed time.Time, signatures [][]byte, secrets []string) bool {
	matches := false
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		want := webhook.ComputeSignature(signed, body, secret)
		for _, got := range signatures {
			matches = hmac.Equal(want, got) || matches
		}
	}
	return matches
}

// parseSignature reads the header. Schemes other than v1 are ignored, as
// Stripe asks; a second time is refused, because it would be unclear which of
// the two was signed.
func parseSignature(header string) (signed time.Time, signatures [][]byte, err error) {
	if header == "" {
		return signed, nil, fmt.Errorf("no Stripe-Signature header: %w", ErrSignature)
	}
	times := 0
	for part := range strings.SplitSeq(header, ",") {
		scheme, value, found := strings.Cut(part, "=")
		if !found {
			return signed, nil, fmt.Errorf("malformed Stripe-Signature header: %w", ErrSignature)
		}
		switch scheme {
		case "t":
			seconds, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return signed, nil, fmt.Errorf("malformed time in Stripe-Signature header: %w", ErrSignature)
			}
			signed = time.Unix(seconds, 0)
			times++
		case "v1":
			if mac, err := hex.DecodeString(value); err == nil {
				signatures = append(signatures, mac)
			}
		}
	}
	if times != 1 || len(signatures) == 0 {
		return signed, nil, fmt.Errorf("Stripe-Signature header has %d times and %d readable v1 signatures: %w", times, len(signatures), ErrSignature)
	}
	return signed, signatures, nil
}

// EventHead is what is known of a webhook body without trusting more of it
// than its envelope. The object inside is only a hint: it is as old as the
// event and in the API version of the endpoint.
type EventHead struct {
	ID         string // evt_…
	Type       string // invoice.paid
	Object     string // the body's own "object": "event", or something Millrace does not handle, such as "v2.core.event"
	APIVersion string // may be empty
	Account    string // acct_…; Connect only
	Livemode   bool
	Created    int64           // unix seconds; 0 when unknown
	DataObject json.RawMessage // data.object; nil when there is none
}

// ParseEvent reads the envelope of a webhook body. stripe.event_malformed when
// it is not a JSON object with an id and a type. A body whose Object is not
// "event" is returned without an error: the caller decides to skip it.
func ParseEvent(body []byte) (EventHead, error) {
	var raw struct {
		ID         string          `json:"id"`
		Type       string          `json:"type"`
		Object     string          `json:"object"`
		APIVersion string          `json:"api_version"`
		Account    string          `json:"account"`
		Livemode   bool            `json:"livemode"`
		Created    json.RawMessage `json:"created"` // a number; text in v2 events
		Data       struct {
			Object json.RawMessage `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return EventHead{}, fault.Newf("stripe.event_malformed", "webhook body: %w", err)
	}
	if raw.ID == "" || raw.Type == "" {
		return EventHead{}, fault.Newf("stripe.event_malformed", "webhook body: no id or no type")
	}
	created, err := strconv.ParseInt(string(raw.Created), 10, 64)
	if err != nil {
		created = 0
	}
	return EventHead{
		ID: raw.ID, Type: raw.Type, Object: raw.Object, APIVersion: raw.APIVersion, Account: raw.Account,
		Livemode: raw.Livemode, Created: created, DataObject: raw.Data.Object,
	}, nil
}
