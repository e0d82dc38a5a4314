package fault

var reconcileCodes = []Code{
	{"reconcile.difference", Rejected, "What moved at Stripe, what was posted and what Acumatica has do not agree; the statement names every item and its cause.", "look at the findings of the statement; millrace trace <id> tells the story of each"},
	{"reconcile.balance_moves", Transient, "Stripe's balance changed each time while the movements behind it were read.", "run it again at a quieter time; or prove the items alone with --quick"},
	{"reconcile.not_signed", Rejected, "A statement that was to be signed is not final: it has a difference, or its payout is in transit or has nothing matched yet.", "sign it once the payout has arrived and is in the books, or what is off is mended"},
	{"reconcile.write_off_limit", Rejected, "The difference is larger than may be written off.", "find its cause; or raise books.write_off_limit"},
	{"reconcile.write_off_open", Rejected, "Something of the difference is not lost: it is late, waits for a person, stands in another month, or is written off already.", "see the cause in the statement; write off what is left once that is settled"},
	{"reconcile.write_off_date", Rejected, "The date is not in the month that is off.", "leave --date out, or name a day of that month"},
	{"reconcile.write_off_amount", Rejected, "The amount does not lessen the difference of the statement, or there is none.", "write off what the statement says, with the sign that the clearing account lacks"},
}
