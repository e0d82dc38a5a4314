package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const wantsWriteBack = `
connections:
- name: default
  invoices: {write_back: {note: true, fields: {payment_state: Document.UsrStripeState}}}
  customers: {write_back: {note: true}}
`

// TestWhatIsWrittenBackLeadsToQuiet: both directions run, each state is written
// once, and a write that moves the change time of its document leads to no
// further write in either system.
func TestWhatIsWrittenBackLeadsToQuiet(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"Default/22.200.001", "Default/23.200.001", "Default/24.200.001"} {
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, trap{})
			path := filepath.Join(w.dir, "millrace.yaml")
			if err := os.WriteFile(path, []byte(wantsWriteBack), 0o600); err != nil {
				t.Fatal(err)
			}
			w.more = append(w.more, "MILLRACE_CONFIG="+path, "ACUMATICA_ENDPOINT="+endpoint, "MILLRACE_POLL_QUIET_INTERVAL=200ms")
			w.start()
			w.until("every invoice shows its page", func() bool { return w.unshown("open") == "" })
			inv := w.acumatica.Invoices()[0]
			w.bookkeeper().cheque(inv, inv.Balance)
			w.until("the paid one shows it", func() bool { return w.acumatica.UserText("Invoice", "Invoice "+inv.ReferenceNbr, stateField) == "paid" })
			// The customer's event may come before its link, and is then tried again.
			w.until("the customer shows it", func() bool {
				return strings.HasPrefix(w.acumatica.UserText("Customer", inv.CustomerID, "note"), "Stripe customer cus_")
			})
			w.untilQuiet()
			note := w.acumatica.UserText("Invoice", "Invoice "+inv.ReferenceNbr, "note")
			if !strings.Contains(note, ": paid, http") || strings.Count(note, "Stripe invoice") != 1 {
				t.Errorf("the note is %q", note)
			}
			puts := 0
			for _, r := range w.acumatica.Requests() {
				if r.Method == http.MethodPut && strings.HasSuffix(r.Path, "/Invoice") {
					puts++
				}
			}
			if want := len(w.acumatica.Invoices()) + 1; puts != want {
				t.Errorf("%d writes on invoices, want %d: one for each, and one for what was paid", puts, want)
			}
		})
	}
}

const stateField = "Document.UsrStripeState"

// unshown names the first invoice that does not show that state.
func (w *world) unshown(state string) string {
	for _, inv := range w.acumatica.Invoices() {
		id := inv.Type + " " + inv.ReferenceNbr
		if w.acumatica.UserText("Invoice", id, stateField) != state || !strings.Contains(w.acumatica.UserText("Invoice", id, "note"), ": "+state) {
			return id
		}
	}
	return ""
}

// untilQuiet waits until ten rounds of the poller come and go without a write
// in either system.
func (w *world) untilQuiet() {
	w.t.Helper()
	writes, rounds := w.traffic()
	w.until("ten rounds without a write", func() bool {
		now, at := w.traffic()
		if now != writes {
			writes, rounds = now, at
		}
		return at >= rounds+10
	})
}

// traffic counts the writes of both systems and the lists of the poller.
func (w *world) traffic() (writes, lists int) {
	for _, r := range w.acumatica.Requests() {
		switch {
		case strings.HasPrefix(r.Path, "/entity/auth") || strings.HasPrefix(r.Path, "/identity"):
		case r.Method != http.MethodGet:
			writes++
		case strings.HasSuffix(r.Path, "/Invoice"):
			lists++
		}
	}
	for _, r := range w.stripe.Requests() {
		if r.Method != http.MethodGet {
			writes++
		}
	}
	return writes, lists
}
