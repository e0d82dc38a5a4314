// Package mirrorproof compares what can be paid in Stripe with what is open in
// Acumatica. It shares no code with the pipeline, reads both systems from
// themselves, and knows nothing of links, intents or flows: only the numbers
// that stand in the metadata of what is in Stripe.
package mirrorproof
