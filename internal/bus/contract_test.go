package bus

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEscapeIsReversibleForAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "s"))
		token := Escape(s)
		for _, c := range token {
			if c == '.' || c == '*' || c == '>' || c == ' ' || c > '~' {
				t.Fatalf("Escape(%q) = %q breaks a subject", s, token)
			}
		}
		back, err := Unescape(token)
		if err != nil || back != s {
			t.Fatalf("Unescape(%q) = %q, %v, want %q", token, back, err, s)
		}
	})
}

func TestUnescapeRefusesWhatEscapeCannotMake(t *testing.T) {
	for _, token := range []string{"=4", "=zz", "a=41", "a b", "=2e", "", "a.b"} {
		if got, err := Unescape(token); err == nil {
			t.Errorf("Unescape(%q) = %q, want an error", token, got)
		}
	}
}

func TestSubjectRoundTrip(t *testing.T) {
	want := Subject{Stream: Events, Connection: "eu.main", Partition: 7, Lane: "ACME & Söhne > 1", A: "stripe", B: "customer.subscription", C: "updated"}
	got, err := ParseSubject(want.String())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if text := (Subject{Stream: Events, Connection: "default", Partition: 3, Lane: "cus_1", A: "stripe", B: "invoice", C: "paid"}).String(); text != "mr.event.default.3.cus_1.stripe.invoice.paid" {
		t.Errorf("subject = %s: the scheme is a published contract", text)
	}
}

func TestCodecRoundTrip(t *testing.T) {
	want := Event{
		ID: "evt_1", Type: "io.millrace.stripe.invoice.paid.v1", Source: "/default/stripe", Subject: `in "1" 50%`,
		Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		Data: []byte(`{"a": 1}`), Ext: map[string]string{"livemode": "false"},
	}
	m, err := encode("mr.event.default.3.cus_1.stripe.invoice.paid", "Zoë", want)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Header["ce-partitionkey"]; len(got) != 1 || got[0] != "Zo%C3%AB" {
		t.Errorf("ce-partitionkey = %v", got)
	}
	got, err := decode(m.Header, m.Data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestEncodeRefusesAnEventWithoutID(t *testing.T) {
	if _, err := encode("s", "l", Event{Type: "t", Source: "/s"}); err == nil {
		t.Error("no error")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("1.0", "evt_1", "t", "/s", "2026-01-01T00:00:00Z")
	f.Add("1.0", "%", "t", "%zz", "x")
	f.Fuzz(func(_ *testing.T, version, id, typ, source, at string) {
		_, _ = decode(map[string][]string{
			"ce-specversion": {version}, "ce-id": {id}, "ce-type": {typ}, "ce-source": {source}, "ce-time": {at},
		}, nil)
	})
}
