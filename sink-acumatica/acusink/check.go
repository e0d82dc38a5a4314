package acusink

import "millrace/schemas"

// Check says what this sink would refuse about an intent before it sends
// anything: a document it does not make, or fields that are not those of one.
func Check(in schemas.Intent) error {
	if in.Verb == annotateVerb {
		_, err := decodeAnnotation(in)
		return err
	}
	_, err := (&Sink{}).work(Connection{}, in)
	return err
}
