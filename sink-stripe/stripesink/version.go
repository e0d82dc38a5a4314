package stripesink

import (
	"strconv"
	"strings"
	"time"
)

// behind reports that metadata show a later state than the intent's: a replay, or
// a worker that was overtaken, comes with an old one (Invariant 4). A record is
// read after its event was stored, so what later events led to knows of all that
// earlier ones told, whatever clock its times are from. Sequences begin again
// when the stream is made anew: then the time tells, as it does where none is
// shown.
func (w *work) behind(shown map[string]string) bool {
	version := shown[metaVersion]
	seq, err := strconv.ParseUint(shown[metaSeq], 10, 64)
	switch own := w.in.Cause.EventSeq; {
	case err == nil && own < seq:
		return !newer(w.in.Version, version)
	case err == nil && own > seq:
		return false
	}
	return newer(version, w.in.Version)
}

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
