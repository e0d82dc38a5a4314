package trace

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"millrace/schemas"
)

// timeForm shows times in UTC to the millisecond.
const timeForm = "2006-01-02 15:04:05.000Z"

// Summary is the story in one line.
func (s *Story) Summary() string {
	counts := map[string]int{}
	for _, e := range s.Entries {
		counts[e.Outcome]++
	}
	text := fmt.Sprintf("%d messages", len(s.Entries))
	if len(s.Entries) == 1 {
		text = "1 message"
	}
	for _, o := range []string{schemas.Applied, schemas.Duplicate, schemas.Skipped, schemas.Parked} {
		if counts[o] > 0 {
			text += fmt.Sprintf(", %d %s", counts[o], o)
		}
	}
	return text
}

// Print writes the story for people.
func (s *Story) Print(w io.Writer) {
	for _, system := range []string{schemas.Acumatica, schemas.Stripe} {
		var ids []string
		for _, r := range s.Refs {
			if r.System != system {
				continue
			}
			name := r.ID
			if !strings.Contains(r.ID, " ") { // else it says its type itself: "Prepayment 000007"
				name = r.Kind + " " + r.ID
			}
			ids = append(ids, name)
		}
		if len(ids) > 0 {
			fmt.Fprintf(w, "%-10s %s\n", system, strings.Join(ids, ", "))
		}
	}
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, e := range s.Entries {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", e.At.Format(timeForm), e.Step, e.line())
		if d := e.Decision; d != nil && d.Do != schemas.Skip { // the reason of what was skipped says who and why
			fmt.Fprintf(tw, "\t\tdecided before: %s by %s: %s\n", d.Do, d.By, d.Reason)
		}
		for _, l := range e.Lines {
			fmt.Fprintf(tw, "\t\t  %s\n", l)
		}
		for _, c := range e.Changes {
			fmt.Fprintf(tw, "\t\t  %s: %s → %s\n", c.Field, cmp.Or(string(c.Old), "nothing"), cmp.Or(string(c.New), "nothing"))
		}
		if e.Code != "" && e.Error != "" { // what waits behind another has its code, and no error of its own
			text := e.Error
			if !strings.Contains(text, e.Code+": ") {
				text = e.Code + ": " + text
			}
			fmt.Fprintf(tw, "\t\t%s\n", text)
		}
		if e.Hint != "" {
			fmt.Fprintf(tw, "\t\tto do: %s\n", e.Hint)
		}
	}
	_ = tw.Flush() // w reports nothing that could be acted on
	if s.Waits != "" {
		fmt.Fprintf(w, "\nwaits: %s\n", s.Waits)
	}
	fmt.Fprintf(w, "\n%s\n", s.Summary())
}

// line is what an entry says.
func (e Entry) line() string {
	switch e.Step {
	case "event":
		return fmt.Sprintf("%s  [%s, %s %d]", e.What, e.EventID, e.Stream, e.Seq)
	case "intent":
		return fmt.Sprintf("%s  [%s, %s %d]", e.What, e.IntentID, e.Stream, e.Seq)
	}
	text := fmt.Sprintf("%s %s: %s", e.What, e.Outcome, e.Reason)
	if e.Review != "" {
		text += "; TO BE LOOKED AT: " + e.Review
	}
	if e.Calls != nil {
		text += fmt.Sprintf("  [%s]", callsText(*e.Calls))
	}
	return text
}

func callsText(c schemas.Calls) string {
	var parts []string
	for _, x := range []struct {
		n    int64
		what string
	}{{c.Acumatica, "Acumatica"}, {c.StripeReads, "Stripe read"}, {c.StripeWrites, "Stripe write"}} {
		switch {
		case x.n > 1 && strings.HasPrefix(x.what, "Stripe"):
			parts = append(parts, fmt.Sprintf("%d %ss", x.n, x.what))
		case x.n > 0:
			parts = append(parts, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	return "calls: " + strings.Join(parts, ", ")
}
