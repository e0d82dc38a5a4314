package acumaticatwin

import (
	"fmt"
	"testing"
	"time"
)

// Operations that end in the same moment end in the order of their start.
func TestOperationsEndInOrder(t *testing.T) {
	clk := newClock()
	o := testOptions(clk)
	o.ReleaseDelay = time.Second
	c := start(t, o)
	sessions := []*client{c}
	for range 7 {
		s := serve(t, c.twin)
		want(t, "sign-in", s.login(testPassword), 204)
		sessions = append(sessions, s)
	}
	for i, s := range sessions {
		s.put("Payment", paymentBody("C000002", "AR000005", fmt.Sprint(i+1), "")).wantStatus(t, 200)
		s.post("Payment/ReleasePayment", releaseBody(typePayment, fmt.Sprintf("%06d", i+1))).wantStatus(t, 202)
	}
	before := len(c.twin.Ledger())
	clk.advance(time.Second)
	batches := c.twin.Ledger()[before:]
	want(t, "batches", len(batches), len(sessions))
	for i, b := range batches {
		want(t, "batch", b.Description, fmt.Sprintf("Payment %06d", i+1))
	}
	clk.advance(opTTL + time.Second)
	c.twin.TrialBalance()
	c.twin.mu.Lock()
	defer c.twin.mu.Unlock()
	want(t, "nothing is kept", len(c.twin.ops)+len(c.twin.running)+len(c.twin.finished), 0)
}
