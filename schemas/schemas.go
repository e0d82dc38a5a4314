// Package schemas holds the published contract of everything Millrace puts on
// its streams: hand-written JSON Schemas, examples, and the Go types that are
// tested against them.
package schemas

// CloudEvents types of our own messages. Events of the source systems have
// the type io.millrace.<system>.<object>.<verb>.v1.
const (
	IntentType  = "io.millrace.intent.v1"
	OutcomeType = "io.millrace.outcome.v1"
)

// EventType names the CloudEvents type of a source event. Stripe's own
// dotted types are kept: EventType("stripe", "invoice", "paid").
func EventType(system, object, verb string) string {
	return "io.millrace." + system + "." + object + "." + verb + ".v1"
}
