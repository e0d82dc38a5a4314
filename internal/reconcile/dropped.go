package reconcile

import (
	"context"
	"encoding/json"
	"strings"

	"millrace/internal/posting"
	"millrace/schemas"
)

// What a write-off says of its reason, in the lines of its journal, and of who
// asked for it, in its cause.
const (
	writtenText = "Written off: "
	writtenBy   = "write-off by "
)

// withdraw leaves out the write-offs that a person dropped: a posting that is
// skipped stays so, and nothing of it is in effect. Where its journal is in the
// ledger all the same, that is one that nothing asks for.
func (t *truth) withdraw(ctx context.Context) error {
	for key := range t.written {
		id := schemas.IntentID(t.o.Connection, schemas.Acumatica, journal, "create", key, "")
		rec, found, err := t.o.Postings.Get(ctx, t.o.Connection, id)
		if err != nil {
			return err
		}
		if found && rec.State == posting.Skipped {
			delete(t.written, key)
			delete(t.items, itemKey{journal, key})
			t.dropped[firstOf(key)]++
		}
	}
	return nil
}

// writtenOff is the key of the write-off of a statement; empty when there is
// none, or only what was dropped.
func (t *truth) writtenOff(first string) string {
	for key := range t.written {
		if firstOf(key) == first {
			return key
		}
	}
	return ""
}

// again lets a write-off count where the first one of its statement is looked
// for.
func (t *truth) again(key itemKey) {
	if first := t.items[itemKey{journal, firstOf(key.key)}]; first != nil && t.items[key] == nil {
		t.items[key] = &item{itemKey: key, currency: first.currency, date: first.date}
	}
}

// whyOf is the reason of a write-off, and who gave it.
func whyOf(in schemas.Intent) string {
	var f schemas.AcumaticaJournal
	if err := json.Unmarshal(in.Fields, &f); err != nil || len(f.Details) == 0 {
		return ""
	}
	return strings.TrimPrefix(f.Details[0].TransactionDescription, writtenText) + ", by " + strings.TrimPrefix(in.Cause.EventID, writtenBy)
}
