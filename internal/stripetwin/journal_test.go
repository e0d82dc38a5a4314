package stripetwin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/stripespec"
)

// asJSON is the whole state in a form that two states can be compared by.
func asJSON(t *testing.T, s *state) any {
	t.Helper()
	s.settle()
	s.forget()
	all := map[string]any{}
	ids := map[string]bool{}
	for _, st := range s.stores {
		for id := range st.each() {
			ids[id] = true
		}
	}
	for id := range ids {
		var w jsonWriter
		s.storeOf(id).line(&w, id)
		var v any
		if err := json.Unmarshal(w.b, &v); err != nil {
			t.Fatal(err)
		}
		all[id] = v
	}
	all["balance"], all["seq"] = []any{s.balance.available, s.balance.pending}, s.Seq
	return all
}

func reopened(t *testing.T, tw *Twin) *state {
	t.Helper()
	s := newState(tw.now().Unix())
	_, err := openJournal(tw.j.path, s)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func post200(t *testing.T, tw *Twin, method, path, form string) map[string]any {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form))
	req.Header.Set("Authorization", "Bearer sk_test_0123456789abcdef")
	req.Header.Set("Idempotency-Key", randomID("k", 10))
	rec := httptest.NewRecorder()
	stripespec.Watch(t, tw.Handler()).ServeHTTP(rec, req)
	if rec.Code != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, rec.Code, rec.Body)
	}
	var v map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestEveryAnsweredWriteIsInTheFile opens the file after each kind of write
// and finds in it exactly what is in memory.
func TestEveryAnsweredWriteIsInTheFile(t *testing.T) {
	tw, err := New(Options{APIKey: "sk_test_0123456789abcdef", StateFile: filepath.Join(t.TempDir(), "s.json")})
	if err != nil {
		t.Fatal(err)
	}
	tw.OnLostChange(func(id string) { t.Errorf("%s was changed and not marked", id) })
	var cus, in, ii, we string
	do := func(method, path, form string) map[string]any {
		t.Helper()
		o := post200(t, tw, method, path, form)
		if diff := cmp.Diff(asJSON(t, tw.s), asJSON(t, reopened(t, tw))); diff != "" {
			t.Fatalf("after %s %s (-memory +file):\n%s", method, path, diff)
		}
		return o
	}
	id := func(o map[string]any) string { return o["id"].(string) }
	tw.SetWebhook("http://127.0.0.1:1/", "whsec_x")
	we = id(do("POST", "/v1/webhook_endpoints", "url=http://127.0.0.1:1/&enabled_events[]=charge.succeeded"))
	do("POST", "/v1/webhook_endpoints/"+we, "description=mine")
	cus = id(do("POST", "/v1/customers", "name=A&metadata[a]=b"))
	do("POST", "/v1/customers/"+cus, "metadata[a]=")
	do("POST", "/v1/invoiceitems", "amount=5&currency=usd&customer="+cus)
	in = id(do("POST", "/v1/invoices", "pending_invoice_items_behavior=include&customer="+cus))
	ii = id(do("POST", "/v1/invoiceitems", "amount=-900&invoice="+in+"&customer="+cus))
	do("DELETE", "/v1/invoiceitems/"+ii, "")
	do("POST", "/v1/invoices/"+in, "description=x")
	do("POST", "/v1/invoiceitems", "amount=-500&invoice="+in+"&customer="+cus)
	do("POST", "/v1/invoices/"+in+"/finalize", "") // credit to the customer
	in = id(do("POST", "/v1/invoices", "customer="+cus))
	do("POST", "/v1/invoiceitems", "amount=5000&invoice="+in+"&customer="+cus)
	do("POST", "/v1/invoices/"+in+"/pay", "payment_method=pm_card_visa")
	in = id(do("POST", "/v1/invoices", "customer="+cus))
	do("POST", "/v1/invoiceitems", "amount=5000&invoice="+in+"&customer="+cus)
	do("DELETE", "/v1/invoices/"+in, "")
	in = id(do("POST", "/v1/invoices", "customer="+cus))
	do("POST", "/v1/invoiceitems", "amount=5000&invoice="+in+"&customer="+cus)
	do("POST", "/v1/invoices/"+in+"/finalize", "")
	do("POST", "/v1/invoices/"+in+"/void", "")
	if _, err := tw.ChargeCustomer(t.Context(), cus, 100, "usd", "x"); err != nil {
		t.Fatal(err)
	}
	do("DELETE", "/v1/webhook_endpoints/"+we, "")

	// A file written anew holds the same.
	want := asJSON(t, tw.s)
	if err := tw.j.file.Replace(tw.s.lines); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, asJSON(t, reopened(t, tw))); diff != "" {
		t.Fatalf("rewritten (-want +got):\n%s", diff)
	}
}

func TestATornLastLineIsDropped(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.json")
	open := func() *Twin {
		t.Helper()
		tw, err := New(Options{APIKey: "sk_test_0123456789abcdef", StateFile: file})
		if err != nil {
			t.Fatal(err)
		}
		return tw
	}
	tw := open()
	kept := post200(t, tw, "POST", "/v1/customers", "name=kept")["id"].(string)
	size := func() int64 {
		t.Helper()
		st, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		return st.Size()
	}
	whole := size()
	lost := post200(t, tw, "POST", "/v1/customers", "name=lost")["id"].(string)
	if err := os.Truncate(file, whole+(size()-whole)/2); err != nil {
		t.Fatal(err)
	}
	tw = open()
	if tw.s.Customers.get(kept) == nil || tw.s.Customers.get(lost) != nil {
		t.Fatal("the cut line was not dropped whole")
	}
	again := post200(t, tw, "POST", "/v1/customers", "name=next")["id"].(string)
	if s := reopened(t, tw); s.Customers.get(again) == nil || s.Customers.get(kept) == nil {
		t.Fatal("a write after a cut line is lost")
	}
}

