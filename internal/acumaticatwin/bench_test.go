package acumaticatwin

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// benchDocuments is enough for lists to go by the index of times.
const benchDocuments = 20_000

// benchTwin is a twin with a year of documents, and the cookie of a session.
func benchTwin(b *testing.B) (twin *Twin, cookie string) {
	b.Helper()
	o := testOptions(newClock())
	o.Seed, o.Documents = "", benchDocuments
	twin, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	cookies := twin.call(http.MethodPost, "/entity/auth/login", `{"name":"api","password":"`+testPassword+`"}`, "").Result().Cookies()
	return twin, cookies[0].String()
}

func BenchmarkPollByTimeOfChange(b *testing.B) {
	twin, cookie := benchTwin(b)
	var at []time.Time
	for r := range twin.begin().walk(entityPayment, "") {
		if t, ok := parseInstant(r.get(fieldChanged)); ok {
			at = append(at, t)
		}
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n += 7919
		mid := at[n%len(at)]
		text := func(d time.Duration) string {
			return "datetimeoffset'" + mid.Add(d).Format("2006-01-02T15:04:05.999Z") + "'"
		}
		// 20k documents lie fifty times as far apart as a million do.
		q := url.Values{"$top": {"20"}, "$filter": {"LastModifiedDateTime gt " + text(-4*time.Hour) + " and LastModifiedDateTime lt " + text(4*time.Hour)}}
		if res := twin.call(http.MethodGet, root+"Payment?"+q.Encode(), "", cookie); res.Code != http.StatusOK {
			b.Fatalf("got %d: %s", res.Code, res.Body)
		}
	}
}

func BenchmarkSeed(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		benchTwin(b)
	}
}
