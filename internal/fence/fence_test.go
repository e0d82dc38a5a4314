package fence

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var errOuter, errInner = errors.New("outer"), errors.New("inner")

func TestWithoutAFenceNothingEnds(t *testing.T) {
	if Err(t.Context()) != nil || Down(t.Context()) != nil {
		t.Error("no fence, but an end")
	}
}

func TestACutFenceEndsWhatIsInsideAndNothingElse(t *testing.T) {
	base := t.Context()
	ctx, outer := With(base, errOuter)
	inside, inner := With(ctx, errInner)
	defer outer.Cut()
	inner.Cut()
	if <-Down(inside); !errors.Is(Err(inside), errInner) || Err(ctx) != nil || inside.Err() != nil {
		t.Errorf("inside %v, outside %v, work %v", Err(inside), Err(ctx), inside.Err())
	}
	again, second := With(ctx, errInner)
	defer second.Cut()
	outer.Cut()
	if Err(Outside(again)) != nil {
		t.Error("the clean-up is fenced")
	}
	if <-Down(again); !errors.Is(Err(again), errOuter) || Err(base) != nil {
		t.Errorf("inside %v, without %v", Err(again), Err(base))
	}
}

func TestAFenceHoldsUntilItsTimeUnlessProlonged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, outer := With(context.Background(), errOuter)
		ctx, inner := With(ctx, errInner)
		defer outer.Cut()
		defer inner.Cut()
		outer.Until(time.Now().Add(time.Second))
		inner.Until(time.Now().Add(time.Minute))
		time.Sleep(900 * time.Millisecond)
		outer.Until(time.Now().Add(time.Second))
		time.Sleep(900 * time.Millisecond)
		if err := Err(ctx); err != nil {
			t.Errorf("prolonged: %v", err)
		}
		time.Sleep(900 * time.Millisecond)
		if err := Err(ctx); !errors.Is(err, errOuter) {
			t.Errorf("not prolonged: %v", err)
		}
	})
}
