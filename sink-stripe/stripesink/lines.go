package stripesink

import (
	"fmt"

	"millrace/schemas"
)

// fewer are the lines that Stripe takes, in their order: what is too many
// becomes one line with the sum. What is to be shown apart, such as a tax, is
// as long as it fits.
func fewer(lines []schemas.StripeInvoiceLine) []schemas.StripeInvoiceLine {
	if len(lines) <= maxLines {
		return lines
	}
	const most = maxLines - 1 // one is for the rest
	room := most
	for _, l := range lines {
		if l.Apart {
			room--
		}
	}
	fits := room >= 0
	if !fits {
		room = most
	}
	kept := make([]schemas.StripeInvoiceLine, 0, maxLines)
	rest, at := 0, 0
	for _, l := range lines {
		switch {
		case fits && l.Apart:
			kept = append(kept, l)
		case room > 0:
			kept, room = append(kept, l), room-1
		default:
			if rest == 0 {
				at, kept = len(kept), append(kept, schemas.StripeInvoiceLine{})
			}
			rest++
			kept[at].Amount += l.Amount // the sum of all was checked
		}
	}
	kept[at].Description = fmt.Sprintf("%d more lines", rest)
	return kept
}
