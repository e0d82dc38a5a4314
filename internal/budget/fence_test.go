package budget

import (
	"errors"
	"testing"
	"time"

	"millrace/internal/bustest"
	"millrace/internal/fault"
	"millrace/internal/fence"
)

var errOvertaken = errors.New("overtaken")

// A worker that was overtaken while it waited sends nothing any more.
func TestARequestBehindAFenceThatIsDownIsNotSent(t *testing.T) {
	t.Parallel()
	x := join(t, bustest.New(t), Options{Concurrent: 1})
	first, err := x.Admit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, f := fence.With(t.Context(), errOvertaken)
	ended := make(chan error, 1)
	go func() {
		_, err := x.Admit(ctx)
		ended <- err
	}()
	select {
	case err := <-ended:
		t.Fatalf("did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	f.Cut()
	if err := <-ended; !errors.Is(err, errOvertaken) || fault.Of(err).Code != "budget.waiting" {
		t.Errorf("waiting: %v", err)
	}
	if _, err := x.Admit(ctx); !errors.Is(err, errOvertaken) {
		t.Errorf("afterwards: %v", err)
	}

	// Paused until the hold was over: what was granted meanwhile is given back.
	ctx, f = fence.With(t.Context(), errOvertaken)
	defer f.Cut()
	f.Until(time.Now().Add(100 * time.Millisecond))
	go func() {
		_, err := x.Admit(ctx)
		ended <- err
	}()
	pass(t.Context(), 200*time.Millisecond)
	first()
	if err := <-ended; !errors.Is(err, errOvertaken) {
		t.Errorf("granted when the hold was over: %v", err)
	}
	done, err := x.Admit(t.Context())
	if err != nil {
		t.Fatalf("the slot is lost: %v", err)
	}
	done()
}
