package sinktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"millrace/internal/bus"
	"millrace/internal/fault"
	"millrace/schemas"
)

// told checks how an intent is said to have ended (Invariant 3).
func (c *trial) told(out schemas.Outcome, in schemas.Intent) {
	c.t.Helper()
	if out.Outcome == schemas.Parked || out.Outcome == "" || out.Reason == "" {
		c.t.Errorf("ended as %q because of %q", out.Outcome, out.Reason)
	}
	if out.Document != in.Document || out.IntentID != in.ID || out.EventID != in.Cause.EventID || out.EventType != in.Cause.EventType {
		c.t.Errorf("the outcome is of %q, intent %q, event %q of %q; want %q, %q, %q of %q", out.Document, out.IntentID, out.EventID, out.EventType,
			in.Document, in.ID, in.Cause.EventID, in.Cause.EventType)
	}
	for _, ref := range in.Refs {
		if !slices.ContainsFunc(out.Refs, func(r schemas.Ref) bool { return r.System == ref.System && r.ID == ref.ID }) {
			c.t.Errorf("the outcome does not name %s %s: %v", ref.Kind, ref.ID, out.Refs)
		}
	}
}

// explained checks that a failed attempt has a registered code.
func (c *trial) explained(err error) {
	c.t.Helper()
	f := fault.Of(err)
	if _, registered := fault.Lookup(f.Code); !registered || strings.HasPrefix(f.Code, "internal.") {
		c.t.Errorf("nobody has classified: %v", err)
	}
	if f.Kind == fault.Misconfigured && f.Hint == "" {
		c.t.Errorf("%s does not say what to do", f.Code)
	}
}

// passes reports an error that a person need not look at.
func passes(err error) bool {
	k := fault.KindOf(err)
	return k != fault.Rejected && k != fault.Invalid
}

// check is what every case ends in: one effect, as it was meant, linked on
// both sides, and books that are in order.
func (c *trial) check(want Wanted) {
	c.t.Helper()
	entries, err := c.doc.Entries(c.t.Context(), want.Key)
	if err != nil {
		c.t.Fatal(err)
	}
	if len(entries) != 1 {
		c.t.Fatalf("%d effects of %s, want one: %+v", len(entries), want.ID, entries)
	}
	e := entries[0]
	if !e.Effective {
		c.t.Errorf("without effect: %+v", e)
	}
	if e.Facts != want.Facts {
		c.t.Errorf("the books say %q, want %q", e.Facts, want.Facts)
	}
	c.linked(e)
	c.writtenBack(want.Intent)
	if c.world.ERP != nil {
		c.ledger()
		c.deletions()
	} else {
		c.drafts()
	}
	// And for ever after it is done.
	c.world.forget()
	out, err := c.attempt(c.start(nil), want.Intent)
	if err != nil || out.Outcome != schemas.Duplicate && out.Outcome != schemas.Skipped {
		c.t.Errorf("once more it ended %q: %q, %v", out.Outcome, out.Reason, err)
	}
	if again := c.world.seen(); len(again) > 0 {
		c.t.Errorf("once more it asked the target: %v", again)
	}
	c.told(out, want.Intent)
}

func (c *trial) linked(e Entry) {
	c.t.Helper()
	if c.doc.Link == "" {
		return
	}
	ctx, links := c.t.Context(), c.world.Links()
	one, found, err := links.ByAcumatica(ctx, c.world.Connection, c.doc.Link, e.AcumaticaID)
	if err != nil || !found || one.StripeID != e.StripeID {
		c.t.Errorf("%s is linked with %q, want %q (%v)", e.AcumaticaID, one.StripeID, e.StripeID, err)
	}
	other, found, err := links.ByStripe(ctx, c.world.Connection, c.doc.Link, e.StripeID)
	if err != nil || !found || other.AcumaticaID != e.AcumaticaID {
		c.t.Errorf("%s is linked with %q, want %q (%v)", e.StripeID, other.AcumaticaID, e.AcumaticaID, err)
	}
}

