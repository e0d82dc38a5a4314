package acumaticatwin

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A codec packs records: a million documents as maps of strings would need
// several gigabytes. A row is its layout (which fields and parts it has), then
// their values; values that are often the same are numbered by field. The
// tables grow with what is packed and are never changed otherwise, so packed
// rows stay readable.
type codec struct {
	Layouts []layout          `json:"layouts"`
	Words   map[string]*words `json:"words"` // by field

	layouts map[uint64][]uint64 // numbers by a sum over the names
	seed    maphash.Seed
}

// A layout is a set of names, in their order in the row.
type layout struct {
	Fields []string `json:"f,omitempty"`
	One    []string `json:"o,omitempty"`
	Many   []string `json:"m,omitempty"`

	words []*words // of Fields
}

// words are the numbered values of a field, and the numbered beginnings of
// values that end in a number.
type words struct {
	Texts  []string `json:"t,omitempty"`
	Starts []string `json:"s,omitempty"`

	texts, starts map[string]uint64
}

const (
	maxTexts   = 4096 // numbered values of a field
	maxNumbers = 64   // of these, values that could be written as a number
	maxStarts  = 64

	// How a value is written: a tag, or its number plus tagWords.
	tagText  = 0 // length and bytes
	tagStamp = 1 // milliseconds since the last instant in the row
	tagTail  = 2 // number of the beginning, count of digits, their value
	tagScale = 3 // and up to tagWords: a decimal with so many places less 3
	tagWords = 8

	maxDigits = 18 // of what fits an int64
)

var errPacked = errors.New("a packed row cannot be read")

func newCodec() *codec {
	return &codec{Words: map[string]*words{}, layouts: map[uint64][]uint64{}, seed: maphash.MakeSeed()}
}

// ready rebuilds the look-up tables after a load.
func (c *codec) ready() {
	c.layouts, c.seed = map[uint64][]uint64{}, maphash.MakeSeed()
	for _, w := range c.Words {
		w.texts, w.starts = numbered(w.Texts), numbered(w.Starts)
	}
	for i, l := range c.Layouts {
		sum := c.sum(l.Fields) + 3*c.sum(l.One) + 5*c.sum(l.Many)
		c.layouts[sum] = append(c.layouts[sum], uint64(i))
		c.Layouts[i].words = c.wordsOf(l.Fields)
	}
}

func numbered(list []string) map[string]uint64 {
	m := make(map[string]uint64, len(list))
	for i, s := range list {
		m[s] = uint64(i)
	}
	return m
}

// sum is the same for the same names in any order.
func (c *codec) sum(names []string) (sum uint64) {
	for _, name := range names {
		sum += maphash.String(c.seed, name)
	}
	return sum
}

// sumOf is codec.sum of the keys of a map. An iterator over them instead would
// be a tenth of what seeding allocates.
func sumOf[T any](seed maphash.Seed, m map[string]T) (sum uint64) {
	for name := range m {
		sum += maphash.String(seed, name)
	}
	return sum
}

func (c *codec) layoutOf(r *record) (uint64, *layout) {
	sum := sumOf(c.seed, r.Fields) + 3*sumOf(c.seed, r.One) + 5*sumOf(c.seed, r.Many)
	for _, n := range c.layouts[sum] {
		if l := &c.Layouts[n]; fits(l.Fields, r.Fields) && fits(l.One, r.One) && fits(l.Many, r.Many) {
			return n, l
		}
	}
	n := uint64(len(c.Layouts))
	c.layouts[sum] = append(c.layouts[sum], n)
	fields := slices.Sorted(maps.Keys(r.Fields))
	c.Layouts = append(c.Layouts, layout{
		Fields: fields, One: slices.Sorted(maps.Keys(r.One)), Many: slices.Sorted(maps.Keys(r.Many)), words: c.wordsOf(fields),
	})
	return n, &c.Layouts[n]
}

func fits[T any](names []string, m map[string]T) bool {
	if len(names) != len(m) {
		return false
	}
	for _, name := range names {
		if _, ok := m[name]; !ok {
			return false
		}
	}
	return true
}

func (c *codec) wordsOf(fields []string) []*words {
	list := make([]*words, len(fields))
	for i, field := range fields {
		if c.Words[field] == nil {
			c.Words[field] = &words{texts: map[string]uint64{}, starts: map[string]uint64{}}
		}
		list[i] = c.Words[field]
	}
	return list
}

// number gives s a number while there is room.
func number(s string, list *[]string, index map[string]uint64, room int) (uint64, bool) {
	n, ok := index[s]
	if ok || len(*list) >= room {
		return n, ok
	}
	s = strings.Clone(s)
	n = uint64(len(*list))
	index[s] = n
	*list = append(*list, s)
	return n, true
}

// A packing is one row on its way in; ids and instants are written as the
// difference to the last one.
type packing struct {
	st    *state
	buf   []byte
	id    uint64
	stamp int64
}

