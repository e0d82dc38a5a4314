package acumaticatwin

import (
	"testing"
)

func TestAnOldVersionNeitherReadsNorWritesWhatCameLater(t *testing.T) {
	c := start(t, testOptions(newClock()))
	const old = "/entity/Default/22.200.001/"
	body := `{"CustomerName":{"value":"ACME"},"CustomerCategory":{"value":"Individual"}}`
	a := c.do("PUT", old+"Customer", body, nil).wantStatus(t, 200)
	want(t, "absent in the answer", at(a.body, "CustomerCategory"), nil)
	id := a.text("CustomerID", "value")
	want(t, "not written", c.get("Customer/"+id).text("CustomerCategory", "value"), "")
	c.put("Customer", `{"CustomerID":{"value":"`+id+`"},"CustomerCategory":{"value":"Individual"}}`).wantStatus(t, 200)
	want(t, "written by a newer version", c.get("Customer/"+id).text("CustomerCategory", "value"), "Individual")
	want(t, "absent on read", at(c.do("GET", old+"Customer/"+id, "", nil).body, "CustomerCategory"), nil)
	c.do("GET", old+"Customer?$select=CustomerCategory", "", nil).wantStatus(t, 500)
	c.do("GET", old+"Customer?$filter=CustomerCategory%20eq%20'x'", "", nil).wantStatus(t, 500)
}
