package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/schemas"
)

// connect reaches the embedded broker of the running process.
func (w *world) connect() *bus.Bus {
	w.t.Helper()
	var run struct {
		URL   string `json:"nats_url"`
		Token string `json:"nats_token"`
	}
	data, err := os.ReadFile(filepath.Join(w.dir, "data", "run.json"))
	if err != nil || json.Unmarshal(data, &run) != nil {
		w.t.Fatalf("run.json: %v", err)
	}
	b, err := bus.Connect(w.t.Context(), bus.Options{URL: run.URL, Token: run.Token, Name: "e2e"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = b.Close() })
	return b
}

// outcomes reads how each message of a stage ended, by event id.
func (w *world) outcomes(b *bus.Bus, stage string) map[string]schemas.Outcome {
	w.t.Helper()
	got := map[string]schemas.Outcome{}
	err := b.Scan(w.t.Context(), bus.Outcomes, 1, func(m *bus.Message) error {
		var o schemas.Outcome
		if err := json.Unmarshal(m.Event.Data, &o); err != nil {
			return err
		}
		if o.Stage == stage {
			got[o.EventID] = o
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// deliver posts a signed body to ingest.
func (w *world) deliver(body []byte, secret string) int {
	w.t.Helper()
	at := time.Now().Unix()
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at, body)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://"+w.ingest+"/webhooks/stripe", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=%s", at, hex.EncodeToString(mac.Sum(nil))))
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestEveryRecordedWebhookIsStoredOnceAndEndsWithAReason(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../shared/reference/stripe/webhook-events/*.json")
	if err != nil || len(files) == 0 {
		t.Skip("no recorded webhook bodies beside the repository")
	}
	w := newWorld(t, trap{})
	w.start()
	b := w.connect()
	ids := map[string]string{}
	for i, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var head struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(body, &head); err != nil {
			t.Fatal(err)
		}
		// Some bodies share one id; Stripe's ids are unique.
		id := fmt.Sprintf("%s_%d", head.ID, i)
		body = bytes.Replace(body, []byte(`"`+head.ID+`"`), []byte(`"`+id+`"`), 1)
		ids[id] = filepath.Base(file)
		for range 2 {
			if code := w.deliver(body, webhookSecret); code != http.StatusOK {
				t.Errorf("%s: %d", filepath.Base(file), code)
			}
		}
	}
	stored := map[string]int{}
	if err := b.Scan(t.Context(), bus.Events, 1, func(m *bus.Message) error { stored[m.Event.ID]++; return nil }); err != nil {
		t.Fatal(err)
	}
	for id, file := range ids {
		if stored[id] != 1 {
			t.Errorf("%s: stored %d times", file, stored[id])
		}
	}
	w.until("every event ended", func() bool {
		got := w.outcomes(b, "transform")
		for id := range ids {
			if got[id].Outcome == "" {
				return false
			}
		}
		return true
	})
	for id, o := range w.outcomes(b, "transform") {
		file, ours := ids[id]
		if !ours {
			continue
		}
		if o.Reason == "" || o.Code == "internal.panic" {
			t.Errorf("%s: %+v", file, o)
		}
		if strings.HasPrefix(file, "checkout.session") && o.Outcome != schemas.Skipped {
			t.Errorf("%s is of live mode: %s (%s), want skipped", file, o.Outcome, o.Reason)
		}
	}
}

func TestUnsignedWebhookIsRefusedAndNotStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trap{})
	w.start()
	b := w.connect()
	body := []byte(`{"id":"evt_forged","object":"event","type":"invoice.paid","data":{"object":{"id":"in_1","object":"invoice"}}}`)
	if code := w.deliver(body, "whsec_wrong"); code != http.StatusBadRequest {
		t.Errorf("wrong secret: %d, want 400", code)
	}
	if code := w.deliver(bytes.Repeat([]byte("x"), 2<<20), webhookSecret); code != http.StatusRequestEntityTooLarge {
		t.Errorf("2 MiB: %d, want 413", code)
	}
	err := b.Scan(t.Context(), bus.Events, 1, func(m *bus.Message) error {
		if m.Event.ID == "evt_forged" {
			t.Error("the forged event was stored")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
