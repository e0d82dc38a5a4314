package stripetwin

import (
	"maps"
	"slices"
	"strings"
)

// wordColumn is the name of the column that searches use.
const wordColumn = "words"

// searchable makes rows findable by the words of some fields of their search,
// and by metadata, whatever the case.
func searchable[T any, P rowOf[T]](fields map[string]func(*T) string) column[T] {
	names := slices.Sorted(maps.Keys(fields))
	return column[T]{name: wordColumn, words: func(v *T) []string {
		var out []string
		for _, name := range names {
			for w := range strings.FieldsSeq(fields[name](v)) {
				out = append(out, searchWord(name, w))
			}
		}
		meta := P(v).top().Metadata
		for _, k := range slices.Sorted(maps.Keys(meta)) {
			out = append(out, metadataWord(k, meta[k]))
		}
		slices.Sort(out)
		return slices.Compact(out)
	}}
}

func searchWord(field, word string) string { return field + "\x00" + strings.ToLower(word) }

func metadataWord(key, value string) string {
	return "metadata\x00" + key + "\x00" + strings.ToLower(value)
}

// indexed are the fields that the tables of the searchable resources declare.
var indexed = map[string][]string{
	"charges": {"customer"}, "customers": {"email", "name", "phone"}, "invoices": {"customer", "number"}, "payment_intents": {"customer"},
}

// narrow turns a query into what a table can look up: a word that every hit
// has, "" when there is none, and the range of its creation.
func (q query) narrow(resource string) (word string, created span) {
	created = always
	if q.anyOf {
		return "", created
	}
	for _, cl := range q.clauses {
		switch {
		case cl.not || cl.null:
		case cl.field == "created":
			created = created.and(cl)
		case cl.op != ":" || word != "" || len(indexed[resource]) == 0:
		case cl.field == "metadata":
			word = metadataWord(cl.key, cl.value)
		case slices.Contains(indexed[resource], cl.field):
			if w := strings.Fields(cl.value); len(w) > 0 {
				word = searchWord(cl.field, w[0])
			}
		}
	}
	return word, created
}
