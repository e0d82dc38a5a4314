package trace

import (
	"strings"
	"testing"

	"millrace/schemas"
)

// Who changed a message, and why, is told where the message ends.
func TestStoryTellsDecisions(t *testing.T) {
	entry := Entry{Step: "sink-acumatica", What: "payment", Outcome: schemas.Applied, Reason: "Payment 000001"}
	for _, do := range []string{schemas.Edit, schemas.Release} {
		entry.Decision = &schemas.Decision{Do: do, By: "ann", Reason: "books in December"}
		var out strings.Builder
		(&Story{Entries: []Entry{entry}}).Print(&out)
		if want := "decided before: " + do + " by ann: books in December"; !strings.Contains(out.String(), want) {
			t.Errorf("printed\n%s\nwithout %q", out.String(), want)
		}
	}
}
