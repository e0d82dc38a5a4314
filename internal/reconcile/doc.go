// Package reconcile is the proof: what moved at Stripe, what our postings say,
// and the documents as Acumatica has them now, side by side, per payout and per
// month, in each currency of a clearing account. It changes nothing in either
// system. What people edited, deleted or voided in Acumatica is told, never
// overwritten.
//
// What Stripe says is put through the posting rules (internal/ledger) anew, so
// that a posting that was computed wrongly, or never, is seen as well. An item
// is one document or one journal; it is wrong by what the worse of postings and
// documents is off by, and its difference is what the ledger has of it less what
// that should have. A statement's difference is the sum of those. Two errors that
// offset each other are findings all the same, and it does not agree; entries of
// others on the clearing account that come to nothing are no finding.
//
// What Stripe has and the books cannot have yet is no difference. As in a bank
// reconciliation it is listed with its amount: payouts in transit, movements
// whose payout or day is not complete, charges that are still pending.
//
// # Choices where the public evidence is silent
//
//   - Stripe's balance at an instant is the balance now, available and pending,
//     less the net of all movements created since. The clearing account is the
//     sum of the lines on it in all batches that are released, from the start of
//     the books on; what was on it before is the opening balance. Somebody else's
//     opening balance is looked for in the month before the start alone, and
//     otherwise taken to be there: it is noted.
//   - The date of a payment is CurrentDocument.DocDate: ApplicationDate moves
//     when the rest of a payment is applied later.
//   - Lists of Acumatica have no order, so a page may miss a row while others
//     are added. What is missed that way is read by its key before anything is
//     said about it.
//   - Dates are filtered a day too wide on both sides and compared as they are
//     written, because the server's midnight is not known.
//
// Memory grows with the documents and journals of the months that are asked
// for, not with the movements behind them. Of the other months since the start
// what Stripe says of a document is kept, unless the proof is a quick one: it may
// fail, or be booked, in a month that is asked for.
package reconcile
