package stripesink

import (
	"strconv"
	"time"
)

// newer reports that version a of an object is newer than version b. Versions
// are times, as Acumatica has them, or numbers; of others nothing is known.
func newer(a, b string) bool {
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
