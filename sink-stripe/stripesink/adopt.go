package stripesink

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

// Fields by which a customer that is in Stripe already may be taken for one of
// Acumatica.
const (
	matchEmail = "email"
	matchName  = "name"
)

// makeCustomer creates the customer, or adopts the one that is there already:
// made by an earlier attempt, by an installation whose records are lost, or by
// hand; it says which. Before a first create that costs one search, and another
// one where customers are matched by their fields. deleted is the customer whose
// place it takes, if any.
func (w *work) makeCustomer(ctx context.Context, f schemas.StripeCustomer, deleted string) (did string, err error) {
	marks := w.customerMarks()
	taxes := planTaxIDs(stripeapi.Customer{}, f)
	if taxes.mark != "" {
		marks[metaTaxIDs] = taxes.mark
	}
	marked, err := w.mark(f.Metadata, marks)
	if err != nil {
		return "", err
	}
	old, found, err := w.markedCustomer(ctx, f)
	if err == nil && !found {
		old, found, err = w.likeCustomer(ctx, f)
	}
	switch {
	case err != nil:
		return "", err
	case found:
		return w.adopt(ctx, f, old)
	}
	f.Metadata = marked
	if err := w.sending(ctx, map[string]string{metaCustomer: w.in.Key}); err != nil {
		return "", err
	}
	got, err := w.sendCustomer(ctx, f, func(f schemas.StripeCustomer) (stripeapi.Customer, error) {
		return w.api.CreateCustomer(ctx, w.creationKey(deleted), f)
	})
	if err != nil {
		return "", w.notCreated(ctx, deleted, err)
	}
	w.at("customer created")
	if err := w.checkCustomer(got); err != nil {
		return "", err
	}
	if err := w.keepTaxIDs(ctx, got.ID, taxes); err != nil {
		return "", err
	}
	return "created", w.found(ctx, got.ID)
}

// creationKey is the idempotency key of the customer. Of one that takes another
// one's place it is the same for every intent: the event of Stripe and a change
// in Acumatica may ask for it at the same time, from two lanes.
func (w *work) creationKey(deleted string) string {
	if deleted == "" {
		return w.key("customer")
	}
	return stripeapi.KeyPrefix + "again:" + deleted + ":" + w.p.Keys[keyGeneration]
}

// notCreated retires the key; what the other lane has made is found next time.
func (w *work) notCreated(ctx context.Context, deleted string, err error) error {
	failed := w.failed(ctx, err)
	if deleted != "" && fault.Of(err).Code == "stripe.idempotency_mismatch" {
		return fault.Newf("stripe.customer_changed", "another customer is being made instead of %s: %w", deleted, failed)
	}
	return failed
}

// adopt takes a customer that is there over. Acumatica is the master of the
// fields that it tells.
func (w *work) adopt(ctx context.Context, f schemas.StripeCustomer, old stripeapi.Customer) (did string, err error) {
	if old.Metadata[metaIntent] == w.tag() && old.Metadata[metaCustomer] == w.in.Key && f.TaxID == nil {
		if w.p.State == posting.Sent {
			return "created", w.found(ctx, old.ID)
		}
		return "adopted", w.found(ctx, old.ID)
	}
	// Read by its id: what a search tells may be a minute old.
	now, err := w.api.GetCustomer(ctx, old.ID)
	if err != nil {
		return "", err
	}
	w.at("customer read")
	if now.Deleted || w.othersMark(now, f) {
		return "", fault.Newf("stripe.customer_changed", "customer %s was deleted, or marked as another one, while it was taken for %s", old.ID, w.in.Key)
	}
	// Linked before it is written: two Acumatica customers that both find it
	// cannot both have it.
	if err := w.reserve(ctx, f, now.ID); err != nil {
		return "", err
	}
	return "adopted", w.updateCustomer(ctx, now, f, map[string]string{metaConnection: w.in.Connection})
}

// reserve links a customer that is to be adopted, unless it is linked.
func (w *work) reserve(ctx context.Context, f schemas.StripeCustomer, id string) error {
	h, err := w.holder(ctx, f)
	if err != nil {
		return err
	}
	if err := w.linkCustomer(ctx, f, h, id); err != nil {
		return err
	}
	w.at("reserved")
	return nil
}

// markedCustomer looks for the customer that carries the id of the Acumatica
// customer or of its record: in the list from the first attempt on, which shows
// writes at once, and in the search, which lags but goes back for ever.
func (w *work) markedCustomer(ctx context.Context, f schemas.StripeCustomer) (stripeapi.Customer, bool, error) {
	var hits []stripeapi.Customer
	if since := w.since(); !since.IsZero() {
		recent, err := w.api.ListCustomers(ctx, since)
		if err != nil {
			return stripeapi.Customer{}, false, err
		}
		hits = w.ours(f, recent)
	}
	if len(hits) == 0 {
		tags := []stripeapi.Tag{{Key: metaCustomer, Value: w.in.Key}}
		if record := f.Metadata[metaRecord]; record != "" {
			tags = append(tags, stripeapi.Tag{Key: metaRecord, Value: record})
		}
		older, err := w.api.SearchCustomers(ctx, tags...)
		if noSearch(err) {
			older, err = w.api.ListCustomers(ctx, time.Time{})
		}
		if err != nil {
			return stripeapi.Customer{}, false, err
		}
		hits = w.ours(f, older)
	}
	free, err := w.free(ctx, f, hits)
	if err != nil {
		return stripeapi.Customer{}, false, err
	}
	// One that carries our mark stands for the customer, whatever else was
	// labelled by hand.
	if marked := slices.DeleteFunc(slices.Clone(free), unmarked); len(marked) > 0 {
		free = marked
	}
	return w.only(free, "carry the mark of")
}

