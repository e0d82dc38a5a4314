package acumaticatwin

import "testing"

// Nobody takes the notifications: what waits is bounded, the rest is listed as
// failed and can be sent again once there is room.
func TestQueueOfADeafDestinationIsBounded(t *testing.T) {
	twin, err := New(testOptions(newClock()))
	if err != nil {
		t.Fatal(err)
	}
	if err := twin.AddDestination(Destination{URL: "http://127.0.0.1:1/"}); err != nil {
		t.Fatal(err)
	}
	d := twin.destinations[0]
	for range maxQueued + maxFailed + 5 {
		twin.lineUp(d, &notification{id: "x", to: d, due: twin.now()})
	}
	want(t, "waiting", len(d.queue), maxQueued)
	want(t, "failed", len(twin.FailedNotifications()), maxFailed)
	want(t, "sent again without room", twin.ResendNotifications(""), 0)
	for n := int64(1); n <= 3; n++ {
		want(t, "first come, first sent", d.next(twin.now()).number, n)
	}
	want(t, "sent again", twin.ResendNotifications(""), 3)
	want(t, "waiting", len(d.queue), maxQueued)
}
