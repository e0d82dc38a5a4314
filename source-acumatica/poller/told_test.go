package poller

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/link"
)

// owed saves an invoice with a balance, changed at.
func owed(s *erp, at time.Time, nbr, status, balance string) {
	fields := invoice(nbr, "C1", status)
	fields["Balance"] = balance
	s.saveAt("Invoice", "guid-"+nbr, at, fields)
}

// allLinked makes every invoice one that is in Stripe.
func allLinked(o *Options) {
	o.Poll.Full = 24 * time.Hour
	o.Linked = func(context.Context, string, string, string) (link.Link, bool, error) { return link.Link{}, true, nil }
}

// TestFullReadingFindsWhatMovedWithoutItsTime: balances and states that change
// and leave the change time as it was.
func TestFullReadingFindsWhatMovedWithoutItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		p := newPoller(t, s, b, allLinked)
		round(t, p)
		at := s.now()
		for _, nbr := range []string{"paid", "part", "same", "void", "O'Neill", "gone", "back"} {
			owed(s, at, nbr, "Open", "100.00")
		}
		time.Sleep(time.Minute)
		owed(s, s.now(), "back", "Closed", "0")
		time.Sleep(time.Minute)
		round(t, p)
		before := len(b.events)
		owed(s, at, "paid", "Closed", "0.00")
		owed(s, at, "part", "Open", "40.00")
		owed(s, at, "same", "Open", "100.0000") // as it was, with another scale
		owed(s, at, "void", "Voided", "0")
		owed(s, at, "O'Neill", "Closed", "0")
		owed(s, at.Add(time.Minute), "back", "Open", "7")
		delete(s.rows, "Invoiceguid-gone")
		time.Sleep(25 * time.Hour)
		readInFull(t, b, func() *Poller { return p })
		got := map[string]string{}
		for _, e := range b.events[before:] {
			if _, rest, ok := strings.Cut(string(e.ev.Data), `"Balance"`); ok {
				got[e.ev.Subject] = rest[:5]
			} else {
				got[e.ev.Subject] = e.ev.Type
			}
		}
		want := map[string]string{
			"Invoice paid": `:"0.0`, "Invoice part": `:"40.`, "Invoice void": `:"0",`, "Invoice O'Neill": `:"0",`, "Invoice back": `:"7",`,
			"Invoice gone": "io.millrace.acumatica.invoice.gone.v1",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("full reading (-want +got):\n%s", diff)
		}
		// Once is enough.
		n := len(b.events)
		time.Sleep(25 * time.Hour)
		readInFull(t, b, func() *Poller { return p })
		if len(b.events) != n {
			t.Errorf("the next full reading tells %q again", b.subjects()[n:])
		}
	})
}

// TestFullReadingCostsListsOnly counts what a reading of many open documents
// costs when nothing is amiss, whoever makes its rounds.
func TestFullReadingCostsListsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b, told := newERP(), newBroker(), newBroker()
		next := func() *Poller {
			return newPoller(t, s, b, allLinked, func(o *Options) { o.Poll.PageSize, o.Told = 100, told })
		}
		round(t, next())
		for i := range 500 {
			owed(s, s.now().Add(time.Duration(i)*time.Minute), fmt.Sprint("AR", i), "Open", "100")
		}
		time.Sleep(24 * time.Hour)
		round(t, next())
		for i := range 10 { // closed, and no timestamp shows it
			r := s.rows[fmt.Sprint("Invoiceguid-AR", i*50)]
			at, _ := r.Time("LastModifiedDateTime")
			owed(s, at, fmt.Sprint("AR", i*50), "Closed", "0")
		}
		n := len(b.events)
		s.calls = nil
		rounds := readInFull(t, b, next)
		if got := len(b.events) - n; got != 10 {
			t.Errorf("%d documents are told, want those 10 that are closed", got)
		}
		if reads := len(s.calls) - 2*rounds; reads > 500/25+4*500/100+2 {
			t.Errorf("%d lists for 500 open documents", reads)
		}
	})
}

// TestBacklogWithLinksTakesWhatIsInStripe: a position that was lost does not
// lose what was closed meanwhile.
func TestBacklogWithLinksTakesWhatIsInStripe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		s.invoice("AR1", "Open")
		s.invoice("AR2", "Closed")
		s.invoice("AR3", "Closed")
		s.invoice("AR4", "On Hold")
		s.invoice("AR5", "Voided")
		time.Sleep(time.Hour)
		p := newPoller(t, s, b, func(o *Options) {
			o.AnyLinked = func(context.Context, string, string) (bool, error) { return true, nil }
			o.Linked = func(_ context.Context, _, _, id string) (link.Link, bool, error) {
				return link.Link{}, id == "Invoice AR2" || id == "Invoice AR5" || id == "Invoice AR4", nil
			}
		})
		round(t, p)
		want := []string{"Invoice AR1", "Invoice AR2", "Invoice AR4", "Invoice AR5"}
		if diff := cmp.Diff(want, b.subjects()); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
		if c := b.cursor(t, "invoice"); c.Linked || c.Backlog != nil {
			t.Errorf("cursor = %+v, want no backlog left", c)
		}
	})
}

// TestABalanceThatMovesWithinOneTimestampIsTold inside the overlap.
func TestABalanceThatMovesWithinOneTimestampIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		p := newPoller(t, s, b)
		round(t, p)
		at := s.now()
		owed(s, at, "AR1", "Open", "100")
		time.Sleep(10 * time.Second)
		round(t, p)
		owed(s, at, "AR1", "Open", "60")
		time.Sleep(10 * time.Second)
		round(t, p)
		round(t, p)
		if n := len(b.events); n != 2 {
			t.Errorf("%d events, want the invoice and its new balance", n)
		}
	})
}
