package reconcile

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Verdict is the statement in one line.
func (s *Statement) Verdict() string {
	state := "NOT reconciled, " + s.headline()
	if s.OK() {
		state = "reconciled, " + s.headline()
	}
	return fmt.Sprintf("%s  %s  %s: %s, %d matched", s.Connection, s.Scope(), s.Currency, state, s.Matched)
}

// headline is the difference, and where it comes from.
func (s *Statement) headline() string {
	n := len(s.Findings)
	text := "difference " + s.Difference
	switch {
	case n == 1:
		text += " in 1 finding"
	case n > 1:
		text += fmt.Sprintf(" in %d findings", n)
	}
	above, below := false, false
	for _, f := range s.Findings {
		if f.Difference == decimalOf(0, s.Currency) {
			continue
		}
		minus := strings.HasPrefix(f.Difference, "-")
		above, below = above || !minus, below || minus
	}
	if above && below {
		text += " that offset each other"
	}
	return text
}

// Print writes the statement for people.
func (s *Statement) Print(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", s.Verdict())
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "STRIPE\tNOT YET\tPOSTINGS\tDOCUMENTS\tDIFFERENCE\t  CATEGORY")
	for _, l := range s.Lines {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t  %s\n", l.Stripe, l.Open, l.Postings, l.Documents, l.Difference, l.Title)
	}
	fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t  %s\n", s.Stripe, s.Open, s.Postings, s.Documents, decimalOf(s.net, s.Currency), "Total")
	_ = tw.Flush() // w reports nothing that could be acted on
	for _, part := range s.parts() {
		if len(part.entries) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", part.title)
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, e := range part.entries {
			fmt.Fprintf(tw, "  %s\t%s %s\t%s\t%s\t%s\n", e.Cause, e.shown(), s.Currency, e.Date, e.ID, e.story())
		}
		_ = tw.Flush()
	}
	if b := s.Clearing; b != nil {
		fmt.Fprintf(w, "\nClearing account of the month: opening balance %s, movements %s, closing balance %s\n", b.Opening, b.Movements, b.Clearing)
		fmt.Fprintf(w, "Clearing account on %s: Stripe's balance %s, less in transit %s, less not settled %s, is %s; the account has %s, difference %s\n",
			b.At, b.Stripe, b.InTransit, b.NotSettled, b.Expected, b.Clearing, b.Difference)
	}
}

// PrintSigned writes the hash of the statement and who signed it.
func (s *Statement) PrintSigned(w io.Writer, all []Signature) {
	fmt.Fprintf(w, "\nHash %s\n", s.Hash)
	stand, outdated := Of(all, s)
	for _, g := range stand {
		fmt.Fprintf(w, "signed by %s on %s\n", g.By, g.At.Format(time.DateOnly))
	}
	for _, g := range outdated {
		fmt.Fprintf(w, "signed by %s on %s; the statement changed since (%.12s)\n", g.By, g.At.Format(time.DateOnly), g.Hash)
	}
}

// listing is a list of a statement with its headline.
type listing struct {
	title   string
	entries []Entry
}

func (s *Statement) parts() []listing {
	return []listing{
		{"Differences", s.Findings},
		{"Not in the books yet, which is as it should be", s.Reconciling},
		{"To be looked at", s.Notes},
	}
}

// shown is the amount for people: of a finding its difference with the sign.
func (e Entry) shown() string { return cmp.Or(e.Difference, e.Amount) }

// story is what there is to say of an entry.
func (e Entry) story() string {
	text := e.Detail
	if e.Difference != "" && strings.TrimPrefix(e.Difference, "-") != e.Amount {
		text += "; wrong by " + e.Amount
	}
	if e.Lane != "" {
		text += "; lane " + e.Lane
	}
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	return text
}

// CSV writes statements as one table: a row for each category and each entry.
func CSV(w io.Writer, all []*Statement) error {
	c := csv.NewWriter(w)
	rows := [][]string{{"connection", "scope", "currency", "row", "id", "date", "stripe", "open", "postings", "documents", "difference", "detail"}}
	for _, s := range all {
		row := func(kind, id, date, stripe, open, postings, documents, difference, detail string) {
			rows = append(rows, []string{s.Connection, s.Scope(), s.Currency, kind, plain(id), date, stripe, open, postings, documents, difference, plain(detail)})
		}
		for _, l := range s.Lines {
			row("category", l.Category, "", l.Stripe, l.Open, l.Postings, l.Documents, l.Difference, l.Title)
		}
		row("total", "", "", s.Stripe, s.Open, s.Postings, s.Documents, s.Difference, s.Verdict())
		for _, e := range s.Findings {
			row(e.Cause, e.ID, e.Date, e.Stripe, "", e.Postings, e.Documents, e.Difference, e.story())
		}
		for _, e := range s.Reconciling {
			row(e.Cause, e.ID, e.Date, "", e.Amount, "", "", "", e.story())
		}
		for _, e := range s.Notes {
			row(e.Cause, e.ID, e.Date, e.Amount, "", "", "", "", e.story())
		}
		if b := s.Clearing; b != nil {
			row("clearing", "", b.At, b.Stripe, b.NotSettled, "", b.Clearing, b.Difference, "opening "+b.Opening+", movements "+b.Movements+", in transit "+b.InTransit+", expected "+b.Expected)
		}
	}
	return c.WriteAll(rows)
}

// plain keeps a spreadsheet from taking a text for a formula.
func plain(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
