package bus

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestManyCustomersFailingSlowTheStageDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		for i := range manyLanes - 1 {
			for range 2 { // the same customer again counts once
				if b.suspect(fmt.Sprint("c", i)) {
					t.Fatalf("customer %d slows everybody down", i+1)
				}
			}
		}
		if b.wait() > 0 {
			t.Error("a few customers hold the others")
		}
		var total time.Duration
		for i := range 12 {
			if !b.suspect(fmt.Sprint("d", i)) {
				t.Fatal("not slowed down")
			}
			w := b.wait()
			if w <= 0 || w > mostSlowness {
				t.Fatalf("waits %v", w)
			}
			total += w
			time.Sleep(w)
		}
		if total < 4*time.Minute {
			t.Errorf("twelve failures within %v", total)
		}
		b.handled()
		if b.suspect("c1") {
			t.Error("slow although something succeeded")
		}
	})
}
