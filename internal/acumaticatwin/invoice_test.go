package acumaticatwin

import (
	"testing"
	"time"
)

func TestReleasedInvoiceKeepsItsParts(t *testing.T) {
	c := start(t, testOptions(newClock()))
	key := `{"Type":{"value":"Invoice"},"ReferenceNbr":{"value":"AR000005"},`
	c.put("Invoice", key+`"BillToContact":{"Email":{"value":"other@example.com"}}}`).wantStatus(t, 422).wantText(t, "has been released")
	c.put("Invoice", key+`"BillToContact":{}}`).wantStatus(t, 200)
}

func TestDueDateFollowsDateAndTerms(t *testing.T) {
	c := start(t, testOptions(newClock()))
	save := func(more string) answer {
		return c.put("Invoice", `{"ReferenceNbr":{"value":"AR000007"},"Customer":{"value":"C000001"}`+more+`}`).wantStatus(t, 200)
	}
	due := func(day string) string { return day + "T00:00:00+00:00" }
	want(t, "new", save(`,"Date":{"value":"2026-05-01"}`).text("DueDate", "value"), due("2026-05-31"))
	want(t, "another date", save(`,"Date":{"value":"2026-05-02"}`).text("DueDate", "value"), due("2026-06-01"))
	want(t, "sent", save(`,"Date":{"value":"2026-05-03"},"DueDate":{"value":"2026-07-01"}`).text("DueDate", "value"), due("2026-07-01"))
	want(t, "stays", save(`,"Description":{"value":"x"}`).text("DueDate", "value"), due("2026-07-01"))
}

func TestDueDateOfAnOpenInvoiceCanBeMoved(t *testing.T) {
	clock := newClock()
	c := start(t, testOptions(clock))
	list := c.get("Invoice?$filter=Type%20eq%20'Invoice'%20and%20Status%20eq%20'Open'&$top=1").wantStatus(t, 200)
	number, _ := at(list.body, 0, "ReferenceNbr", "value").(string)
	key := `{"Type":{"value":"Invoice"},"ReferenceNbr":{"value":"` + number + `"}`
	before := c.get("Invoice/Invoice/"+number).wantStatus(t, 200)
	clock.advance(time.Minute)
	c.put("Invoice", key+`,"DueDate":{"value":"2027-01-31"}}`).wantStatus(t, 200)
	after := c.get("Invoice/Invoice/"+number).wantStatus(t, 200)
	want(t, "moved", after.text("DueDate", "value"), "2027-01-31T00:00:00+00:00")
	want(t, "the rest", after.text("Balance", "value"), before.text("Balance", "value"))
	if after.text("LastModifiedDateTime", "value") == before.text("LastModifiedDateTime", "value") {
		t.Error("the change shows in no change time")
	}
	c.put("Invoice", key+`,"DueDate":{"value":"2027-02-28"},"Description":{"value":"x"}}`).wantStatus(t, 422).wantText(t, "has been released")
}
