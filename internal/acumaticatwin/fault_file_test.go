package acumaticatwin

import (
	"strings"
	"testing"
	"time"
)

func TestLoadFaults(t *testing.T) {
	const asYAML = "- method: PUT\n  path_prefix: /entity\n  count: 2\n  probability: 0.5\n  seed: 7\n  mode: status:503\n- mode: queued:5m\n"
	const asJSON = `[{"method":"PUT","path_prefix":"/entity","count":2,"probability":0.5,"seed":7,"mode":"status:503"},{"mode":"queued:5m"}]`
	for _, text := range []string{asYAML, asJSON} {
		list, err := LoadFaults(strings.NewReader(text))
		if err != nil || len(list) != 2 {
			t.Fatalf("got %v, %v", list, err)
		}
		want(t, "first", list[0], Fault{Method: "PUT", PathPrefix: "/entity", Count: 2, Probability: 0.5, Seed: 7, Mode: "status:503"})
		want(t, "second", list[1].Mode, "queued:5m")
	}
	for _, text := range []string{"- mode: explode", "- mod: cut_before", "- mode: cut_before\n  probability: 2", "- mode: close_period:May", "{"} {
		if _, err := LoadFaults(strings.NewReader(text)); err == nil {
			t.Errorf("%q: got no error", text)
		}
	}
	if list, err := LoadFaults(strings.NewReader("")); err != nil || len(list) != 0 {
		t.Errorf("empty: got %v, %v", list, err)
	}
}

func TestFaultsByProbabilityRepeat(t *testing.T) {
	run := func(seed uint64) (pattern string) {
		c := start(t, testOptions(newClock()))
		c.twin.AddFault(Fault{PathPrefix: root, Probability: 0.3, Seed: seed, Mode: "status:503"})
		for range 60 {
			if c.get("Customer?$top=1").status == 503 {
				pattern += "x"
			} else {
				pattern += "."
			}
		}
		return pattern
	}
	first := run(1)
	want(t, "same seed", run(1), first)
	if run(2) == first {
		t.Error("another seed: got the same pattern")
	}
	if n := strings.Count(first, "x"); n < 8 || n > 30 {
		t.Errorf("a third of the requests: got %d of 60", n)
	}
}

func TestQueuedRequestIsDoneMinutesLater(t *testing.T) {
	clk := newClock()
	c := start(t, testOptions(clk))
	c.twin.AddFault(Fault{Method: "PUT", Count: 1, Mode: "queued:5m"})
	if _, err := c.try("PUT", root+"Payment", paymentBody("C000002", "AR000005", "100", ""), nil); err == nil {
		t.Fatal("got an answer, want a broken connection")
	}
	clk.advance(5*time.Minute - time.Second)
	want(t, "not yet", len(c.twin.Payments()), 0)
	clk.advance(time.Second)
	want(t, "then", len(c.twin.Payments()), 1)
	want(t, "once", len(c.get("Payment").rows()), 1)
}

func TestPeriodClosesBetweenTwoCalls(t *testing.T) {
	c := start(t, testOptions(newClock()))
	c.twin.AddFault(Fault{Method: "POST", PathPrefix: root + "Payment/ReleasePayment", Count: 1, Mode: "close_period:2026-05"})
	c.put("Payment", paymentBody("C000002", "AR000005", "100", "")).wantStatus(t, 200)
	a := c.post("Payment/ReleasePayment", releaseBody(typePayment, "000001")).wantStatus(t, 500)
	a.wantText(t, "The 05-2026 financial period is closed in the U100 company.")
	want(t, "nothing posted", c.twin.Payments()[0].Status, statusBalanced)
}
