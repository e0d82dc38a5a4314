package fault

var busCodes = []Code{
	{"bus.unavailable", Down, "The broker (NATS JetStream) does not answer or refused the write.", "check that NATS runs and has disk space: millrace status"},
	{"bus.partitions_mismatch", Misconfigured, "The streams were made for another number of partitions.", "set partitions to the number recorded in the stream, or change that one: millrace repartition"},
	{"bus.partitions_changing", Misconfigured, "The number of partitions is being changed; nothing starts until that is done.", "finish the change: millrace repartition"},
	{"bus.partitions_busy", Rejected, "The number of partitions cannot be changed while there is unfinished work or a service runs.", "let every stage finish, release or skip held lanes, stop the services: millrace status; a lane released while nothing runs stays held until the services have run"},
	{"bus.not_provisioned", Misconfigured, "A stream or bucket that Millrace needs is missing or has other settings.", "create or update them: millrace provision, with NATS_URL; with an embedded broker millrace up does it"},
	{"bus.stream_rewound", Misconfigured, "A stored position lies beyond the end of the stream: the broker lost data.", "restore the stream from its backup before anything goes on"},
	{"bus.blocked_message_missing", Transient, "A message of a held lane cannot be read from the stream any more; the lane stays held.", "check the retention of the stream and restore it from its backup: millrace status"},
	{"bus.event_malformed", Invalid, "A message on the stream is not a CloudEvent that Millrace understands.", "find out who published it; drop it when it is not ours"},
	{"bus.subject_invalid", Invalid, "A subject does not have the tokens that the contract says.", "find out who published it; drop it when it is not ours"},
	{"budget.waiting", Throttled, "The request was not sent: the budget of requests that all processes share gave no leave, or the other system has asked for a pause.", "nothing: it goes on by itself; if it lasts, raise the limits of the connection as far as the other system's licence allows"},
	{"posting.held", Transient, "Another worker holds this posting right now.", "nothing: it goes on when the other worker is done or its hold expires"},
	{"posting.fenced", Transient, "This worker was overtaken while it worked; it stopped before it wrote anything more.", "nothing: the other worker finishes the posting"},
	{"link.conflict", Rejected, "The id is already linked with another id on the other side.", "decide which pair is right, then correct the other system: millrace trace <id>"},
	{"link.changed", Transient, "Another worker has changed the link meanwhile.", "nothing: it is tried again and looked up first"},
	{"link.pending", Transient, "The document that this one names is not posted yet.", "nothing: it goes on as soon as that one is posted; if it is parked: millrace parked list"},
	{"link.missing", Rejected, "The other side of this id is not known.", "create or sync the customer or document first: millrace trace <id>"},
}
