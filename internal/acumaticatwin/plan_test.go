package acumaticatwin

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// Whichever index answers a filter, the rows and their order are those of a
// walk over everything, with the changes of a transaction in place.
func TestIndexesFindWhatAWalkFinds(t *testing.T) {
	clock := newClock()
	twin, err := New(testOptions(clock))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		clock.advance(700 * time.Millisecond)
		kind := []string{typeInvoice, typeCreditMemo}[i%7/6]
		twin.AddInvoice(Invoice{
			Type: kind, CustomerID: fmt.Sprintf("C%06d", 1+i%4), CustomerOrder: fmt.Sprintf("PO %d", i%9), Unreleased: i%5 == 0,
			Lines: []InvoiceLine{item("Thing", 1, 1_000)},
		})
	}
	x := twin.begin()
	x.now = x.now.Add(time.Hour)
	e := twin.cat[entityInvoice]
	moved := x.edit(entityInvoice, x.byKey(entityInvoice, typeInvoice, "AR000012"))
	moved.set("CustomerOrder", "PO 3")
	moved.touch(x.now)
	x.remove(entityInvoice, x.byKey(entityInvoice, typeInvoice, "AR000013").ID)
	added := moved.clone()
	added.ID = x.newID()
	added.set("ReferenceNbr", "AR000012B")
	x.save(entityInvoice, added)

	at := func(d time.Duration) string {
		return "datetimeoffset'" + testStart().Add(d).Format(time.RFC3339Nano) + "'"
	}
	for _, filter := range []string{
		"", "Type eq 'Invoice'", "Type eq 'credit memo '", "Type eq 'Invoice' and ReferenceNbr eq 'ar000012'", "ReferenceNbr eq 'AR000013'",
		"CustomerOrder eq 'po 3'", "CustomerOrder eq 'PO 3' and Status eq 'Open'", "Customer eq 'C000002' or CustomerOrder eq 'PO 3'",
		"not (Customer eq 'C000002')", "not (Customer eq 'C000002') and CustomerOrder eq 'PO 3'", "'C000002' eq Customer", "Customer ne 'C000002'",
		"CustomerOrder eq null", "LastModifiedDateTime gt " + at(20*time.Second), at(20*time.Second) + " ge LastModifiedDateTime",
		"LastModifiedDateTime ge " + at(10*time.Second) + " and LastModifiedDateTime lt " + at(12*time.Second),
		"(LastModifiedDateTime ge " + at(10*time.Second) + ") and (Type eq 'Invoice' and LastModifiedDateTime lt " + at(30*time.Second) + ")",
		"LastModifiedDateTime gt " + at(30*time.Minute), "LastModifiedDateTime eq " + at(time.Second), "Amount gt 1M and Customer eq 'C000001'",
	} {
		c, fail := compileFilter(filter, e, 24, time.UTC)
		if fail != nil {
			t.Fatalf("%s: %v", filter, fail)
		}
		var all []string
		for _, r := range x.all(entityInvoice) {
			if c.holds(r) == yes {
				all = append(all, r.get("Type")+r.get("ReferenceNbr"))
			}
		}
		for _, page := range [][2]int{{0, -1}, {0, 1}, {2, 3}, {0, 1000}, {1000, 1}} {
			rows, fail := x.find(e, 24, filter, page[0], page[1])
			if fail != nil {
				t.Fatalf("%s: %v", filter, fail)
			}
			var got []string
			for _, r := range rows {
				got = append(got, r.get("Type")+r.get("ReferenceNbr"))
			}
			part := all[min(page[0], len(all)):]
			if page[1] >= 0 {
				part = part[:min(page[1], len(part))]
			}
			if !slices.Equal(got, part) {
				t.Errorf("%s, skip %d, top %d: got %v, want %v", filter, page[0], page[1], got, part)
			}
		}
	}
}

func TestWhereSeesAllLinesOfAPart(t *testing.T) {
	twin, err := New(testOptions(newClock()))
	if err != nil {
		t.Fatal(err)
	}
	x := twin.begin()
	i := x.edit(entityInvoice, x.byKey(entityInvoice, typeInvoice, "AR000001"))
	i.Many["Details"][1].set("InventoryID", "LAMP")
	i.Many["Details"][0].set("InventoryID", "lamp")
	want(t, "own changes", len(x.where(entityInvoice, "Details/InventoryID", "LAMP")), 1)
	if err := twin.commit(x); err != nil {
		t.Fatal(err)
	}
	want(t, "indexed", len(twin.begin().where(entityInvoice, "Details/InventoryID", "Lamp ")), 1)
	want(t, "without an index", len(twin.begin().where(entityInvoice, "Details/TransactionDescription", "repair parts")), 0)
	want(t, "a field of the record", len(twin.begin().where(entityInvoice, "Description", "repair parts")), 1)
}
