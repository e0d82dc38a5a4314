package acumaticatwin

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

func annotated(t *testing.T) (*client, string) {
	t.Helper()
	o := testOptions(newClock())
	o.UserFields = []UserField{
		{Entity: "Invoice", Name: "Document.UsrState"},
		{Entity: "Invoice", Name: "Document.UsrShort", Size: 4},
		{Entity: "Invoice", Name: "Document.UsrLocked", Locked: true},
		{Entity: "Customer", Name: "BAccount.AttributeSTRIPE"},
	}
	c := start(t, o)
	number := c.twin.AddInvoice(Invoice{CustomerID: "C000002", Lines: []InvoiceLine{{Description: "Desk", Qty: decimal.New(1, 0), UnitPrice: decimal.New(100, 0)}}})
	return c, number
}

func TestNoteAndUserFieldsOfAReleasedInvoiceCanBeChanged(t *testing.T) {
	for _, version := range defaultVersions() {
		t.Run(version, func(t *testing.T) {
			c, number := annotated(t)
			path := strings.Replace(root, "24.200.001", version, 1)
			key := `{"Type":{"value":"Invoice"},"ReferenceNbr":{"value":"` + number + `"},`
			c.do("PUT", path+"Invoice", key+`"note":{"value":"hello"},"custom":{"Document":{
				"UsrState":{"type":"CustomStringField","value":"open"},"UsrShort":{"value":"shorter"},"UsrLocked":{"value":"x"},"UsrNone":{"value":"y"}}}}`, nil).
				wantStatus(t, 200)
			a := c.do("GET", path+"Invoice/Invoice/"+number+"?$custom=Document.UsrState,Document.UsrShort,Document.UsrLocked", "", nil).
				wantStatus(t, 200)
			a.wantText(t, `"note":{"value":"hello"}`)
			a.wantText(t, `"UsrState":{"type":"CustomStringField","value":"open"}`)
			a.wantText(t, `"UsrShort":{"type":"CustomStringField","value":"shor"}`)
			if strings.Contains(string(a.raw), `"x"`) {
				t.Errorf("a locked field was changed: %s", a.raw)
			}
			c.do("PUT", path+"Invoice", key+`"note":{"value":"no"},"Description":{"value":"other"}}`, nil).wantStatus(t, 422)
			if got := c.twin.UserText("Invoice", "Invoice "+number, "note"); got != "hello" {
				t.Errorf("the note is %q", got)
			}
		})
	}
}

func TestUserFieldsThatAreNotDeclared(t *testing.T) {
	c, number := annotated(t)
	c.get("Invoice/Invoice/"+number+"?$custom=Document.UsrNone").wantStatus(t, 500)
	c.put("Customer", `{"CustomerID":{"value":"C000002"},"custom":{"BAccount":{"AttributeSTRIPE":{"value":"cus_1"}}}}`).wantStatus(t, 200)
	c.get("Customer/C000002?$custom=BAccount.AttributeSTRIPE").wantText(t, `"value":"cus_1"`)
	o := testOptions(newClock())
	for _, u := range []UserField{
		{Entity: "Invoice", Name: "Document.CuryID"}, {Entity: "Bill", Name: "Document.UsrX"}, {Entity: "CreditMemo", Name: "Document.UsrX"},
	} {
		o.UserFields = []UserField{u}
		if _, err := New(o); err == nil {
			t.Errorf("%+v was accepted", u)
		}
	}
}

func TestAFormThatMayOnlyBeViewed(t *testing.T) {
	c, number := annotated(t)
	if err := c.twin.SetRights(Rights{ReadOnly: []string{"Invoice"}}); err != nil {
		t.Fatal(err)
	}
	c.get("Invoice/Invoice/"+number).wantStatus(t, 200)
	c.put("Invoice", `{"Type":{"value":"Invoice"},"ReferenceNbr":{"value":"`+number+`"},"note":{"value":"x"}}`).wantStatus(t, 403)
}

func TestParseUserField(t *testing.T) {
	got, err := ParseUserField("Invoice:Document.UsrX:80:locked")
	if want := (UserField{Entity: "Invoice", Name: "Document.UsrX", Size: 80, Locked: true}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, s := range []string{"Invoice", "Invoice:Document.UsrX:-1", "Invoice:Document.UsrX:big"} {
		if _, err := ParseUserField(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}
