package acumaticatwin

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"
)

// An unpacking is one row on its way out. Its texts share the packed row.
type unpacking struct {
	st    *state
	rest  string
	id    uint64
	stamp int64
	bad   bool
}

// unpack returns the record with a row number.
func (st *state) unpack(n uint32, packed string) (*record, error) {
	u := unpacking{st: st, rest: packed, id: uint64(n)}
	r := u.record()
	if u.bad {
		return nil, errPacked
	}
	return r, nil
}

// unpackHead is unpack without lines: a third of the time for a payment.
func (st *state) unpackHead(n uint32, packed string) (*record, error) {
	u := unpacking{st: st, rest: packed, id: uint64(n)}
	r, _ := u.head()
	if u.bad {
		return nil, errPacked
	}
	return r, nil
}

func (u *unpacking) uvarint() uint64 {
	var v uint64
	for i := range min(len(u.rest), binary.MaxVarintLen64) {
		b := u.rest[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			u.rest = u.rest[i+1:]
			return v
		}
	}
	u.bad, u.rest = true, ""
	return 0
}

func (u *unpacking) varint() int64 { return unzigzag(u.uvarint()) }

func (u *unpacking) text() string {
	n := u.uvarint()
	if n > uint64(len(u.rest)) {
		u.bad, u.rest = true, ""
		return ""
	}
	s := u.rest[:n]
	u.rest = u.rest[n:]
	return s
}

// of returns a numbered entry.
func of[T any](u *unpacking, list []T, n uint64) T {
	if n >= uint64(len(list)) {
		var none T
		u.bad, u.rest = true, ""
		return none
	}
	return list[n]
}

// head reads a record up to its lines, which are last.
func (u *unpacking) head() (*record, layout) {
	l := of(u, u.st.codec.Layouts, u.uvarint())
	if u.bad {
		return newRecord(""), l
	}
	r := &record{
		ID: u.recordID(), Note: u.text(), Fields: make(map[string]string, len(l.Fields)),
		One: make(map[string]*record, len(l.One)), Many: make(map[string][]*record, len(l.Many)),
	}
	for i, name := range l.Fields {
		r.Fields[name] = u.value(l.words[i])
	}
	for _, name := range l.One {
		r.One[name] = u.record()
	}
	return r, l
}

func (u *unpacking) record() *record {
	r, l := u.head()
	for _, name := range l.Many {
		count := u.uvarint()
		if count > uint64(len(u.rest)) {
			u.bad = true
			return r
		}
		lines := make([]*record, count)
		for i := range lines {
			lines[i] = u.record()
		}
		r.Many[name] = lines
	}
	return r
}

func (u *unpacking) recordID() string {
	d := u.uvarint()
	if d == 0 {
		return u.text()
	}
	u.id += uint64(unzigzag(d - 1)) //nolint:gosec // G115: wraps on both sides
	return u.st.idText(u.id)
}

func (u *unpacking) value(w *words) string {
	tag := u.uvarint()
	switch {
	case tag == tagText:
		return u.text()
	case tag == tagStamp:
		u.stamp += u.varint()
		return time.UnixMilli(u.stamp).UTC().Format(time.RFC3339Nano)
	case tag >= tagWords:
		return of(u, w.Texts, tag-tagWords)
	case tag == tagTail:
		start, digits, value := of(u, w.Starts, u.uvarint()), u.uvarint(), strconv.FormatUint(u.uvarint(), 10)
		if digits < uint64(len(value)) || digits > maxDigits {
			u.bad = true
			return ""
		}
		return start + zeros[:int(digits)-len(value)] + value
	}
	return placed(u.varint(), int(tag-tagScale))
}

const zeros = "000000000000000000"

// placed writes a number with so many places behind the point.
func placed(value int64, places int) string {
	s := strconv.FormatInt(value, 10)
	if places == 0 {
		return s
	}
	sign := ""
	if value < 0 {
		sign, s = "-", s[1:]
	}
	if len(s) <= places {
		s = zeros[:places+1-len(s)] + s
	}
	return sign + strings.Join([]string{s[:len(s)-places], s[len(s)-places:]}, ".")
}
