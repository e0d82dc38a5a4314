// Package ledger is the posting rules: what every movement of a Stripe balance
// does in the books. It is pure. What it answers follows from the movement, the
// charge behind it and the rules alone, so that whoever asks, and however
// often, gets the same lines (Invariant 2).
//
// A movement has parts: its amount, each of its fees, and an exchange where the
// money was presented in another currency than it settled in. A part is covered
// by an AR document, or it is a pair of lines in a settlement journal: the
// clearing account of its currency against the account of its category. When
// the documents are posted, the clearing account of the settlement currency has
// moved by exactly the movement's net, and those of other currencies by
// nothing.
//
// # Choices where the public evidence is silent
//
//   - A movement is classified by its reporting category, as Stripe asks; its
//     type decides only where the category is missing, unknown or
//     other_adjustment.
//   - The charge of a partial capture is covered for the amount captured; the
//     rest of its movement and Stripe's reversal of the rest meet on the
//     account partial_capture, or on fx where the currencies differ.
//   - A bank debit has its movement while it is pending, and an AR payment only
//     once it succeeds. Whether it does is not asked, for the answer changes: its
//     movement is covered by the payment and its charge_failure by the payment's
//     void. Either both documents exist or neither does, so the sum is right.
//     Both go by when the charge was made, which is when the debit's movement
//     was: what fails after the switch to summary mode takes back what was a
//     document before it.
//   - With fees as charges on payments, only what is a fee of the charge itself
//     is on the payment: Stripe's own fee and the network's, in the payment's
//     currency and greater than zero, and of movements of type charge alone,
//     which are cards: bank debits (type payment) may come to no payment, or to
//     one that is voided with all its charges, while Stripe keeps the fee or
//     gives it back by a movement. Tax, application fees and everything
//     given back are in the journal, because a payment charge has one account
//     and no negative amount.
//   - A refund that fails after an AR refund was posted leaves that document
//     alone: the money that came back is owed to the customer (refund_failure)
//     until somebody pays it out again.
package ledger
