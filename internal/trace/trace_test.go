package trace

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/schemas"
)

type scanFunc func(ctx context.Context, stream string, fromSeq uint64, fn func(*bus.Message) error) error

func (f scanFunc) Scan(ctx context.Context, stream string, fromSeq uint64, fn func(*bus.Message) error) error {
	return f(ctx, stream, fromSeq, fn)
}

// A log builds streams as the services write them, a second per message.
type log struct {
	t    *testing.T
	now  time.Time
	msgs map[string][]*bus.Message
}

func newLog(t *testing.T) *log {
	t.Helper()
	return &log{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), msgs: map[string][]*bus.Message{}}
}

func (l *log) put(s bus.Subject, ev bus.Event, data any) {
	l.t.Helper()
	if data != nil {
		raw, err := json.Marshal(data)
		if err != nil {
			l.t.Fatal(err)
		}
		ev.Data = raw
	}
	l.now = l.now.Add(time.Second)
	l.msgs[s.Stream] = append(l.msgs[s.Stream], &bus.Message{
		Stream: s.Stream, Seq: uint64(len(l.msgs[s.Stream]) + 1), Subject: s, Event: ev, Stored: l.now,
	})
}

func (l *log) event(lane, system, object, verb, id, subject, body string) {
	l.t.Helper()
	l.put(bus.Subject{Stream: bus.Events, Connection: "default", Lane: lane, A: system, B: object, C: verb},
		bus.Event{ID: id, Subject: subject, Data: []byte(body)}, nil)
}

func (l *log) intent(in schemas.Intent) {
	l.t.Helper()
	in.Connection = "default"
	in.ID = schemas.IntentID("default", in.Target, in.Document, in.Verb, in.Key, "")
	l.put(bus.Subject{Stream: bus.Intents, Connection: "default", Lane: in.Lane, A: in.Target, B: in.Document, C: in.Verb}, bus.Event{ID: in.ID}, in)
}

func (l *log) outcome(o schemas.Outcome) {
	l.t.Helper()
	l.put(bus.Subject{Stream: bus.Outcomes, Connection: "default", Lane: o.Lane, A: o.Stage, B: o.Document, C: o.Outcome}, bus.Event{}, o)
}

func (l *log) read(id string) (*Story, error) {
	return Read(l.t.Context(), scanFunc(l.scan), Query{ID: id})
}

func (l *log) scan(_ context.Context, stream string, _ uint64, fn func(*bus.Message) error) error {
	for _, m := range l.msgs[stream] {
		if err := fn(m); err != nil {
			return err
		}
	}
	return nil
}

func ref(system, kind, id string) schemas.Ref { return schemas.Ref{System: system, Kind: kind, ID: id} }

// invoice writes the whole path of one paid invoice of customer C1.
func (l *log) invoice(n, charge, payment string) {
	l.t.Helper()
	doc, in, pi := "Invoice AR00000"+n, "in_"+n, "pi_"+n
	customer := ref("acumatica", "Customer", "C1")
	l.event("C1", "acumatica", "invoice", "released", "acu-"+n, doc, `{}`)
	l.intent(schemas.Intent{Lane: "C1", Target: "stripe", Document: "customer", Verb: "upsert", Key: "C1", Cause: schemas.Cause{EventID: "acu-" + n}})
	l.intent(schemas.Intent{Lane: "C1", Target: "stripe", Document: "invoice", Verb: "create", Key: doc, Cause: schemas.Cause{EventID: "acu-" + n}, Refs: []schemas.Ref{customer}})
	l.outcome(schemas.Outcome{
		Lane: "C1", Stage: "transform", Document: "invoice", Outcome: schemas.Applied, Reason: "2 intents", EventID: "acu-" + n,
		Intents: []string{"default/stripe/customer/upsert/C1", "default/stripe/invoice/create/" + doc},
	})
	l.outcome(schemas.Outcome{
		Lane: "C1", Stage: "sink-stripe", Document: "invoice", Outcome: schemas.Applied, Reason: "finalised", EventID: "acu-" + n,
		IntentID: "default/stripe/invoice/create/" + doc, Refs: []schemas.Ref{ref("acumatica", "Invoice", doc), ref("stripe", "invoice", in), ref("stripe", "customer", "cus_1"), customer},
	})
	l.event("cus_1", "stripe", "invoice", "paid", "evt_"+n, in, `{"data":{"object":{"id":"`+in+`","charge":"`+charge+`","payment_intent":"`+pi+`","customer":"cus_1"}}}`)
	l.intent(schemas.Intent{Lane: "cus_1", Target: "acumatica", Document: "payment", Verb: "create", Key: charge, Cause: schemas.Cause{EventID: "evt_" + n}})
	l.outcome(schemas.Outcome{
		Lane: "cus_1", Stage: "sink-acumatica", Document: "payment", Outcome: schemas.Applied, Reason: "released", EventID: "evt_" + n,
		IntentID: "default/acumatica/payment/create/" + charge, Refs: []schemas.Ref{ref("acumatica", "Payment", "Payment "+payment)}, Calls: schemas.Calls{Acumatica: 3, StripeReads: 1},
	})
}

