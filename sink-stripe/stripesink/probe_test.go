package stripesink

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestProbeAsksOnceAndAgainOnlyAfterARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, answer := 0, errors.New("no")
		p := newProbe(func(context.Context) error { asked++; return answer })
		for range 3 {
			if p.check(t.Context()) == nil {
				t.Fatal("passed")
			}
		}
		if asked != 1 {
			t.Fatalf("asked %d times", asked)
		}
		time.Sleep(recheck)
		answer = nil
		for range 3 {
			if err := p.check(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		if asked != 2 {
			t.Fatalf("asked %d times", asked)
		}
	})
}
