// Package stripeapi is the only door to Stripe. It speaks API version
// 2023-10-16 through the pinned client, sends every write under an explicit
// idempotency key, never retries by itself (the lane does), classifies each
// failure once, counts each call, and lets no secret and no type of the client
// library out.
package stripeapi
