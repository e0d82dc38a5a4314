package stripesink

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"millrace/internal/fault"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// TestNoTwoCustomersBecomeOne: whatever customers both sides have, with e-mails
// that they share and marks that people put on them, each Acumatica customer
// stands for one Stripe customer at most and the reverse, and one is taken over
// only where no other could have been meant.
func TestNoTwoCustomersBecomeOne(t *testing.T) {
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(outer)
		email := rapid.SampledFrom([]string{"a@x.example", "b@x.example", "A@x.example"})
		before := map[string]stripeapi.Customer{}
		for n := range rapid.IntRange(0, 4).Draw(t, "stripe customers") {
			f := schemas.StripeCustomer{Name: "S", Email: email.Draw(t, "e-mail in Stripe"), Metadata: map[string]string{}}
			if mark := rapid.SampledFrom([]string{"", "", "C0", "C1", "C9"}).Draw(t, "mark"); mark != "" {
				f.Metadata[metaCustomer] = mark
			}
			c, err := w.client.CreateCustomer(outer.Context(), fmt.Sprint("s", n), f)
			if err != nil {
				t.Fatal(err)
			}
			before[c.ID] = c
		}
		w.wipe()
		for turn := range rapid.IntRange(1, 6).Draw(t, "changes") {
			n := rapid.IntRange(0, 2).Draw(t, "customer")
			id, mail := fmt.Sprint("C", n), email.Draw(t, "e-mail in Acumatica")
			in := buyer(id, fmt.Sprint("r", n), fmt.Sprint(turn+1), func(f *schemas.StripeCustomer) {
				f.Email = mail
				if rapid.Bool().Draw(t, "match") {
					f.Match = []string{matchEmail}
				}
			})
			known := w.links[connection+" customer "+id].StripeID
			candidates := w.couldBe(id, mail, before)
			if _, err := w.handle(in, w.now); err != nil && fault.Of(err).Code != "stripe.ambiguous" {
				t.Fatal(err)
			}
			now := w.links[connection+" customer "+id].StripeID
			if _, old := before[now]; old && known == "" && len(candidates) != 1 {
				t.Fatalf("%s was taken for %s, it could have been %v", now, id, candidates)
			}
			if known != "" && now != known {
				t.Fatalf("%s stood for %s and stands for %s", id, known, now)
			}
			w.now = w.now.AddDate(0, 0, 1)
		}
		stands := map[string]string{}
		for key, l := range w.links {
			if !strings.HasPrefix(key, connection+" customer ") {
				continue
			}
			if other := stands[l.StripeID]; other != "" {
				t.Fatalf("%s stands for %s and %s", l.StripeID, other, l.AcumaticaID)
			}
			stands[l.StripeID] = l.AcumaticaID
		}
	})
}

// couldBe are the Stripe customers that were there before, that nobody has, and
// that the marks, or else the e-mail, name.
func (w *world) couldBe(id, email string, before map[string]stripeapi.Customer) []string {
	var marked, alike []string
	for _, c := range before {
		if _, taken := w.byStripe[connection+" customer "+c.ID]; taken {
			continue
		}
		switch mark := c.Metadata[metaCustomer]; {
		case mark == id:
			marked = append(marked, c.ID)
		case mark == "" && strings.EqualFold(c.Email, email):
			alike = append(alike, c.ID)
		}
	}
	if len(marked) > 0 {
		return marked
	}
	return alike
}
