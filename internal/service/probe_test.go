package service

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
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
		for range 3 {
			if err := p.check(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if asked != 2 {
			t.Fatalf("asked %d times", asked)
		}
		answer = errors.New("revoked")
		time.Sleep(recheckGood)
		if p.check(t.Context()) == nil {
			t.Fatal("a key that was revoked meanwhile passed")
		}
	})
}
