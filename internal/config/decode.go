package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// readFile decodes a YAML document into the configuration. It walks the
// syntax tree itself, so that every finding has a line, every value an origin,
// and one mistake does not hide the next.
func (l *loader) readFile(path string, data []byte) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		where, text := path, err.Error()
		if syntax, ok := err.(yaml.Error); ok { //nolint:errorlint // the parser returns it unwrapped
			where, text = position(path, syntax.GetToken()), syntax.GetMessage()
		}
		l.problem("", where, "", "not YAML: %s", text)
		return
	}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			l.decode(doc.Body, reflect.ValueOf(l.cfg).Elem(), "")
		}
	}
}

func position(file string, t *token.Token) string {
	if t == nil || t.Position == nil {
		return file
	}
	return fmt.Sprintf("%s:%d:%d", file, t.Position.Line, t.Position.Column)
}

func (l *loader) where(n ast.Node) string { return position(l.origins.file, n.GetToken()) }

func (l *loader) decode(n ast.Node, v reflect.Value, path string) {
	switch n.(type) {
	case *ast.NullNode, *ast.CommentGroupNode:
		return // as if it were not there: the default stays
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		l.problem(path, l.where(n), "write the value out", "YAML anchors, aliases and tags are not supported")
		return
	}
	switch {
	case v.Type() == reflect.TypeFor[Account]():
		l.decodeAccount(n, v, path)
	case v.Type() == reflect.TypeFor[ByCurrency]():
		l.decodeByCurrency(n, v, path)
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		l.decodeStruct(n, v, path)
	case v.Kind() == reflect.Map:
		l.decodeMap(n, v, path)
	case v.Kind() == reflect.Slice:
		l.decodeSlice(n, v, path)
	default:
		l.decodeScalar(n, v, path)
	}
}

func (l *loader) decodeStruct(n ast.Node, v reflect.Value, path string) {
	m, ok := n.(ast.MapNode)
	if !ok {
		l.problem(path, l.where(n), "", "want a mapping with the keys %s", strings.Join(keysOf(v.Type()), ", "))
		return
	}
	for it := m.MapRange(); it.Next(); {
		key := it.Key().GetToken().Value
		field, ok := fieldOf(v, key)
		if !ok {
			hint := "the keys here are " + strings.Join(keysOf(v.Type()), ", ")
			if s := suggest(key, keysOf(v.Type())); s != "" {
				hint = "did you mean " + s + "?"
			}
			l.problem(join(path, key), l.where(it.Key()), hint, "unknown key %q", key)
			continue
		}
		l.decode(it.Value(), field, join(path, key))
	}
}

func (l *loader) decodeMap(n ast.Node, v reflect.Value, path string) {
	m, ok := n.(ast.MapNode)
	if !ok {
		l.problem(path, l.where(n), "", "want a mapping")
		return
	}
	out := reflect.MakeMap(v.Type())
	for it := m.MapRange(); it.Next(); {
		key := it.Key().GetToken().Value
		value := reflect.New(v.Type().Elem()).Elem()
		l.decode(it.Value(), value, join(path, key))
		out.SetMapIndex(reflect.ValueOf(key), value)
	}
	v.Set(out)
	l.origins.of[path] = Origin{"file", l.where(n)}
}

func (l *loader) decodeSlice(n ast.Node, v reflect.Value, path string) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		l.problem(path, l.where(n), "start each entry with a dash", "want a list")
		return
	}
	for i, item := range seq.Values {
		elem := reflect.New(v.Type().Elem()).Elem()
		if elem.Type() == reflect.TypeFor[Connection]() {
			elem.Set(reflect.ValueOf(defaultConnection()))
		}
		l.decode(item, elem, fmt.Sprintf("%s[%d]", path, i))
		v.Set(reflect.Append(v, elem))
	}
	l.origins.of[path] = Origin{"file", l.where(n)}
}

func (l *loader) decodeScalar(n ast.Node, v reflect.Value, path string) {
	scalar, ok := n.(ast.ScalarNode)
	if !ok {
		l.problem(path, l.where(n), "", "want a single value")
		return
	}
	text := scalar.GetToken().Value
	if lit, ok := n.(*ast.LiteralNode); ok {
		text = lit.Value.Value
	}
	origin := Origin{"file", l.where(n)}
	text, via, err := l.resolve(text)
	if err == nil {
		err = setScalar(v, text)
	}
	if err != nil {
		l.problem(path, origin.Where, "", "%v", err)
		return
	}
	if via != "" {
		origin.Where += " (" + via + ")"
	}
	l.origins.of[path] = origin
}

// resolve replaces ${NAME} and ${NAME:-fallback} by the environment, and a
// value that starts with file: by the content of that file, which may lie
// relative to the configuration file. It returns what it used.
func (l *loader) resolve(text string) (value, via string, err error) {
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(l.origins.file), path)
		}
		value, err := readSecretFile(path)
		return value, "file:" + path, err
	}
	var b strings.Builder
	var names []string
	for {
		before, rest, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			break
		}
		if strings.HasSuffix(before, "$") { // $${ stands for a literal ${
			b.WriteString("{")
			text = rest
			continue
		}
		ref, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", "", fmt.Errorf("${%s: the closing brace is missing", ref)
		}
		name, fallback, hasFallback := strings.Cut(ref, ":-")
		value, err := l.lookup(name)
		if err != nil {
			return "", "", err
		}
		if value == "" && !hasFallback {
			return "", "", fmt.Errorf("${%s}: not set in the environment", name)
		}
		if value == "" {
			value = fallback
		}
		b.WriteString(value)
		names = append(names, "${"+name+"}")
		text = after
	}
	return b.String(), strings.Join(names, " "), nil
}

// lookup reads a variable, or the file that its _FILE form names.
func (l *loader) lookup(name string) (string, error) {
	if value := l.src.Getenv(name); value != "" {
		return value, nil
	}
	if path := l.src.Getenv(name + "_FILE"); path != "" {
		value, err := readSecretFile(path)
		if err != nil {
			return "", fmt.Errorf("${%s}: %w", name, err)
		}
		return value, nil
	}
	return "", nil
}

// readSecretFile returns the content without the newline that editors leave
// at the end.
func readSecretFile(path string) (string, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}

func setScalar(v reflect.Value, text string) error {
	switch v.Interface().(type) {
	case time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 500ms, 15s or 5m", text)
		}
		v.SetInt(int64(d))
		return nil
	case time.Time:
		for _, layout := range []string{time.RFC3339, time.DateOnly} {
			if t, err := time.Parse(layout, text); err == nil {
				v.Set(reflect.ValueOf(t))
				return nil
			}
		}
		return fmt.Errorf("%q is not a date such as 2026-01-31 or a time by RFC 3339", text)
	}
	switch v.Kind() { //nolint:exhaustive // the configuration has no other kinds; default refuses one
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is not true or false", text)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		v.SetInt(n)
	default:
		return fmt.Errorf("a value of type %s cannot be set", v.Type())
	}
	return nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func keysOf(t reflect.Type) []string {
	keys := make([]string, t.NumField())
	for i := range keys {
		keys[i] = t.Field(i).Tag.Get("yaml")
	}
	return keys
}

func fieldOf(v reflect.Value, key string) (reflect.Value, bool) {
	for i, k := range keysOf(v.Type()) {
		if k == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// suggest returns the candidate that is nearest to a misspelt word, or "".
func suggest(word string, candidates []string) string {
	best, bestDistance := "", max(2, len(word)/3)+1
	for _, c := range candidates {
		if d := distance(word, c); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
