package stripetwin

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"millrace/internal/money"
)

// A node is one level of a decoded form: a value, a hash or a list. Lists are
// hashes with keys "0", "1", …; both a[]=x and a[0]=x make one.
type node struct {
	value string
	leaf  bool
	kids  map[string]*node
	keys  []string // of kids, in order of appearance
}

func (n *node) kid(key string) *node {
	k := n.kids[key]
	if k == nil {
		if n.kids == nil {
			n.kids = map[string]*node{}
		}
		k = &node{}
		n.kids[key] = k
		n.keys = append(n.keys, key)
	}
	return k
}

// put stores a value under the rest of its key's segments. An empty segment
// appends; a hash inside a list goes on until a member comes a second time.
func (n *node) put(segs []string, value string) {
	if len(segs) == 0 {
		n.value, n.leaf = value, true
		return
	}
	key := segs[0]
	if key == "" {
		key = strconv.Itoa(len(n.keys))
		if len(segs) > 1 && len(n.keys) > 0 {
			last := n.kids[n.keys[len(n.keys)-1]]
			if _, taken := last.kids[segs[1]]; !taken || segs[1] == "" {
				key = n.keys[len(n.keys)-1]
			}
		}
	}
	n.kid(key).put(segs[1:], value)
}

// canon renders the tree independent of the order of keys, for comparing two
// requests.
func (n *node) canon(b *strings.Builder) {
	if n.leaf {
		b.WriteString(strconv.Quote(n.value))
	}
	for _, k := range slices.Sorted(slices.Values(n.keys)) {
		b.WriteString("{" + strconv.Quote(k) + ":")
		n.kids[k].canon(b)
		b.WriteString("}")
	}
}

// A form is the parameters of one request. The first error that a getter
// meets stays in err; the getters after it return zero values.
type form struct {
	node
	prefix string
	err    *apiError
	root   *form // the form that holds err; nil for the root itself
}

func newForm() *form { return &form{} }

func parseForm(raw string) (*form, *apiError) {
	f := newForm()
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(k)
		if err != nil {
			return nil, invalid("", "", "Invalid request: the parameters cannot be decoded.")
		}
		value, err := url.QueryUnescape(v)
		if err != nil {
			return nil, invalid("", "", "Invalid request: the parameters cannot be decoded.")
		}
		segs, ok := segments(key)
		if !ok {
			return nil, invalid("parameter_unknown", key, "Received unknown parameter: %s", key)
		}
		f.put(segs, value)
	}
	return f, nil
}

// segments splits a[b][] into a, b and "".
func segments(key string) ([]string, bool) {
	head, rest, nested := strings.Cut(key, "[")
	if head == "" {
		return nil, false
	}
	if !nested {
		return []string{head}, true
	}
	if !strings.HasSuffix(rest, "]") {
		return nil, false
	}
	return append([]string{head}, strings.Split(rest[:len(rest)-1], "][")...), true
}

func (f *form) fail(e *apiError) {
	r := f
	if f.root != nil {
		r = f.root
	}
	if r.err == nil {
		r.err = e
	}
}

func (f *form) name(k string) string {
	if f.prefix == "" {
		return k
	}
	return f.prefix + "[" + k + "]"
}

func (f *form) has(k string) bool { return f.kids[k] != nil }

// sub returns the hash under k, or nil when it was not given.
func (f *form) sub(k string) *form {
	n := f.kids[k]
	if n == nil {
		return nil
	}
	root := f
	if f.root != nil {
		root = f.root
	}
	return &form{node: *n, prefix: f.name(k), root: root}
}

// only refuses parameters that are not among known. Stripe: code
// parameter_unknown.
func (f *form) only(known ...string) {
	for _, k := range f.keys {
		if !slices.Contains(known, k) {
			f.fail(invalid("parameter_unknown", f.name(k), "Received unknown parameter: %s", f.name(k)))
		}
	}
}

func (f *form) str(k string, maxLen int) string {
	n := f.kids[k]
	if n == nil {
		return ""
	}
	if !n.leaf {
		f.fail(invalid("", f.name(k), "Invalid string: %s", f.name(k)))
		return ""
	}
	if len([]rune(n.value)) > maxLen {
		f.fail(invalid("", f.name(k), "Invalid string: must be at most %d characters", maxLen))
	}
	return n.value
}

// set stores the parameter k in dst when it was given.
func (f *form) set(dst *string, k string, maxLen int) {
	if f.has(k) {
		*dst = f.str(k, maxLen)
	}
}

func (f *form) choice(k, dflt string, values ...string) string {
	v := f.str(k, 100)
	if v == "" {
		return dflt
	}
	if !slices.Contains(values, v) {
		f.fail(invalid("", f.name(k), "Invalid %s: must be one of %s", f.name(k), strings.Join(values, ", ")))
	}
	return v
}

func (f *form) integer(k string, dflt int64) int64 {
	v := f.str(k, 40)
	if !f.has(k) {
		return dflt
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		f.fail(invalid("parameter_invalid_integer", f.name(k), "Invalid integer: %s", v))
	}
	return n
}

func (f *form) boolean(k string, dflt bool) bool {
	switch v := f.str(k, 40); {
	case !f.has(k):
		return dflt
	case v == "true":
		return true
	case v == "false":
		return false
	default:
		f.fail(invalid("", f.name(k), "Invalid boolean: %s", v))
		return false
	}
}

// list returns the values of an array.
func (f *form) list(k string) []string {
	n := f.kids[k]
	if n == nil {
		return nil
	}
	if n.leaf {
		if n.value != "" {
			f.fail(invalid("", f.name(k), "Invalid array"))
		}
		return nil
	}
	var out []string
	for _, i := range n.keys {
		out = append(out, n.kids[i].value)
	}
	return out
}

// metadata merges the given metadata into old. Stripe: unmentioned keys stay,
// an empty value deletes, metadata= clears; at most 50 keys of 40 characters
// with values of 500.
func (f *form) metadata(old map[string]string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, old)
	m := f.sub("metadata")
	if m == nil {
		return out
	}
	if m.leaf {
		if m.value != "" {
			f.fail(invalid("", "metadata", "Invalid hash"))
		}
		return map[string]string{}
	}
	for _, k := range m.keys {
		v := m.str(k, 500)
		if len([]rune(k)) > 40 || strings.ContainsAny(k, "[]") {
			f.fail(invalid("", "metadata", "Metadata keys can have up to 40 characters, without square brackets: %s", k))
		}
		if v == "" {
			delete(out, k)
			continue
		}
		out[k] = v
	}
	if len(out) > 50 {
		f.fail(invalid("", "metadata", "You can specify up to 50 metadata keys."))
	}
	return out
}

// parseCurrency lower-cases a currency that is in Stripe's table. Invariant 6.
func parseCurrency(s string) (string, error) {
	if _, err := money.Exponent(s); err != nil {
		return "", invalid("", "currency", "Invalid currency: %s.", s)
	}
	return strings.ToLower(s), nil
}

// currency reads the three-letter code under "currency", lower-cased, or returns dflt.
func (f *form) currency(dflt string) string {
	const k = "currency"
	v := f.str(k, 10)
	if v == "" {
		return dflt
	}
	c, err := parseCurrency(v)
	if err != nil {
		f.fail(invalid("", f.name(k), "Invalid currency: %s.", v))
	}
	return c
}

// fingerprint identifies a request's endpoint and parameters.
func (f *form) fingerprint(method, path string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s ", method, path)
	f.canon(&b)
	return b.String()
}
