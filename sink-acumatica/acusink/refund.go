package acusink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
	"millrace/internal/link"
	"millrace/internal/posting"
	"millrace/schemas"
)

// refundTypes are what builds of Acumatica call a refund; older ones say
// "Customer Refund".
func refundTypes() []string { return []string{"Refund", "Customer Refund"} }

// refundKind is money that goes back to a customer: a document of the form of
// payments that is applied to what it gives back.
func refundKind() kind {
	k := paymentKind()
	k.types, k.link, k.subject = refundTypes(), link.Refund, "refund"
	k.filter = func(find map[string]string) string {
		return paymentFilter(find) + " and Type eq " + acumatica.Quote(find["Type"])
	}
	k.decode = func(fields json.RawMessage) (document, error) { return decodeRefund(fields) }
	return k
}

// refund is a payment in the other direction.
type refund struct {
	payment
	links []*schemas.LinkRef // instead of the name of the same application; nil where it has one
}

func decodeRefund(fields json.RawMessage) (*refund, error) {
	p := &refund{}
	var f schemas.AcumaticaRefund
	if err := decodeStrict(fields, &f); err != nil {
		return p, fmt.Errorf("fields: %w", err)
	}
	p.AcumaticaPayment = schemas.AcumaticaPayment{
		Type: f.Type, CustomerID: f.CustomerID, PaymentMethod: f.PaymentMethod, CashAccount: f.CashAccount, CurrencyID: f.CurrencyID,
		PaymentAmount: f.PaymentAmount, PaymentRef: f.PaymentRef, ApplicationDate: f.ApplicationDate, Description: f.Description, Branch: f.Branch,
	}
	if !slices.Contains(refundTypes(), p.Type) {
		return p, fmt.Errorf("type %q is not a refund", p.Type)
	}
	if err := p.parse(); err != nil {
		return p, err
	}
	for _, row := range f.DocumentsToApply {
		amount, err := amountOf("AmountPaid", row.AmountPaid)
		if err != nil {
			return p, err
		}
		named := row.DocType != "" && row.ReferenceNbr != ""
		if named == (row.Link != nil) {
			return p, errors.New("a document to refund has no name, or two")
		}
		p.applied = append(p.applied, application{
			schemas.AcumaticaApplication{DocType: row.DocType, ReferenceNbr: row.ReferenceNbr, AmountPaid: row.AmountPaid}, amount,
		})
		p.links = append(p.links, row.Link)
	}
	// Acumatica: a refund has no balance of its own.
	if total := p.applied.total(); !total.Equal(p.amount) {
		return p, fmt.Errorf("refunds %s of documents with %s", total, p.amount)
	}
	return p, nil
}

// prefer gives the money back from the credit memo of the same refund where
// there is one, whatever the intent names: one refund has one effect on what the
// customer owes, also when its style was changed after the credit memo was asked
// for. The credit memo in turn is not made once the refund was sent.
func (p *refund) prefer(ctx context.Context, w *work) error {
	l, found, err := w.sink.o.Links.ByStripe(ctx, w.in.Connection, link.CreditMemo, w.in.Key)
	if err != nil {
		return err
	}
	if !found && w.p.Data().Sends == 0 {
		id := schemas.IntentID(w.in.Connection, schemas.Acumatica, link.CreditMemo, "create", w.in.Key, "")
		rec, known, err := w.sink.o.Postings.Get(ctx, w.in.Connection, id)
		if err != nil {
			return err
		}
		if known && rec.Sends > 0 && rec.State != posting.Skipped {
			return fault.Newf("link.pending", "the credit memo of %s is not posted yet", w.in.Key)
		}
	}
	if !found {
		return nil
	}
	cut := strings.LastIndex(l.AcumaticaID, " ")
	p.links = []*schemas.LinkRef{nil}
	p.applied = applications{{
		schemas.AcumaticaApplication{DocType: l.AcumaticaID[:max(cut, 0)], ReferenceNbr: l.AcumaticaID[cut+1:], AmountPaid: p.PaymentAmount}, p.amount,
	}}
	return nil
}

// resolve names the documents that are known only by what they stand for.
func (p *refund) resolve(find func(schemas.LinkRef) (string, error)) error {
	for i, l := range p.links {
		if l == nil {
			continue
		}
		name, err := find(*l)
		if err != nil {
			return err
		}
		cut := strings.LastIndex(name, " ")
		p.applied[i].DocType, p.applied[i].ReferenceNbr = name[:max(cut, 0)], name[cut+1:]
	}
	return nil
}

func (p *refund) find() map[string]string {
	find := p.payment.find()
	find["Type"] = p.Type
	return find
}

func (p *refund) refs() []schemas.Ref {
	var refs []schemas.Ref
	for _, a := range p.applied {
		entity := paymentEntity
		if sameDocType(a.DocType, creditMemo) {
			entity = invoiceEntity
		}
		if a.ReferenceNbr != "" {
			refs = append(refs, applications{a}.refs(entity)...)
		}
	}
	return refs
}
