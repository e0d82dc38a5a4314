package push

import "net/http"

// outcome is how a notification ended: the closed set behind the metric's
// label.
type outcome string

const (
	hinted      outcome = "hinted"
	repeated    outcome = "repeated"
	unknown     outcome = "unknown_connection"
	unproven    outcome = "unproven"
	tooLarge    outcome = "too_large"
	malformed   outcome = "malformed"
	overloaded  outcome = "overloaded"
	unavailable outcome = "unavailable"
)

// status is the HTTP answer. Acumatica: everything but success is tried again,
// five times in all.
func (o outcome) status() int {
	switch o {
	case hinted, repeated:
		return http.StatusNoContent
	case unknown:
		return http.StatusNotFound
	case unproven:
		return http.StatusUnauthorized
	case tooLarge:
		return http.StatusRequestEntityTooLarge
	case malformed:
		return http.StatusBadRequest
	case overloaded, unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusServiceUnavailable
}
