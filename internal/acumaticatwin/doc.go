// Package acumaticatwin is a stateful stand-in for one Acumatica tenant and
// its contract-based REST API (contract version 4, endpoint Default
// 22.200.001, 23.200.001 and 24.200.001), with a small general ledger behind
// it. It promises that a client which works here has met the real thing's
// habits: {value} wrappers and {} for null, numbers that replace the ones sent,
// unknown fields ignored without a word, 500 for what is not found, 422 with
// the record echoed, 202 and a status address, documents that can be deleted
// until they are released, and a ledger that balances at every moment. When it
// does not model something a client asks for, it refuses; it never pretends.
//
// An entity is one file with a function that returns an entity value: its
// field list, its rules and its actions. The protocol (query.go, patch.go,
// wire.go, crud.go) and the storage (store.go) know none of them; book.go is
// the ledger.
//
// Choices where the public evidence is silent, to be checked on a real tenant:
// texts of errors that no recording shows; texts longer than their column are
// cut; comparisons ignore case and trailing blanks, as the usual database
// collation does; documents are on hold unless Hold=false is sent; after a
// release the applications are in ApplicationHistory and AppliedToDocuments,
// which counts what is not released yet, is 0; an invoice may stand in several
// unreleased payments, the second release then fails; release or deletion of a
// document in the wrong status is a 500 "button is disabled"; a release that
// fails is "Operation failed" with the reason in innerException; a void gets
// the business date, and a payment of which something was refunded cannot be
// voided; the application date of an open payment can be moved, which is not its
// own date; so can the due date of an open invoice, and nothing else of a released
// one; a refund must be applied in full; a journal transaction is posted by
// its release; the slot of a bearer session is held for as long as a token
// lives; a queued request was signed in when it came;
// a 429 in JSON has the error shape of ASP.NET with the text of a login too many;
// an access token that a fault ends leaves its refresh token alive.
//
// For sales documents: SO303000 finds what was made there or by an order, and
// AR301000 finds those only once they are released, also in lists, because
// their views say so; an action on a document that the form does not find is
// the recorded NullReferenceException, whatever the form. A discount sent for a
// line or a document is a manual one, and of percentage and amount the one that
// changed counts. Invoices that an order prepares are balanced, not on hold. A
// payment noted on an invoice's own form is settled by the invoice's release,
// or by its own when that comes later, and is not set aside until then. An
// order may not cost less than the payments that are reserved for it. The rest
// of a line that is not shipped is cancelled or ordered back when the shipment
// is confirmed, as the line's shipping rule says. A shipment is Completed when
// its invoice is released, and UpdateIN only gives it a document number.
//
// For money: a document has the currency rate of its date and of its rate type,
// taken at each save, and all rate types are allowed; rates multiply. Invoices
// go by the customer's rate type, everything else by SPOT. Payments, prepayments
// and credit memos are applied to documents in other currencies by the cross
// rate of the application's date, in a batch of the payment's currency, and the
// last application takes what rounding left in the base currency. Gains, losses
// and rounding have one account each for all currencies. Documents that the
// contract cannot take off hold (CashTransaction) are on hold all the same, as
// the form's preferences have it by default; custom.CAAdjRecords.Hold is the
// way. A cash transaction posts to the account of its entry type. A project
// transaction is born balanced, is in the base currency and posts one batch a
// day. Charges are disbursements only. A refund is not limited to the cash
// account of what it refunds. A period can be closed in AR, CA and GL, project
// transactions go by GL.
//
// The custom endpoint is a customisation: whoever installs one chooses its
// name, its entities' names and their fields, so nothing of it is Acumatica's
// contract. Here it extends Default 24.200.001, and its fields have the names
// of the columns behind the forms. CreditMemo narrows the form of invoices to
// one type; CashAccount shows a balance that the form would need a field for. A
// deposit takes released payments, prepayments, refunds, cash sales and returns
// off clearing accounts, less the charges that were posted with them; the void
// of a deposited payment takes the money from the bank ("Void Using Clearing
// Account" is off).
//
// Of the protocol: the note of a line is null in the answer to a write and
// {"value":""} in an error and in a read, as the recordings have it; an item
// without an ID is answered with 200 and <NEW> and is not saved; an action that
// is done has no Location; headers that name no branch or no date are a 500 on
// every method; the first change of a $filter that matches nothing inserts; a
// file of the same name is replaced; $adHocSchema is an empty record with the
// custom fields and no workflow actions; revoking a refresh token ends the
// access tokens of its sign-in; a code lives for five minutes; a bad bearer
// token beside a good cookie is not looked at. Of push notifications: the pause
// after a failed try is 2 s and doubles, on the twin's clock; any status but
// 2xx is a failure, a redirect too; rows are the fields of the entity, because
// the twin has no generic inquiries; a change that shows in none of the chosen
// fields is not told; destinations, queue and the list of failed ones are in
// memory, so a restart loses them.
//
// Of rights: a form without rights is refused on every method; a hidden customer
// takes its documents along, in lists without a word and by key as if they were
// not there, and cannot be named in a write; batches of the ledger stay; a user
// without a branch sees no documents of one; a form that may only be viewed
// refuses every write.
//
// Of what a customisation adds: fields are text, those of Options.UserFields;
// their values, and the note, can be changed on a released document, unless the
// field is declared as locked, which leaves it as it is without a word.
//
// Not modelled: account lock-out, two tenants, branches other than MAIN, the
// implicit and hybrid flows and client assertions of OAuth, PATCH, _links of
// lines, archived rows, a company that is not set up, other types of user-defined fields than text;
// receivables other than Invoice, Debit Memo, Credit Memo, Payment, Prepayment,
// Refund and their voids, so no overdue charges and no write-off documents;
// refunds of invoices and across currencies, write-offs, cash discounts, approvals, credit limits; price lists and
// discount codes, more than one tax, tax on freight, units other than those of
// the item; orders of types other than SO, IN, RC and CM, their allocations and
// purchasing, shipments of several orders and those that no order made,
// carriers and their rates;
// revaluation and unrealised gains, rates that expire, rates changed on a
// document; void deposits, cash drops, transfers between cash accounts, accounts
// and amounts of single lines of cash transactions beyond their sum, allocation
// and billing of project transactions; stock and its costs, with UpdateStandardCost, warehouses other than
// MAIN; reversal of journal transactions; ids of
// detail lines are stable here, in Acumatica they change by session.
package acumaticatwin
