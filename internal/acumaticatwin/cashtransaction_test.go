package acumaticatwin

import (
	"fmt"
	"testing"
)

func cashTransactionBody(account, kind, custom string) string {
	return fmt.Sprintf(`{"CashAccountCD":{"value":%q},"EntryTypeCD":{"value":%q},"ExternalReferenceNumber":{"value":"txn_1"},"Unknown":{"value":1},
		"Details":[{"Amount":{"value":2.50}},{"Amount":{"value":0.4}}]%s}`, account, kind, custom)
}

const offHold = `,"custom":{"CAAdjRecords":{"Hold":{"type":"CustomBooleanField","value":false}}}`

func releaseID(id string) string { return `{"entity":{"id":"` + id + `"}}` }

func TestCashTransactionPostsAgainstItsEntryType(t *testing.T) {
	c := start(t, testOptions(newClock()))
	a := c.put("CashTransaction", cashTransactionBody(SeedCashAccountUSD, SeedFeeEntryType, "")).wantStatus(t, 200)
	held := a.text("id")
	c.post("CashTransaction/ReleaseCashTransaction", releaseID(held)).wantStatus(t, 500)
	c.do("DELETE", root+"CashTransaction/"+held, "", nil).wantStatus(t, 204)
	id := c.put("CashTransaction", cashTransactionBody(SeedCashAccountUSD, SeedFeeEntryType, offHold)).wantStatus(t, 200).text("id")
	c.post("CashTransaction/ReleaseCashTransaction", releaseID(id)).wantStatus(t, 204)
	want(t, "cash", c.balanceOf("10250"), "-2.9")
	want(t, "fee", c.balanceOf(accountFees), "2.9")
	want(t, "module", c.twin.Ledger()[len(c.twin.Ledger())-1].Module, "CA")
	a = c.get("CashTransaction/"+id+"?$expand=Details&$custom=CAAdjRecords.Status,CAAdjRecords.AdjRefNbr").wantStatus(t, 200)
	want(t, "status", a.text("custom", "CAAdjRecords", "Status", "value"), statusReleased)
	want(t, "number", a.text("custom", "CAAdjRecords", "AdjRefNbr", "value"), "000002")
	want(t, "found by reference", len(c.get("CashTransaction?$filter=ExternalReferenceNumber%20eq%20'txn_1'").rows()), 1)
	c.put("CashTransaction", `{"id":"`+id+`","Description":{"value":"x"}}`).wantStatus(t, 422)
	c.do("DELETE", root+"CashTransaction/"+id, "", nil).wantStatus(t, 500)
	back := c.put("CashTransaction", cashTransactionBody(SeedCashAccountUSD, SeedFeeReturnEntryType, offHold)).wantStatus(t, 200).text("id")
	c.post("CashTransaction/ReleaseCashTransaction", releaseID(back)).wantStatus(t, 204)
	want(t, "given back", c.balanceOf("10250"), "0")
	balanced(t, c.twin)
}

func TestCashTransactionRules(t *testing.T) {
	c := start(t, testOptions(newClock()))
	for _, tc := range []struct{ name, body, text string }{
		{"no account", `{}`, "'Cash Account' cannot be empty."},
		{"unknown account", cashTransactionBody("X", SeedFeeEntryType, ""), "Cash Account 'X' cannot be found"},
		{"no entry type", cashTransactionBody(SeedBankCashAccount, "", ""), "'Entry Type' cannot be empty."},
		{"not for this account", cashTransactionBody(SeedBankCashAccount, SeedFeeReturnEntryType, ""), "Entry Type 'FEERETURN' cannot be found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c.put("CashTransaction", tc.body).wantStatus(t, 422).wantText(t, tc.text)
		})
	}
	for _, version := range []string{"22.200.001", "23.200.001"} {
		c.do("GET", "/entity/Default/"+version+"/CashTransaction", "", nil).wantStatus(t, 404)
		c.do("PUT", "/entity/Default/"+version+"/CashTransaction", "{}", nil).wantStatus(t, 404)
	}
}

func TestPeriodsCloseByModule(t *testing.T) {
	c := start(t, testOptions(newClock()))
	closed := "The 05-2026 financial period is closed in the U100 company."
	payment, cash, journal := paymentBody("C000002", "AR000005", "1", ""), cashTransactionBody(SeedCashAccountUSD, SeedFeeEntryType, ""), journalBody(false, "1", "1")
	closing := func(module string) answer {
		return c.do("POST", "/_twin/periods/close", `{"period":"2026-05","module":"`+module+`"}`, nil)
	}
	closing("GL").wantStatus(t, 422).wantText(t, "is open in AR")
	closing("XX").wantStatus(t, 422)
	closing("AR").wantStatus(t, 204)
	c.put("Payment", payment).wantStatus(t, 422).wantText(t, closed)
	c.put("CashTransaction", cash).wantStatus(t, 200)
	closing("CA").wantStatus(t, 204)
	c.put("CashTransaction", cash).wantStatus(t, 422).wantText(t, closed)
	c.put("JournalTransaction", journal).wantStatus(t, 200)
	closing("GL").wantStatus(t, 204)
	c.post("JournalTransaction/ReleaseJournalTransaction", releaseFirst).wantStatus(t, 500).wantText(t, closed)
	c.do("POST", "/_twin/periods/open", `{"period":"2026-05"}`, nil).wantStatus(t, 204)
	c.post("JournalTransaction/ReleaseJournalTransaction", releaseFirst).wantStatus(t, 204)
	c.do("POST", "/_twin/periods/deactivate", `{"period":"2026-05"}`, nil).wantStatus(t, 204)
	for entity, body := range map[string]string{"Payment": payment, "CashTransaction": cash, "JournalTransaction": journal} {
		c.put(entity, body).wantStatus(t, 422).wantText(t, "The 05-2026 financial period is inactive.")
	}
}
