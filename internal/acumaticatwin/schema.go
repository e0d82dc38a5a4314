package acumaticatwin

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A kind is how a field's value is compared, parsed and written.
type kind uint8

const (
	textKind kind = iota
	decimalKind
	boolKind
	intKind
	stampKind // an instant, in the steps of the database type
	dateKind  // a business date; midnight on the wire
	guidKind
)

// A field is one property of an entity or of a part of it.
type field struct {
	name      string
	column    string // where the record keeps it: another name where two entities show one table
	kind      kind
	size      int  // text: longest value stored, 0 = no limit; decimal: scale of the database column
	readOnly  bool // a value sent is silently ignored, as Acumatica does with computed fields
	dead      bool // declared in the contract but bound to nothing: always {}
	notInList bool // {} in lists, a value when read by key
	since     int  // first endpoint version that has it (23 for 23.200.001); 0 = all
	locked    bool // of a customisation: disabled once the document is released
	alias     map[string]string
}

// A part is a linked entity or a detail array of a shape.
type part struct {
	name  string
	from  string // where the record keeps it; empty = under its name
	many  bool
	keys  []string // fields that identify a line besides its id
	since int
	until int    // first endpoint version without it; 0 = none yet
	view  string // data view with a delegate: lists that expand it fail; empty = none
	shape shape
	// rows computes the lines that are shown, where they are not just those
	// that are stored.
	rows func(x *tx, r *record) []*record
	// readOnly lines are written by the twin only.
	readOnly bool
	// unmodelled parts refuse lines that a client sends: better an error than
	// a document that silently lacks them.
	unmodelled bool
}

// A shape is what a record consists of: fields in contract order, then parts.
type shape struct {
	fields []field
	index  map[string]int
	parts  []part
}

func (s *shape) field(name string, version int) *field {
	i, ok := s.index[name]
	if !ok || s.fields[i].since > version {
		return nil
	}
	return &s.fields[i]
}

// column is where a record keeps the part.
func (p *part) column() string { return cmp.Or(p.from, p.name) }

// in reports whether an endpoint version has the part.
func (p *part) in(version int) bool {
	return p.since <= version && (p.until == 0 || version < p.until || version == allVersions)
}

func (s *shape) part(name string, version int) *part {
	for i := range s.parts {
		if s.parts[i].name == name && s.parts[i].in(version) {
			return &s.parts[i]
		}
	}
	return nil
}

// An action is a POST to <Entity>/<Action>. It returns the failure that the
// status address (or, without delay, the call itself) reports.
type action func(x *tx, r *record) *failure

// An entity is one row of the endpoint: its contract and its rules. Adding an
// entity means one file with a function that returns one of these.
type entity struct {
	name    string
	table   string // the entity whose records these are; empty = its own
	display string // as in "Inserting  '<display>' record raised …"
	screen  string
	graph   string
	view    string
	keys    []string // in the order of the key address
	shape   shape
	custom  shape // fields by "View.Field", reachable through $custom
	// indexed are the fields, as records keep them, or Part/Field, that
	// tx.where and filters find rows by.
	indexed []string
	// typedKey entities take the last key from the client instead of giving
	// out numbers.
	typedKey bool
	// origin is the name before the installer gave another one; empty = name.
	origin string
	// readOnly entities answer writes with 403.
	readOnly bool
	// since is the first version of Default that has the entity; 0 = all.
	since int
	// on says which endpoints show the entity.
	on    place
	fresh func(x *tx, r *record)
	save  func(x *tx, old, r *record) *problems
	// remove reports why r must stay; nil lets it go.
	remove  func(x *tx, r *record) *failure
	actions map[string]action
	// shows reports whether the form of this entity finds r; nil finds all.
	// What it does not find does not exist to reads and writes, and breaks
	// actions.
	shows func(r *record) bool
	// also returns rows that are computed, not stored. They are few.
	also func(x *tx) []*record
}

// stored is the entity under whose name the records are kept.
func (e *entity) stored() string { return cmp.Or(e.table, e.name) }

// published is the name that the entity has unless the installer gave it
// another one.
func (e *entity) published() string { return cmp.Or(e.origin, e.name) }

// finds reports whether the entity's form finds the record; nil is not found.
func (e *entity) finds(r *record) bool { return r != nil && (e.shows == nil || e.shows(r)) }

// A place is where an entity is shown.
type place uint8

const (
	everywhere place = iota
	onCustom         // on the custom endpoint only
	nowhere          // a table of the tenant without an entity
)

// in reports whether an endpoint has the entity.
func (e *entity) in(version int, custom bool) bool {
	return e.since <= version && (e.on == everywhere || (e.on == onCustom && custom))
}

