package stripetwin

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// A packing turns values of one type into a few bytes and back, or into JSON
// for the journal. The bytes live in memory only. Empty maps and slices come back
// as nil, unexported fields not at all, JSON is squeezed.
type packing struct {
	put  func(b []byte, v reflect.Value) []byte
	take func(b []byte, v reflect.Value) []byte // returns what is left of b
	json func(w *jsonWriter, v reflect.Value)   // as encoding/json would read it back, without what is zero
}

// newPacking panics for a type that no row has: a mistake of whoever adds a
// kind, seen at once.
func newPacking(t reflect.Type, z *squeezer) packing {
	if t == reflect.TypeFor[json.RawMessage]() {
		return jsonPacking(z)
	}
	switch t.Kind() { //nolint:exhaustive // all others are refused below
	case reflect.String:
		return textPacking()
	case reflect.Int, reflect.Int32, reflect.Int64:
		return numberPacking()
	case reflect.Bool:
		return packing{
			put:  func(b []byte, _ reflect.Value) []byte { return b }, // that it is there says it
			take: func(b []byte, v reflect.Value) []byte { v.SetBool(true); return b },
			json: func(w *jsonWriter, v reflect.Value) { w.value(v.Bool()) },
		}
	case reflect.Struct:
		return structPacking(t, z)
	case reflect.Pointer:
		el := newPacking(t.Elem(), z)
		return packing{
			put: func(b []byte, v reflect.Value) []byte { return el.put(b, v.Elem()) },
			take: func(b []byte, v reflect.Value) []byte {
				v.Set(reflect.New(t.Elem()))
				return el.take(b, v.Elem())
			},
			json: func(w *jsonWriter, v reflect.Value) {
				if v.IsNil() {
					w.value(nil)
					return
				}
				el.json(w, v.Elem())
			},
		}
	case reflect.Slice, reflect.Array:
		return listPacking(t, newPacking(t.Elem(), z))
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return mapPacking(t, newPacking(t.Elem(), z))
		}
	}
	panic(fmt.Sprintf("stripetwin: rows cannot have fields of type %v", t))
}

// structPacking is a bitmap of the fields that are not zero, then those fields
// one after the other. Members of an embedded struct count as its own.
func structPacking(t reflect.Type, z *squeezer) packing {
	var at [][]int
	var as []packing
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if !f.Anonymous && f.IsExported() {
			at, as, names = append(at, f.Index), append(as, newPacking(f.Type, z)), append(names, jsonName(f))
		}
	}
	n := (len(at) + 7) / 8
	return packing{
		put: func(b []byte, v reflect.Value) []byte {
			bits := len(b)
			b = append(b, make([]byte, n)...)
			for i, index := range at {
				if f := v.FieldByIndex(index); !blank(f) {
					b[bits+i/8] |= 1 << (i % 8)
					b = as[i].put(b, f)
				}
			}
			return b
		},
		take: func(b []byte, v reflect.Value) []byte {
			bits, b := b[:n], b[n:]
			for i, index := range at {
				if bits[i/8]&(1<<(i%8)) != 0 {
					b = as[i].take(b, v.FieldByIndex(index))
				}
			}
			return b
		},
		json: func(w *jsonWriter, v reflect.Value) {
			w.open('{')
			n := 0
			for i, index := range at {
				if f := v.FieldByIndex(index); !blank(f) {
					w.next(n)
					w.text(names[i])
					w.b = append(w.b, ':')
					as[i].json(w, f)
					n++
				}
			}
			w.close('}', n)
		},
	}
}

// jsonName is the name that encoding/json reads a field by.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return orElse(name, f.Name)
}

func blank(v reflect.Value) bool {
	if k := v.Kind(); k == reflect.Map || k == reflect.Slice {
		return v.Len() == 0
	}
	return v.IsZero()
}

func textPacking() packing {
	return packing{
		put: func(b []byte, v reflect.Value) []byte {
			return append(binary.AppendUvarint(b, uint64(v.Len())), v.String()...) //nolint:gosec // a length
		},
		take: func(b []byte, v reflect.Value) []byte {
			n, b := takeLen(b)
			v.SetString(string(b[:n]))
			return b[n:]
		},
		json: func(w *jsonWriter, v reflect.Value) { w.text(v.String()) },
	}
}

func takeLen(b []byte) (int, []byte) {
	n, w := binary.Uvarint(b)
	return int(n), b[w:] //nolint:gosec // a length
}

func numberPacking() packing {
	return packing{
		put: func(b []byte, v reflect.Value) []byte { return binary.AppendVarint(b, v.Int()) },
		take: func(b []byte, v reflect.Value) []byte {
			i, n := binary.Varint(b)
			v.SetInt(i)
			return b[n:]
		},
		json: func(w *jsonWriter, v reflect.Value) { w.value(v.Int()) },
	}
}

func jsonPacking(z *squeezer) packing {
	return packing{
		put: func(b []byte, v reflect.Value) []byte {
			small := z.squeeze(v.Bytes())
			return append(binary.AppendUvarint(b, uint64(len(small))), small...)
		},
		take: func(b []byte, v reflect.Value) []byte {
			n, b := takeLen(b)
			v.SetBytes(z.expand(b[:n]))
			return b[n:]
		},
		json: func(w *jsonWriter, v reflect.Value) { w.b = append(w.b, v.Bytes()...) },
	}
}

// listPacking says of each element first whether it is there at all.
func listPacking(t reflect.Type, el packing) packing {
	return packing{
		put: func(b []byte, v reflect.Value) []byte {
			b = binary.AppendUvarint(b, uint64(v.Len())) //nolint:gosec // a length
			for i := range v.Len() {
				b = putOptional(b, v.Index(i), el)
			}
			return b
		},
		take: func(b []byte, v reflect.Value) []byte {
			n, b := takeLen(b)
			if t.Kind() == reflect.Slice {
				v.Set(reflect.MakeSlice(t, n, n))
			}
			for i := range n {
				b = takeOptional(b, v.Index(i), el)
			}
			return b
		},
		json: func(w *jsonWriter, v reflect.Value) {
			w.open('[')
			for i := range v.Len() {
				w.next(i)
				el.json(w, v.Index(i))
			}
			w.close(']', v.Len())
		},
	}
}

func mapPacking(t reflect.Type, el packing) packing {
	text := textPacking()
	return packing{
		put: func(b []byte, v reflect.Value) []byte {
			keys := v.MapKeys()
			slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
			b = binary.AppendUvarint(b, uint64(len(keys)))
			for _, k := range keys {
				b = putOptional(text.put(b, k), v.MapIndex(k), el)
			}
			return b
		},
		take: func(b []byte, v reflect.Value) []byte {
			n, b := takeLen(b)
			v.Set(reflect.MakeMapWithSize(t, n))
			for range n {
				k, e := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
				b = takeOptional(text.take(b, k), e, el)
				v.SetMapIndex(k, e)
			}
			return b
		},
		json: func(w *jsonWriter, v reflect.Value) { w.other(v.Interface()) },
	}
}

func putOptional(b []byte, v reflect.Value, el packing) []byte {
	if blank(v) {
		return append(b, 0)
	}
	return el.put(append(b, 1), v)
}

func takeOptional(b []byte, v reflect.Value, el packing) []byte {
	if b[0] == 0 {
		return b[1:]
	}
	return el.take(b[1:], v)
}
