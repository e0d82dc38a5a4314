package acumaticatwin

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A replay is one recorded request and answer that is played to the twin.
type replay struct {
	file string
	// swap maps what the recording names to what the twin's company has.
	swap map[string]string
	// prepare makes the records that the request refers to and returns more
	// to swap.
	prepare func(c *client) map[string]string
	// body replaces the recorded request's body where the file has none.
	body string
	// same lists values, by path, that must be equal and not only of one kind.
	same []string
	// differs lists what may differ, by path, and why.
	differs map[string]string
	options func(o *Options)
	// check holds what the recording says besides its answer.
	check func(t *testing.T, c *client, a answer)
}

// An exchange is a file of the examples folder.
type exchange struct {
	Request struct {
		Method      string            `json:"method"`
		URL         string            `json:"url"`
		Headers     map[string]string `json:"headers"`
		ContentType string            `json:"contentType"`
		Form        map[string]string `json:"form"`
		Body        json.RawMessage   `json:"body"`
	} `json:"request"`
	Response struct {
		Status  int             `json:"status"`
		Headers map[string]any  `json:"headers"`
		Body    json.RawMessage `json:"body"`
	} `json:"response"`
}

// tells reports whether a file says anything of this part of the answer: many
// show no headers, or no cookies, or the status alone.
func (e *exchange) tells(path string) bool {
	switch {
	case strings.HasPrefix(path, "cookie "):
		return e.Response.Headers["Set-Cookie"] != nil
	case strings.HasPrefix(path, "header "):
		return e.Response.Headers != nil
	case strings.HasPrefix(path, "body"):
		return e.Response.Body != nil || e.Response.Headers != nil
	}
	return true
}

func TestRecordedExchangesAreReproduced(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range replays() {
		seen[r.file] = true
		t.Run(r.file, func(t *testing.T) { r.play(t) })
	}
	for name := range leftOut() {
		if seen[name] {
			t.Errorf("%s is replayed and left out", name)
		}
		seen[name] = true
	}
	for _, name := range referenceFiles(t, "examples") {
		if strings.HasSuffix(name, ".json") && !seen[name] {
			t.Errorf("%s is neither replayed nor left out", name)
		}
	}
}

func (r replay) play(t *testing.T) {
	t.Helper()
	var rec exchange
	if err := json.Unmarshal(reference(t, "examples", r.file), &rec); err != nil {
		t.Fatal(err)
	}
	clk := newClock()
	o := testOptions(clk)
	if r.options != nil {
		r.options(&o)
	}
	twin, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, twin)
	c.clock = clk
	if !strings.Contains(rec.Request.URL, "/login") && !strings.Contains(rec.Request.URL, "/identity/") && rec.Request.Headers["Authorization"] == "" {
		c.login(testPassword)
	}
	swap := map[string]string{"PLACEHOLDER_USER": "api", "PLACEHOLDER_PASSWORD": testPassword}
	maps.Copy(swap, r.swap)
	if r.prepare != nil {
		maps.Copy(swap, r.prepare(c))
	}
	got := r.send(c, &rec, swap)
	if rec.Response.Status == 0 {
		rec.Response.Status = http.StatusOK // a scenario that ran
	}
	theirs, ours := recorded(t, &rec), outcome(got)
	maps.DeleteFunc(ours, func(path string, _ [2]string) bool { return !rec.tells(path) })
	r.hold(t, theirs, ours)
	if r.check != nil {
		r.check(t, c, got)
	}
}

// send plays the request, with the names of the twin's own company.
func (r replay) send(c *client, rec *exchange, swap map[string]string) answer {
	c.t.Helper()
	body := string(rec.Request.Body)
	if body == "null" {
		body = ""
	}
	if r.body != "" {
		body = r.body
	}
	header := http.Header{}
	for k, v := range rec.Request.Headers {
		header.Set(k, swapped(v, swap))
	}
	if rec.Request.Form != nil {
		form := url.Values{}
		for k, v := range rec.Request.Form {
			form.Set(k, swapped(v, swap))
		}
		body = form.Encode()
		header.Set("Content-Type", rec.Request.ContentType)
	}
	u, err := url.Parse(swapped(rec.Request.URL, swap))
	if err != nil {
		c.t.Fatal(err)
	}
	path := u.Path[max(0, strings.Index(u.Path, "/entity")):]
	for _, old := range []string{"20.200.001", "25.200.001"} {
		path = strings.Replace(path, old, "24.200.001", 1)
	}
	if u.RawQuery != "" {
		path += "?" + strings.ReplaceAll(u.RawQuery, " ", "%20")
	}
	return c.do(rec.Request.Method, path, swapped(body, swap), header)
}

func swapped(s string, swap map[string]string) string {
	for _, old := range slices.Sorted(maps.Keys(swap)) {
		s = strings.ReplaceAll(s, old, swap[old])
	}
	return s
}