func (e *entity) keyOf(r *record) string {
	var key strings.Builder
	for i, k := range e.keys {
		if i > 0 {
			key.WriteString(keySeparator)
		}
		key.WriteString(fold(r.get(k)))
	}
	return key.String()
}

// unsaved reports whether the record has not got its number yet.
func (e *entity) unsaved(r *record) bool { return r.get(e.keys[len(e.keys)-1]) == unsavedKey }

// keySeparator sorts before everything that a key can hold.
const keySeparator = "\x1f"

// foldKey joins key values the way the database compares them: without case
// and without trailing blanks.
func foldKey(values []string) string {
	folded := make([]string, len(values))
	for i, v := range values {
		folded[i] = fold(v)
	}
	return strings.Join(folded, keySeparator)
}

func fold(s string) string { return strings.ToLower(strings.TrimRight(s, " ")) }

// A catalog holds the entities by name.
type catalog map[string]*entity

// sorted returns the entities by name.
func (c catalog) sorted() []*entity {
	return slices.SortedFunc(maps.Values(c), func(a, b *entity) int { return strings.Compare(a.name, b.name) })
}

// newCatalog builds every entity. An error is a mistake in a field list.
func newCatalog(refundLabel string) (catalog, error) {
	b := builder{refundLabel: refundLabel}
	c := catalog{}
	for _, e := range []*entity{
		customerEntity(&b), invoiceEntity(&b), paymentEntity(&b), rateEntity(&b), fileEntity(&b), cashAccountEntity(&b), depositEntity(&b), creditMemoEntity(&b), projectTransactionEntity(&b), cashTransactionEntity(&b),
		paymentMethodEntity(&b), currencyEntity(&b), periodEntity(&b), accountEntity(&b),
		journalEntity(&b), ledgerEntity(&b), subaccountEntity(&b),
		stockItemEntity(&b), nonStockItemEntity(&b), cashSaleEntity(&b), salesInvoiceEntity(&b),
		salesOrderEntity(&b), shipmentEntity(&b),
	} {
		c[e.name] = e
	}
	return c, errors.Join(b.errs...)
}

// A builder parses field lists and keeps the errors for the end. It knows what
// the build calls refunds.
type builder struct {
	errs        []error
	refundLabel string
}

// shape reads a field list: Name:K, or Name=Column:K, where K is S (text), D (decimal), B, I, T
// (instant), A (date), G, a size, and flags: ! read-only, ~ dead, - not in
// lists, +NN first version.
func (b *builder) shape(spec string, parts ...part) shape {
	s := shape{index: map[string]int{}, parts: parts}
	for word := range strings.FieldsSeq(spec) {
		f, err := parseField(word)
		if err != nil {
			b.errs = append(b.errs, err)
			continue
		}
		s.index[f.name] = len(s.fields)
		s.fields = append(s.fields, f)
	}
	return s
}

func parseField(word string) (field, error) {
	name, rest, ok := strings.Cut(word, ":")
	name, column, _ := strings.Cut(name, "=")
	if !ok || name == "" || rest == "" {
		return field{}, fmt.Errorf("field %q: want Name:Kind", word)
	}
	k := strings.IndexByte("SDBITAG", rest[0])
	if k < 0 {
		return field{}, fmt.Errorf("field %q: unknown kind", word)
	}
	f := field{name: name, column: cmp.Or(column, name), kind: kind(k)} //nolint:gosec // G115: k is below 7
	rest, since, _ := strings.Cut(rest[1:], "+")
	if since != "" {
		n, err := strconv.Atoi(since)
		if err != nil {
			return field{}, fmt.Errorf("field %q: %w", word, err)
		}
		f.since = n
	}
	flags := strings.TrimLeft(rest, "0123456789")
	if digits := strings.TrimSuffix(rest, flags); digits != "" {
		n, err := strconv.Atoi(digits)
		if err != nil {
			return field{}, fmt.Errorf("field %q: %w", word, err)
		}
		f.size = n
	}
	for _, c := range flags {
		switch c {
		case '!':
			f.readOnly = true
		case '~':
			f.dead = true
		case '-':
			f.notInList = true
		default:
			return field{}, fmt.Errorf("field %q: unknown flag %q", word, c)
		}
	}
	return f, nil
}

// alias lets a drop-down's internal codes stand for the text it shows.
// Acumatica: vendor samples send DocType "INV" for "Invoice".
func (s *shape) alias(name string, codes map[string]string) {
	if i, ok := s.index[name]; ok {
		s.fields[i].alias = codes
	}
}
