package config

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Value is one setting as it may be shown: no secret is in it (Invariant 9).
type Value struct {
	Path   string `json:"path"`
	Value  string `json:"value"`
	Origin string `json:"origin"` // "default", "file millrace.yaml:12:5", "env STRIPE_API_KEY", "flag --data-dir"
}

// Show lists every setting with where it came from, secrets masked.
func Show(c *Config, o Origins) []Value {
	var out []Value
	show(reflect.ValueOf(c).Elem(), "", func(path, value string) {
		origin := o.Of(path)
		out = append(out, Value{Path: path, Value: value, Origin: strings.TrimSpace(origin.Kind + " " + origin.Where)})
	})
	return out
}

func show(v reflect.Value, path string, emit func(path, value string)) {
	switch x := v.Interface().(type) {
	case Secret:
		if x != "" {
			emit(path, x.String())
			return
		}
		emit(path, "")
		return
	case []Secret:
		emit(path, strings.TrimSuffix(strings.Repeat("***,", len(x)), ","))
		return
	case time.Time:
		if x.IsZero() {
			emit(path, "")
			return
		}
		emit(path, x.Format(time.RFC3339))
		return
	case map[string]Account:
		emit(path, showAccounts(x))
		return
	case map[string]ByCurrency:
		emit(path, showByCurrency(x))
		return
	case map[string]string:
		pairs := make([]string, 0, len(x))
		for k, value := range x {
			pairs = append(pairs, k+"="+value)
		}
		slices.Sort(pairs)
		emit(path, strings.Join(pairs, ","))
		return
	}
	switch v.Kind() { //nolint:exhaustive // every other kind is a plain value
	case reflect.Struct:
		for i, key := range keysOf(v.Type()) {
			show(v.Field(i), join(path, key), emit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			show(v.Index(i), fmt.Sprintf("%s[%d]", path, i), emit)
		}
	case reflect.String:
		emit(path, redactURLs(v.String()))
	default:
		emit(path, fmt.Sprint(v.Interface()))
	}
}

// redactURLs masks the password or token that a URL may carry, such as
// nats://token@host.
func redactURLs(s string) string {
	if !strings.Contains(s, "://") {
		return s
	}
	parts := strings.Split(s, ",")
	for i, p := range parts {
		if u, err := url.Parse(strings.TrimSpace(p)); err != nil {
			parts[i] = "***"
		} else if u.User != nil {
			u.User = nil
			parts[i] = strings.Replace(u.String(), "://", "://***@", 1)
		}
	}
	return strings.Join(parts, ",")
}
