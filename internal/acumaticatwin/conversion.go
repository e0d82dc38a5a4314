package acumaticatwin

import (
	"github.com/shopspring/decimal"
)

const (
	// Hidden fields of applications that touch a foreign currency, named after
	// the columns of the table: what the document loses in its own currency,
	// what that is in the base currency, and the realised gain.
	adjustedAmount = "CuryAdjdAmt"
	adjustedBase   = "AdjAmt"
	realisedGain   = "RGOLAmt"
)

// An conversion is one application in every currency that it touches.
type conversion struct {
	paid     decimal.Decimal // in the currency of the payment
	adjusted decimal.Decimal // in the currency of the document
	from, to decimal.Decimal // in the base currency: what the payment gives up, what the document loses
}

// adjust keeps with a line what the document loses in its own currency. Paying
// all that is open closes the document, whatever rounding does.
func (x *tx) adjust(l, doc *record, open, cross decimal.Decimal, currency string) {
	delete(l.Fields, adjustedAmount)
	if docCurrency(doc) == currency {
		return
	}
	amount, own := l.dec("AmountPaid"), openBalance(doc)
	if !amount.Equal(open) {
		own = decimal.Min(own, x.round(amount.DivRound(cross, 12), docCurrency(doc)))
	}
	l.setDec(adjustedAmount, own)
}

// convert values a line that is being released.
func (x *tx) convert(r, doc, l *record) conversion {
	e := conversion{paid: l.dec("AmountPaid")}
	e.adjusted = e.paid
	if l.get(adjustedAmount) != "" {
		e.adjusted = l.dec(adjustedAmount)
	}
	e.from = x.baseShare(r, e.paid, left(r))
	open := left(doc)
	if receivable(doc.get("Type")) {
		open = doc.dec("Balance")
	}
	e.to = x.baseShare(doc, e.adjusted, open)
	return e
}

// neg is the conversion that undoes e.
func (e conversion) neg() conversion {
	return conversion{e.paid.Neg(), e.adjusted.Neg(), e.from.Neg(), e.to.Neg()}
}

// keep writes an conversion to a row of the history.
func (e conversion) keep(h, r, doc *record) {
	h.setDec("AmountPaid", e.paid)
	if docCurrency(r) != docCurrency(doc) {
		h.setDec(adjustedAmount, e.adjusted)
	}
	if r.get(docRate) != "" || doc.get(docRate) != "" {
		h.setDec(adjustedBase, e.to)
		h.setDec(realisedGain, e.from.Sub(e.to))
	}
}

// converted reads a row of the history.
func converted(h *record) conversion {
	e := conversion{paid: h.dec("AmountPaid")}
	e.adjusted, e.from, e.to = e.paid, e.paid, e.paid
	if h.get(adjustedAmount) != "" {
		e.adjusted = h.dec(adjustedAmount)
	}
	if h.get(adjustedBase) != "" {
		e.to = h.dec(adjustedBase)
		e.from = e.to.Add(h.dec(realisedGain))
	}
	return e
}

// applicationLines are the ledger's side of one released application: what the
// payment or memo had on one account leaves it, what the document had on the
// other does too, and the difference of exchange is won or lost.
func applicationLines(kind string, h *record) []leg {
	e := converted(h)
	switch {
	case refundKind(kind): // the money itself was posted with the refund
		account := accountAR
		if docType(h) == typePrepayment {
			account = accountPrepayment
		}
		return []leg{worth(account, e.paid, e.to), realised(e.to.Sub(e.from))}
	case kind == typePrepayment:
		return []leg{worth(accountPrepayment, e.paid, e.from), worth(accountAR, e.paid.Neg(), e.to.Neg()), realised(e.from.Sub(e.to))}
	}
	return []leg{worth(accountAR, decimal.Zero, e.from.Sub(e.to)), realised(e.from.Sub(e.to))}
}

// realised posts a gain, or a loss when it is negative.
func realised(gain decimal.Decimal) leg {
	if gain.IsNegative() {
		return worth(accountLoss, decimal.Zero, gain.Neg())
	}
	return worth(accountGain, decimal.Zero, gain.Neg())
}
