package acumaticatwin

import (
	"maps"
	"math/big"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

const (
	dayLayout    = "2006-01-02"
	unsavedKey   = "<NEW>"
	stampOnWire  = "2006-01-02T15:04:05.999-07:00"
	dayOnWire    = "2006-01-02T15:04:05-07:00"
	fieldChanged = "LastModifiedDateTime" // every record's time of change
	ticksPerSec  = 300                    // SQL Server datetime: a third of a hundredth of a second
	nanosPerSec  = int64(time.Second)
	millisPerSec = 1000
)

// A record is one row with its linked entities and lines. Values are kept as
// canonical text (decimals plain, instants RFC 3339 in UTC, dates 2006-01-02);
// a field that is absent is null. Records in the state are never changed in
// place: a change goes through tx.edit.
type record struct {
	ID     string               `json:"id"`
	Note   string               `json:"note,omitempty"`
	Fields map[string]string    `json:"fields,omitempty"`
	One    map[string]*record   `json:"one,omitempty"`
	Many   map[string][]*record `json:"many,omitempty"`
}

func newRecord(id string) *record {
	return &record{ID: id, Fields: map[string]string{}, One: map[string]*record{}, Many: map[string][]*record{}}
}

func (r *record) clone() *record {
	c := newRecord(r.ID)
	c.Note = r.Note
	if r.Fields != nil {
		c.Fields = maps.Clone(r.Fields)
	}
	for k, v := range r.One {
		c.One[k] = v.clone()
	}
	for k, lines := range r.Many {
		if len(lines) == 0 {
			continue
		}
		own := make([]*record, len(lines))
		for i, l := range lines {
			own[i] = l.clone()
		}
		c.Many[k] = own
	}
	return c
}

// same reports whether saving r over o would change nothing but the time of
// change.
func (r *record) same(o *record) bool {
	if r.ID != o.ID || r.Note != o.Note || !sameFields(r.Fields, o.Fields) || len(r.One) != len(o.One) {
		return false
	}
	for k, v := range r.One {
		if w := o.One[k]; w == nil || !v.same(w) {
			return false
		}
	}
	for _, pair := range [2][2]map[string][]*record{{r.Many, o.Many}, {o.Many, r.Many}} {
		for k, lines := range pair[0] {
			others := pair[1][k]
			if len(lines) != len(others) {
				return false
			}
			for i := range lines {
				if !lines[i].same(others[i]) {
					return false
				}
			}
		}
	}
	return true
}

func sameFields(a, b map[string]string) bool {
	a, b = maps.Clone(a), maps.Clone(b)
	delete(a, "LastModifiedDateTime")
	delete(b, "LastModifiedDateTime")
	return maps.Equal(a, b)
}

func (r *record) get(name string) string {
	if name == "NoteID" {
		return r.ID
	}
	return r.Fields[name]
}

func (r *record) value(name string) (string, bool) {
	if name == "NoteID" {
		return r.ID, true
	}
	v, ok := r.Fields[name]
	return v, ok
}

func (r *record) set(name, v string) { r.Fields[name] = v }

// setDefault sets a field that has no value yet.
func (r *record) setDefault(name, v string) {
	if _, ok := r.Fields[name]; !ok && v != "" {
		r.Fields[name] = v
	}
}

// dec returns a decimal field; null is zero.
func (r *record) dec(name string) decimal.Decimal {
	text := r.Fields[name]
	if text == "" || text == "0" { // half of all amounts
		return decimal.Zero
	}
	d, err := decimal.NewFromString(text)
	if err != nil {
		return decimal.Zero
	}
	return d
}

func (r *record) setDec(name string, d decimal.Decimal) { r.Fields[name] = d.String() }
func (r *record) yes(name string) bool                  { return r.Fields[name] == "true" }
func (r *record) setBool(name string, b bool)           { r.Fields[name] = strconv.FormatBool(b) }

func (r *record) day(name string) time.Time {
	t, err := time.Parse(dayLayout, r.Fields[name])
	if err != nil {
		return time.Time{}
	}
	return t
}

// touch moves the time of change. Acumatica: connectors poll by it.
func (r *record) touch(now time.Time) {
	at := stampText(now)
	r.setDefault("CreatedDateTime", at)
	r.set(fieldChanged, at)
}

// stampText rounds an instant to the steps of the database type: milliseconds
// end in 0, 3 or 7 (Acumatica: seen in every recorded answer).
func stampText(t time.Time) string {
	t = t.UTC()
	// Nanoseconds of a second times 300 fit an int64.
	ticks := (int64(t.Nanosecond())*ticksPerSec + nanosPerSec/2) / nanosPerSec
	millis := (ticks*millisPerSec + ticksPerSec/2) / ticksPerSec
	return t.Truncate(time.Second).Add(time.Duration(millis) * time.Millisecond).Format(time.RFC3339Nano)
}

// maxExponent bounds the decimals a client may send, so that 1e999999999 does
// not become a gigabyte of digits.
const maxExponent = 28

// parseDecimal reads a number as SQL Server's decimal would hold it.
func parseDecimal(s string) (decimal.Decimal, bool) {
	if len(s) > 64 {
		return decimal.Zero, false
	}
	d, err := decimal.NewFromString(s)
	if err != nil || d.Exponent() > maxExponent || d.Exponent() < -maxExponent {
		return decimal.Zero, false
	}
	if len(s) > maxExponent && d.Coefficient().CmpAbs(new(big.Int).Exp(big.NewInt(10), big.NewInt(maxExponent), nil)) > 0 {
		return decimal.Zero, false
	}
	return d, true
}

// parseInstant reads the date forms that vendor examples send, and those that
// records hold. A text without an offset is taken as UTC.
func parseInstant(s string) (time.Time, bool) { return parseInstantIn(s, time.UTC) }

// parseInstantIn takes a text without an offset as the time of a zone.
func parseInstantIn(s string, zone *time.Location) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", dayLayout, "2006-01-02T15:04Z07:00"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
