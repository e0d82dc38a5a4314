package poller

// Read is what polling asks a list for.
type Read struct {
	Entity string
	Fields []string
}

// Reads lists what every poll needs of an endpoint.
func Reads() []Read {
	var list []Read
	for _, e := range entities() {
		list = append(list, Read{Entity: e.name, Fields: append([]string{e.changed}, e.fields...)})
	}
	return list
}
