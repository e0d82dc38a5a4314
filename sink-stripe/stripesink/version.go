package stripesink

import (
	"strconv"
	"strings"
	"time"
)

// newer reports that version a of a customer is newer than version b. Versions
// are times, as Acumatica has them, or numbers; of others nothing is known. What
// follows after a blank tells two states of the same time apart, which have no
// order.
func newer(a, b string) bool {
	a, _, _ = strings.Cut(a, " ")
	b, _, _ = strings.Cut(b, " ")
	at, err := time.Parse(time.RFC3339Nano, a)
	if err == nil {
		than, err := time.Parse(time.RFC3339Nano, b)
		return err == nil && at.After(than)
	}
	n, err := strconv.ParseUint(a, 10, 64)
	if err != nil {
		return false
	}
	than, err := strconv.ParseUint(b, 10, 64)
	return err == nil && n > than
}
