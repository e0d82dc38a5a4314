package flows

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"millrace/internal/fault"
	"millrace/schemas"
	"millrace/transform/flow"
)

// An erpInvoice is a document as Acumatica shows it, of a customer that is
// linked.
type erpInvoice struct {
	kind    string // empty: Invoice
	header  string // JSON members beside those that every case has
	details string // JSON
	taxes   string // JSON
	custom  string // JSON members of Document
	sales   string // JSON of SalesInvoice; empty: made on the form of Invoice
}

func (e erpInvoice) facts(t *testing.T) flow.Facts {
	t.Helper()
	kind := e.kind
	if kind == "" {
		kind = "Invoice"
	}
	origin := "AR"
	if e.sales != "" {
		origin = "SO"
	}
	orEmpty := func(s string) string {
		if s == "" {
			return "[]"
		}
		return s
	}
	custom := e.custom
	if custom == "" {
		custom = `"CuryID": "USD"`
	}
	facts := flow.Facts{"known": nil, "sales": nil}
	for step, text := range map[string]string{
		"invoice": fmt.Sprintf(`{"Type": %q, "ReferenceNbr": "AR000001", "Customer": "C000001", "Status": "Open", "DueDate": "2026-04-01T00:00:00+00:00",
			"LastModifiedDateTime": "2026-03-02T10:00:00+00:00", "Details": %s, "TaxDetails": %s, "ApplicationsDefault": [],
			"custom": {"Document": {%s, "OrigModule": %q}}, %s}`, kind, orEmpty(e.details), orEmpty(e.taxes), custom, origin, e.header),
		"discounted":    `{"DiscountDetails": []}`,
		"customer_link": `{"kind": "customer", "acumatica_id": "C000001", "stripe_id": "cus_1", "attributes": {}}`,
		"sales":         e.sales,
	} {
		if text == "" {
			continue
		}
		v, err := flow.Decode([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v: %s", step, err, text)
		}
		facts[step] = v
	}
	return facts
}

func loaded(t *testing.T) []*flow.Document {
	t.Helper()
	docs, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

// shown is what the flow makes of a document.
func shown(ctx context.Context, t *testing.T, docs []*flow.Document, e erpInvoice, books flow.Books) (schemas.StripeInvoice, *flow.Stop, error) {
	t.Helper()
	var f schemas.StripeInvoice
	kind := e.kind
	if kind == "" {
		kind = "Invoice"
	}
	in := flow.Input{
		Event: flow.Event{
			ID: "evt_1", Type: schemas.EventType("acumatica", "invoice", "changed"), Connection: "default", Source: "acumatica", Object: "invoice", Verb: "changed",
			Hint: map[string]any{"Type": kind, "ReferenceNbr": "AR000001"},
		},
		Books: books,
	}
	d, reason, err := flow.Match(ctx, docs, in)
	if err != nil {
		t.Fatal(err)
	}
	if d == nil {
		return f, &flow.Stop{Reason: reason}, nil
	}
	out, err := answer(ctx, d, in, e.facts(t))
	if err != nil || out.stopped() != nil {
		return f, out.stopped(), err
	}
	last := out.Result.Intents[len(out.Result.Intents)-1]
	if err := json.Unmarshal(last.Fields, &f); err != nil {
		t.Fatal(err)
	}
	return f, nil, nil
}

// stopped is why nothing is asked for; nil: something is.
func (g golden) stopped() *flow.Stop {
	if g.Result == nil {
		return nil
	}
	return cmp.Or(g.Result.Parked, g.Result.Skipped)
}

func brief(f schemas.StripeInvoice) string {
	var parts []string
	for _, l := range f.Lines {
		parts = append(parts, fmt.Sprintf("%s: %d", l.Description, l.Amount))
	}
	return strings.Join(append(parts, fmt.Sprintf("total %d", f.Total)), "; ")
}

func TestWhatIsInAnInvoice(t *testing.T) {
	usual := `"Amount": 100.0000, "Balance": 100.0000`
	docs := loaded(t)
	for _, tt := range []struct {
		name string
		doc  erpInvoice
		want string // brief, or the code it is parked with
	}{
		{
			"quantity and price",
			erpInvoice{header: usual, details: `[
				{"LineNbr": 1, "TransactionDescription": "Widget", "Qty": 3.000000, "UOM": "EA", "UnitPrice": 12.500000, "Amount": 37.5000},
				{"LineNbr": 2, "TransactionDescription": "Screws", "Qty": 1000.000000, "UOM": null, "UnitPrice": 0.012500, "Amount": 12.5000},
				{"LineNbr": 3, "TransactionDescription": "Setup", "Qty": 1.000000, "UOM": "EA", "UnitPrice": 50.000000, "Amount": 50.0000}]`},
			"Widget (3 EA × 12.50): 3750; Screws (1000 × 0.0125): 1250; Setup: 5000; total 10000",
		},
		{
			"a discount on a line, and a price that was overridden, change no amount",
			erpInvoice{header: usual, details: `[
				{"LineNbr": 1, "TransactionDescription": "Work", "Qty": 10.000000, "UOM": "HOUR", "UnitPrice": 7.000000, "DiscountAmount": 10.0000, "Amount": 60.0000},
				{"LineNbr": 2, "TransactionDescription": "Kit", "Qty": 2.000000, "UOM": "EA", "UnitPrice": 19.990000, "Amount": 40.0000}]`},
			"Work (10 HOUR × 7.00, less 10.00): 6000; Kit (2 EA × 19.99): 4000; total 10000",
		},
		{
			"a returned line is negative, and one without a price is plain",
			erpInvoice{header: usual, details: `[
				{"LineNbr": 1, "TransactionDescription": null, "InventoryID": "FEE", "Qty": 0.000000, "UnitPrice": 0.000000, "Amount": 120.0000},
				{"LineNbr": 2, "TransactionDescription": null, "InventoryID": null, "Qty": -1.000000, "UOM": "EA", "UnitPrice": 20.000000, "Amount": -20.0000}]`},
			"FEE: 12000; Line 2 (-1 EA × 20.00): -2000; total 10000",
		},
		{
			"a tax is added",
			erpInvoice{header: `"Amount": 119.0000, "Balance": 119.0000`, details: `[{"LineNbr": 1, "Amount": 100.0000}]`, taxes: `[{"TaxID": "VAT", "TaxAmount": 19.0000}]`},
			"Line 1: 10000; Tax VAT: 1900; total 11900",
		},
		{
			"a tax within the lines is told and not added",
			erpInvoice{header: usual, details: `[{"LineNbr": 1, "Amount": 100.0000}]`, taxes: `[{"TaxID": "VAT", "TaxAmount": 15.9700}]`},
			"Line 1: 10000; Tax VAT: 15.97, not added: 0; total 10000",
		},
		{
			"of two taxes only one is within the lines: nothing is sent",
			erpInvoice{header: `"Amount": 105.0000, "Balance": 105.0000`, details: `[{"LineNbr": 1, "Amount": 100.0000}]`, taxes: `[{"TaxID": "VAT", "TaxAmount": 15.9700}, {"TaxID": "CITY", "TaxAmount": 5.0000}]`},
			"flow.total_mismatch",
		},
		{
			"freight, a discount and a tax within the lines",
			erpInvoice{
				header: `"Amount": 110.0000, "Balance": 110.0000`, details: `[{"LineNbr": 1, "Amount": 100.0000}]`, taxes: `[{"TaxID": "VAT", "TaxAmount": 15.9700}]`,
				sales: `{"FreightPrice": 25.0000, "DiscountTotal": 15.0000}`,
			},
			"Line 1: 10000; Freight: 2500; Discount: -1500; Tax VAT: 15.97, not added: 0; total 11000",
		},
		{
			"rounded down to five cents",
			erpInvoice{header: usual, details: `[{"LineNbr": 1, "Amount": 100.0200}]`, custom: `"CuryID": "CHF", "CuryRoundDiff": 0.0200`},
			"Line 1: 10002; Rounding: -2; total 10000",
		},
		{
			"rounded up, after a tax",
			erpInvoice{
				header: `"Amount": 108.1000, "Balance": 108.1000`, details: `[{"LineNbr": 1, "Amount": 100.0000}]`, taxes: `[{"TaxID": "VAT", "TaxAmount": 8.0800}]`,
				custom: `"CuryID": "CHF", "CuryRoundDiff": -0.0200`,
			},
			"Line 1: 10000; Tax VAT: 808; Rounding: 2; total 10810",
		},
		{
			"a part is held back, which nothing tells: nothing is sent",
			erpInvoice{header: `"Amount": 90.0000, "Balance": 90.0000`, details: `[{"LineNbr": 1, "Amount": 100.0000}]`},
			"flow.total_mismatch",
		},
		{
			"yen have no decimals",
			erpInvoice{header: `"Amount": 1100.0000, "Balance": 1100.0000`, details: `[{"LineNbr": 1, "Qty": 2.000000, "UOM": "EA", "UnitPrice": 550.000000, "Amount": 1100.0000}]`, custom: `"CuryID": "JPY"`},
			"Line 1 (2 EA × 550): 1100; total 1100",
		},
		{
			"dinars have three",
			erpInvoice{header: `"Amount": 5.1200, "Balance": 5.1200`, details: `[{"LineNbr": 1, "Qty": 4.000000, "UOM": "EA", "UnitPrice": 1.280000, "Amount": 5.1200}]`, custom: `"CuryID": "KWD"`},
			"Line 1 (4 EA × 1.280): 5120; total 5120",
		},
		{
			"dinars of which Stripe cannot take the last digit",
			erpInvoice{header: `"Amount": 5.1240, "Balance": 5.1240`, details: `[{"LineNbr": 1, "Amount": 5.1240}]`, custom: `"CuryID": "KWD"`},
			"flow.amount_inexact",
		},
		{
			"crowns of Iceland are whole",
			erpInvoice{header: `"Amount": 500.0000, "Balance": 500.0000`, details: `[{"LineNbr": 1, "Amount": 500.0000}]`, custom: `"CuryID": "ISK"`},
			"Line 1: 50000; total 50000",
		},
		{
			"a part was paid before",
			erpInvoice{header: `"Amount": 100.0000, "Balance": 40.0000`, details: `[{"LineNbr": 1, "Amount": 100.0000}]`},
			"Line 1: 10000; Payments and credits already applied: -6000; total 4000",
		},
		{"released over nothing", erpInvoice{header: `"Amount": 0.0000, "Balance": 0.0000, "Status": "Closed"`}, "total 0"},
		{"nothing but lines that cancel out", erpInvoice{header: `"Amount": 0.0000, "Balance": 0.0000`, details: `[{"LineNbr": 1, "Amount": 5.0000}, {"LineNbr": 2, "Amount": -5.0000}]`}, "total 0"},
		{"waiting to be approved", erpInvoice{header: usual + `, "Status": "Pending Approval"`, details: `[{"LineNbr": 1, "Amount": 100.0000}]`}, "total 0"},
		{"rejected", erpInvoice{header: usual + `, "Status": "Rejected"`, details: `[{"LineNbr": 1, "Amount": 100.0000}]`}, "total 0"},
		{"not released", erpInvoice{header: usual + `, "Status": "Balanced"`, details: `[{"LineNbr": 1, "Amount": 100.0000}]`}, "total 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, parked, err := shown(t.Context(), t, docs, tt.doc, flow.Books{TimeZone: "UTC"})
			got := brief(f)
			switch {
			case err != nil:
				got = fault.Of(err).Code
			case parked != nil:
				got = parked.Code
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s (%v, %v)", got, tt.want, parked, err)
			}
		})
	}
}

// TestStaffFindTheDocument: what the buyer does not see is metadata, within
// Stripe's limits.
func TestStaffFindTheDocument(t *testing.T) {
	long := strings.Repeat("a", 300)
	doc := erpInvoice{
		header: `"Amount": 1.0000, "Balance": 1.0000, "Terms": "30D", "CustomerOrder": "PO-2026-0000000000000000000000000000017",
			"files": [{"id": "f1", "filename": "AR Invoice/Memo (Invoice, AR000001)\\quote 7.pdf", "href": "/site/entity/x/files/f1"},
			{"id": "f2", "filename": "AR Invoice/Memo (Invoice, AR000001)\\` + long + `.pdf"}, {"id": "f3", "filename": "` + long + `"}]`,
		details: `[{"LineNbr": 1, "Amount": 1.0000}]`,
	}
	f, _, err := shown(t.Context(), t, loaded(t), doc, flow.Books{TimeZone: "UTC", AcumaticaPage: "https://erp.example/site/Main?CompanyID=My+Tenant&"})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"acumatica_type": "Invoice", "acumatica_ref_nbr": "AR000001", "acumatica_due_date": "2026-04-01", "acumatica_terms": "30D",
		"acumatica_customer_order": "PO-2026-0000000000000000000000000000017",
		"acumatica_url":            "https://erp.example/site/Main?CompanyID=My+Tenant&ScreenId=AR301000&DocType=INV&RefNbr=AR000001",
		"acumatica_files":          ("quote 7.pdf, " + long + ".pdf, " + long)[:500],
	} {
		if got := f.Metadata[key]; got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
	if want := "PO-2026-0000000000000000000000"; len(f.CustomFields) != 1 || f.CustomFields[0].Value != want {
		t.Errorf("the buyer sees %+v, want %s", f.CustomFields, want)
	}
}

// TestLinesAlwaysAddUp: whatever a document holds, the lines are the total, or
// nothing is sent. (Totals equal to the cent or nothing is finalised.)
func TestLinesAlwaysAddUp(t *testing.T) {
	docs := loaded(t)
	rapid.Check(t, func(rt *rapid.T) {
		cents := func(name string, least, most int64) decimal.Decimal {
			return decimal.New(rapid.Int64Range(least, most).Draw(rt, name), -2)
		}
		var details, taxes []string
		net, taxed := decimal.Zero, decimal.Zero
		for n := range rapid.IntRange(1, 5).Draw(rt, "lines") {
			a := cents("line", -5000, 50000)
			net = net.Add(a)
			details = append(details, fmt.Sprintf(`{"LineNbr": %d, "Qty": %s, "UnitPrice": %s, "Amount": %s}`, n+1, cents("qty", -300, 900), cents("price", 0, 9900), a))
		}
		for n := range rapid.IntRange(0, 2).Draw(rt, "taxes") {
			a := cents("tax", 0, 3000)
			taxed = taxed.Add(a)
			taxes = append(taxes, fmt.Sprintf(`{"TaxID": "T%d", "TaxAmount": %s}`, n, a))
		}
		freight, discount, rounding := cents("freight", 0, 2000), cents("discount", 0, 2000), cents("rounding", -2, 2)
		amount := net.Add(freight).Sub(discount).Sub(rounding)
		if !rapid.Bool().Draw(rt, "taxes are within the lines") {
			amount = amount.Add(taxed)
		}
		amount = amount.Add(decimal.New(rapid.SampledFrom([]int64{0, 0, 0, 1, -1}).Draw(rt, "off by"), -2))
		if !amount.IsPositive() {
			return
		}
		open := decimal.Min(amount, cents("open", 1, 90000))
		f, parked, err := shown(t.Context(), t, docs, erpInvoice{
			header: fmt.Sprintf(`"Amount": %s, "Balance": %s`, amount, open), details: "[" + strings.Join(details, ",") + "]", taxes: "[" + strings.Join(taxes, ",") + "]",
			custom: fmt.Sprintf(`"CuryID": "USD", "CuryRoundDiff": %s`, rounding), sales: fmt.Sprintf(`{"FreightPrice": %s, "DiscountTotal": %s}`, freight, discount),
		}, flow.Books{TimeZone: "UTC"})
		if err != nil {
			rt.Fatal(err)
		}
		if parked != nil {
			if parked.Code != "flow.total_mismatch" {
				rt.Fatalf("parked: %+v", parked)
			}
			return
		}
		sum := int64(0)
		for _, l := range f.Lines {
			sum += l.Amount
		}
		if sum != f.Total || f.Total != open.Shift(2).IntPart() {
			rt.Fatalf("lines add up to %d, total %d, open %s: %s", sum, f.Total, open, brief(f))
		}
	})
}

// TestADebitMemoIsShownWhereItIsWanted under its own type.
func TestADebitMemoIsShownWhereItIsWanted(t *testing.T) {
	docs := loaded(t)
	doc := erpInvoice{kind: "Debit Memo", header: `"Amount": 15.0000, "Balance": 15.0000`, details: `[{"LineNbr": 1, "TransactionDescription": "Late fee", "Amount": 15.0000}]`}
	if _, stop, err := shown(t.Context(), t, docs, doc, flow.Books{}); err != nil || stop == nil || stop.Reason != "Debit Memo documents are not sent to Stripe" {
		t.Errorf("not wanted: %+v, %v", stop, err)
	}
	f, stop, err := shown(t.Context(), t, docs, doc, flow.Books{DebitMemos: true, AcumaticaPage: "https://erp/Main?"})
	if err != nil || stop != nil {
		t.Fatal(stop, err)
	}
	if got, want := brief(f), "Late fee: 1500; total 1500"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(f.CustomFields) != 1 || f.CustomFields[0] != (schemas.StripeCustomField{Name: "Document", Value: "Debit Memo"}) {
		t.Errorf("the buyer sees %+v", f.CustomFields)
	}
	if f.Metadata["acumatica_type"] != "Debit Memo" || f.Metadata["acumatica_url"] != "https://erp/Main?ScreenId=AR301000&DocType=DRM&RefNbr=AR000001" {
		t.Errorf("staff see %v", f.Metadata)
	}
	credit := doc
	credit.kind = "Credit Memo"
	if _, stop, _ := shown(t.Context(), t, docs, credit, flow.Books{DebitMemos: true}); stop == nil {
		t.Error("a credit memo was sent")
	}
}