// A seen answer is its status, headers and body as paths with a kind and,
// where it is scalar, a value.
type seen map[string][2]string

func recorded(t *testing.T, rec *exchange) seen {
	t.Helper()
	s := seen{"status": {"", fmt.Sprint(rec.Response.Status)}}
	header := http.Header{}
	for name, v := range rec.Response.Headers {
		switch v := v.(type) {
		case string:
			header.Add(name, v)
		case []any:
			for _, one := range v {
				header.Add(name, fmt.Sprint(one))
			}
		}
	}
	s.headers(header)
	var body any
	if rec.Response.Body == nil && rec.Response.Headers == nil {
		return s
	}
	if len(rec.Response.Body) > 0 {
		dec := json.NewDecoder(strings.NewReader(string(rec.Response.Body)))
		dec.UseNumber()
		if err := dec.Decode(&body); err != nil {
			t.Fatal(err)
		}
	}
	s.walk("body", body)
	return s
}

func outcome(a answer) seen {
	s := seen{"status": {"", fmt.Sprint(a.status)}}
	s.headers(a.header)
	if a.body == nil && len(a.raw) > 0 {
		a.body = string(a.raw)
	}
	s.walk("body", a.body)
	return s
}

func (s seen) headers(h http.Header) {
	for _, name := range []string{"Content-Type", "Location", "Retry-After", "Www-Authenticate"} {
		if v := h.Get(name); v != "" {
			s["header "+name] = [2]string{"", normal(v)}
		}
	}
	for _, line := range h["Set-Cookie"] {
		name, rest, _ := strings.Cut(line, "=")
		value, attributes, _ := strings.Cut(rest, ";")
		kind := "set"
		if value == "" {
			kind = "removed"
		}
		if strings.Contains(attributes, "expires") || strings.Contains(attributes, "Expires") {
			kind += ", expires"
		}
		s["cookie "+name] = [2]string{kind, ""}
	}
}

// normal takes out of a header what is another every time: ids, and the name
// of the site.
func normal(v string) string {
	v = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).ReplaceAllString(v, "{id}")
	if i := strings.Index(v, "/entity/"); i > 0 {
		return v[i:]
	}
	return v
}

// walk notes the kind at every path. A list is judged by its first row; a
// field without a value is "null", which is {} on the wire.
func (s seen) walk(path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		s[path] = [2]string{"object", ""}
		for name, inner := range v {
			s.walk(path+"/"+name, inner)
		}
	case []any:
		s[path] = [2]string{"array", ""}
		if len(v) > 0 {
			s.walk(path+"/0", v[0])
		}
	case nil:
		s[path] = [2]string{"null", ""}
	default:
		s[path] = [2]string{strings.TrimPrefix(fmt.Sprintf("%T", v), "json."), fmt.Sprint(v)}
	}
}

// difference says how two answers differ at a path; "" when they do not.
func (r replay) difference(path string, want, got seen) string {
	w, inWant := want[path]
	g, inGot := got[path]
	switch {
	case !inGot:
		return "recorded " + w[0] + " " + w[1] + ", the twin has nothing"
	case !inWant:
		return "not recorded, the twin has " + g[0] + " " + g[1]
	case w[0] != g[0]:
		return "recorded " + w[0] + ", the twin has " + g[0]
	case r.exact(path) && w[1] != g[1]:
		return "recorded " + w[1] + ", the twin has " + g[1]
	}
	return ""
}

// exact reports whether the value counts: the status, headers, texts of errors
// and what the case names.
func (r replay) exact(path string) bool {
	return path == "status" || strings.HasPrefix(path, "header ") || slices.Contains(r.same, path) ||
		slices.Contains([]string{"body", "body/message", "body/exceptionMessage", "body/exceptionType"}, path) || strings.HasPrefix(path, "body/modelState")
}

// hold compares and holds every difference against the list: none that is not
// listed, none listed that is no longer there.
func (r replay) hold(t *testing.T, want, got seen) {
	t.Helper()
	paths := slices.Sorted(maps.Keys(want))
	paths = append(paths, slices.Sorted(maps.Keys(got))...)
	slices.Sort(paths)
	left := maps.Clone(r.differs)
	for _, path := range slices.Compact(paths) {
		diff := r.difference(path, want, got)
		if diff == "" {
			continue
		}
		if listed(r.differs, path, left) {
			continue
		}
		t.Errorf("%s: %s", path, diff)
	}
	for path, why := range left {
		t.Errorf("%s: listed (%s), but nothing differs any more", path, why)
	}
}

// listed finds the entry for a path: that of the path itself or of what it is
// a part of.
func listed(differs map[string]string, path string, left map[string]string) bool {
	for p := path; p != ""; {
		if _, ok := differs[p]; ok {
			delete(left, p)
			return true
		}
		i := strings.LastIndexByte(p, '/')
		p = p[:max(i, 0)]
	}
	return false
}