func TestFormsNest(t *testing.T) {
	tests := []struct{ raw, a, b string }{
		{"a[]=1&a[]=2", "a[]=1&a[]=2", "a[0]=1&a[1]=2"},
		{"hash", "m[k]=v", "m%5Bk%5D=v"},
		{"order", "x=1&y=2", "y=2&x=1"},
		{"list of hashes", "f[][n]=1&f[][v]=2&f[][n]=3", "f[0][n]=1&f[0][v]=2&f[1][n]=3"},
	}
	for _, tt := range tests {
		a, errA := parseForm(tt.a)
		b, errB := parseForm(tt.b)
		if errA != nil || errB != nil {
			t.Fatalf("%s: %v, %v", tt.raw, errA, errB)
		}
		if x, y := a.fingerprint("", ""), b.fingerprint("", ""); x != y {
			t.Errorf("%s: %s is not %s", tt.raw, x, y)
		}
	}
	if _, err := parseForm("a[b=1"); err == nil {
		t.Error("an unbalanced key was accepted")
	}
}

func FuzzForm(f *testing.F) {
	for _, s := range []string{"a=1", "a[]=1&a[][b]=2", "metadata[a+b]=c%26d", "a[b][c]=%zz", "[", "a[=]", "a=1&a[b]=2"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, raw string) {
		form, err := parseForm(raw)
		if err != nil {
			return
		}
		form.only("a")
		_ = form.str("a", 10)
		_ = form.list("a")
		_ = form.integer("a", 0)
		_ = form.metadata(nil)
		_ = form.fingerprint("POST", "/")
	})
}

// TestReplayAfterARestartIsByteForByte: also with what JSON may escape.
func TestReplayAfterARestartIsByteForByte(t *testing.T) {
	o := Options{APIKey: "sk_test_0123456789abcdef", StateFile: filepath.Join(t.TempDir(), "s.json")}
	ask := func() string {
		t.Helper()
		tw, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/customers", strings.NewReader("name=<b>%26+\u2028+%22x%22"))
		req.Header.Set("Authorization", "Bearer sk_test_0123456789abcdef")
		req.Header.Set("Idempotency-Key", "the same")
		rec := httptest.NewRecorder()
		tw.Handler().ServeHTTP(rec, req)
		return rec.Body.String()
	}
	first := ask()
	if again := ask(); again != first || !strings.Contains(first, "<b>&") {
		t.Errorf("first %s\nthen %s", first, again)
	}
}

// TestLargeStatesAreWrittenInManyLines: no line, and so no step of loading,
// grows with the state.
func TestLargeStatesAreWrittenInManyLines(t *testing.T) {
	tw, err := New(Options{APIKey: "sk_test_0123456789abcdef", StateFile: filepath.Join(t.TempDir(), "s.json")})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * linesOf {
		if _, err := tw.ChargeCustomer(t.Context(), "", 100, "usd", "x"); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.j.file.Replace(tw.s.lines); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(tw.j.path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(raw), "\n")
	if len(lines) < 12 {
		t.Errorf("%d objects in %d lines", 2*linesOf*6, len(lines))
	}
	if diff := cmp.Diff(asJSON(t, tw.s), asJSON(t, reopened(t, tw))); diff != "" {
		t.Errorf("(-memory +file):\n%s", diff)
	}
}

// TestChangeThatNobodyMarksIsNoticed holds the check to account that all other
// tests rely on.
func TestChangeThatNobodyMarksIsNoticed(t *testing.T) {
	tw, err := New(Options{APIKey: "sk_test_0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := post200(t, tw, http.MethodPost, "/v1/customers", "name=a")["id"].(string)
	var lost []string
	tw.OnLostChange(func(id string) { lost = append(lost, id) })
	for _, name := range []string{"", "b"} {
		for range 2 {
			if err := tw.as(t.Context(), func(*call) error { tw.s.Customers.get(id).Description = name; return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !slices.Equal(lost, []string{id}) {
		t.Errorf("lost %v, want %s", lost, id)
	}
}

// TestAnswerIsNotRepeatedBeforeItIsOnDisk: the first try says that the state
// could not be written, and so does the second.
func TestAnswerIsNotRepeatedBeforeItIsOnDisk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.json")
	tw, err := New(Options{APIKey: "sk_test_0123456789abcdef", StateFile: file})
	if err != nil {
		t.Fatal(err)
	}
	post200(t, tw, http.MethodPost, "/v1/customers", "name=a")
	try := func() int {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/customers", strings.NewReader("name=b"))
		req.Header.Set("Authorization", "Bearer sk_test_0123456789abcdef")
		req.Header.Set("Idempotency-Key", "k1")
		rec := httptest.NewRecorder()
		tw.Handler().ServeHTTP(rec, req)
		return rec.Code
	}
	if err := tw.j.file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Dir(file)); err != nil { // the disk is gone
		t.Fatal(err)
	}
	for range 2 {
		if got := try(); got != http.StatusInternalServerError {
			t.Errorf("without a disk: %d", got)
		}
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := try(); got != http.StatusOK {
		t.Errorf("with a disk again: %d", got)
	}
	if got := reopened(t, tw); got.Customers.len() != 2 {
		t.Errorf("%d customers on disk", got.Customers.len())
	}
}
