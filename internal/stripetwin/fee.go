package stripetwin

// Card fees of the twin's account: 2.9 % and 30 minor units, and 1 % where the
// money is exchanged, each rounded half up.
const (
	feePerMille      = 29
	feeFixed         = 30
	exchangePerMille = 10
)

// A feePart is one line of fee_details. What is negative was given back.
type feePart struct {
	Kind   string `json:"k"`
	Text   string `json:"t"`
	Amount int64  `json:"a"`
}

// Texts of fees, as Stripe writes them.
const (
	processingFee  = "Stripe processing fees"
	processingBack = "Stripe processing fee refund"
	conversionFee  = "Stripe currency conversion fee"
	conversionBack = "Stripe currency conversion fee refund"
	taxOnFee       = "VAT"
	disputeFeeText = "Dispute fee"
	disputeFeeBack = "Dispute fee refund"
	instantFeeText = "Instant payout fee"
	stripeFeeKind  = "stripe_fee"
	taxKind        = "tax"
)

// perMille is rounded half up, away from zero.
func perMille(amount, rate int64) int64 {
	if amount < 0 {
		return -perMille(-amount, rate)
	}
	return (amount*rate + 500) / 1000
}

// fee is one fee of Stripe's, and the tax on it where the account pays tax.
func (t *Twin) fee(text string, amount int64) []feePart {
	return t.taxed([]feePart{{stripeFeeKind, text, amount}})
}

// chargeFees are the fees of an amount that was taken, in the currency that it
// settles in.
func (t *Twin) chargeFees(settled int64, v conversion) []feePart {
	parts := []feePart{{stripeFeeKind, processingFee, perMille(settled, feePerMille) + feeFixed}}
	if v.foreign {
		parts = append(parts, feePart{stripeFeeKind, conversionFee, perMille(settled, exchangePerMille)})
	}
	return t.taxed(parts)
}

func (t *Twin) taxed(parts []feePart) []feePart {
	var sum int64
	for _, p := range parts {
		sum += p.Amount
	}
	if tax := perMille(sum, t.feeTax); tax != 0 {
		parts = append(parts, feePart{taxKind, taxOnFee, tax})
	}
	return parts
}

// feesBack gives fees back, in the share that part says of each.
func feesBack(fees []feePart, part func(int64) int64) []feePart {
	texts := map[string]string{
		processingFee: processingBack, conversionFee: conversionBack, disputeFeeText: disputeFeeBack,
		processingBack: processingFee, conversionBack: conversionFee,
	}
	var back []feePart
	for _, p := range fees {
		if n := part(p.Amount); n != 0 {
			back = append(back, feePart{p.Kind, orElse(texts[p.Text], p.Text), -n})
		}
	}
	return back
}

func whole(n int64) int64 { return n }
