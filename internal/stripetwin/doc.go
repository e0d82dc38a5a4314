// Package stripetwin is a stateful stand-in for Stripe at API version
// 2023-10-16, reached over HTTP like the real one. What it answers is what
// Stripe would have answered; what it has not learned yet it refuses with
// status 501 and code "twin_not_implemented" instead of inventing an answer.
// Every answer to a write, and every webhook, tells of a state that is already
// on disk, so that killing the twin at any instant loses nothing it said.
//
// Choices where the public evidence is silent, to be checked on a real account:
//
//   - Exchange: an amount is converted with a rate of more digits than are
//     shown, so that it is now and then one minor unit off the shown rate. The
//     fee of an exchange is a part of its own in fee_details. A failure gives
//     back at the rate of what it undoes; a dispute that is won, at its day's.
//     A currency without a known rate is kept as it is. Rates that the control
//     API sets are forgotten by a restart.
//   - Tax on fees is one more part, rounded half up over the sum of the others.
//   - Reporting categories of the types that no recording shows: obligation_…
//     is other_adjustment, payment_network_reserve_… is risk_reserved_funds,
//     payment_reversal is charge_failure.
//   - A dispute of a payment from a bank account is lost as soon as it is open,
//     and there are no inquiries about one.
//   - A top-up arrives at the next 00:00 UTC and is available at once.
//   - Minimum amounts hold for PaymentIntents; an invoice below them is billed.
//   - A credit note of which only the amount was given has one line of its own.
//     Amount and lines together must agree. Voiding an invoice returns the
//     balance of the customer that it took.
//   - Search: the words of a text are parted by blanks, so an e-mail address is
//     one word; a page cursor belongs to its query and stays where it was when
//     newer objects appear. The texts of refusals, but for an unknown field and
//     a query that cannot be parsed, are the twin's.
package stripetwin
