package schemas

// AcumaticaPayment is the Fields of an acumatica payment intent; Acumatica's
// names. Amounts are exact decimals in CurrencyID.
type AcumaticaPayment struct {
	Type             string                 `json:"Type"` // "Payment" or "Prepayment"
	CustomerID       string                 `json:"CustomerID"`
	PaymentMethod    string                 `json:"PaymentMethod"`
	CashAccount      string                 `json:"CashAccount"`
	CurrencyID       string                 `json:"CurrencyID"`      // upper case
	PaymentAmount    string                 `json:"PaymentAmount"`   // "120.50"
	PaymentRef       string                 `json:"PaymentRef"`      // the charge id: the external reference we search by; at most 40 characters
	ApplicationDate  string                 `json:"ApplicationDate"` // YYYY-MM-DD in the books' time zone
	Description      string                 `json:"Description,omitempty"`
	Branch           string                 `json:"Branch,omitempty"`
	DocumentsToApply []AcumaticaApplication `json:"DocumentsToApply,omitempty"`
	Charges          []AcumaticaCharge      `json:"Charges,omitempty"` // Acumatica: from endpoint 23.200.001 on
	Review           string                 `json:"Review,omitempty"`  // what a person should look at once it is posted; not written
}

// AcumaticaApplication is one row of DocumentsToApply.
type AcumaticaApplication struct {
	DocType      string `json:"DocType"` // "Invoice"
	ReferenceNbr string `json:"ReferenceNbr"`
	AmountPaid   string `json:"AmountPaid"`
}

// AcumaticaCharge is one row of a payment's Charges: what Stripe withheld. It
// does not change what the payment can be applied to.
type AcumaticaCharge struct {
	EntryTypeID string `json:"EntryTypeID"`
	Amount      string `json:"Amount"` // in the payment's currency
}

// AcumaticaPaymentVoid is the Fields of an acumatica payment intent with the verb
// void: what came in as that payment is gone again. It comes after the intent
// that creates the payment, in the same lane, and is not wanted when there was
// none: then neither document exists. PaymentAmount is an exact decimal in
// CurrencyID.
type AcumaticaPaymentVoid struct {
	Payment         LinkRef `json:"Payment"`         // {"payment", "py_…"}
	PaymentRef      string  `json:"PaymentRef"`      // the charge id: the void has the external reference of its payment
	CurrencyID      string  `json:"CurrencyID"`      // upper case; of the payment
	PaymentAmount   string  `json:"PaymentAmount"`   // of the payment, above zero: nothing else is voided
	ApplicationDate string  `json:"ApplicationDate"` // YYYY-MM-DD in the books' time zone
	Description     string  `json:"Description,omitempty"`
}

// AcumaticaRefund is the Fields of an acumatica refund intent: a Payment
// record of Type "Refund". Amounts are exact decimals in CurrencyID.
type AcumaticaRefund struct {
	Type             string                       `json:"Type"` // "Refund"
	CustomerID       string                       `json:"CustomerID"`
	PaymentMethod    string                       `json:"PaymentMethod"`
	CashAccount      string                       `json:"CashAccount"`
	CurrencyID       string                       `json:"CurrencyID"`      // upper case
	PaymentAmount    string                       `json:"PaymentAmount"`   // "20.50"
	PaymentRef       string                       `json:"PaymentRef"`      // the refund id: the external reference we search by; at most 40 characters
	ApplicationDate  string                       `json:"ApplicationDate"` // YYYY-MM-DD in the books' time zone
	Description      string                       `json:"Description,omitempty"`
	Branch           string                       `json:"Branch,omitempty"`
	DocumentsToApply []AcumaticaRefundApplication `json:"DocumentsToApply"`
}

// AcumaticaRefundApplication is one row of a refund's DocumentsToApply: the
// document whose money goes back. It is named by DocType and ReferenceNbr, or
// by the Link of a document whose number is known only once it is posted.
type AcumaticaRefundApplication struct {
	DocType      string   `json:"DocType,omitempty"` // "Payment", "Prepayment" or "Credit Memo"
	ReferenceNbr string   `json:"ReferenceNbr,omitempty"`
	Link         *LinkRef `json:"Link,omitempty"` // instead: {"creditmemo", "re_…"}
	AmountPaid   string   `json:"AmountPaid"`
}

// AcumaticaCreditMemo is the Fields of an acumatica creditmemo intent: an
// Invoice record of Type "Credit Memo". Amounts are exact decimals in
// CurrencyID. One that a refund goes through comes before the refund of the same
// key, in the same lane, and is not wanted any more when that refund has a
// posting already: an earlier event found enough left of the payment itself.
type AcumaticaCreditMemo struct {
	Type          string                    `json:"Type"` // "Credit Memo"
	Customer      string                    `json:"Customer"`
	CurrencyID    string                    `json:"CurrencyID"`    // upper case; Acumatica: Invoice has it outside the contract, Document.CuryID
	Date          string                    `json:"Date"`          // YYYY-MM-DD in the books' time zone
	CustomerOrder string                    `json:"CustomerOrder"` // the refund or credit note: the external reference we search by; at most 40 characters
	Description   string                    `json:"Description,omitempty"`
	LinkBranch    string                    `json:"LinkBranch,omitempty"`
	Amount        string                    `json:"Amount"` // total of Details, to check against what Acumatica makes of them
	Details       []AcumaticaCreditMemoLine `json:"Details"`
	// ApplicationsCreditMemo are the open documents that the credit memo pays.
	ApplicationsCreditMemo []AcumaticaApplication `json:"ApplicationsCreditMemo,omitempty"`
}

// AcumaticaCreditMemoLine is one line of a credit memo.
type AcumaticaCreditMemoLine struct {
	Account                string `json:"Account,omitempty"` // empty: what Acumatica proposes for the customer
	Subaccount             string `json:"Subaccount,omitempty"`
	Branch                 string `json:"Branch,omitempty"`
	TransactionDescription string `json:"TransactionDescription"`
	Amount                 string `json:"Amount"`
}
