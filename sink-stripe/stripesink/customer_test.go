package stripesink

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"millrace/internal/fault"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// buyer is an Acumatica customer with a record.
func buyer(id, record, version string, change func(*schemas.StripeCustomer)) schemas.Intent {
	f := schemas.StripeCustomer{
		Name: "Ada", Email: "ap@c1.example", Phone: "+1 206 555 0100", Address: &schemas.StripeAddress{Line1: "1 Way", Country: "US"},
		Metadata: map[string]string{metaCustomer: id, metaRecord: record, "acumatica_status": "Active", "acumatica_terms": "NET30"},
	}
	if change != nil {
		change(&f)
	}
	return intent("customer", "upsert", id, version, f)
}

func taxed(value string) func(*schemas.StripeCustomer) {
	return func(f *schemas.StripeCustomer) { f.TaxID = &schemas.StripeTaxID{Type: "eu_vat", Value: value} }
}

// standing is the Stripe customer that stands for an Acumatica customer.
func (w *world) standing(id string) stripeapi.Customer {
	w.t.Helper()
	c, err := w.client.GetCustomer(w.t.Context(), w.links[connection+" customer "+id].StripeID)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) taxIDs() string {
	w.t.Helper()
	var all []string
	for _, x := range w.standing("C1").TaxIDs {
		all = append(all, taxName(x))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func TestATaxIDFollowsTheBooks(t *testing.T) {
	w := newWorld(t)
	w.apply(buyer("C1", "r1", "1", taxed("DE123456789")), schemas.Applied)
	w.cost(1, 2)
	if _, err := w.client.CreateTaxID(t.Context(), "by-hand", w.standing("C1").ID, stripeapi.TaxID{Type: "us_ein", Value: "12-3456789"}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, version string
		change        func(*schemas.StripeCustomer)
		want          string
		review        bool
	}{
		{"the same one is left alone", "2", taxed("de 123 456 789"), "eu_vat DE123456789, us_ein 12-3456789", false},
		{"another one takes its place, not that of one by hand", "3", taxed("DE987654321"), "eu_vat DE987654321, us_ein 12-3456789", false},
		{"what Stripe refuses holds nothing up", "4", taxed("nonsense"), "us_ein 12-3456789", true},
		{"one that is put right", "5", taxed("DE987654321"), "eu_vat DE987654321, us_ein 12-3456789", false},
		{"kept, as the connection wants", "6", func(f *schemas.StripeCustomer) { f.KeepEmpty = true }, "eu_vat DE987654321, us_ein 12-3456789", false},
		{"taken off", "7", nil, "us_ein 12-3456789", false},
		{"one that was added by hand is not ours", "8", func(f *schemas.StripeCustomer) {
			f.TaxID = &schemas.StripeTaxID{Type: "us_ein", Value: "12-3456789"}
		}, "us_ein 12-3456789", false},
		{"and stays", "9", nil, "us_ein 12-3456789", false},
	} {
		out := w.apply(buyer("C1", "r1", tt.version, tt.change), schemas.Applied)
		if got := w.taxIDs(); got != tt.want || (out.Review != "") != tt.review {
			t.Errorf("%s: %s, review %q; want %s", tt.name, got, out.Review, tt.want)
		}
	}
}

func TestATaxIDIsReplacedOnceWhateverCrashes(t *testing.T) {
	for at := 1; ; at++ {
		w := newWorld(t)
		w.apply(buyer("C1", "r1", "1", taxed("DE123456789")), schemas.Applied)
		in := buyer("C1", "r1", "2", taxed("DE987654321"))
		w.crashAt = at
		if _, err := w.handle(in, w.now); err == nil {
			return // there are no more points
		} else if !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		if _, err := w.handle(in, w.now); err != nil {
			t.Fatal(err)
		}
		w.apply(buyer("C1", "r1", "3", taxed("DE987654321")), schemas.Applied)
		if got := w.taxIDs(); got != "eu_vat DE987654321" {
			t.Errorf("crashed at point %d: %s", at, got)
		}
	}
}

func TestWhatIsClearedInTheBooksIsClearedInStripe(t *testing.T) {
	empty := func(keep bool) func(*schemas.StripeCustomer) {
		return func(f *schemas.StripeCustomer) {
			f.Email, f.Phone, f.Address, f.KeepEmpty = "", "", nil, keep
			delete(f.Metadata, "acumatica_terms")
		}
	}
	for _, keep := range []bool{true, false} {
		w := newWorld(t)
		w.apply(buyer("C1", "r1", "1", nil), schemas.Applied)
		w.apply(buyer("C1", "r1", "2", empty(keep)), schemas.Applied)
		w.cost(1, 1)
		c := w.standing("C1")
		if kept := c.Email != "" && c.Phone != "" && c.Metadata["acumatica_terms"] != ""; kept != keep {
			t.Errorf("keep %t: %+v", keep, c)
		}
		if cleared := c.Email == "" && c.Phone == "" && c.Metadata["acumatica_terms"] == ""; cleared == keep {
			t.Errorf("keep %t: %+v", keep, c)
		}
	}
}

func TestACustomerThatIsNotActiveIsKeptButNotMade(t *testing.T) {
	w := newWorld(t)
	inactive := func(f *schemas.StripeCustomer) { f.Existing, f.Metadata["acumatica_status"] = true, "Inactive" }
	in := buyer("C1", "r1", "1 known", inactive)
	w.apply(in, schemas.Skipped)
	w.cost(0, 0)
	w.apply(in, schemas.Skipped)
	w.apply(buyer("C1", "r1", "1", nil), schemas.Applied) // of an invoice
	w.apply(buyer("C1", "r1", "2 known", inactive), schemas.Applied)
	if c := w.standing("C1"); c.Metadata["acumatica_status"] != "Inactive" || len(w.customers()) != 1 {
		t.Errorf("%+v", c)
	}
}

func TestACustomerThatWasDeletedInStripeIsMadeAgain(t *testing.T) {
	w := newWorld(t)
	w.apply(buyer("C1", "r1", "1", nil), schemas.Applied)
	first := w.standing("C1").ID
	w.deleteCustomer(first)
	if out, err := w.handle(invoiceIntent(nil), w.now); fault.Of(err).Code != "stripe.customer_deleted" {
		t.Errorf("an invoice of it: %+v, %v", out, err)
	}
	out := w.apply(buyer("C1", "r1", "1 "+first, nil), schemas.Applied)
	if c := w.standing("C1"); c.ID == first || len(w.customers()) != 1 || !strings.Contains(out.Review, first) {
		t.Errorf("%+v, %+v", c, out)
	}
	w.apply(invoiceIntent(nil), schemas.Applied)
	if l := w.byStripe[connection+" customer "+first]; l.AcumaticaID != "C1" {
		t.Errorf("the deleted one points to %+v", l)
	}
}

// toldOf is an invoice whose flow has seen the customer's link.
func toldOf(customer string) schemas.Intent {
	in := invoiceIntent(nil)
	in.Refs = append(in.Refs, schemas.Ref{System: schemas.Stripe, Kind: "customer", ID: customer})
	return in
}

// Stripe tells nothing, and what would make the customer again is behind the
// invoice in its lane.
func TestADeletedCustomerHoldsItsInvoicesForMinutesOnly(t *testing.T) {
	w := newWorld(t)
	w.apply(buyer("C1", "r1", "1", nil), schemas.Applied)
	first := w.standing("C1").ID
	w.deleteCustomer(first)
	_ = w.refuse(toldOf(first), "stripe.customer_deleted")
	w.now = w.now.Add(awaitCustomer)
	if out := w.apply(toldOf(first), schemas.Skipped); !strings.Contains(out.Review, first) {
		t.Errorf("%+v", out)
	}
	next := toldOf(first)
	next.Key, next.ID = "Invoice AR000124", next.ID+"4"
	w.apply(next, schemas.Skipped) // its flow has seen the link too
	if l, found := w.links[connection+" customer C1"]; found {
		t.Errorf("C1 stands for %+v: no flow would have a customer made", l)
	}
	w.apply(buyer("C1", "r1", "1 evt-2", nil), schemas.Applied)
	w.apply(toldOf(""), schemas.Applied) // the same event, told again
	w.oneInvoice(toldOf(""))
}

func TestADeletedCustomerThatIsNotNeededIsMadeByAnInvoice(t *testing.T) {
	w := newWorld(t)
	w.apply(buyer("C1", "r1", "1", nil), schemas.Applied)
	first := w.standing("C1").ID
	w.deleteCustomer(first)
	w.apply(buyer("C1", "r1", "1 evt-1", func(f *schemas.StripeCustomer) { f.Existing = true }), schemas.Skipped)
	if l, found := w.links[connection+" customer C1"]; found {
		t.Errorf("C1 stands for %+v", l)
	}
	w.apply(buyer("C1", "r1", "1 evt-2", nil), schemas.Applied) // of an invoice
	if c := w.standing("C1"); c.ID == first || len(w.customers()) != 1 {
		t.Errorf("%+v", c)
	}
}

// An id is given to a record that is not active: what it stood for is not its.
func TestAnInvoiceIsNeverSentToWhoHadTheIDBefore(t *testing.T) {
	w := newWorld(t)
	w.apply(buyer("C1", "r1", "1", nil), schemas.Applied)
	first := w.standing("C1").ID
	w.apply(buyer("C1", "r2", "2", func(f *schemas.StripeCustomer) { f.Existing = true }), schemas.Skipped)
	if out := w.apply(toldOf(first), schemas.Skipped); out.Review == "" {
		t.Errorf("%+v", out)
	}
	w.apply(buyer("C9", "r1", "3", nil), schemas.Applied)
	if w.standing("C9").ID != first {
		t.Errorf("%+v", w.links)
	}
}

// at places an intent among the events.
func at(seq uint64, in schemas.Intent) schemas.Intent {
	in.Cause.EventSeq = seq
	return in
}

func TestCustomersAreInTheOrderOfTheirEvents(t *testing.T) {
	const early, late = "2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z"
	named := func(seq uint64, version, name string) schemas.Intent {
		return at(seq, buyer("C1", "r1", version, func(f *schemas.StripeCustomer) { f.Name = name }))
	}
	for _, tt := range []struct {
		name, version string
		seq           uint64
		want          string
	}{
		{"a later event, although the clock was set back", early + " evt-2", 9, schemas.Applied},
		{"a later event of the same time", late + " evt-2", 9, schemas.Applied},
		{"an earlier event of the same time", late + " evt-2", 3, schemas.Skipped},
		{"an earlier event", early + " evt-2", 3, schemas.Skipped},
		{"a stream that was made anew", "2026-03-01T11:00:00Z evt-2", 3, schemas.Applied},
	} {
		w := newWorld(t)
		w.apply(named(5, late+" evt-1", "Ada"), schemas.Applied)
		if out, err := w.handle(named(tt.seq, tt.version, "Ada Ltd"), w.now); err != nil || out.Outcome != tt.want {
			t.Errorf("%s: %s %s, %v; want %s", tt.name, out.Outcome, out.Reason, err, tt.want)
		}
	}
}

func TestACustomerThatIsSeenAgainIsNotDeleted(t *testing.T) {
	w := newWorld(t)
	w.apply(at(1, buyer("C1", "r1", "2026-03-01T09:00:00Z evt-1", nil)), schemas.Applied)
	id := w.standing("C1").ID
	w.apply(intent("customer", "annotate", id, "gone:1", schemas.StripeMetadata{ID: id, Metadata: map[string]string{"acumatica_status": "Deleted"}}), schemas.Applied)
	w.apply(at(3, buyer("C1", "r1", "2026-03-01T09:00:00Z evt-3", nil)), schemas.Applied)
	if c := w.standing("C1"); c.Metadata["acumatica_status"] != "Active" {
		t.Errorf("%+v", c)
	}
}

func TestAMarkOnADeletedCustomerHoldsNothingUp(t *testing.T) {
	w := newWorld(t)
	w.apply(buyer("C1", "r1", "1", nil), schemas.Applied)
	id := w.standing("C1").ID
	w.deleteCustomer(id)
	in := intent("customer", "annotate", id, "gone:1", schemas.StripeMetadata{ID: id, Metadata: map[string]string{"acumatica_status": "Deleted"}, Review: "look"})
	for range 2 {
		if out := w.apply(in, schemas.Skipped); out.Review != "look" {
			t.Errorf("%+v", out)
		}
	}
}

// Two lanes find the customer deleted at the same time.
func TestADeletedCustomerIsMadeAgainOnce(t *testing.T) {
	w := newWorld(t)
	w.apply(buyer("C1", "r1", "1", nil), schemas.Applied)
	first := w.standing("C1").ID
	w.deleteCustomer(first)
	told := buyer("C1", "r1", "1 "+first, nil)
	w.crashAt = 4 // created, and neither recorded nor linked
	if _, err := w.handle(told, w.now); !errors.Is(err, errCrash) || w.points[3] != "customer created" {
		t.Fatal(err, w.points)
	}
	changed := buyer("C1", "r1", "2", func(f *schemas.StripeCustomer) { f.Name = "Ada Ltd" })
	_ = w.refuse(changed, "stripe.customer_changed")
	w.apply(changed, schemas.Applied)
	if _, err := w.handle(told, w.now); err != nil {
		t.Fatal(err)
	}
	if all := w.customers(); len(all) != 1 || all[0].Name != "Ada Ltd" || w.standing("C1").ID != all[0].ID {
		t.Errorf("%+v", all)
	}
}

func (w *world) deleteCustomer(id string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodDelete, w.url+"/v1/customers/"+id, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk_test_sink")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		w.t.Fatal(res.Status)
	}
}

func TestARecordThatGetsAnotherIDStaysOneCustomer(t *testing.T) {
	for _, lost := range []bool{false, true} {
		w := newWorld(t)
		w.apply(buyer("C1", "r1", "1", nil), schemas.Applied)
		first := w.customers()[0].ID
		if lost {
			w.wipe()
		}
		w.apply(buyer("C2", "r1", "2", nil), schemas.Applied)
		if c := w.standing("C2"); c.ID != first || len(w.customers()) != 1 || c.Metadata[metaCustomer] != "C2" {
			t.Errorf("records lost %t: %+v", lost, c)
		}
		if l := w.byStripe[connection+" customer "+first]; l.AcumaticaID != "C2" {
			t.Errorf("records lost %t: payments of it would go to %s", lost, l.AcumaticaID)
		}
	}
}

func TestAnOldVersionDoesNotRenameBack(t *testing.T) {
	w := newWorld(t)
	w.apply(buyer("C1", "r1", "1", nil), schemas.Applied)
	w.apply(buyer("C2", "r1", "3", nil), schemas.Applied)
	w.apply(buyer("C1", "r1", "2", nil), schemas.Skipped)
	if c := w.standing("C2"); c.Metadata[metaCustomer] != "C2" || w.links[connection+" customer C1"].StripeID != "" {
		t.Errorf("%+v, %+v", c, w.links)
	}
}

func TestAnIDThatIsGivenToAnotherRecordIsAnotherCustomer(t *testing.T) {
	w := newWorld(t)
	w.apply(buyer("C1", "r1", "1", nil), schemas.Applied)
	first := w.standing("C1").ID
	w.apply(buyer("C1", "r2", "2", nil), schemas.Applied) // before it was told that r1 is C9
	if w.standing("C1").ID == first || len(w.customers()) != 2 {
		t.Fatalf("%+v", w.customers())
	}
	w.apply(buyer("C9", "r1", "3", nil), schemas.Applied)
	if w.standing("C9").ID != first || w.standing("C1").ID == first || len(w.customers()) != 2 {
		t.Errorf("%+v", w.links)
	}
}

func TestWhichCustomerAgrees(t *testing.T) {
	by := func(fields ...string) []string { return fields }
	ada := schemas.StripeCustomer{Name: "Ada", Email: "AP@c1.example", Metadata: map[string]string{}}
	adda := schemas.StripeCustomer{Name: "Adda", Email: "ap@c1.example", Metadata: map[string]string{}}
	others := schemas.StripeCustomer{Name: "Ada", Email: "ap@c1.example", Metadata: map[string]string{metaCustomer: "C7"}}
	for _, tt := range []struct {
		name  string
		match []string
		there []schemas.StripeCustomer
		want  int // -1: a new one; -2: nobody guesses
	}{
		{"nothing is matched by default", nil, []schemas.StripeCustomer{ada}, -1},
		{"by e-mail, whatever its case", by("email"), []schemas.StripeCustomer{ada}, 0},
		{"two have the e-mail", by("email"), []schemas.StripeCustomer{ada, adda}, -2},
		{"one of them has the name too", by("email", "name"), []schemas.StripeCustomer{ada, adda}, 0},
		{"by name", by("name"), []schemas.StripeCustomer{adda, ada}, 1},
		{"one that is marked as another's is none", by("email"), []schemas.StripeCustomer{others}, -1},
		{"nor counts it", by("email"), []schemas.StripeCustomer{others, ada}, 1},
		{"another name", by("name"), []schemas.StripeCustomer{adda}, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			var ids []string
			for n, f := range tt.there {
				c, err := w.client.CreateCustomer(t.Context(), fmt.Sprint("key", n), f)
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, c.ID)
			}
			w.wipe()
			in := buyer("C1", "r1", "1", func(f *schemas.StripeCustomer) { f.Match = tt.match })
			if tt.want == -2 {
				err := w.refuse(in, "stripe.ambiguous")
				if len(w.customers()) != len(ids) || !strings.Contains(err.Error(), ids[0]) || !strings.Contains(err.Error(), metaCustomer) {
					t.Errorf("%v", err)
				}
				return
			}
			w.apply(in, schemas.Applied)
			if c := w.standing("C1"); tt.want == -1 && slices.Contains(ids, c.ID) || tt.want >= 0 && c.ID != ids[tt.want] {
				t.Errorf("stands for %+v, there were %v", c, ids)
			}
		})
	}
}

