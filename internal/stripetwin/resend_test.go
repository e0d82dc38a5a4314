package stripetwin_test

import (
	"net/http"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/stripetwin"
)

func TestAnOldEventComesOnceMore(t *testing.T) {
	tw, sc, srv := start(t, stripetwin.Options{})
	url, got := hits(t, always(http.StatusOK))
	tw.SetWebhook(url, secret)
	run(t, tw)
	newCustomer(t, sc)
	first := next(t, got).verify(t, secret)
	waitIdle(t, tw)
	if r, o := send(t, srv, "POST", "/_twin/events/resend", `{"events":["`+first.ID+`"]}`); r.StatusCode != http.StatusOK {
		t.Fatalf("%d %v", r.StatusCode, o)
	}
	if again := next(t, got).verify(t, secret); again.ID != first.ID || again.Created != first.Created {
		t.Errorf("%+v", again)
	}
	waitIdle(t, tw)
	for it := sc.Events.List(&stripe.EventListParams{DeliverySuccess: new(false)}); it.Next(); {
		t.Errorf("%s is not delivered", it.Event().ID)
	}
	if r, _ := send(t, srv, "POST", "/_twin/events/resend", `{"events":["evt_no"]}`); r.StatusCode == http.StatusOK {
		t.Error("an event that is not there was sent")
	}
}