// pack returns the row without its own id, which is the row's number.
func (st *state) pack(r *record, buf []byte) []byte {
	n, _ := st.idNumber(r.ID)
	p := packing{st: st, buf: buf, id: n}
	p.record(r)
	return p.buf
}

func (p *packing) text(s string) {
	p.buf = binary.AppendUvarint(p.buf, uint64(len(s)))
	p.buf = append(p.buf, s...)
}

func (p *packing) record(r *record) {
	n, l := p.st.codec.layoutOf(r)
	p.buf = binary.AppendUvarint(p.buf, n)
	p.recordID(r.ID)
	p.text(r.Note)
	for i, name := range l.Fields {
		p.value(l.words[i], r.Fields[name])
	}
	for _, name := range l.One {
		p.record(r.One[name])
	}
	for _, name := range l.Many {
		p.buf = binary.AppendUvarint(p.buf, uint64(len(r.Many[name])))
		for _, line := range r.Many[name] {
			p.record(line)
		}
	}
}

// recordID writes 0 and a text for an id of other origin, else the distance.
func (p *packing) recordID(id string) {
	n, ok := p.st.idNumber(id)
	if !ok {
		p.buf = binary.AppendUvarint(p.buf, 0)
		p.text(id)
		return
	}
	p.buf = binary.AppendUvarint(p.buf, zigzag(int64(n-p.id))+1) //nolint:gosec // G115: wraps on both sides
	p.id = n
}

func (p *packing) value(w *words, s string) {
	if ms, ok := stampMillis(s); ok {
		p.buf = binary.AppendUvarint(p.buf, tagStamp)
		p.buf = binary.AppendVarint(p.buf, ms-p.stamp)
		p.stamp = ms
		return
	}
	value, places, digits, ok := splitNumber(s)
	room := maxTexts
	if ok {
		room = maxNumbers
	}
	if n, known := number(s, &w.Texts, w.texts, room); known {
		p.buf = binary.AppendUvarint(p.buf, n+tagWords)
		return
	}
	if ok && digits == 0 {
		p.buf = binary.AppendUvarint(p.buf, uint64(tagScale+places)) //nolint:gosec // G115: small
		p.buf = binary.AppendVarint(p.buf, value)
		return
	}
	if ok {
		if n, known := number(s[:len(s)-digits], &w.Starts, w.starts, maxStarts); known {
			p.buf = binary.AppendUvarint(p.buf, tagTail)
			p.buf = binary.AppendUvarint(p.buf, n)
			p.buf = binary.AppendUvarint(p.buf, uint64(digits)) //nolint:gosec // G115: small
			p.buf = binary.AppendUvarint(p.buf, uint64(value))  //nolint:gosec // G115: no sign
			return
		}
	}
	p.buf = binary.AppendUvarint(p.buf, tagText)
	p.text(s)
}

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) } //nolint:gosec // G115: bits
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// splitNumber takes a text apart that is a decimal (digits is 0, and places
// says how many are behind the point), or that ends in a number with so many
// digits. Put together again it is the same text.
func splitNumber(s string) (value int64, places, digits int, ok bool) {
	end := len(s)
	for end > 0 && s[end-1] >= '0' && s[end-1] <= '9' {
		end--
	}
	digits = len(s) - end
	if digits == 0 || digits > maxDigits {
		return 0, 0, 0, false
	}
	head, tail := s[:end], s[end:]
	if head != "" && head[len(head)-1] == '.' && digits < tagWords-tagScale {
		if whole := head[:len(head)-1]; plainNumber(whole) && len(whole)+digits <= maxDigits {
			value, err := strconv.ParseInt(whole+tail, 10, 64)
			return value, digits, 0, err == nil
		}
	}
	if plainNumber(s) {
		value, err := strconv.ParseInt(s, 10, 64)
		return value, 0, 0, err == nil
	}
	value, err := strconv.ParseInt(tail, 10, 64)
	return value, 0, digits, err == nil
}

// plainNumber reports an integer without leading zeros. "-0" is none: it would
// come back without its sign.
func plainNumber(s string) bool {
	d := strings.TrimPrefix(s, "-")
	if d == "" || len(d) > maxDigits || (d[0] == '0' && s != "0") {
		return false
	}
	for i := range len(d) {
		if d[i] < '0' || d[i] > '9' {
			return false
		}
	}
	return true
}

// stampMillis reads an instant that stampText wrote.
func stampMillis(s string) (int64, bool) {
	if len(s) < 20 || s[4] != '-' || s[10] != 'T' || s[len(s)-1] != 'Z' {
		return 0, false
	}
	if len(s) > 20 && (s[19] != '.' || s[len(s)-2] == '0') {
		return 0, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Nanosecond()%int(time.Millisecond) != 0 {
		return 0, false
	}
	return t.UnixMilli(), true
}