func TestACustomerOfAnotherIsNeverTaken(t *testing.T) {
	w := newWorld(t)
	match := func(f *schemas.StripeCustomer) { f.Match = []string{matchEmail} }
	w.apply(buyer("C1", "r1", "1", match), schemas.Applied)
	// Somebody takes our marks off: it is linked all the same.
	if _, err := w.client.AnnotateCustomer(t.Context(), "k", w.standing("C1").ID, map[string]string{metaCustomer: "", metaRecord: "", metaConnection: ""}); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.AddDate(0, 0, 2)
	out := w.apply(buyer("C2", "r2", "1", match), schemas.Applied)
	if first := w.standing("C1").ID; !strings.Contains(out.Review, first) || !strings.Contains(out.Review, "C1") {
		t.Errorf("that %s of C1 agrees too is not told: %q", first, out.Review)
	}
	if w.standing("C1").ID == w.standing("C2").ID || len(w.customers()) != 2 {
		t.Errorf("%+v", w.links)
	}
}

func TestACustomerThatIsGoneIsMarkedAndStays(t *testing.T) {
	w := newWorld(t)
	w.apply(buyer("C1", "r1", "1", nil), schemas.Applied)
	id := w.standing("C1").ID
	out := w.apply(intent("customer", "annotate", id, "gone:1", schemas.StripeMetadata{
		ID: id, Metadata: map[string]string{"acumatica_status": "Deleted"}, Review: "look",
	}), schemas.Applied)
	if c := w.standing("C1"); c.Metadata["acumatica_status"] != "Deleted" || c.Email == "" || out.Review != "look" {
		t.Errorf("%+v, %+v", c, out)
	}
}

