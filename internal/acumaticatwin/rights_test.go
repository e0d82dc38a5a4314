package acumaticatwin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestRowsAreHiddenWithoutAWord(t *testing.T) {
	c := start(t, testOptions(newClock()))
	all := len(c.get("Invoice").rows())
	first := c.get("Invoice?$top=1")
	customer := first.text(0, "Customer", "value")
	if err := c.twin.SetRights(Rights{HiddenCustomers: []string{customer}}); err != nil {
		t.Fatal(err)
	}
	c.get("Customer/"+customer).wantStatus(t, http.StatusInternalServerError)
	if left := len(c.get("Invoice").rows()); left == 0 || left >= all {
		t.Errorf("%d of %d invoices are shown", left, all)
	}
	if body := fmt.Sprint(c.get("JournalTransaction?$expand=Details").body); !strings.Contains(body, customer) {
		t.Error("the ledger does not name the hidden customer")
	}
	if err := c.twin.SetRights(Rights{NoBranch: true}); err != nil {
		t.Fatal(err)
	}
	if n := len(c.get("Invoice").rows()); n != 0 {
		t.Errorf("%d invoices without a branch", n)
	}
	if err := c.twin.SetRights(Rights{Forbidden: []string{"Payment"}}); err != nil {
		t.Fatal(err)
	}
	c.get("Payment").wantStatus(t, http.StatusForbidden).wantText(t, "insufficient rights to access the")
	if n := len(c.get("Invoice").rows()); n != all {
		t.Errorf("%d of %d invoices, want all again", n, all)
	}
}

func TestRightsOverTheControlInterface(t *testing.T) {
	c := start(t, testOptions(newClock()))
	c.do("POST", "/_twin/rights", `{"forbidden":["Invoice"]}`, nil).wantStatus(t, http.StatusNoContent)
	c.get("Invoice").wantStatus(t, http.StatusForbidden)
	c.do("POST", "/_twin/rights", `{"forbidden":["Nothing"]}`, nil).wantStatus(t, http.StatusUnprocessableEntity)
	c.do("GET", "/_twin/rights", "", nil).wantStatus(t, http.StatusOK).wantText(t, "Invoice")
	c.do("POST", "/_twin/rights", `{"hidden_customers":["C000001"]}`, nil).wantStatus(t, http.StatusNoContent)
	c.put("Invoice", `{"Customer":{"value":"C000001"}}`).wantStatus(t, http.StatusUnprocessableEntity)
	c.do("POST", "/_twin/rights", `{}`, nil).wantStatus(t, http.StatusNoContent)
	c.get("Customer/C000001").wantStatus(t, http.StatusOK)
}

func TestRightsNameWhatThereIs(t *testing.T) {
	c := start(t, testOptions(newClock()))
	for _, r := range []Rights{{Forbidden: []string{"Nothing"}}, {HiddenCustomers: []string{"NOBODY"}}} {
		if err := c.twin.SetRights(r); err == nil {
			t.Errorf("%+v is taken", r)
		}
	}
}
