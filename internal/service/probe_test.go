package service

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"millrace/internal/fault"
)

func TestProbeAsksSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, answer := 0, errors.New("no")
		p := newProbe(func(context.Context) error { asked++; return answer })
		for range 3 {
			if p.check(t.Context()) == nil {
				t.Fatal("a refusal passed")
			}
		}
		if asked != 1 {
			t.Fatalf("asked %d times for one refusal", asked)
		}
		time.Sleep(recheckBad)
		answer = nil
		_ = p.check(t.Context()) // tells the last answer, and asks again
		synctest.Wait()
		for range 3 {
			if err := p.check(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if asked != 2 {
			t.Fatalf("asked %d times", asked)
		}
		answer = fault.New("stripe.credentials", errors.New("revoked"))
		time.Sleep(recheckGood)
		_ = p.check(t.Context())
		synctest.Wait()
		if p.check(t.Context()) == nil {
			t.Fatal("a key that was revoked meanwhile passed")
		}
		time.Sleep(recheckBad)
		_ = p.check(t.Context())
		synctest.Wait()
		if asked != 3 {
			t.Errorf("a refused sign-in was tried again after %v", recheckBad)
		}
	})
}

func TestProbeDoesNotCutASlowAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finished := false
		p := newProbe(func(ctx context.Context) error {
			select {
			case <-time.After(10 * time.Second):
				finished = true
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := p.check(ctx); !errors.Is(err, errNotAnswered) {
			t.Errorf("err = %v, want %v", err, errNotAnswered)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if err := p.check(t.Context()); err != nil || !finished {
			t.Errorf("err = %v, finished = %v", err, finished)
		}
	})
}
