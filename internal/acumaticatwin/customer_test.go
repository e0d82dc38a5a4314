package acumaticatwin

import "testing"

func TestCurrencyOfACustomerWithDocumentsStays(t *testing.T) {
	c := start(t, testOptions(newClock()))
	change := func(id string) answer {
		return c.put("Customer", `{"CustomerID":{"value":"`+id+`"},"CurrencyID":{"value":"EUR"}}`)
	}
	id := c.twin.AddCustomer(Customer{Name: "New Ltd"})
	change(id).wantStatus(t, 200)
	change("C000002").wantStatus(t, 422).wantText(t, "documents in USD")
	c.put("Customer", `{"CustomerID":{"value":"C000002"},"CurrencyID":{"value":"USD"}}`).wantStatus(t, 200)
}
