package budget

import (
	"context"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/acumaticatwin"
	"millrace/internal/bustest"
	"millrace/internal/fault"
)

// Two processes want far more than the licence has. Their budget is half of
// its requests a minute, from where on Acumatica delays.
func TestALicenceIsNeitherDelayedNorExceeded(t *testing.T) {
	t.Parallel()
	var delayed atomic.Int64
	twin, err := acumaticatwin.New(acumaticatwin.Options{
		Username: "bridge", Password: "password",
		Limits: acumaticatwin.Limits{RequestsPerMinute: 60, Concurrent: 2, Wait: func(time.Duration) { delayed.Add(1) }},
	})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(twin.Handler())
	defer web.Close()
	b := bustest.New(t)
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
	defer stop()
	var answered, declined atomic.Int64
	var running sync.WaitGroup
	for range 2 {
		client, err := acumatica.New(acumatica.Config{
			BaseURL: web.URL, Endpoint: "Default/24.200.001", Username: "bridge", Password: "password",
			Limiter: join(t, b, Options{Requests: 30, Per: time.Minute, Concurrent: 2}),
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			running.Go(func() {
				err := client.Ping(ctx)
				switch {
				case err == nil:
					answered.Add(1)
				case fault.Of(err).Code == "acumatica.throttled":
					declined.Add(1)
				}
			})
		}
	}
	running.Wait()
	if n := delayed.Load(); n != 0 {
		t.Errorf("Acumatica delayed %d requests", n)
	}
	if n := declined.Load(); n != 0 {
		t.Errorf("Acumatica declined %d requests", n)
	}
	if n := len(twin.Requests()); answered.Load() == 0 || n > 30 {
		t.Errorf("%d requests reached Acumatica, %d were answered", n, answered.Load())
	}
}
