package main

import (
	"strings"
	"testing"
	"time"

	"millrace/internal/bustest"
	"millrace/schemas"
)

// Of all outcomes only those with a review are listed, of the connection and
// the time that were asked for.
func TestReviewsAreListed(t *testing.T) {
	b := bustest.New(t, "eu", "us")
	now := time.Now().UTC()
	for i, o := range []schemas.Outcome{
		{Connection: "eu", Review: "look", At: now, Refs: []schemas.Ref{{System: schemas.Stripe, Kind: "customer", ID: "cus_1"}, {System: schemas.Acumatica, Kind: "Payment", ID: "Payment 000019"}}},
		{Connection: "eu", At: now},
		{Connection: "eu", Review: "long ago", At: now.Add(-48 * time.Hour), EventID: "evt_2"},
		{Connection: "us", Review: "elsewhere", At: now},
	} {
		o.Lane, o.Stage, o.Document, o.Outcome, o.Stream, o.Seq = "cus_1", "sink-acumatica", "payment", schemas.Applied, "INTENTS", uint64(i)+1
		if err := b.PublishOutcome(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		connection string
		since      time.Duration
		want       string
	}{
		{"", 0, "look, long ago, elsewhere"},
		{"eu", 0, "look, long ago"},
		{"eu", 24 * time.Hour, "look"},
		{"us", 24 * time.Hour, "elsewhere"},
	} {
		list, err := readReviews(t.Context(), b, c.connection, c.since)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range list {
			got = append(got, r.Review)
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%q since %v: %s, want %s", c.connection, c.since, text, c.want)
		}
		if c.connection == "eu" {
			var out strings.Builder
			printReviews(&out, list)
			if want := "millrace trace 'Payment 000019' --connection eu"; !strings.Contains(out.String(), want) {
				t.Errorf("printed without %q:\n%s", want, &out)
			}
		}
	}
}
