package bus

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"millrace/internal/fault"
)

// Streams.
const (
	Events   = "EVENTS"
	Intents  = "INTENTS"
	Outcomes = "OUTCOMES"
)

// Escape turns any string into one subject token that is also a legal key
// part in a key-value bucket: bytes other than A–Z a–z 0–9 _ - become =XX
// (upper-case hex), the empty string becomes "=". Unescape reverses it.
func Escape(s string) string {
	if s == "" {
		return "="
	}
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "=%02X", c)
	}
	return b.String()
}

// Unescape reverses Escape; it refuses a token that Escape cannot have made.
func Unescape(token string) (string, error) {
	if token == "=" {
		return "", nil
	}
	var b strings.Builder
	for i := 0; i < len(token); i++ {
		if token[i] != '=' {
			b.WriteByte(token[i])
			continue
		}
		if i+2 >= len(token) {
			return "", fault.Newf("bus.subject_invalid", "token %q: cut escape", token)
		}
		n, err := strconv.ParseUint(token[i+1:i+3], 16, 8)
		if err != nil {
			return "", fault.Newf("bus.subject_invalid", "token %q: %w", token, err)
		}
		b.WriteByte(byte(n))
		i += 2
	}
	if s := b.String(); Escape(s) == token {
		return s, nil
	}
	return "", fault.Newf("bus.subject_invalid", "token %q: not the canonical form", token)
}

// Partition is the partition of a lane: FNV-1a over the escaped connection
// and lane, modulo the number of partitions, exactly as the NATS server's
// {{partition(n,…)}} computes it.
func Partition(connection, lane string, partitions int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(Escape(connection) + Escape(lane)))
	return int(h.Sum32() % uint32(partitions)) //nolint:gosec // 1 ≤ partitions ≤ 1024, checked when provisioned
}

// Subject is a parsed subject of one of the three streams:
//
//	mr.<stream>.<connection>.<partition>.<lane>.<a>.<b>.<c>
//
// where a, b and c are source, object and verb of an event; target, document
// and verb of an intent; stage, document and outcome of an outcome.
type Subject struct {
	Stream     string // Events, Intents or Outcomes
	Connection string
	Partition  int
	Lane       string
	A, B, C    string
}

var prefixes = map[string]string{Events: "event", Intents: "intent", Outcomes: "outcome"}

// String is the subject with every token escaped.
func (s Subject) String() string {
	return strings.Join([]string{
		"mr", prefixes[s.Stream], Escape(s.Connection), strconv.Itoa(s.Partition),
		Escape(s.Lane), Escape(s.A), Escape(s.B), Escape(s.C),
	}, ".")
}

// ParseSubject reverses String.
func ParseSubject(subject string) (Subject, error) {
	t := strings.Split(subject, ".")
	if len(t) != 8 || t[0] != "mr" {
		return Subject{}, fault.Newf("bus.subject_invalid", "subject %q: want mr and seven tokens", subject)
	}
	s := Subject{}
	for stream, p := range prefixes {
		if p == t[1] {
			s.Stream = stream
		}
	}
	if s.Stream == "" {
		return Subject{}, fault.Newf("bus.subject_invalid", "subject %q: unknown stream token %q", subject, t[1])
	}
	n, err := strconv.Atoi(t[3])
	if err != nil || n < 0 {
		return Subject{}, fault.Newf("bus.subject_invalid", "subject %q: partition %q", subject, t[3])
	}
	s.Partition = n
	for i, field := range map[int]*string{2: &s.Connection, 4: &s.Lane, 5: &s.A, 6: &s.B, 7: &s.C} {
		if *field, err = Unescape(t[i]); err != nil {
			return Subject{}, err
		}
	}
	return s, nil
}
