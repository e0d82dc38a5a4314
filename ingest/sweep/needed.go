package sweep

import "slices"

// Needed lists the event types that flows live on, which a webhook endpoint
// should be sent.
func Needed() []string { return slices.Clone(types) }