// writtenBack checks that what the intent asks to be written on the other side
// was asked for once.
func (c *trial) writtenBack(in schemas.Intent) {
	c.t.Helper()
	if in.WriteBack == nil {
		return
	}
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	n := 0
	for _, p := range c.world.published {
		if p.Document == in.WriteBack.Object && p.Key == in.WriteBack.ID {
			n++
		}
	}
	if n != 1 {
		c.t.Errorf("%d write-backs, want one: %+v", n, c.world.published)
	}
}

// ledger checks that everything in Acumatica is released, posted once, and
// that the trial balance is zero.
func (c *trial) ledger() {
	c.t.Helper()
	posted := map[string]int{}
	for b := range c.world.ERP.Batches() {
		posted[b.Description]++
	}
	payments := c.world.ERP.Payments()
	undone := map[string]bool{} // by a document of the same number
	for _, p := range payments {
		undone[p.ReferenceNbr] = undone[p.ReferenceNbr] || p.Type == "Voided Payment" && p.Status == "Closed"
	}
	for _, p := range payments {
		name := p.Type + " " + p.ReferenceNbr
		if p.Status != "Open" && p.Status != "Closed" && (p.Status != "Voided" || !undone[p.ReferenceNbr]) {
			c.t.Errorf("%s is left %s", name, p.Status)
		}
		if n := posted[name]; n != 1 {
			c.t.Errorf("%s was posted %d times", name, n)
		}
	}
	for _, i := range c.world.ERP.Invoices() {
		if i.Status != "Open" && i.Status != "Closed" {
			c.t.Errorf("%s %s is left %s", i.Type, i.ReferenceNbr, i.Status)
		}
	}
	for _, j := range c.world.ERP.Journals() {
		if j.Status != "Posted" {
			c.t.Errorf("%s %s is left %s", j.Module, j.BatchNbr, j.Status)
		}
	}
	sum := decimal.Zero
	for _, a := range c.world.ERP.TrialBalance() {
		sum = sum.Add(a.Balance)
	}
	if !sum.IsZero() {
		c.t.Errorf("the trial balance is %s", sum)
	}
	doubts, err := c.world.Bus.Bucket("doubts").Entries(c.t.Context(), bus.Key(c.world.Connection))
	if err != nil || len(doubts) > 0 {
		c.t.Errorf("%d postings are still in doubt (%v)", len(doubts), err)
	}
}

// deletions checks that the audit trail tells of every document that the sink
// has deleted.
func (c *trial) deletions() {
	c.t.Helper()
	c.world.mu.Lock()
	deleted, told := c.world.deleted, c.world.told
	c.world.mu.Unlock()
	c.mu.Lock()
	texts := slices.Clone(c.texts)
	c.mu.Unlock()
	for _, o := range told {
		texts = append(texts, o.Reason)
	}
	for _, path := range deleted {
		parts := strings.Split(path, "/")
		name := strings.Join(parts[max(len(parts)-2, 0):], " ")
		if !slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, name) }) {
			c.t.Errorf("%s was deleted, which nobody tells", name)
		}
	}
}

// drafts checks that nothing in Stripe waits to become an invoice.
func (c *trial) drafts() {
	c.t.Helper()
	for _, path := range []string{"invoices?status=draft", "invoiceitems?pending=true"} {
		var list struct {
			Data []struct {
				ID string `json:"id"`
			} `json:"data"`
		}
		if err := c.get("/v1/"+path, &list); err != nil {
			c.t.Fatal(err)
		}
		if len(list.Data) > 0 {
			c.t.Errorf("left behind: %s %+v", path, list.Data)
		}
	}
}

func (c *trial) get(path string, into any) error {
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.world.URL+path, nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth(StripeKey, "")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("get %s: http %d", path, res.StatusCode)
	}
	return json.NewDecoder(res.Body).Decode(into)
}
