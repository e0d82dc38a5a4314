package reconcile

import (
	"strings"
	"testing"
)

// told are the amounts of what has a cause, as people see them.
func told(list []Entry, cause string) string {
	var text strings.Builder
	for _, e := range list {
		if e.Cause == cause {
			text.WriteString(e.shown() + " ")
		}
	}
	return text.String()
}

// TestEntriesOfOthersThatComeToNothingAreNoDifference: the entry that takes
// another one back is the cure, in the same month or a later one. What is left of
// them is a difference with its sign, and can be written off.
func TestEntriesOfOthersThatComeToNothingAreNoDifference(t *testing.T) {
	type entry struct {
		day    string
		amount int64
	}
	for _, tt := range []struct {
		name                 string
		entries              []entry
		march, april         string // difference
		foreign, notes, open string // of March, and what April carries
	}{
		{"one", []entry{{"2026-03-20", 1_00}}, "1.00", "1.00", "1.00 ", "", "1.00 "},
		{"one on the credit side", []entry{{"2026-03-20", -1_00}}, "-1.00", "-1.00", "-1.00 ", "", "-1.00 "},
		{"taken back", []entry{{"2026-03-20", 1_00}, {"2026-03-25", -1_00}}, "0.00", "0.00", "", "1.00 -1.00 ", ""},
		{"three that cancel", []entry{{"2026-03-20", 1_00}, {"2026-03-21", 50}, {"2026-03-25", -1_50}}, "0.00", "0.00", "", "1.00 0.50 -1.50 ", ""},
		{"another one left", []entry{{"2026-03-20", 1_00}, {"2026-03-21", 7}, {"2026-03-25", -1_00}}, "0.07", "0.07", "0.07 ", "1.00 -1.00 ", "0.07 "},
		{"some of it taken back", []entry{{"2026-03-20", 1_00}, {"2026-03-25", -40}}, "0.60", "0.60", "1.00 -0.40 ", "", "0.60 "},
		{"taken back in the next month", []entry{{"2026-03-20", 1_00}, {"2026-04-03", -1_00}}, "1.00", "0.00", "1.00 ", "", ""},
	} {
		w := twoMonths(t)
		w.post()
		for _, e := range tt.entries {
			w.foreign(e.day, e.amount)
		}
		all := w.months("2026-03", "2026-04")
		march, april := all[0], all[1]
		if march.Difference != tt.march || april.Difference != tt.april || march.OK() != (tt.march == "0.00") || april.OK() != (tt.april == "0.00") {
			t.Errorf("%s: %s %s", tt.name, dump(march), dump(april))
		}
		if told(march.Findings, Foreign) != tt.foreign || told(march.Notes, Foreign) != tt.notes || told(april.Findings, Carried) != tt.open || told(april.Findings, Off) != "" {
			t.Errorf("%s: %s %s", tt.name, dump(march), dump(april))
		}
		if alone := w.months("2026-04", "2026-04")[0]; alone.Hash != april.Hash {
			t.Errorf("%s: April alone says something else: %s", tt.name, dump(alone))
		}
		if !march.OK() {
			in, err := WriteOff(w.o.Rules, march, march.Lacks(), limit, "2026-03-31", "stray", "ann")
			if err != nil {
				t.Fatal(err)
			}
			w.carry(in)
			if s := w.months("2026-03", "2026-03")[0]; !s.OK() {
				t.Errorf("%s: written off: %s", tt.name, dump(s))
			}
		}
	}
}

// TestTwoOfOursThatOffsetEachOtherStayFindings: neither a second wrong document
// nor an entry of somebody else hides the first.
func TestTwoOfOursThatOffsetEachOtherStayFindings(t *testing.T) {
	for name, spoil := range map[string]func(w *world){
		"ours":    func(w *world) { w.payment("ch_001", 50_00, "2026-03-11"); w.payment("ch_001", 50_00, "2026-03-11") },
		"another": func(w *world) { w.foreign("2026-03-20", 100_00) },
	} {
		w := twoMonths(t)
		w.only = func(_, key string) bool { return key != "ch_000" }
		w.post()
		w.only = nil
		spoil(w)
		s := w.months("2026-03", "2026-03")[0]
		if s.OK() || s.Difference != "0.00" || len(s.Findings) != 2 || told(s.Findings, Missing) != "-100.00 " {
			t.Errorf("%s: %s", name, dump(s))
		}
		if got := s.headline(); got != "difference 0.00 in 2 findings that offset each other" {
			t.Errorf("%s: %s", name, got)
		}
	}
}
