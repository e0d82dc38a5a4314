package acumaticatwin

import (
	"strings"
	"testing"
	"time"
)

func TestLoadFaults(t *testing.T) {
	c := start(t, testOptions(newClock()))
	if err := c.twin.LoadFaults(strings.NewReader("- {count: 1, mode: status:503}\n- {count: 1, mode: 'status:429:json'}\n")); err != nil {
		t.Fatal(err)
	}
	c.get("Payment").wantStatus(t, 503)
	c.get("Payment").wantStatus(t, 429)
	c.get("Payment").wantStatus(t, 200)
	for _, mode := range []string{"explode", "status:200", "status:429:global-rate", "slow:2s"} {
		if err := c.twin.LoadFaults(strings.NewReader("mode: " + mode)); err == nil || !strings.Contains(err.Error(), "status") {
			t.Errorf("%s: got %v", mode, err)
		}
	}
}

func TestFaultsByProbabilityRepeat(t *testing.T) {
	run := func(seed uint64) (pattern string) {
		c := start(t, testOptions(newClock()))
		c.fault(Fault{PathPrefix: root, Probability: 0.3, Seed: seed, Mode: "status:503"})
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
	c.fault(Fault{Method: "PUT", Count: 1, Mode: "queued:5m"})
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
	c.fault(Fault{Method: "POST", PathPrefix: root + "Payment/ReleasePayment", Count: 1, Mode: "close_period:2026-05"})
	c.put("Payment", paymentBody("C000002", "AR000005", "100", "")).wantStatus(t, 200)
	a := c.post("Payment/ReleasePayment", releaseBody(typePayment, "000001")).wantStatus(t, 500)
	a.wantText(t, "The 05-2026 financial period is closed in the U100 company.")
	want(t, "nothing posted", c.twin.Payments()[0].Status, statusBalanced)
}
