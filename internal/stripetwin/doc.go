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
//   - What a bank returns after the payment had succeeded is a dispute for the
//     methods that Stripe offers today, and was a failed charge with a balance
//     transaction of its own before: the control API can do both. In the second
//     case the fee comes back, and the payment intent and the invoice stay as
//     they were.
//   - A top-up arrives at the next 00:00 UTC and is available at once.
//   - Minimum amounts hold for PaymentIntents; an invoice below them is billed.
//   - A credit note of which only the amount was given has one line of its own.
//     Amount and lines together must agree. Voiding an invoice returns the
//     balance of the customer that it took.
//   - Search: the words of a text are parted by blanks, so an e-mail address is
//     one word; a page cursor belongs to its query and stays where it was when
//     newer objects appear. The texts of refusals, but for an unknown field and
//     a query that cannot be parsed, are the twin's.
//   - A payment of an invoice that failed is tried again after 3, 5 and 7 days;
//     Stripe's own times are learnt by machine. Meanwhile the subscription is
//     past_due, afterwards unpaid (at Stripe a setting: cancel, unpaid, past_due).
//   - What is finalised through the API and advances by itself is first charged
//     an hour later; what the clock finalises is charged at once.
//   - Taxes are rounded half up, line by line.
//   - customer.subscription.created tells of the status after the first payment,
//     and comes after the events of that payment.
//   - Prorations are to the second, and wait for the next invoice.
//   - Payments from bank accounts and SEPA debits end at the fourth midnight.
//   - /v1/payment_pages, which the page of a checkout session calls, is not
//     described in public: what it answers is the session.
//   - Buyers whose payment needs authentication pass or fail it by the control
//     API; checkout refuses the cards that need it.
//   - A card that is always declined cannot be attached to a customer, except
//     pm_card_chargeCustomerFail.
//   - The values of the tax ids au_abn, ca_bn, ch_vat, eu_vat, gb_vat and us_ein
//     must look like Stripe's documented examples; others are taken as they are.
//     One whose number a government knows stays pending.
package stripetwin
