package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unknown is the object and the verb of a body that we cannot name.
const unknown = "unknown"

const (
	// maxID bounds an id that becomes a lane or part of the envelope. Stripe:
	// ids are at most 255 characters.
	maxID = 255
	// maxType bounds what becomes two subject tokens, so that with every byte
	// escaped the subject stays below the broker's limit of 4096 bytes a line.
	maxType = 128
)

// splitType takes a Stripe event type apart at its last dot:
// "customer.subscription.updated" is the object "customer.subscription" and
// the verb "updated". A part that is missing is "unknown"; so are both when
// the type is no name at all.
func splitType(typ string) (object, verb string) {
	if !usable(typ, maxType) {
		return unknown, unknown
	}
	object, verb = typ, ""
	if i := strings.LastIndexByte(typ, '.'); i >= 0 {
		object, verb = typ[:i], typ[i+1:]
	}
	if object == "" {
		object = unknown
	}
	if verb == "" {
		verb = unknown
	}
	return object, verb
}

// subject is what an event is about: the id of its object, and the lane that
// keeps it in order.
type subject struct {
	id   string // of data.object; empty when it has none that can be used
	lane string // never empty when eventID is not
}

// locate finds the lane: the customer the object is or belongs to, else the
// object itself, else the event. It reads ids only, never an amount.
func locate(object json.RawMessage, eventID string) subject {
	var fields map[string]json.RawMessage
	if json.Unmarshal(object, &fields) != nil {
		return subject{lane: eventID}
	}
	id := text(fields["id"])
	s := subject{lane: id}
	if usable(id, maxID) {
		s.id = id
	}
	if text(fields["object"]) != "customer" {
		if c := customerID(fields["customer"]); c != "" {
			s.lane = c
		}
	}
	if s.lane == "" || len(s.lane) > maxID {
		s.lane = eventID
	}
	return s
}

// customerID reads a reference to a customer. Stripe: it is an id, or the
// object itself when it was expanded.
func customerID(raw json.RawMessage) string {
	if id := text(raw); id != "" {
		return id
	}
	var expanded map[string]json.RawMessage
	if json.Unmarshal(raw, &expanded) != nil {
		return ""
	}
	return text(expanded["id"])
}

// text is the JSON string in raw; empty when it is anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// usable reports whether s can stand in an envelope and be found again by a
// person: not empty, at most limit bytes, printable, no spaces.
func usable(s string, limit int) bool {
	if s == "" || len(s) > limit || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) || unicode.IsSpace(r) {
			return false
		}
	}
	return true
}

// contentID names a body that brings no id of its own: the same bytes have
// the same name, so that a second delivery is still a duplicate (Invariant 2).
func contentID(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256-" + hex.EncodeToString(sum[:])
}
