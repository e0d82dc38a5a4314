package twinfault_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"millrace/internal/twinfault"
)

// words is what the tests' twin understands.
func words() twinfault.Vocabulary {
	return twinfault.Vocabulary{
		System: "test", Modes: []string{twinfault.Delay, twinfault.Status, twinfault.CutBefore, twinfault.Unavailable, twinfault.ClosePeriod},
		LowestStatus: 400, Variants: map[int][]string{429: {"plain", "json"}},
	}
}

// A clock stands still until it is told.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newScript(t *testing.T, faults ...twinfault.Fault) (*twinfault.Script, *clock) {
	t.Helper()
	c := &clock{at: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	s := twinfault.NewScript(words(), c.now)
	if err := s.Add(faults...); err != nil {
		t.Fatal(err)
	}
	return s, c
}

// pattern is what n requests meet: x where they are hit.
func pattern(s *twinfault.Script, n int) string {
	var b strings.Builder
	for range n {
		if _, hit := s.Take("GET", "/a"); hit {
			b.WriteByte('x')
		} else {
			b.WriteByte('.')
		}
	}
	return b.String()
}

func TestCounts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault twinfault.Fault
		want  string
	}{
		{"no count is until it is cleared", twinfault.Fault{}, "xxxxxx"},
		{"a count ends", twinfault.Fault{Count: 2}, "xx...."},
		{"the first are spared", twinfault.Fault{After: 3, Count: 2}, "...xx."},
		{"another method", twinfault.Fault{Method: "PUT"}, "......"},
		{"another path", twinfault.Fault{PathPrefix: "/b"}, "......"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.fault.Mode = twinfault.CutBefore
			s, _ := newScript(t, tt.fault)
			if got := pattern(s, 6); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTheWindowIsOnTheTwinsClock(t *testing.T) {
	s, c := newScript(t, twinfault.Fault{From: 10 * time.Minute, For: 2 * time.Minute, RetryAfter: 30 * time.Second, Mode: twinfault.Unavailable})
	for _, tt := range []struct {
		step time.Duration
		hit  bool
	}{{0, false}, {10*time.Minute - 1, false}, {1, true}, {2*time.Minute - 1, true}, {1, false}} {
		c.at = c.at.Add(tt.step)
		act, hit := s.Take("GET", "/")
		if hit != tt.hit || hit && act.RetryAfter != 30*time.Second {
			t.Errorf("at %v: hit %v with %+v, want %v", c.at, hit, act, tt.hit)
		}
	}
}

func TestTheFirstThatWantsTheRequestGetsIt(t *testing.T) {
	s, _ := newScript(t,
		twinfault.Fault{PathPrefix: "/a", Count: 1, Mode: "status:429:json"},
		twinfault.Fault{Mode: "status:503"},
	)
	if act, ok := s.Take("GET", "/a/1"); !ok || act.Status != 429 || act.Variant != "json" {
		t.Errorf("first: %+v", act)
	}
	if act, ok := s.Take("GET", "/a/1"); !ok || act.Status != 503 || act.Variant != "" {
		t.Errorf("then: %+v", act)
	}
	r := s.Reports()
	if len(r) != 2 || r[0].Fired != 1 || *r[0].Left != 0 || r[1].Left != nil || r[1].Seen != 1 {
		t.Errorf("reports %+v", r)
	}
	s.Clear()
	if _, ok := s.Take("GET", "/a"); ok || len(s.Reports()) != 0 {
		t.Error("cleared faults still hit")
	}
}

// A seed always chooses the same draws, in about the share that was asked for,
// whatever else the script holds.
func TestTheChoiceDependsOnTheSeedAlone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		share := rapid.Float64Range(0.05, 0.95).Draw(rt, "share")
		f := twinfault.Fault{Probability: share, Seed: rapid.Uint64().Draw(rt, "seed"), Mode: twinfault.CutBefore}
		alone, _ := newScript(t, f)
		other := f
		other.Method = "PUT"
		beside, _ := newScript(t, other, f)
		first := pattern(alone, 300)
		if again := pattern(beside, 300); again != first {
			rt.Fatalf("got %s\nthen %s", first, again)
		}
		if n := strings.Count(first, "x"); float64(n) < 300*share-60 || float64(n) > 300*share+60 {
			rt.Fatalf("%d of 300, want a share of %v", n, share)
		}
	})
}

func TestUsedUpFaultsAreForgottenInTheEnd(t *testing.T) {
	s, _ := newScript(t)
	for range 1100 {
		if err := s.Add(twinfault.Fault{Count: 1, Mode: twinfault.CutBefore}); err != nil {
			t.Fatal(err)
		}
		if _, ok := s.Take("GET", "/"); !ok {
			t.Fatal("not hit")
		}
	}
	r := s.Reports()
	if len(r) != 1000 || r[999].ID != 1100 {
		t.Errorf("%d are kept", len(r))
	}
}

const asYAML = `
- method: PUT
  path_prefix: /entity
  count: 2
  after: 1
  probability: 0.5
  seed: 7
  from: 10m
  for: 90s
  retry_after: 5s
  mode: status:503
- mode: delay:5m
`

const asJSON = `[{"method":"PUT","path_prefix":"/entity","count":2,"after":1,"probability":0.5,"seed":7,
	"from":"10m","for":"90s","retry_after":"5s","mode":"status:503"},{"mode":"delay:5m"}]`

