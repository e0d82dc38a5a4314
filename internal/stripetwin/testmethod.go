package stripetwin

import "strings"

// A face is what can be seen of a test payment method.
type face struct {
	typ, brand, last4, funding, country string
}

// cardFaces are the test cards: brand, last four digits, funding where it is
// not credit. Their ids begin with pm_card_.
var cardFaces = map[string][3]string{
	"visa": {"visa", "4242"}, "us": {"visa", "4242"}, "visa_debit": {"visa", "5556", "debit"},
	"mastercard": {"mastercard", "4444"}, "mastercard_debit": {"mastercard", "8210", "debit"}, "mastercard_prepaid": {"mastercard", "5100", "prepaid"},
	"amex": {"amex", "8431"}, "discover": {"discover", "1117"}, "diners": {"diners", "0004"}, "jcb": {"jcb", "0505"}, "unionpay": {"unionpay", "0005"},
	"bypassPending": {"visa", "0077"}, "createDispute": {"visa", "0259"}, "createDisputeInquiry": {"visa", "1976"},
	"chargeDeclined": {"visa", "0002"}, "visa_chargeDeclined": {"visa", "0002"}, "chargeDeclinedInsufficientFunds": {"visa", "9995"},
	"chargeDeclinedExpiredCard": {"visa", "0069"}, "chargeDeclinedIncorrectCvc": {"visa", "0127"}, "chargeDeclinedProcessingError": {"visa", "0119"},
	"chargeCustomerFail": {"visa", "0341"}, "authenticationRequired": {"visa", "3184"}, "threeDSecure2Required": {"visa", "3220"},
}

// testNumbers are the card numbers and IBANs of test payment methods.
var testNumbers = map[string]string{
	"4242424242424242": "pm_card_visa", "4000056655665556": "pm_card_visa_debit", "5555555555554444": "pm_card_mastercard",
	"5200828282828210": "pm_card_mastercard_debit", "5105105105105100": "pm_card_mastercard_prepaid", "371449635398431": "pm_card_amex",
	"6011111111111117": "pm_card_discover", "3056930009020004": "pm_card_diners", "3566002020360505": "pm_card_jcb", "6200000000000005": "pm_card_unionpay",
	"4000000000000077": "pm_card_bypassPending", "4000000000000259": "pm_card_createDispute", "4000000000001976": "pm_card_createDisputeInquiry",
	"4000000000000002": "pm_card_chargeDeclined", "4000000000009995": "pm_card_chargeDeclinedInsufficientFunds", "4000000000000069": "pm_card_chargeDeclinedExpiredCard",
	"4000000000000127": "pm_card_chargeDeclinedIncorrectCvc", "4000000000000119": "pm_card_chargeDeclinedProcessingError", "4000000000000341": "pm_card_chargeCustomerFail",
	"4000002760003184": "pm_card_authenticationRequired", "4000000000003220": "pm_card_threeDSecure2Required",
	"AT611904300234573201": "pm_sepaDebit_success", "AT321904300235473204": "pm_sepaDebit_success", "DE89370400440532013000": "pm_sepaDebit_success",
	"AT861904300235473202": "pm_sepaDebit_failed", "IT60X0542811101000000123456": "pm_sepaDebit_failed", "DE62370400440532013001": "pm_sepaDebit_failed",
}

// faces are Stripe's test payment methods by the id under which everybody may
// use them.
func faces(id string) (face, bool) {
	switch id { // not cards
	case "pm_usBankAccount_success", "pm_usBankAccount_accountClosed", "pm_usBankAccount_insufficientFunds", "pm_usBankAccount_noAccount":
		return face{typ: "us_bank_account", last4: "6789", country: "US"}, true
	case "pm_sepaDebit_success":
		return face{typ: "sepa_debit", last4: "3201", country: "AT"}, true
	case "pm_sepaDebit_failed":
		return face{typ: "sepa_debit", last4: "3202", country: "AT"}, true
	}
	f, ok := cardFaces[strings.TrimPrefix(id, "pm_card_")]
	if !ok || !strings.HasPrefix(id, "pm_card_") {
		return face{}, false
	}
	return face{typ: "card", brand: f[0], last4: f[1], funding: orElse(f[2], "credit"), country: "US"}, true
}

// byNumber names the test payment method of a card number or of an IBAN.
func byNumber(number string) (string, bool) {
	id, ok := testNumbers[strings.NewReplacer(" ", "", "-", "").Replace(number)]
	return id, ok
}

// byToken names the test payment method of a test token, such as tok_visa.
func byToken(token string) (string, bool) {
	name, ok := strings.CutPrefix(token, "tok_")
	id := "pm_card_" + name
	_, known := faces(id)
	return id, ok && known
}

// details are the members that charges and payment methods show in common.
func (f face) details() object {
	switch f.typ {
	case "us_bank_account":
		return object{
			"account_holder_type": "individual", "account_type": "checking", "bank_name": "STRIPE TEST BANK",
			"fingerprint": "FFDMA0xfhBjWSZLu", "last4": f.last4, "routing_number": "110000000",
		}
	case "sepa_debit":
		return object{"bank_code": "19043", "branch_code": "", "country": f.country, "fingerprint": "D1eYr0oMNmkUKxvh" + f.last4, "last4": f.last4}
	}
	return object{
		"brand": f.brand, "checks": object{"address_line1_check": nil, "address_postal_code_check": nil, "cvc_check": "pass"},
		"country": f.country, "exp_month": int64(12), "exp_year": int64(2034), "fingerprint": "Xt5EWLLDS7FJ" + f.last4,
		"funding": f.funding, "last4": f.last4, "wallet": nil,
	}
}
