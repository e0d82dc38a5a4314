// Package oracle proves, from the books of the two twins alone, that the
// ledger says what Stripe says. It shares no code with the pipeline: it knows
// neither posting rules nor postings, and does its own arithmetic on what
// Stripe's API lists and what Acumatica's ledger holds.
//
// What it asks:
//
//   - of a payout: the documents and journals of its movements move the
//     clearing account by what the payout is worth, and its own movement takes
//     that from there to the bank;
//   - of the end of a month: the clearing account is Stripe's balance then, and
//     what was paid out and had not arrived yet;
//   - of the end: the clearing accounts are Stripe's balance, debits are credits,
//     every movement belongs to one payout, and every document stands once.
package oracle
