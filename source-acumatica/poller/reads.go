package poller

import "millrace/internal/config"

// Read is what polling asks a list for.
type Read struct {
	Entity string
	Fields []string
}

// Reads lists what the polls of a connection that mirrors these items need of an
// endpoint.
func Reads(mirrored config.Items) []Read {
	var list []Read
	for _, e := range append(entities(), items(mirrored)...) {
		list = append(list, Read{Entity: e.name, Fields: append([]string{e.changed}, e.fields...)})
	}
	return list
}
