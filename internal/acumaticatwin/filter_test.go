package acumaticatwin

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestFilterFindsRows(t *testing.T) {
	c := start(t, testOptions(newClock()))
	for _, tc := range []struct {
		name, entity, filter, field string
		want                        string // the field of every row found, in order
	}{
		{"equal", "Invoice", "Type eq 'Invoice' and ReferenceNbr eq 'AR000003'", "ReferenceNbr", "AR000003"},
		{"texts ignore case", "Invoice", "ReferenceNbr eq 'ar000003  '", "ReferenceNbr", "AR000003"},
		{"doubled quote", "Customer", "CustomerName eq 'O''Hara'", "CustomerID", ""},
		{"number", "Invoice", "Amount gt 1300M", "ReferenceNbr", "AR000002"},
		{"number with a fraction", "Invoice", "Amount le 227.25", "ReferenceNbr", "AR000005"},
		{"negative number", "Invoice", "Amount lt -1", "ReferenceNbr", ""},
		{"or binds weaker", "Invoice", "ReferenceNbr eq 'AR000001' or ReferenceNbr eq 'AR000002' and Amount lt 0", "ReferenceNbr", "AR000001"},
		{"parentheses", "Invoice", "(ReferenceNbr eq 'AR000001' or ReferenceNbr eq 'AR000002') and Amount gt 1300", "ReferenceNbr", "AR000002"},
		{"not", "Invoice", "not (Customer eq 'C000001' or Customer eq 'C000002')", "ReferenceNbr", "AR000003 AR000004"},
		{"bool", "Invoice", "Hold eq false and Amount lt 300", "ReferenceNbr", "AR000005"},
		{"bool alone", "Invoice", "Hold", "ReferenceNbr", ""},
		{"linked", "Customer", "MainContact/Email eq 'ap@sierratrail.example'", "CustomerID", "C000002"},
		{"linked below linked", "Customer", "MainContact/Address/Country eq 'DE'", "CustomerID", "C000004"},
		{"substringof", "Customer", "substringof('SÖHNE', CustomerName)", "CustomerID", "C000004"},
		{"startswith", "Customer", "startswith(CustomerName, 'harbor')", "CustomerID", "C000001"},
		{"endswith", "Customer", "endswith(CustomerName, 'BV') and Status eq 'Active'", "CustomerID", "C000003"},
		{"instant", "Invoice", "LastModifiedDateTime ge datetimeoffset'2026-05-15T10:30:00.123+00:00'", "ReferenceNbr", "AR000001 AR000002 AR000003 AR000004 AR000005 AR000006"},
		{"instant with an offset", "Invoice", "LastModifiedDateTime lt datetimeoffset'2026-05-15T12:30:00.123+02:00'", "ReferenceNbr", ""},
		{"instant without an offset", "Invoice", "LastModifiedDateTime gt datetimeoffset'2026-05-15' and Amount lt 300", "ReferenceNbr", "AR000005"},
		{"date", "Invoice", "Date eq date'2026-05-07'", "ReferenceNbr", "AR000003"},
		{"null", "Customer", "TaxZone eq null", "CustomerID", "C000002 C000003 C000004"},
		{"not null", "Customer", "TaxZone ne null", "CustomerID", "C000001"},
		{"null is not different, as in SQL", "Customer", "TaxZone ne 'NYC'", "CustomerID", ""},
		{"custom field", "Invoice", "cf.String(f='Document.CuryID') eq 'EUR'", "ReferenceNbr", "AR000004"},
		{"keyset", "Invoice", "Type eq 'Invoice' and ReferenceNbr gt 'AR000004'", "ReferenceNbr", "AR000005 AR000006"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := c.get(tc.entity+"?$filter="+url.QueryEscape(tc.filter)).wantStatus(t, 200)
			var got []string
			for i := range a.rows() {
				got = append(got, a.text(i, tc.field, "value"))
			}
			want(t, tc.filter, strings.Join(got, " "), tc.want)
		})
	}
}

func TestFilterByID(t *testing.T) {
	c := start(t, testOptions(newClock()))
	id := c.get("Customer/C000002").text("id")
	a := c.get("Customer?$filter="+url.QueryEscape("NoteID eq guid'"+id+"'")).wantStatus(t, 200)
	want(t, "found", a.text(0, "CustomerID", "value"), "C000002")
}

func TestFilterRefuses(t *testing.T) {
	c := start(t, testOptions(newClock()))
	for _, filter := range []string{
		"CustomerName", "CustomerName eq", "eq 'x'", "CustomerName eq 'x", "CustomerName eq 'x' and", "(CustomerName eq 'x'",
		"CustomerName eq 'x')", "contains(CustomerName, 'x')", "CustomerName in ('x')", "CustomerName eq 1", "CustomerID gt null",
		"NoteID eq guid'x'", "CreatedDateTime gt datetimeoffset'yesterday'", "CreatedDateTime gt '2026-01-01'", "startswith('x')",
		"startswith(CustomerName, 1)", "Unknown eq 1", "MainContact eq 'x'", "MainContact/Unknown eq 'x'", "cf.String(f='No.Such') eq 'x'",
		"CustomerName eq 'x' ; drop", "1 eq 1e999999999", strings.Repeat("not ", 100) + "IsGuestCustomer", strings.Repeat("(", 20_000),
	} {
		a := c.get("Customer?$filter=" + url.QueryEscape(filter))
		if a.status != 500 || a.text("exceptionType") == "" {
			t.Errorf("%.60s: got %d %s, want 500 with an exception", filter, a.status, a.raw)
		}
	}
	a := c.get("Invoice?$filter=" + url.QueryEscape("Details/Amount gt 1"))
	want(t, "detail fields", a.status, 500)
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		"Type eq 'Payment' and PaymentRef eq 'pi_1'", "LastModifiedDateTime ge datetimeoffset'2024-08-18T23:59:59.999+04:00'",
		"not (Amount lt 0M or Hold)", "substringof('a''b', Description) eq true", "MainContact/Email ne null", "NoteID eq guid'x'",
		"cf.String(f='Document.CuryID') eq 'USD'", "((((((", "''''", "1e5 eq Amount", "-", "date'2025-06-17' le Date",
	} {
		f.Add(s)
	}
	cat, err := newCatalog(DefaultRefundLabel)
	if err != nil {
		f.Fatal(err)
	}
	row := newRecord("2eed8918-a59a-ee11-8359-0690322d016b")
	row.set("Amount", "12.5")
	row.set("Description", "x")
	f.Fuzz(func(t *testing.T, text string) {
		pred, fail := compileFilter(text, cat[entityInvoice], 24, time.UTC)
		if (pred == nil) == (fail == nil) {
			t.Fatalf("%q: want a predicate or a failure, got both or none", text)
		}
		if fail != nil {
			return
		}
		if got := pred.holds(row); got != no && got != unknown && got != yes {
			t.Fatalf("%q: got %d", text, got)
		}
		inverse, fail := compileFilter("not ("+text+")", cat[entityInvoice], 24, time.UTC)
		if fail == nil && strings.TrimSpace(text) != "" && inverse.holds(row) != yes-pred.holds(row) {
			t.Fatalf("%q: its negation is not its negation", text)
		}
	})
}
