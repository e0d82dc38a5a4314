package acumaticatwin

import "testing"

const projectBody = `{"Description":{"value":"Fees of May"},"Details":[
	{"Project":{"value":"INTERNAL"},"ProjectTask":{"value":"GENERAL"},"Qty":{"value":3},"UnitRate":{"value":1.5},"Billable":{"value":true},
	 "DebitAccount":{"value":"61000"},"CreditAccount":{"value":"10200"}},
	{"Amount":{"value":7},"Qty":{"value":1}}]}`

const releaseProject = `{"entity":{"ReferenceNbr":{"value":"PM00000001"}}}`

func TestProjectTransactionPostsWhereAccountsAre(t *testing.T) {
	c := start(t, testOptions(newClock()))
	a := c.put("ProjectTransaction?$expand=Details", projectBody).wantStatus(t, 200)
	want(t, "amount", a.text("TotalAmount", "value"), "11.5")
	want(t, "quantity", a.text("TotalQty", "value")+a.text("TotalBillableQty", "value"), "4.03.0")
	want(t, "status", a.text("Status", "value"), statusBalanced)
	c.post("ProjectTransaction/ReleaseTransactions", releaseProject).wantStatus(t, 204)
	want(t, "fees", c.balanceOf("61000"), "4.5")
	a = c.get("ProjectTransaction/PM/PM00000001?$expand=Details").wantStatus(t, 200)
	want(t, "status", a.text("Status", "value"), statusReleased)
	want(t, "batch", a.text("Details", 0, "BatchNbr", "value") != "", true)
	want(t, "no batch", a.text("Details", 1, "BatchNbr", "value")+a.text("Details", 1, "Released", "value"), "true")
	batch := c.twin.Ledger()[len(c.twin.Ledger())-1]
	want(t, "module and lines", batch.Module+string(rune('0'+len(batch.Lines))), "PM2")
	c.post("ProjectTransaction/ReleaseTransactions", releaseProject).wantStatus(t, 500)
	c.put("ProjectTransaction", `{"ReferenceNbr":{"value":"PM00000001"},"Description":{"value":"x"}}`).wantStatus(t, 422)
	c.do("DELETE", root+"ProjectTransaction/PM/PM00000001", "", nil).wantStatus(t, 500)
	balanced(t, c.twin)
}

func TestProjectTransactionRules(t *testing.T) {
	c := start(t, testOptions(newClock()))
	for _, tc := range []struct{ name, body, text string }{
		{"unknown project", `{"Details":[{"Project":{"value":"TES2323T"}}]}`, "Project 'TES2323T' cannot be found in the system."},
		{"no task", `{"Details":[{"Project":{"value":"INTERNAL"}}]}`, "'Project Task' cannot be empty."},
		{"unknown task", `{"Details":[{"Project":{"value":"INTERNAL"},"ProjectTask":{"value":"X"}}]}`, "Project Task 'X' cannot be found"},
		{"unknown account", `{"Details":[{"DebitAccount":{"value":"99999"}}]}`, "'Debit Account' cannot be found"},
		{"another module", `{"Module":{"value":"AR"}}`, "of the AR module are made by their documents"},
		{"no period", `{"Details":[{"Date":{"value":"1999-01-01"}}]}`, "does not exist in the U100 company"},
	} {
		t.Run(tc.name, func(t *testing.T) { c.put("ProjectTransaction", tc.body).wantStatus(t, 422).wantText(t, tc.text) })
	}
}
