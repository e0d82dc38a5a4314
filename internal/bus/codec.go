package bus

import (
	"fmt"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"

	"millrace/internal/fault"
)

// CloudEvents NATS binding, binary mode: the body is the data, every
// attribute is a header "ce-<name>" whose value is percent-encoded.
const (
	headerPrefix    = "ce-"
	contentTypeJSON = "application/json"
	extTrace        = "traceparent"
	extLane         = "partitionkey"
)

// encode checks the envelope and turns it into a message. Invalid events are
// refused here, before they can reach a stream.
func encode(subject, lane string, ev Event) (*nats.Msg, error) {
	ce := event.New()
	ce.SetID(ev.ID)
	ce.SetType(ev.Type)
	ce.SetSource(ev.Source)
	ce.SetDataContentType(contentTypeJSON)
	ce.SetExtension(extLane, lane)
	if ev.Subject != "" {
		ce.SetSubject(ev.Subject)
	}
	if !ev.Time.IsZero() {
		ce.SetTime(ev.Time)
	}
	if ev.DataSchema != "" {
		ce.SetDataSchema(ev.DataSchema)
	}
	if ev.TraceParent != "" {
		ce.SetExtension(extTrace, ev.TraceParent)
	}
	for k, v := range ev.Ext {
		ce.SetExtension(k, v)
	}
	if err := ce.Validate(); err != nil {
		return nil, fault.Newf("bus.event_malformed", "event %s: %w", ev.ID, err)
	}
	m := nats.NewMsg(subject)
	m.Data = ev.Data
	set := func(k, v string) { m.Header[headerPrefix+k] = []string{percentEncode(v)} }
	set("specversion", ce.SpecVersion())
	set("id", ce.ID())
	set("type", ce.Type())
	set("source", ce.Source())
	set("datacontenttype", ce.DataContentType())
	if ev.Subject != "" {
		set("subject", ev.Subject)
	}
	if !ev.Time.IsZero() {
		set("time", ev.Time.UTC().Format(time.RFC3339Nano))
	}
	if ev.DataSchema != "" {
		set("dataschema", ev.DataSchema)
	}
	for k, v := range ce.Extensions() {
		set(k, fmt.Sprint(v))
	}
	return m, nil
}

// decode reads the envelope back. bus.event_malformed when it is not a
// CloudEvent in binary mode.
func decode(h nats.Header, data []byte) (Event, error) {
	ev := Event{Data: data}
	var version string
	for k, vs := range h {
		name, ok := strings.CutPrefix(k, headerPrefix)
		if !ok || len(vs) == 0 {
			continue
		}
		v, err := percentDecode(vs[0])
		if err != nil {
			return Event{}, fault.Newf("bus.event_malformed", "header %s: %w", k, err)
		}
		switch name {
		case "specversion":
			version = v
		case "id":
			ev.ID = v
		case "type":
			ev.Type = v
		case "source":
			ev.Source = v
		case "subject":
			ev.Subject = v
		case "dataschema":
			ev.DataSchema = v
		case "time":
			if ev.Time, err = time.Parse(time.RFC3339Nano, v); err != nil {
				return Event{}, fault.Newf("bus.event_malformed", "ce-time: %w", err)
			}
		case extTrace:
			ev.TraceParent = v
		case "datacontenttype", extLane:
		default:
			if ev.Ext == nil {
				ev.Ext = make(map[string]string)
			}
			ev.Ext[name] = v
		}
	}
	if version != "1.0" || ev.ID == "" || ev.Type == "" || ev.Source == "" {
		return Event{}, fault.Newf("bus.event_malformed", "specversion %q, id %q, type %q, source %q", version, ev.ID, ev.Type, ev.Source)
	}
	return ev, nil
}

// percentEncode encodes what the binding forbids in a header value: space,
// double quote, percent, and everything outside U+0021–U+007E.
func percentEncode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c > '~' || c == '"' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func percentDecode(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", fmt.Errorf("cut percent-encoding in %q", s)
		}
		var c byte
		if _, err := fmt.Sscanf(s[i+1:i+3], "%02x", &c); err != nil {
			return "", fmt.Errorf("percent-encoding in %q: %w", s, err)
		}
		b.WriteByte(c)
		i += 2
	}
	return b.String(), nil
}
