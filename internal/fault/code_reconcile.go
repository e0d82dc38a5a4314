package fault

var reconcileCodes = []Code{
	{"reconcile.difference", Rejected, "What moved at Stripe, what was posted and what Acumatica has do not agree; the statement names every item and its cause.", "look at the findings of the statement; millrace trace <id> tells the story of each"},
	{"reconcile.write_off_limit", Rejected, "The difference is larger than may be written off.", "find its cause; or raise books.write_off_limit"},
	{"reconcile.write_off_amount", Rejected, "The amount does not lessen the difference of the statement, or there is none.", "write off what the statement says, with the sign that the clearing account lacks"},
}
