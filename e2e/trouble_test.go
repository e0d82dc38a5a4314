package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"millrace/internal/acumaticatwin"
	"millrace/internal/bus"
)

func TestAcumaticaAwayParksNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trap{})
	if err := w.acumatica.AddFault(acumaticatwin.Fault{Method: http.MethodPut, PathPrefix: "/entity", Count: 3, Mode: "status:503"}); err != nil {
		t.Fatal(err)
	}
	w.roundTrip()
	w.judge()
	b := w.connect()
	err := b.Scan(t.Context(), bus.Outcomes, 1, func(m *bus.Message) error {
		if m.Subject.C == "parked" {
			t.Errorf("parked: %s", m.Event.Data)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLostAnswerIsFoundAgainNotRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trap{})
	if err := w.acumatica.AddFault(acumaticatwin.Fault{Method: http.MethodPut, PathPrefix: "/entity/Default/24.200.001/Payment", Count: 2, Mode: "cut_after_commit"}); err != nil {
		t.Fatal(err)
	}
	w.roundTrip()
	w.judge()
}

// TestClosedPeriodParksAndIsReleased: the payment waits with a hint that a
// bookkeeper understands, nothing was posted; once the period is open and the
// lane released, it is.
func TestClosedPeriodParksAndIsReleased(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trap{})
	w.start()
	invoices := len(w.acumatica.Invoices())
	w.until("every invoice is open in Stripe", func() bool { return len(w.list("invoices?limit=100&status=open")) == invoices })
	open := w.list("invoices?limit=100&status=open")
	period := time.Now().UTC().Format("2006-01")
	if err := w.acumatica.ClosePeriod(period); err != nil {
		t.Fatal(err)
	}
	if err := w.stripe.Pay(t.Context(), open[0]["id"].(string)); err != nil {
		t.Fatal(err)
	}
	var parked []struct {
		Code string `json:"code"`
		Hint string `json:"hint"`
		Lane string `json:"lane"`
	}
	w.until("one lane is parked", func() bool {
		out, code := w.cli("status", "--json")
		var status struct {
			Result struct {
				Parked json.RawMessage `json:"parked"`
			} `json:"result"`
		}
		return code == 1 && json.Unmarshal([]byte(out), &status) == nil && json.Unmarshal(status.Result.Parked, &parked) == nil && len(parked) == 1
	})
	if parked[0].Code != "acumatica.period_closed" || parked[0].Hint == "" {
		t.Errorf("parked = %+v", parked)
	}
	if n := len(w.acumatica.Payments()); n != 0 {
		t.Errorf("%d payments were saved", n)
	}

	if err := w.acumatica.OpenPeriod(period); err != nil {
		t.Fatal(err)
	}
	if out, code := w.cli("parked", "release", "--lane", parked[0].Lane, "--reason", "period opened"); code != 0 {
		t.Fatalf("release: exit code %d, %s", code, out)
	}
	w.until("the payment is posted", func() bool {
		p := w.acumatica.Payments()
		return len(p) == 1 && p[0].Status == "Closed"
	})
	w.until("status is healthy again", func() bool {
		_, code := w.cli("status")
		return code == 0
	})
}

func TestTraceTellsTheSameStoryFromAnyID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trap{})
	w.roundTrip()
	in := w.list("invoices?limit=1")[0]
	meta := in["metadata"].(map[string]any)
	ids := []string{in["id"].(string), in["charge"].(string), meta["acumatica_ref_nbr"].(string), meta["acumatica_payment_ref"].(string)}
	for _, e := range w.list("events?limit=100&type=invoice.paid") {
		object := e["data"].(map[string]any)["object"].(map[string]any)
		if object["id"] == in["id"] {
			ids = append(ids, e["id"].(string))
		}
	}
	if len(ids) != 5 {
		t.Fatalf("ids = %v", ids)
	}
	want, code := w.cli("trace", ids[0])
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	for _, id := range ids {
		if got, _ := w.cli("trace", id); got != want {
			t.Errorf("trace %s differs:\n%s\nwant, as from %s:\n%s", id, got, ids[0], want)
		}
		if !strings.Contains(want, id) {
			t.Errorf("the story does not mention %s:\n%s", id, want)
		}
	}
}

func TestOneTraceIDFollowsAnEventToTheLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trap{})
	w.roundTrip()
	b := w.connect()
	made, posted := w.outcomes(b, "transform"), w.outcomes(b, "sink-acumatica")
	if len(posted) == 0 {
		t.Fatal("no payment was posted")
	}
	for id, o := range posted {
		if o.TraceID == "" || made[id].TraceID != o.TraceID {
			t.Errorf("%s: trace id %q in transform, %q in sink-acumatica", id, made[id].TraceID, o.TraceID)
		}
	}
	err := b.Scan(t.Context(), bus.Events, 1, func(m *bus.Message) error {
		if o, ok := posted[m.Event.ID]; ok && !strings.Contains(m.Event.TraceParent, o.TraceID) {
			t.Errorf("%s: traceparent %q does not carry %s", m.Event.ID, m.Event.TraceParent, o.TraceID)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
