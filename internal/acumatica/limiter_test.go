package acumatica

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"
)

// told is a Limiter that notes what it is told.
type told []time.Duration

func (*told) Admit(context.Context) (func(), error) { return func() {}, nil }
func (p *told) SlowDown(d time.Duration)            { *p = append(*p, d) }

func TestARequestForAPauseReachesTheLimiter(t *testing.T) {
	for _, tt := range []struct {
		name       string
		status     int
		retryAfter string
		want       []time.Duration
	}{
		{"429 that says for how long", 429, "7", []time.Duration{7 * time.Second}},
		{"429 that does not", 429, "", []time.Duration{0}},
		{"503 that says for how long", 503, "3", []time.Duration{3 * time.Second}},
		{"503 that does not", 503, "", nil},
		{"an error that asks for nothing", 500, "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tt.retryAfter != "" {
					w.Header().Set("Retry-After", tt.retryAfter)
				}
				answer(tt.status, "text/plain", "no")(w, r)
			})
			var got told
			c.limiter = &got
			if _, err := c.Get(t.Context(), "Payment", []string{"Payment", "000001"}, Query{}); err == nil {
				t.Fatal("no error")
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("told %v, want %v", got, tt.want)
			}
		})
	}
}