func text(s *Story) string {
	var b strings.Builder
	s.Print(&b)
	return b.String()
}

func TestEveryIDTellsTheSameStory(t *testing.T) {
	l := newLog(t)
	l.invoice("1", "ch_1", "000001")
	l.invoice("2", "ch_2", "000002")
	want, err := l.read("in_1")
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Entries) != 8 {
		t.Fatalf("%d entries, want the 8 of one invoice:\n%s", len(want.Entries), text(want))
	}
	for _, id := range []string{
		"acu-1", "evt_1", "ch_1", "pi_1", "AR000001", "ar000001", "Invoice AR000001", "000001", "Payment 000001",
		"default/stripe/invoice/create/Invoice AR000001", "default/acumatica/payment/create/ch_1", " in_1 ",
	} {
		got, err := l.read(id)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if text(got) != text(want) {
			t.Errorf("%s tells\n%s\nwant\n%s", id, text(got), text(want))
		}
	}
	if s := text(want); strings.Contains(s, "in_2") || !strings.Contains(s, "calls: 3 Acumatica, 1 Stripe read") {
		t.Errorf("story:\n%s", s)
	}
}

func TestACustomerIsEverythingOfTheCustomer(t *testing.T) {
	l := newLog(t)
	l.invoice("1", "ch_1", "000001")
	l.invoice("2", "ch_2", "000002")
	l.event("C2", "acumatica", "invoice", "released", "acu-9", "Invoice AR000009", `{}`)
	for _, id := range []string{"C1", "cus_1", "c1"} {
		s, err := l.read(id)
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Entries) != 16 {
			t.Errorf("%s: %d entries, want 16:\n%s", id, len(s.Entries), text(s))
		}
	}
}

func TestUnknownAndAmbiguousIDs(t *testing.T) {
	l := newLog(t)
	l.invoice("1", "ch_1", "000001")
	l.outcome(schemas.Outcome{Lane: "C2", Stage: "sink-acumatica", Document: "payment", EventID: "evt_9", Refs: []schemas.Ref{ref("acumatica", "Prepayment", "Prepayment 000001")}})
	for id, code := range map[string]string{"in_404": "cli.not_found", "": "cli.not_found", "000001": "cli.ambiguous"} {
		_, err := l.read(id)
		if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != code {
			t.Errorf("%q: err = %v, want %s", id, err, code)
		}
	}
	if _, err := l.read("Prepayment 000001"); err != nil {
		t.Errorf("with its type: %v", err)
	}
}

func TestTwoTenantsCountAlike(t *testing.T) {
	l := newLog(t)
	l.invoice("1", "ch_1", "000001")
	other := newLog(t)
	other.invoice("1", "ch_9", "000001")
	for stream, msgs := range other.msgs {
		for _, m := range msgs {
			m.Subject.Connection = "eu"
			m.Seq += 100
		}
		l.msgs[stream] = append(l.msgs[stream], msgs...)
	}
	for _, tt := range []struct {
		name string
		q    Query
		want string
	}{
		{"the first that knows it", Query{ID: "AR000001"}, "default"},
		{"the preferred one", Query{ID: "AR000001", First: []string{"nobody", "eu"}}, "eu"},
		{"only one", Query{ID: "AR000001", Connection: "eu"}, "eu"},
		{"wherever it is", Query{ID: "ch_9", First: []string{"default"}}, "eu"},
	} {
		s, err := Read(t.Context(), scanFunc(l.scan), tt.q)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		for _, e := range s.Entries {
			if e.Connection != tt.want {
				t.Errorf("%s: an entry of %s", tt.name, e.Connection)
			}
		}
	}
}

func TestAParkedStepSaysWhatToDo(t *testing.T) {
	l := newLog(t)
	l.outcome(schemas.Outcome{
		Lane: "C1", Stage: "sink-acumatica", Document: "payment", Outcome: schemas.Parked, Reason: "refused", EventID: "evt_1",
		Code: "acumatica.period_closed", Hint: "reopen the period", Error: "422",
	})
	s, err := l.read("evt_1")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"payment parked: refused", "acumatica.period_closed: 422", "to do: reopen the period", "1 message, 1 parked"} {
		if !strings.Contains(text(s), want) {
			t.Errorf("no %q in\n%s", want, text(s))
		}
	}
}

// TestACodeIsToldOnce: most errors begin with their code.
func TestACodeIsToldOnce(t *testing.T) {
	const told = "post payment: acumatica.period_closed: http 422"
	l := newLog(t)
	l.outcome(schemas.Outcome{
		Lane: "C1", Stage: "sink-acumatica", Document: "payment", Outcome: schemas.Parked, Reason: "refused", EventID: "evt_1",
		Code: "acumatica.period_closed", Error: told,
	})
	s, err := l.read("evt_1")
	if err != nil {
		t.Fatal(err)
	}
	if got := text(s); !strings.Contains(got, told) || strings.Count(got, "acumatica.period_closed") != 1 {
		t.Errorf("printed\n%s", got)
	}
}
