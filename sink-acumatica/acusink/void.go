package acusink

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/schemas"
)

const voidedPayment = "Voided Payment"

// voidKind takes the payment of a charge that failed later out of the ledger
// again. Acumatica: an action on the payment makes a document of the same
// number and reference, which does nothing until it is released itself. So
// there is never more than one, however often it was asked for.
func voidKind() kind {
	k := paymentKind()
	k.types, k.ledger, k.link = []string{voidedPayment}, []string{"Closed"}, link.Void
	k.filter = func(find map[string]string) string {
		return "PaymentRef eq " + acumatica.Quote(find["PaymentRef"]) + " and Type eq " + acumatica.Quote(voidedPayment)
	}
	k.decode = func(fields json.RawMessage) (document, error) { return decodeVoid(fields) }
	return k
}

// void is the void of one payment.
type void struct {
	schemas.AcumaticaPaymentVoid
	amount      decimal.Decimal
	typ, number string // of the payment; empty until it is resolved
}

func decodeVoid(fields json.RawMessage) (*void, error) {
	v := &void{}
	if err := decodeStrict(fields, &v.AcumaticaPaymentVoid); err != nil {
		return v, fmt.Errorf("fields: %w", err)
	}
	err := checkHead(map[string]string{"CurrencyID": v.CurrencyID, "PaymentRef": v.PaymentRef, "Payment.id": v.Payment.ID}, "PaymentRef", "ApplicationDate", v.ApplicationDate)
	if err != nil {
		return v, err
	}
	if v.Payment.Kind != link.Payment {
		return v, fmt.Errorf("a %s cannot be voided", v.Payment.Kind)
	}
	v.amount, err = amountOf("PaymentAmount", v.PaymentAmount)
	return v, err
}

// resolve names the payment.
func (v *void) resolve(find func(schemas.LinkRef) (string, error)) error {
	name, err := find(v.Payment)
	if err != nil {
		return err
	}
	cut := strings.LastIndex(name, " ")
	v.typ, v.number = name[:max(cut, 0)], name[cut+1:]
	return nil
}

// unwanted is why there is nothing to void: the charge failed before its
// payment was posted. Whoever posts it comes before us in the lane, and nobody
// asks for the payment of a charge that has failed, so the answer stays.
func (v *void) unwanted(ctx context.Context, w *work) (string, error) {
	_, found, err := w.sink.o.Links.ByStripe(ctx, w.in.Connection, v.Payment.Kind, v.Payment.ID)
	if err != nil || found {
		return "", err
	}
	id := schemas.IntentID(w.in.Connection, schemas.Acumatica, "payment", "create", v.Payment.ID, "")
	rec, found, err := w.sink.o.Postings.Get(ctx, w.in.Connection, id)
	if err != nil || found && rec.State != posting.Skipped {
		return "", err // it goes on, and fails where the payment is named
	}
	return "the payment of " + v.Payment.ID + " was never posted, so there is none to void", nil
}

func (v *void) find() map[string]string { return map[string]string{"PaymentRef": v.PaymentRef} }

func (v *void) details(bool) []string { return nil }

// body is what of the void is put once the action has made it. Acumatica: the
// action dates it with the day of the server.
func (v *void) body() map[string]any {
	body := map[string]any{
		"Type": acumatica.Value(voidedPayment), "ReferenceNbr": acumatica.Value(v.number),
		"ApplicationDate": acumatica.Value(v.ApplicationDate), "Hold": acumatica.Value(false),
	}
	if v.Description != "" {
		body["Description"] = acumatica.Value(v.Description)
	}
	return body
}

// ask makes Acumatica make the void.
func (v *void) ask(ctx context.Context, c *acumatica.Client) error {
	err := c.Invoke(ctx, paymentEntity, "VoidPayment", map[string]any{"Type": acumatica.Value(v.typ), "ReferenceNbr": acumatica.Value(v.number)})
	if f := fault.Of(err); err != nil && f.Kind == fault.Rejected && f.Code != "acumatica.period_closed" && !acumatica.Uncertain(err) {
		return fault.Newf("acumatica.not_voidable", "%s %s: %w", v.typ, v.number, err)
	}
	return err
}

// unfinished names what of the void is not as it was asked for and can be
// changed before the release.
func (v *void) unfinished(r acumatica.Record) string {
	if got := r.Date("ApplicationDate"); got != v.ApplicationDate {
		return fmt.Sprintf("ApplicationDate: sent %s, saved %q", v.ApplicationDate, got)
	}
	if r.Bool("Hold") {
		return "Hold: sent false, saved true"
	}
	return ""
}

