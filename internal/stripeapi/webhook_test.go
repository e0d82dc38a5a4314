package stripeapi

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"millrace/internal/fault"
)

func sign(t time.Time, body, secret string) string {
	return hex.EncodeToString(webhook.ComputeSignature(t, []byte(body), secret))
}

func TestVerifyWebhook(t *testing.T) {
	const body = `{"id":"evt_1","object":"event"}`
	now := time.Unix(1_700_000_000, 0)
	good := fmt.Sprintf("t=%d,v1=%s", now.Unix(), sign(now, body, "whsec_a"))
	at := func(d time.Duration) string {
		signed := now.Add(d)
		return fmt.Sprintf("t=%d,v1=%s", signed.Unix(), sign(signed, body, "whsec_a"))
	}
	for _, tt := range []struct {
		name    string
		header  string
		secrets []string
		want    error
	}{
		{"signed with the only secret", good, []string{"whsec_a"}, nil},
		{"signed with the second of two secrets", good, []string{"whsec_b", "whsec_a"}, nil},
		{"signed with both while the secret is rolled", good + ",v1=" + sign(now, body, "whsec_b"), []string{"whsec_b"}, nil},
		{"other schemes are ignored", good + ",v0=abc,v2=zz", []string{"whsec_a"}, nil},
		{"an unreadable signature beside a good one", "v1=zz," + good, []string{"whsec_a"}, nil},
		{"signed with a retired secret", good, []string{"whsec_b"}, ErrSignature},
		{"no secret configured", good, nil, ErrSignature},
		{"an empty secret never matches", fmt.Sprintf("t=%d,v1=%s", now.Unix(), sign(now, body, "")), []string{""}, ErrSignature},
		{"no header", "", []string{"whsec_a"}, ErrSignature},
		{"no time", "v1=" + sign(now, body, "whsec_a"), []string{"whsec_a"}, ErrSignature},
		{"no signature", fmt.Sprintf("t=%d", now.Unix()), []string{"whsec_a"}, ErrSignature},
		{"only v0", fmt.Sprintf("t=%d,v0=%s", now.Unix(), sign(now, body, "whsec_a")), []string{"whsec_a"}, ErrSignature},
		{"two times", fmt.Sprintf("t=%d,", now.Unix()) + good, []string{"whsec_a"}, ErrSignature},
		{"time is not a number", "t=now,v1=" + sign(now, body, "whsec_a"), []string{"whsec_a"}, ErrSignature},
		{"garbage", "garbage", []string{"whsec_a"}, ErrSignature},
		{"signature of another body", fmt.Sprintf("t=%d,v1=%s", now.Unix(), sign(now, body+" ", "whsec_a")), []string{"whsec_a"}, ErrSignature},
		{"another time than the signed one", fmt.Sprintf("t=%d,v1=%s", now.Unix()+1, sign(now, body, "whsec_a")), []string{"whsec_a"}, ErrSignature},
		{"cut signature", good[:len(good)-2], []string{"whsec_a"}, ErrSignature},
		{"as old as allowed", at(-5 * time.Minute), []string{"whsec_a"}, nil},
		{"too old", at(-5*time.Minute - time.Second), []string{"whsec_a"}, ErrAge},
		{"as far ahead as allowed", at(5 * time.Minute), []string{"whsec_a"}, nil},
		{"too far in the future", at(5*time.Minute + time.Second), []string{"whsec_a"}, ErrAge},
		{"old and forged is forged", at(-time.Hour), []string{"whsec_b"}, ErrSignature},
		{"end of time", fmt.Sprintf("t=%d,v1=%s", int64(math.MaxInt64), sign(time.Unix(math.MaxInt64, 0), body, "whsec_a")), []string{"whsec_a"}, ErrAge},
		{"start of time", fmt.Sprintf("t=%d,v1=%s", int64(math.MinInt64), sign(time.Unix(math.MinInt64, 0), body, "whsec_a")), []string{"whsec_a"}, ErrAge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := VerifyWebhook([]byte(body), tt.header, tt.secrets, 5*time.Minute, now)
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if err != nil && fault.KindOf(err) != fault.Invalid {
				t.Errorf("kind %v, want invalid", fault.KindOf(err))
			}
		})
	}
}

func TestParseEvent(t *testing.T) {
	head, err := ParseEvent([]byte(`{"id":"evt_1","object":"event","type":"invoice.paid","api_version":"2023-10-16","livemode":true,
		"created":1700000000,"account":"acct_1","data":{"object":{"id":"in_1"},"previous_attributes":{}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if head.ID != "evt_1" || head.Type != "invoice.paid" || head.Object != "event" || head.APIVersion != "2023-10-16" ||
		!head.Livemode || head.Created != 1700000000 || head.Account != "acct_1" || string(head.DataObject) != `{"id":"in_1"}` {
		t.Errorf("got %+v", head)
	}
	thin, err := ParseEvent([]byte(`{"id":"evt_2","object":"v2.core.event","type":"v1.billing.meter","created":"2025-01-01T00:00:00Z"}`))
	if err != nil || thin.Object != "v2.core.event" || thin.Created != 0 || thin.DataObject != nil {
		t.Errorf("thin event: %+v, %v", thin, err)
	}
	for _, body := range []string{"", "null", "[]", "{}", `{"id":"evt_1"}`, `{"id":1,"type":"x"}`, `{"id":"evt_1","type":"x"} x`} {
		if _, err := ParseEvent([]byte(body)); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%s: %v, want stripe.event_malformed", body, err)
		}
	}
}

// reference finds a folder of recorded examples beside the repository.
func reference(t *testing.T, path string) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
	}
	full := filepath.Join(dir, "..", "shared", "reference", path)
	if _, err := os.Stat(full); err != nil {
		t.Skipf("recorded examples are not here: %v", err)
	}
	return full
}

func TestParseEventReadsEveryRecordedBody(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(reference(t, "stripe/webhook-events"), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded bodies: %v", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		head, err := ParseEvent(body)
		if err != nil || head.Object != "event" || len(head.DataObject) == 0 {
			t.Errorf("%s: %+v, %v", filepath.Base(file), head, err)
		}
	}
}

func FuzzVerifyWebhook(f *testing.F) {
	now := time.Unix(1_700_000_000, 0)
	f.Add("t=1700000000,v1="+sign(now, "{}", "whsec_other"), "{}")
	f.Add("t=1,t=2,v1=00", "")
	f.Add("t=,v1=,,=", "x")
	f.Fuzz(func(t *testing.T, header, body string) {
		if err := VerifyWebhook([]byte(body), header, []string{"whsec_fuzz"}, time.Hour, now); err == nil {
			t.Fatalf("header %q passed without the secret", header)
		}
	})
}

func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(`{"id":"evt_1","object":"event","type":"invoice.paid","data":{"object":{}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if head, err := ParseEvent(body); err == nil && (head.ID == "" || head.Type == "") {
			t.Fatalf("%q passed without id or type", body)
		}
	})
}
