package acumaticatwin

import (
	"fmt"
	"testing"
)

func journalBody(hold bool, debitAmount, creditAmount string) string {
	return fmt.Sprintf(`{"Description":{"value":"payout po_1"},"Hold":{"value":%t},"Unknown":{"value":1},"Details":[
		{"Account":{"value":"10200"},"DebitAmount":{"value":%s},"TransactionDescription":{"value":"net"}},
		{"Account":{"value":"10250"},"CreditAmount":{"value":%s}}]}`, hold, debitAmount, creditAmount)
}

const releaseFirst = `{"entity":{"Module":{"value":"GL"},"BatchNbr":{"value":"00000001"}}}`

func TestJournalIsPostedAndThenStays(t *testing.T) {
	c := start(t, testOptions(newClock()))
	before := len(c.twin.Ledger())
	a := c.put("JournalTransaction?$expand=Details", journalBody(true, "96.80", "96.80")).wantStatus(t, 200)
	want(t, "on hold", a.text("Status", "value"), statusHold)
	want(t, "number", a.text("BatchNbr", "value"), "00000001")
	want(t, "text of the account", a.text("Details", 0, "Description", "value"), "Operating bank account")
	want(t, "period", a.text("PostPeriod", "value"), "052026")
	c.post("JournalTransaction/ReleaseJournalTransaction", releaseFirst).wantStatus(t, 500)
	a = c.put("JournalTransaction", `{"BatchNbr":{"value":"00000001"},"Hold":{"value":false}}`).wantStatus(t, 200)
	want(t, "off hold", a.text("Status", "value"), statusBalanced)
	c.post("JournalTransaction/ReleaseJournalTransaction", releaseFirst).wantStatus(t, 204)
	want(t, "posted", c.get("JournalTransaction/GL/00000001").text("Status", "value"), statusPosted)
	want(t, "batches", len(c.twin.Ledger()), before+1)
	c.post("JournalTransaction/ReleaseJournalTransaction", releaseFirst).wantStatus(t, 500)
	c.do("DELETE", root+"JournalTransaction/GL/00000001", "", nil).wantStatus(t, 500)
	for _, change := range []string{`"Description":{"value":"x"}`, `"Details":[{"LineNbr":{"value":1},"DebitAmount":{"value":1}}]`} {
		c.put("JournalTransaction", `{"BatchNbr":{"value":"00000001"},`+change+`}`).wantStatus(t, 422)
	}
	want(t, "still", c.twin.Ledger()[before].Lines[0].Debit.String(), "96.8")
}

func TestJournalRules(t *testing.T) {
	for _, tc := range []struct{ name, body, text string }{
		{"out of balance", journalBody(false, "96.80", "96.81"), "Batch is out of balance, please review."},
		{"other module", `{"Module":{"value":"AR"}}`, "are made by their documents"},
		{"no account", `{"Details":[{"DebitAmount":{"value":1}}]}`, "'Account' cannot be empty."},
		{"unknown account", `{"Details":[{"Account":{"value":"99999"}}]}`, "'Account' cannot be found in the system."},
		{"account of another currency", `{"Details":[{"Account":{"value":"10251"}}]}`, "differs from the currency of the batch"},
		{"unknown subaccount", `{"Details":[{"Account":{"value":"10200"},"Subaccount":{"value":"X"}}]}`, "Subaccount 'X' cannot be found"},
		{"both sides", `{"Details":[{"Account":{"value":"10200"},"DebitAmount":{"value":1},"CreditAmount":{"value":1}}]}`, "either a debit or a credit"},
		{"closed period", `{"TransactionDate":{"value":"2026-01-31"}}`, "The 01-2026 financial period is closed in the U100 company."},
		{"no period", `{"PostPeriod":{"value":"131999"}}`, "does not exist in the U100 company"},
		{"unknown ledger", `{"LedgerID":{"value":"BUDGET"}}`, "'BUDGET' cannot be found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := start(t, testOptions(newClock()))
			if err := c.twin.ClosePeriod("2026-01"); err != nil {
				t.Fatal(err)
			}
			c.put("JournalTransaction", tc.body).wantStatus(t, 422).wantText(t, tc.text)
		})
	}
	c := start(t, testOptions(newClock()))
	want(t, "out of balance on hold", c.put("JournalTransaction", journalBody(true, "2", "1")).wantStatus(t, 200).text("Status", "value"), statusHold)
	c.do("DELETE", root+"JournalTransaction/GL/00000001", "", nil).wantStatus(t, 204)
}

func TestJournalShowsTheBatchesOfReceivables(t *testing.T) {
	c := start(t, testOptions(newClock()))
	want(t, "batches", len(c.get("JournalTransaction?$filter=Module%20eq%20'AR'").rows()), len(c.twin.Ledger()))
	a := c.get("JournalTransaction/AR/00000001?$expand=Details").wantStatus(t, 200)
	want(t, "status", a.text("Status", "value"), statusPosted)
	want(t, "account", a.text("Details", 0, "Account", "value"), accountAR)
	want(t, "ledger", c.get("Ledger/ACTUAL?$expand=Branches").text("Branches", 0, "BranchID", "value"), SeedBranch)
	want(t, "subaccount", c.get("Subaccount").text(0, "SubaccountCD", "value"), seedSubaccount)
}
