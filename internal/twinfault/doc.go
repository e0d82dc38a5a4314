// Package twinfault is the script of what goes wrong in a twin: one set of
// words for Stripe's and for Acumatica's, picked the same way every time. A
// twin says which modes it understands and carries them out in the shapes of
// its own system; this package decides which request is hit.
//
//	mode                               what happens to a request
//	delay:DURATION                     it is worked on that much later, even when the client has gone
//	status:NNN[:VARIANT]               answered so, nothing is done
//	status_after_commit:NNN[:VARIANT]  done and kept, then answered so
//	cut_before                         the connection is cut, nothing is done
//	cut_after_commit                   done and kept, then the connection is cut
//	bad_gateway                        502 with the page of a proxy, nothing is done
//	unavailable                        503 with such a page; wants for, the length of the window
//	slow_body:DURATION                 done; the head of the answer at once, its body drop by drop
//	cut_body                           done; half of the body, then the connection is cut
//	expire_token                       the credentials of the request end in the middle
//	queued:DURATION                    Acumatica: cut; done when the twin's clock is that much further
//	close_period:YYYY-MM               Acumatica: the period closes, then it goes on as usual
//
// Variants of 429 in Stripe: global-rate (without a name), endpoint-rate,
// global-concurrency, endpoint-concurrency, resource-specific, lock_timeout;
// in Acumatica: text (without a name) and json. Other variants: 500 in
// Acumatica is deadlock (without a name) or login_limit, 401 in Stripe is
// invalid_key (without a name) or api_key_expired. expire_token ends the
// session or the access token in Acumatica, until the client signs in or
// refreshes; in Stripe that one request is told that its key has expired.
//
// A script is a list in YAML or JSON:
//
//	# every tenth creation of a payment, the first five spared
//	- {method: PUT, path_prefix: /entity/Default/24.200.001/Payment, after: 5, probability: 0.1, seed: 7, mode: cut_after_commit}
//	# ten minutes from now, for two minutes of the twin's clock
//	- {from: 10m, for: 2m, retry_after: 30s, mode: unavailable}
//
// Choices: the first fault that wants a request gets it, later ones do not see
// it; a share (probability) is drawn once for every request that a fault sees
// inside its window and after those that it spares, so the n-th draw of a seed
// is the same in every run, whatever came in between.
package twinfault
