package schemas

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// AcumaticaJournal is the Fields of an acumatica journal intent: a
// JournalTransaction. Amounts are exact decimals in CurrencyID; the debits
// equal the credits (Invariant 6).
type AcumaticaJournal struct {
	Module          string                 `json:"Module"`             // "GL"
	CurrencyID      string                 `json:"CurrencyID"`         // upper case
	TransactionDate string                 `json:"TransactionDate"`    // YYYY-MM-DD in the books' time zone
	Description     string                 `json:"Description"`        // ends in the reference that we search by: "Stripe po_1 2026-03 USD [mr 3f0a9c2b5d1e4f60]"
	LedgerID        string                 `json:"LedgerID,omitempty"` // empty: Acumatica's own choice, the branch's actual ledger
	BranchID        string                 `json:"BranchID,omitempty"`
	Details         []AcumaticaJournalLine `json:"Details"`
}

// AcumaticaJournalLine is one line: a debit or a credit, never both.
type AcumaticaJournalLine struct {
	Account                string `json:"Account"`
	Subaccount             string `json:"Subaccount,omitempty"`
	BranchID               string `json:"BranchID,omitempty"`
	DebitAmount            string `json:"DebitAmount,omitempty"`
	CreditAmount           string `json:"CreditAmount,omitempty"`
	TransactionDescription string `json:"TransactionDescription"`
	ReferenceNbr           string `json:"ReferenceNbr,omitempty"` // Acumatica: at most 15 characters
}

// journalMark starts the reference in a journal's description.
const journalMark = "[mr "

// JournalReference is what a journal's description ends in: Acumatica has no
// field of a batch that is unique or meant for an external reference, so the
// description carries one that no other journal has.
func JournalReference(connection, key string) string {
	sum := sha256.Sum256([]byte(connection + "/" + key))
	return journalMark + hex.EncodeToString(sum[:8]) + "]"
}

// Reference is the journal's own reference, as JournalReference made it.
func (j AcumaticaJournal) Reference() (string, bool) {
	i := strings.LastIndex(j.Description, journalMark)
	if i < 0 || !strings.HasSuffix(j.Description, "]") {
		return "", false
	}
	return j.Description[i:], true
}