// likeCustomer looks for the customer that agrees in the fields by which the
// connection matches. All of them must be there, and agree.
func (w *work) likeCustomer(ctx context.Context, f schemas.StripeCustomer) (stripeapi.Customer, bool, error) {
	own := map[string]string{matchEmail: f.Email, matchName: f.Name}
	if len(f.Match) == 0 || slices.ContainsFunc(f.Match, func(field string) bool { return own[field] == "" }) {
		return stripeapi.Customer{}, false, nil
	}
	found, err := w.api.SearchCustomersBy(ctx, f.Match[0], own[f.Match[0]])
	if noSearch(err) {
		found, err = w.api.ListCustomers(ctx, time.Time{})
	}
	if err != nil {
		return stripeapi.Customer{}, false, err
	}
	agree := slices.DeleteFunc(found, func(c stripeapi.Customer) bool {
		theirs := map[string]string{matchEmail: c.Email, matchName: c.Name}
		return c.Deleted || slices.ContainsFunc(f.Match, func(field string) bool { return !alike(own[field], theirs[field]) })
	})
	others := func(c stripeapi.Customer) bool { return w.othersMark(c, f) }
	free, err := w.free(ctx, f, slices.DeleteFunc(slices.Clone(agree), others))
	if err != nil {
		return stripeapi.Customer{}, false, err
	}
	if len(free) == 0 && len(agree) > 0 {
		return stripeapi.Customer{}, false, w.taken(ctx, agree[0])
	}
	return w.only(free, "have the "+strings.Join(f.Match, " and the ")+" of")
}

// taken tells that a customer would have been matched, had another one not had it:
// which of the two it really is nobody can say.
func (w *work) taken(ctx context.Context, c stripeapi.Customer) error {
	l, _, err := w.links.ByStripe(ctx, w.in.Connection, link.Customer, c.ID)
	if err != nil {
		return err
	}
	told := fmt.Sprintf("the Stripe customer %s agrees with %s too, but stands for %s: another one was made; see which is which",
		c.ID, w.in.Key, cmp.Or(l.AcumaticaID, c.Metadata[metaCustomer], "another record"))
	if !strings.Contains(w.p.Keys[keyReview], told) { // by an earlier attempt
		w.review(joined(w.p.Keys[keyReview], told))
	}
	return nil
}

// alike leaves out case and how many blanks there are.
func alike(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

// othersMark says that the customer is marked as another Acumatica customer, or
// as one of another connection that shares the Stripe account.
func (w *work) othersMark(c stripeapi.Customer, f schemas.StripeCustomer) bool {
	if !unmarked(c) && c.Metadata[metaConnection] != w.in.Connection {
		return true
	}
	record, own := c.Metadata[metaRecord], f.Metadata[metaRecord]
	if record != "" && own != "" {
		return record != own
	}
	id := c.Metadata[metaCustomer]
	return id != "" && id != w.in.Key
}

// only is the one customer that there is. Of several none is guessed at.
func (w *work) only(hits []stripeapi.Customer, what string) (stripeapi.Customer, bool, error) {
	if len(hits) == 0 {
		return stripeapi.Customer{}, false, nil
	}
	if len(hits) == 1 {
		return hits[0], true, nil
	}
	const most = 5
	var ids []string
	for _, c := range hits[:min(most, len(hits))] {
		ids = append(ids, c.ID)
	}
	return stripeapi.Customer{}, false, fault.Newf("stripe.ambiguous", "%d Stripe customers %s the Acumatica customer %s (%s): put the metadata %s = %s on the right one, and take it and %s off the others",
		len(hits), what, w.in.Key, strings.Join(ids, ", "), metaCustomer, w.in.Key, metaRecord)
}

// free leaves out those that are linked with another Acumatica customer.
func (w *work) free(ctx context.Context, f schemas.StripeCustomer, hits []stripeapi.Customer) ([]stripeapi.Customer, error) {
	var out []stripeapi.Customer
	for _, c := range hits {
		l, linked, err := w.links.ByStripe(ctx, w.in.Connection, link.Customer, c.ID)
		if err != nil {
			return nil, fmt.Errorf("customer %s: %w", c.ID, err)
		}
		sameRecord := c.Metadata[metaRecord] != "" && c.Metadata[metaRecord] == f.Metadata[metaRecord]
		if !linked || l.AcumaticaID == w.in.Key || sameRecord {
			out = append(out, c)
		}
	}
	return out, nil
}

// noSearch says that the account has no search, or Stripe no such path. Stripe:
// it is not available to merchants in India, who are told "search feature
// unavailable for merchant"; other wordings of that are taken for it too.
func noSearch(err error) bool {
	if err == nil || fault.KindOf(err) != fault.Rejected {
		return false
	}
	text := strings.ToLower(err.Error())
	return stripeapi.IsNotFound(err) || strings.Contains(text, "unavailable") || strings.Contains(text, "not available")
}

// ours are those that carry a mark of this Acumatica customer and none of
// another one, or of another connection.
func (w *work) ours(f schemas.StripeCustomer, all []stripeapi.Customer) []stripeapi.Customer {
	var hits []stripeapi.Customer
	for _, c := range all {
		named := c.Metadata[metaCustomer] == w.in.Key || c.Metadata[metaRecord] != "" && c.Metadata[metaRecord] == f.Metadata[metaRecord]
		if !c.Deleted && named && !w.othersMark(c, f) {
			hits = append(hits, c)
		}
	}
	return hits
}

// unmarked says that no connection has made or adopted the customer.
func unmarked(c stripeapi.Customer) bool {
	_, marked := c.Metadata[metaConnection]
	return !marked
}
