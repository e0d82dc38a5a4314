package acumaticatwin

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
)

// Seeded documents are what the API would have left: made again through HTTP,
// with the server's clock at their time, they are the same but for their ids.
func TestSeededDocumentsAreThoseOfTheAPI(t *testing.T) {
	twin := seeded(t, "", 300)
	clock := newClock()
	o := testOptions(clock)
	o.Seed = ""
	api := start(t, o)
	x := twin.begin()
	for r := range x.walk(entityCustomer, "") {
		api.twin.AddCustomer(Customer{
			Name: r.get("CustomerName"), Currency: r.get("CurrencyID"), Terms: r.get("Terms"), TaxZone: r.get("TaxZone"), Email: r.get("Email"),
		})
	}
	for _, name := range []string{entityStockItem, entityNonStockItem} {
		for r := range x.walk(name, "") {
			api.put(name, body(r, "InventoryID", "Description")).wantStatus(t, 200)
		}
	}
	docs := slices.Concat(x.all(entityInvoice), x.all(entityPayment))
	if len(docs) < 300 {
		t.Fatalf("documents: got %d, want 300 at least", len(docs))
	}
	slices.SortStableFunc(docs, func(a, b *record) int { return cmp.Compare(a.get("CreatedDateTime"), b.get("CreatedDateTime")) })
	for _, r := range docs {
		at, err := time.Parse(time.RFC3339Nano, r.get("CreatedDateTime"))
		if err != nil {
			t.Fatal(err)
		}
		clock.nanos.Store(at.UnixNano())
		api.login(testPassword)
		api.again(r)
	}
	y := api.twin.begin()
	for _, name := range []string{entityInvoice, entityPayment, entityJournal} {
		made := y.all(name)
		want(t, name, len(made), len(x.all(name)))
		for i, r := range x.all(name) {
			if text := diff.Diff(bare(made[i]), bare(r)); text != "" {
				t.Fatalf("%s %q (-api +seed): %s", name, twin.cat[name].keyOf(r), text)
			}
		}
	}
	if text := diff.Diff(api.twin.TrialBalance(), twin.TrialBalance()); text != "" {
		t.Errorf("trial balance: %s", text)
	}
	checkBooks(t, twin)
}

// again makes and releases a document as it was made.
func (c *client) again(r *record) {
	c.t.Helper()
	if _, invoice := r.Fields["TaxTotal"]; invoice {
		c.put("Invoice", body(r, "Type", "Customer", "CustomerOrder", "Description", "Hold", "Details:InventoryID,TransactionDescription,Qty,UnitPrice,TaxCategory")).
			wantStatus(c.t, 200)
		c.post("Invoice/ReleaseInvoice", releaseBody(r.get("Type"), r.get("ReferenceNbr"))).wantStatus(c.t, 204)
		return
	}
	fields := []string{"Type", "CustomerID", "PaymentMethod", "CashAccount", "PaymentRef", "PaymentAmount", "Hold"}
	if r.get("Type") == typeCreditMemo { // its invoice form made the row
		fields = []string{"Type", "ReferenceNbr"}
	}
	doc := r.clone()
	for _, h := range doc.Many[partHistory] {
		h.set("DocType", typeInvoice)
		h.set("ReferenceNbr", h.get("AdjustedRefNbr"))
	}
	doc.Many[partApply] = doc.Many[partHistory]
	if r.get("Type") == typePayment {
		fields = append(fields, partApply+":DocType,ReferenceNbr,AmountPaid")
	} else {
		fields = append(fields, partApply+":DocType,ReferenceNbr")
	}
	c.put("Payment", body(doc, fields...)).wantStatus(c.t, 200)
	c.post("Payment/ReleasePayment", releaseBody(r.get("Type"), r.get("ReferenceNbr"))).wantStatus(c.t, 204)
}

// body is a request with some fields of a record, or Part:fields of its lines.
func body(r *record, names ...string) string {
	var write func(r *record, names []string) map[string]any
	write = func(r *record, names []string) map[string]any {
		m := map[string]any{}
		for _, name := range names {
			part, fields, lines := strings.Cut(name, ":")
			if !lines {
				if v, ok := r.value(name); ok {
					m[name] = map[string]string{"value": v}
				}
				continue
			}
			list := []any{}
			for _, l := range r.Many[part] {
				list = append(list, write(l, strings.Split(fields, ",")))
			}
			m[part] = list
		}
		return m
	}
	raw, err := json.Marshal(write(r, names))
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// bare is a record without ids.
func bare(r *record) map[string]any {
	m := map[string]any{}
	for name, v := range r.Fields {
		m[name] = v
	}
	for name, one := range r.One {
		m[name] = bare(one)
	}
	for _, name := range slices.Collect(maps.Keys(r.Many)) {
		list := []any{}
		for _, l := range r.Many[name] {
			list = append(list, bare(l))
		}
		m[name] = list
	}
	return m
}
