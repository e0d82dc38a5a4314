package stripetwin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxOverlap is how long a rolled secret may go on signing. Stripe: up to 24
// hours.
const maxOverlap = 24 * time.Hour

// secrets are those that sign now, the newest first.
func (e *endpoint) secrets(now int64) []string {
	if e.OldSecret != "" && now < e.OldUntil {
		return []string{e.Secret, e.OldSecret}
	}
	return []string{e.Secret}
}

// signature is the Stripe-Signature header. Stripe: HMAC-SHA256 over
// "<t>.<body>", the key is the whole secret with its prefix; one v1 for each
// secret; in test mode also a v0, which nobody may trust.
func signature(secrets []string, at int64, body []byte) string {
	ts := strconv.FormatInt(at, 10)
	sign := func(secret string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(ts + "."))
		mac.Write(body)
		return hex.EncodeToString(mac.Sum(nil))
	}
	var b strings.Builder
	b.WriteString("t=" + ts)
	for _, s := range secrets {
		b.WriteString(",v1=" + sign(s))
	}
	b.WriteString(",v0=" + sign("not a secret"))
	return b.String()
}

// RollSecret gives an endpoint a new secret and returns it, as a person does
// in Stripe's dashboard. The old one goes on signing beside it for the overlap,
// at most 24 hours; one that was rolled before ends at once.
func (t *Twin) RollSecret(ctx context.Context, endpointID string, overlap time.Duration) (secret string, err error) {
	if overlap < 0 || overlap > maxOverlap {
		return "", fmt.Errorf("overlap %v: want 0 to %v", overlap, maxOverlap)
	}
	err = t.as(ctx, func(c *call) error {
		ep := t.s.Endpoints.get(endpointID)
		if ep == nil {
			return missing("webhook endpoint", endpointID, "webhook_endpoint", http.StatusNotFound)
		}
		secret = t.newID("whsec_", 32)
		ep.OldSecret, ep.OldUntil = ep.Secret, c.now+int64(overlap/time.Second)
		ep.Secret = secret
		t.touch(&ep.head)
		return nil
	})
	return secret, err
}

func (t *Twin) controlRoll(w http.ResponseWriter, req *http.Request) {
	var in struct {
		Overlap string `json:"overlap"` // such as 24h; "" ends the old secret at once
	}
	if !readJSON(w, req, &in) {
		return
	}
	overlap, err := time.ParseDuration(orElse(in.Overlap, "0s"))
	if err != nil {
		refuseJSON(w, fmt.Errorf("overlap %q: want a duration such as 24h or 10m, or none to end the old secret at once", in.Overlap))
		return
	}
	secret, err := t.RollSecret(req.Context(), req.PathValue("id"), overlap)
	if err != nil {
		refuseJSON(w, err)
		return
	}
	sendJSON(w, http.StatusOK, map[string]string{"webhook_endpoint": req.PathValue("id"), "secret": secret})
}
