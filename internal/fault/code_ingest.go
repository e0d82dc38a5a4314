package fault

var ingestCodes = []Code{
	{"ingest.too_large", Invalid, "The webhook body is larger than the limit.", "raise ingest.max_body when the sender really is Stripe"},
	{"ingest.aborted", Transient, "The sender broke off, or was too slow, before the whole webhook was here.", "nothing: Stripe sends it again"},
	{"ingest.overloaded", Throttled, "More webhooks are waiting than one process may hold.", "run more replicas of ingest, or find out why the broker is slow: millrace status"},
	{"ingest.no_secret", Misconfigured, "The connection has no webhook signing secret, so nothing that arrives can be proven.", "set STRIPE_WEBHOOK_SECRET to the signing secret of this endpoint (Stripe dashboard, Developers, Webhooks)"},
	{"ingest.gap", Rejected, "The installation was away for so long that Stripe does not list all of its events any more.", "compare the balance transactions of that time with the books; everything from the oldest event on is handled"},
	{"ingest.movement_odd", Rejected, "A balance transaction of Stripe cannot be compared with the books: it has another shape than a payment has, or was refused.", "open it in the Stripe dashboard, and see whether its payment is in the books; the others are checked all the same"},
	{"ingest.unknown_connection", Invalid, "The webhook address names a connection that does not exist.", "correct the endpoint URL in the Stripe dashboard, or add the connection to the configuration"},
	{"push.secret", Rejected, "A push notification of Acumatica came without the secret, or with another one.", "set the header of the destination in Acumatica (SM302000) to a value of acumatica.push_secrets; polling goes on without it"},
	{"push.unknown_connection", Invalid, "A push notification names a connection that does not exist or has no secret.", "correct the address of the destination in Acumatica (SM302000), or set ACUMATICA_PUSH_SECRET"},
	{"push.too_large", Invalid, "A push notification is larger than the limit.", "raise push.max_body, or let the notification have fewer fields; polling goes on without it"},
	{"push.malformed", Invalid, "A push notification has no Id, or did not come in one piece.", "nothing: polling goes on without it; if it lasts, see what else sends to this address"},
	{"push.overloaded", Throttled, "More push notifications come at once than one process may hold.", "nothing: polling goes on without them"},
	{"source.document_gone", Rejected, "A record that was told before cannot be seen in Acumatica any more.", "look at the event \"gone\": millrace trace <number>; if many are gone at once, see what the API user may see: millrace doctor"},
	{"source.lease_lost", Transient, "Another replica has taken over the polling of this connection, or the broker was away for too long to know.", "nothing: one of the replicas polls"},
	{"source.cursor_conflict", Transient, "Somebody else moved the polling position meanwhile.", "nothing: polling goes on from the new position"},
	{"source.cursor_malformed", Misconfigured, "The stored polling position cannot be read.", "restore the bucket of the cursors, or delete the position to start over; nothing is posted twice"},
	{"source.window_unstable", Transient, "So many records with one timestamp change while they are read that the reading is not safe yet.", "nothing: it is read again; raise poll.page_size if it lasts"},
	{"source.no_server_time", Misconfigured, "Acumatica's answers carry no date, so it is not known up to when everything was read.", "let the proxy in front of Acumatica pass the Date header"},
	{"source.entity_unmapped", Misconfigured, "The endpoint returns records without an id or without the field that says when they changed.", "map LastModifiedDateTime of Customer and Invoice in the endpoint, or use the Default endpoint"},
}
