package ledger

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "time/tzdata"
)

// zones is the name of every zone of the database that comes with Go.
func zones(t *testing.T) []string {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env GOROOT: %v", err) // go test has the go command
	}
	z, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	var names []string
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, "/") {
			names = append(names, f.Name)
		}
	}
	return names
}

// In every zone, each day begins where the one before it ends, and its first
// instant is the first that has its date.
func TestDaysPartitionTimeInEveryZone(t *testing.T) {
	for _, name := range zones(t) {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, year := range []int{1999, 2018, 2022, 2026, 2027, 2031} {
			from := StartOfDay(year, time.January, 1, zone)
			for day := 1; day <= 366; day++ {
				date := time.Date(year, time.January, day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
				until := StartOfDay(year, time.January, day+1, zone)
				if length := until.Sub(from); length < 20*time.Hour || length > 28*time.Hour {
					t.Fatalf("%s: %s has %s", name, date, length)
				}
				if got, before := from.Format(time.DateOnly), from.Add(-time.Second).In(zone).Format(time.DateOnly); got != date || before >= date {
					t.Fatalf("%s: %s begins at %s, a second after a time of %s", name, date, from, before)
				}
				if last := until.Add(-time.Second).In(zone).Format(time.DateOnly); last != date {
					t.Fatalf("%s: the last second of %s is of %s", name, date, last)
				}
				if first, next := DayOf(from, zone); !first.Equal(from) || !next.Equal(until) {
					t.Fatalf("%s: the first instant of %s is in %s to %s", name, date, first, next)
				}
				from = until
			}
		}
	}
}

func TestWhereADayBeginsWithoutMidnight(t *testing.T) {
	for _, tt := range []struct{ zone, date, want string }{
		{"Africa/Cairo", "2026-04-24", "2026-04-24T01:00:00+03:00"},
		{"Asia/Beirut", "2026-03-29", "2026-03-29T01:00:00+03:00"},
		{"America/Santiago", "2026-09-06", "2026-09-06T01:00:00-03:00"},
		{"America/Havana", "2026-03-08", "2026-03-08T01:00:00-04:00"},
		{"America/Havana", "2026-11-01", "2026-11-01T00:00:00-04:00"}, // midnight comes twice
		{"America/Santiago", "2026-04-05", "2026-04-05T00:00:00-04:00"},
		{"Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00"}, // there is no such day
		{"Europe/Berlin", "2026-03-29", "2026-03-29T00:00:00+01:00"},
		{"UTC", "2026-03-29", "2026-03-29T00:00:00Z"},
	} {
		zone, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		date, err := time.Parse(time.DateOnly, tt.date)
		if err != nil {
			t.Fatal(err)
		}
		year, month, day := date.Date()
		if got := StartOfDay(year, month, day, zone).Format(time.RFC3339); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.zone, tt.date, got, tt.want)
		}
	}
}
