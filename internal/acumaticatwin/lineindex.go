package acumaticatwin

import (
	"slices"
	"strings"
)

// A lineIndex finds the lines of a part that a patch means, however many
// there are.
type lineIndex struct {
	pt    *part
	byID  map[string]*record
	byKey map[string][]*record // also some that have another key by now
	keys  map[*record]string   // when it was added last
	gone  map[*record]bool
}

func newLineIndex(pt *part, lines []*record) *lineIndex {
	x := &lineIndex{pt: pt, byID: map[string]*record{}, byKey: map[string][]*record{}, keys: map[*record]string{}, gone: map[*record]bool{}}
	for _, l := range lines {
		x.add(l)
	}
	return x
}

// add takes a line with the keys that it has now.
func (x *lineIndex) add(l *record) {
	x.byID[l.ID] = l
	key := x.keyOf(l.get)
	if old, known := x.keys[l]; !known || old != key {
		x.keys[l] = key
		x.byKey[key] = append(x.byKey[key], l)
	}
}

// find returns the line with the id of a patch, or, when it has none, the
// first with its keys; nil is none.
func (x *lineIndex) find(p *patch) *record {
	if p.id != "" {
		return x.byID[p.id]
	}
	if !slices.ContainsFunc(x.pt.keys, func(k string) bool { return p.fields[k] != nil }) {
		return nil
	}
	key := x.keyOf(func(column string) string { return p.text(x.nameOf(column)) })
	for _, l := range x.byKey[key] {
		if !x.gone[l] && x.keyOf(l.get) == key {
			return l
		}
	}
	return nil
}

func (x *lineIndex) remove(l *record) {
	if l != nil {
		x.gone[l] = true
		delete(x.byID, l.ID)
	}
}

// nameOf is the key field that a column holds.
func (x *lineIndex) nameOf(column string) string {
	for _, k := range x.pt.keys {
		if x.pt.shape.field(k, allVersions).column == column {
			return k
		}
	}
	return column
}

// keyOf joins the keys; a number may have zeros in front.
func (x *lineIndex) keyOf(value func(column string) string) string {
	var b strings.Builder
	for _, k := range x.pt.keys {
		f := x.pt.shape.field(k, allVersions)
		text := fold(value(f.column))
		if f.kind == intKind {
			text = strings.TrimPrefix(text, "0")
		}
		b.WriteString(text + "\x00")
	}
	return b.String()
}