func TestFieldsThatStripeWouldRefuseAreRefused(t *testing.T) {
	for name, change := range map[string]func(*schemas.StripeCustomer){
		"shipping without an address": func(f *schemas.StripeCustomer) { f.Shipping = &schemas.StripeShipping{Name: "x"} },
		"a tax id without a type":     func(f *schemas.StripeCustomer) { f.TaxID = &schemas.StripeTaxID{Value: "x"} },
		"an unknown match":            func(f *schemas.StripeCustomer) { f.Match = []string{"phone"} },
	} {
		if err := Check(buyer("C1", "r1", "1", change)); fault.Of(err).Code != "stripe.fields_invalid" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnAddressThatStripeRefusesHoldsNothingUp(t *testing.T) {
	w := newWorld(t)
	wrong := func(f *schemas.StripeCustomer) { f.Email, f.Name = "nonsense", "Ada Ltd" }
	if out := w.apply(buyer("C1", "r1", "1", wrong), schemas.Applied); !strings.Contains(out.Review, "email") {
		t.Errorf("made: review %q", out.Review)
	}
	w.apply(buyer("C1", "r1", "2", nil), schemas.Applied)
	if out := w.apply(buyer("C1", "r1", "3", wrong), schemas.Applied); !strings.Contains(out.Review, "email") {
		t.Errorf("changed: review %q", out.Review)
	}
	if c := w.standing("C1"); c.Email != "ap@c1.example" || c.Name != "Ada Ltd" || len(w.customers()) != 1 {
		t.Errorf("%+v", c)
	}
}