func TestFilesInYAMLAndJSON(t *testing.T) {
	want := twinfault.Fault{
		Method: "PUT", PathPrefix: "/entity", Count: 2, After: 1, Probability: 0.5, Seed: 7,
		From: 10 * time.Minute, For: 90 * time.Second, RetryAfter: 5 * time.Second, Mode: "status:503",
	}
	for _, text := range []string{asYAML, asJSON} {
		list, err := twinfault.LoadFaults(strings.NewReader(text))
		if err != nil || len(list) != 2 || list[0] != want || list[1].Mode != "delay:5m" {
			t.Errorf("got %+v, %v", list, err)
		}
	}
	for _, text := range []string{"mode: cut_before", `{"mode":"cut_before"}`} {
		if list, err := twinfault.LoadFaults(strings.NewReader(text)); err != nil || len(list) != 1 || list[0].Mode != "cut_before" {
			t.Errorf("%s: got %+v, %v", text, list, err)
		}
	}
	for _, text := range []string{"", "# nothing yet\n", "[]"} {
		if list, err := twinfault.LoadFaults(strings.NewReader(text)); err != nil || len(list) != 0 {
			t.Errorf("%q: got %v, %v", text, list, err)
		}
	}
}

func TestRefusalsTeach(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"- mode: explode", "the test twin knows delay:DURATION, status:NNN[:VARIANT], cut_before, unavailable, close_period:YYYY-MM"},
		{"- count: 1", `mode ""`},
		{"- mode: queued:5m", "the test twin knows"},
		{"- mod: cut_before", `unknown field "mod"`},
		{"- {mode: cut_before, for: 5}", "Fault.For of type time.Duration"},
		{"- {mode: cut_before}\n- {mode: cut_before, probability: 2}", "fault 2: probability 2: want a share from 0 to 1"},
		{"- {mode: cut_before, probability: .nan}", "want a share"},
		{"- {mode: cut_before, seed: 3}", "goes with probability"},
		{"- {mode: cut_before, count: -1}", "or 0 for all until it is cleared"},
		{"- {mode: cut_before, after: -1}", "spared first"},
		{"- {mode: cut_before, method: put}", "want PUT"},
		{"- {mode: cut_before, path_prefix: v1}", "such as /v1"},
		{"- {mode: cut_before, from: -1m}", "in the past"},
		{"- {mode: cut_before, retry_after: 1s}", "not with cut_before"},
		{"- {mode: status:503, retry_after: 1500ms}", "whole seconds"},
		{"- {mode: cut_before:now}", "takes nothing after its name"},
		{"- mode: close_period:May", "a month such as 2026-05"},
		{"- mode: delay:soon", "a duration such as 300ms"},
		{"- mode: delay:-1s", "a duration such as 300ms"},
		{"- mode: status:200", "a status from 400 to 599"},
		{"- mode: status:429:html", "want plain, json as the variant of 429"},
		{"- mode: status:500:html", "one shape only"},
		{"- mode: unavailable", "for: 2m"},
		{"{", "faults: "},
		{"- mode: cut_before\n---\n- mode: cut_before", "several documents"},
		{"just words", "faults: "},
	} {
		s, _ := newScript(t)
		err := s.Load(strings.NewReader(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) || len(s.Reports()) != 0 {
			t.Errorf("%q: got %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestControl(t *testing.T) {
	s, _ := newScript(t)
	call := func(method, body string) (int, string) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "/_twin/faults", strings.NewReader(body)))
		b, err := io.ReadAll(w.Result().Body)
		if err != nil {
			t.Fatal(err)
		}
		return w.Code, string(b)
	}
	for _, tt := range []struct {
		method, body string
		status       int
		want         string
	}{
		{"POST", `{"count":2,"mode":"cut_before"}`, 200, `"left": 2`},
		{"POST", `[{"mode":"status:503"},{"mode":"delay:1s"}]`, 200, `"id": 3`},
		{"POST", `[{"mode":"delay:1s"},{"mode":"explode"}]`, 400, "fault 2: mode"},
		{"POST", strings.Repeat("#", 2<<20), 400, "too large"},
		{"GET", "", 200, `"fired": 0`},
		{"PUT", "", 405, "want GET, POST or DELETE"},
		{"DELETE", "", 200, `"faults": []`},
	} {
		if code, got := call(tt.method, tt.body); code != tt.status || !strings.Contains(got, tt.want) {
			t.Errorf("%s %.40s: %d %s, want %d %s", tt.method, tt.body, code, got, tt.status, tt.want)
		}
	}
}

func TestAnswersThatComeBadly(t *testing.T) {
	body := []byte(strings.Repeat("0123456789", 10))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/half":
			twinfault.SendHalf(w, 200, body)
		case "/slow":
			twinfault.SendSlowly(r.Context(), w, 201, body, 60*time.Millisecond)
		default:
			twinfault.HangUp(w)
		}
	}))
	t.Cleanup(srv.Close)
	get := func(path string) (int, []byte, error) {
		req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := srv.Client().Do(req)
		if err != nil {
			return 0, nil, err
		}
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		return res.StatusCode, b, err
	}
	if status, b, err := get("/half"); status != 200 || len(b) != 50 || err == nil {
		t.Errorf("half: %d, %d bytes, %v", status, len(b), err)
	}
	began := time.Now()
	if status, b, err := get("/slow"); err != nil || status != 201 || string(b) != string(body) || time.Since(began) < 50*time.Millisecond {
		t.Errorf("slow: %d bytes, %v, after %v", len(b), err, time.Since(began))
	}
	for range 2 { // also on a connection that was used before
		if status, _, err := get("/cut"); err == nil {
			t.Errorf("cut: %d", status)
		}
	}
}
