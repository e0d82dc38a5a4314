// Package tieout has the property test of the books: whatever moves at Stripe,
// in whatever order, and however a connection wants its books kept, in the end
// debits are credits, the clearing accounts are Stripe's balance, and every
// balance transaction is in the ledger once.
//
// Each case is drawn from a seed alone: some weeks of buyers, banks and Stripe
// itself. The real services carry it from one twin to the other on a broker of
// their own, while days pass on the twins' clocks. Then two judges look who
// share no code: the oracle, which reads both books, and the proof that
// `millrace reconcile` gives.
package tieout
