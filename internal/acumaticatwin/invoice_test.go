package acumaticatwin

import "testing"

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