// complete puts what is missing of the unreleased void. Crashing before or
// after it is the same: the next attempt looks again.
func (v *void) complete(ctx context.Context, w *work) error {
	described := v.Description == "" || w.seen.String("Description") == v.Description
	if described && v.unfinished(w.seen) == "" {
		return nil
	}
	var r acumatica.Record
	err := w.writing(ctx, func(ctx context.Context) (err error) {
		r, err = w.conn.Client.Put(ctx, w.kind.entity, v.body(), w.query(false))
		return err
	})
	if err != nil {
		return err
	}
	w.sink.at("completed")
	if s := cmp.Or(v.differs(r), v.unfinished(r)); s != "" {
		return fault.Newf("acumatica.readback", "%s: %s", w.name(), s)
	}
	w.seen = r
	return nil
}

func (v *void) differs(r acumatica.Record) string {
	return cmp.Or(unlike(r, [][2]string{{"Type", voidedPayment}, {"ReferenceNbr", v.number}}), v.same(r))
}

// same compares what a payment and its void have in common. Acumatica: the
// amount of a void has the other sign.
func (v *void) same(r acumatica.Record) string {
	if s := unlike(r, [][2]string{{"CurrencyID", v.CurrencyID}}); s != "" {
		return s
	}
	if got := r.String("PaymentRef"); strings.TrimSpace(got) != v.PaymentRef { // Stripe's ids differ by case
		return fmt.Sprintf("PaymentRef: sent %q, saved %q", v.PaymentRef, got)
	}
	if got, ok := r.Decimal("PaymentAmount"); !ok || !got.Abs().Equal(v.amount) {
		return fmt.Sprintf("PaymentAmount: sent %s, saved %q", v.PaymentAmount, r.String("PaymentAmount"))
	}
	return ""
}

// unproven leaves the date alone: a person may have voided the payment before
// us, and proven tells of it.
func (v *void) unproven(r acumatica.Record) string { return v.differs(r) }

func (v *void) title() string { return "void of the payment of " + v.Payment.ID }

func (v *void) effect() string {
	return fmt.Sprintf("released, %s %s of %s %s is voided", v.typ, v.number, v.PaymentAmount, v.CurrencyID)
}

func (v *void) refs() []schemas.Ref {
	if v.number == "" {
		return nil
	}
	return []schemas.Ref{{System: schemas.Acumatica, Kind: paymentEntity, ID: v.typ + " " + v.number}}
}

// before looks at the payment before the void is asked for. It reports whether
// a void is there already, for the posting to go on with.
func (v *void) before(ctx context.Context, w *work) (adopted bool, err error) {
	r, err := w.conn.Client.Get(ctx, paymentEntity, []string{v.typ, v.number}, acumatica.Query{})
	if err != nil {
		return false, err
	}
	name, status := v.typ+" "+v.number, r.String("Status")
	if diff := v.same(r); diff != "" {
		return false, fault.Newf("acumatica.not_voidable", "%s is not the payment that was posted: %s", name, diff)
	}
	w.sink.at("payment_read")
	switch {
	case slices.Contains(paymentKind().ledger, status):
		return false, nil
	case status != voided:
		return false, fault.Newf("acumatica.not_voidable", "%s has the status %q", name, status)
	}
	found, err := w.search(ctx) // somebody was faster
	if err != nil {
		return false, err
	}
	if len(found) == 0 {
		return false, fault.Newf("acumatica.not_voidable", "%s is voided, but by nothing that carries %s", name, v.PaymentRef)
	}
	return true, w.adopt(ctx, found)
}

// proof reads what the release did to the payment and to what it had paid
// (Invariant 10), and tells it.
func (v *void) proof(ctx context.Context, w *work, r acumatica.Record) error {
	name := v.typ + " " + v.number
	payment, err := w.conn.Client.Get(ctx, paymentEntity, []string{v.typ, v.number}, acumatica.Query{Expand: []string{"ApplicationHistory"}})
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if status := payment.String("Status"); status != voided {
		return fault.Newf("acumatica.readback", "%s is released, but %s has the status %q", w.name(), name, status)
	}
	w.sink.at("void_proven")
	if got := r.Date("ApplicationDate"); got != v.ApplicationDate {
		w.notes = append(w.notes, fmt.Sprintf("dated %s, not %s", got, v.ApplicationDate))
	}
	var told []string
	for _, row := range payment.Rows("ApplicationHistory") {
		keys := []string{cmp.Or(row.String("AdjustedDocType"), row.String("DisplayDocType")), cmp.Or(row.String("AdjustedRefNbr"), row.String("DisplayRefNbr"))}
		paid := strings.Join(keys, " ")
		if keys[1] == "" || !sameDocType(keys[0], "INV") && !sameDocType(keys[0], "DRM") || slices.Contains(told, paid) {
			continue
		}
		told = append(told, paid)
		inv, err := w.conn.Client.Get(ctx, invoiceEntity, keys, acumatica.Query{})
		if err != nil {
			return fmt.Errorf("read %s: %w", paid, err)
		}
		w.notes = append(w.notes, fmt.Sprintf("%s is %s with a balance of %s", paid, inv.String("Status"), amount(inv, "Balance")))
	}
	return nil
}
