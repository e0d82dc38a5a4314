package acumaticatwin

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func (c *client) token(form string) answer {
	c.t.Helper()
	form += "&client_secret=s3cret&client_id=" + url.QueryEscape("8E0761D9-F4EC-2D4B-A60F-BCE2708C6FDD@U100")
	return c.do("POST", "/identity/connect/token", form, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

func TestStatusCodes(t *testing.T) {
	const unsaved = `{"CustomerName":{"value":"ACME"}}`
	star := func(name string) http.Header { return http.Header{name: {"*"}} }
	for _, tc := range []struct {
		name, method, path, body string
		header                   http.Header
		status                   int
		has                      string
	}{
		{"endpoints", "GET", "/entity", "", nil, 200, `"href":"/entity/Default/24.200.001/"`},
		{"newest version", "GET", root + "Customer", "", nil, 200, "C000001"},
		{"oldest version", "GET", "/entity/Default/22.200.001/Customer", "", nil, 200, "C000001"},
		{"unknown version", "GET", "/entity/Default/21.200.001/Customer", "", nil, 404, "No HTTP resource"},
		{"unknown endpoint", "GET", "/entity/Custom/24.200.001/Customer", "", nil, 404, "No HTTP resource"},
		{"unknown entity", "GET", root + "CreditMemo", "", nil, 404, "No HTTP resource"},
		{"no cash account entity", "GET", root + "CashAccount", "", nil, 404, ""},
		{"unknown action", "POST", root + "Payment/RefundPayment", `{"entity":{}}`, nil, 404, ""},
		{"post on an entity", "POST", root + "Payment", unsaved, nil, 406, ""},
		{"patch", "PATCH", root + "Payment", unsaved, nil, 405, ""},
		{"empty body", "PUT", root + "Customer", "", nil, 400, `{"message":"The request is invalid.","modelState":{"":["The request body should not be empty."]}}`},
		{"bare value", "PUT", root + "Customer", `{"CustomerName":"ACME"}`, nil, 400, "modelState"},
		{"no number", "PUT", root + "Payment", `{"PaymentAmount":{"value":"ten"}}`, nil, 400, "PaymentAmount"},
		{"insert only", "PUT", root + "Customer", `{"CustomerID":{"value":"C000001"}}`, star("If-None-Match"), 412, ""},
		{"update only", "PUT", root + "Customer", unsaved, star("If-Match"), 412, ""},
		{"unknown key", "GET", root + "Invoice/Invoice/AR999999", "", nil, 500, "NoEntitySatisfiesTheConditionException"},
		{"unknown id", "GET", root + "Invoice/b6410d82-9476-ef11-8c65-ac198e472cfe", "", nil, 500, "NoEntitySatisfiesTheConditionException"},
		{"key without case", "GET", root + "Invoice/invoice/ar000001", "", nil, 200, "AR000001"},
		{"key with a bar", "GET", root + "Invoice/Invoice%7CAR000001", "", nil, 200, "AR000001"},
		{"unknown selected", "GET", root + "Customer?$select=Name", "", nil, 500, "KeyNotFoundException"},
		{"unknown expanded", "GET", root + "Customer?$expand=Details", "", nil, 500, "KeyNotFoundException"},
		{"unknown filtered", "GET", root + "Customer?$filter=" + url.QueryEscape("Name eq 'x'"), "", nil, 500, "KeyNotFoundException"},
		{"wrong type", "GET", root + "Customer?$filter=" + url.QueryEscape("CustomerName eq true"), "", nil, 500, "incompatible types"},
		{"no orderby", "GET", root + "Customer?$top=x", "", nil, 400, "$top"},
		{"charges are new in 23", "GET", "/entity/Default/22.200.001/Payment?$expand=Charges", "", nil, 500, "KeyNotFoundException"},
		{"history in a list", "GET", root + "Payment?$expand=ApplicationHistory", "", nil, 500, "CannotOptimizeException"},
		{"masters are not written", "PUT", root + "PaymentMethod", `{}`, nil, 403, "insufficient rights to access the Payment Methods (CA204000) form"},
		{"lines not modelled", "PUT", root + "Payment", `{"CreditCardTransactionInfo":[{"TranNbr":{"value":"1"}}]}`, nil, 422, "does not model"},
		{"swagger", "GET", root + "swagger.json", "", nil, 200, `"version":"4"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := start(t, testOptions(newClock()))
			a := c.do(tc.method, tc.path, tc.body, tc.header).wantStatus(t, tc.status)
			if !strings.Contains(string(a.raw), tc.has) {
				t.Errorf("body: got %s, want it to contain %s", a.raw, tc.has)
			}
			want(t, "Date", a.header.Get("Date"), testStart().Format(http.TimeFormat))
		})
	}
}

func TestErrorBodiesAreAsRecorded(t *testing.T) {
	for _, tc := range []struct{ file, method, path, body string }{
		{"02-login-bad-credentials-500.json", "POST", "/entity/auth/login", `{"name":"api","password":"wrong"}`},
		{"07-put-empty-body-400.json", "PUT", root + "Invoice", ""},
		{"13-get-by-key-not-found-500.json", "GET", root + "Customer/NOSUCH", ""},
		{"12-optimization-500.json", "GET", root + "Payment?$expand=ApplicationHistory", ""},
	} {
		t.Run(tc.file, func(t *testing.T) {
			recorded := answer{body: example(t, tc.file)["response"]}
			c := start(t, testOptions(newClock()))
			got := c.do(tc.method, tc.path, tc.body, nil)
			want(t, "status", float64(got.status), at(recorded.body, "status"))
			body, _ := at(recorded.body, "body").(map[string]any)
			for name, v := range body {
				switch g := at(got.body, name); {
				case name == "stackTrace":
				case name == "exceptionMessage" && strings.HasPrefix(tc.file, "12"):
					if text, _ := g.(string); !strings.HasPrefix(text, "Optimization cannot be performed.The following fields cause the error:\r\n") {
						t.Errorf("%s: got %v", name, g)
					}
				default:
					x, _ := json.Marshal(v)
					y, _ := json.Marshal(g)
					want(t, name, string(y), string(x))
				}
			}
		})
	}
}

func TestCustomerIsAsRecorded(t *testing.T) {
	recorded := example(t, "04-put-customer-200.json")
	c := start(t, testOptions(newClock()))
	got := c.put("Customer", `{"CustomerID":{"value":"123"},"CustomerName":{"value":"ACME"},"Nonsense":{"value":1}}`).wantStatus(t, 200)
	want(t, "number given by the system", got.text("CustomerID", "value"), "C000005")
	body, _ := at(recorded, "response", "body").(map[string]any)
	for name := range body {
		if at(got.body, name) == nil {
			t.Errorf("%s: recorded, but missing here", name)
		}
	}
	for _, name := range []string{"LocationName", "Status", "StatementType", "Terms", "CurrencyID", "WriteOffLimit"} {
		x, _ := json.Marshal(at(body, name))
		y, _ := json.Marshal(at(got.body, name))
		want(t, name, strings.Replace(string(y), ".0}", "}", 1), string(x))
	}
	if at(got.body, "MainContact") != nil || at(got.body, "Nonsense") != nil {
		t.Error("an answer holds only what the contract has and $expand asked for")
	}
}

func TestValidationEchoesTheEntity(t *testing.T) {
	c := start(t, testOptions(newClock()))
	a := c.put("Payment?$expand=DocumentsToApply", paymentBody("C000001", "AR999999", "10", "")).wantStatus(t, 422)
	want(t, "entity", a.text("error"), "Inserting  'AR Payment' record raised at least one error. Please review the errors.")
	want(t, "line", a.text("DocumentsToApply", 0, "ReferenceNbr", "error"), "Reference Nbr. 'AR999999' cannot be found in the system.")
	want(t, "key", a.text("ReferenceNbr", "value"), "<NEW>")
	want(t, "nothing saved", len(c.twin.Payments()), 0)
}

func TestBusinessRules(t *testing.T) {
	with := func(old, replaced string) func(string) string {
		return func(body string) string { return strings.Replace(body, old, replaced, 1) }
	}
	for _, tc := range []struct {
		name   string
		change func(string) string
		text   string
	}{
		{"unknown customer", with(`"C000002"`, `"C999999"`), "'Customer' cannot be found in the system."},
		{"inactive customer", with(`"C000002"`, `"C000005"`), "The customer status is 'Inactive'."},
		{"no cash account", with(`"CashAccount":{"value":"10250ST"},`, ``), "'Cash Account' cannot be empty."},
		{"unknown cash account", with(`10250ST`, `10999`), "Cash Account '10999' cannot be found in the system."},
		{"method not allowed", with(`10250ST`, SeedBankCashAccount), "The 10200 cash account is not allowed for the STRIPE payment method."},
		{"unknown method", with(`"STRIPE"`, `"VISA"`), "Payment Method 'VISA' cannot be found in the system."},
		{"other currency", with(`"Hold"`, `"CurrencyID":{"value":"EUR"},"Hold"`), "differs from the currency of the 10250ST cash account, USD."},
		{"unreleased invoice", with(`AR000005`, `AR000007`), "Reference Nbr. 'AR000007' cannot be found in the system."},
		{"closed invoice", with(`AR000005`, `AR000008`), "Reference Nbr. 'AR000008' cannot be found in the system."},
		{"another customer's invoice", with(`AR000005`, `AR000001`), "Reference Nbr. 'AR000001' cannot be found in the system."},
		{"more than the balance", with(`"AmountPaid":{"value":100}`, `"AmountPaid":{"value":227.26}`), "must be less than or equal to 227.25."},
		{"more than the payment", with(`"AmountPaid":{"value":100}`, `"AmountPaid":{"value":100.01}`), "The document is out of the balance."},
		{"closed period", with(`"Hold"`, `"ApplicationDate":{"value":"2026-01-31T00:00:00"},"Hold"`), "The 01-2026 financial period is closed in the U100 company."},
		{"no period", with(`"Hold"`, `"ApplicationDate":{"value":"1999-01-31"},"Hold"`), "The financial period that corresponds to the 1/31/1999 date does not exist in the U100 company."},
		{"unknown branch", with(`"Hold"`, `"Branch":{"value":"SOUTH"},"Hold"`), "Branch 'SOUTH' cannot be found in the system."},
		{"refund of an invoice", with(`"Payment"`, `"Refund"`), "does not model applications to documents of the type 'Invoice'"},
		{"made by a release", with(`"Payment"`, `"Credit Memo"`), "does not model documents of the type 'Credit Memo'"},
		{"made by a void", with(`"Payment"`, `"Voided Payment"`), "are made by voiding a payment"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := start(t, testOptions(newClock()))
			want(t, "inactive customer", c.twin.AddCustomer(Customer{Name: "Gone", Status: statusInactive}), "C000005")
			want(t, "unreleased", c.twin.AddInvoice(Invoice{CustomerID: "C000002", Unreleased: true, Lines: []InvoiceLine{item("x", 1, 900)}}), "AR000007")
			want(t, "closed", c.twin.AddInvoice(Invoice{CustomerID: "C000002", Lines: []InvoiceLine{item("x", 0, 900)}}), "AR000008")
			if err := c.twin.ClosePeriod("012026"); err != nil {
				t.Fatal(err)
			}
			good := paymentBody("C000002", "AR000005", "100", "")
			a := c.put("Payment", tc.change(good)).wantStatus(t, 422)
			if !strings.Contains(string(a.raw), tc.text) {
				t.Errorf("got %s, want %s", a.raw, tc.text)
			}
			c.put("Payment", good).wantStatus(t, 200)
		})
	}
}

func TestReadingHasTheDatabasesHabits(t *testing.T) {
	c := start(t, testOptions(newClock()))
	c.put("Payment", paymentBody("C000002", "AR000005", "100", `,"PaymentRef":{"value":"`+strings.Repeat("p", 50)+`"}`)).wantStatus(t, 200)
	list := c.get("Payment").wantStatus(t, 200)
	want(t, "scale", list.text(0, "PaymentAmount", "value"), "100.0000")
	want(t, "computed in a list", list.text(0, "AvailableBalance", "value"), "")
	want(t, "computed by key", c.get("Payment/Payment/000001").text("AvailableBalance", "value"), "0.0000")
	want(t, "text cut to its column", len(list.text(0, "PaymentRef", "value")), 40)
	want(t, "business date", list.text(0, "ApplicationDate", "value"), "2026-05-15T00:00:00+00:00")
	want(t, "steps of 3.33 ms", list.text(0, "LastModifiedDateTime", "value"), "2026-05-15T10:30:00.123+00:00")
	want(t, "details", list.text(0, "DocumentsToApply"), "")
	custom := c.get("Invoice/Invoice/AR000004?$custom=Document.CuryID")
	want(t, "custom type", custom.text("custom", "Document", "CuryID", "type"), "CustomStringField")
	want(t, "custom value", custom.text("custom", "Document", "CuryID", "value"), "EUR")
	nested := c.get("Customer/C000003?$expand=MainContact,MainContact/Address&$select=CustomerID,MainContact/Address/City")
	want(t, "nested", nested.text("MainContact", "Address", "City", "value"), "Amsterdam")
	want(t, "not selected", at(nested.body, "CustomerName"), nil)
	orphan := c.get("Customer/C000003?$expand=MainContact/Address")
	want(t, "nested without its parent", at(orphan.body, "MainContact"), nil)
	want(t, "page", c.get("Invoice?$top=2&$skip=4").text(1, "ReferenceNbr", "value"), "AR000006")
	want(t, "row number", c.get("Invoice?$top=2&$skip=4").text(1, "rowNumber"), "2")
	want(t, "self", custom.text("_links", "self"), "/entity/Default/24.200.001/Invoice/"+custom.text("id"))
}

func TestStampsMoveInThirdsOfACentisecond(t *testing.T) {
	seen := map[string]bool{}
	for ms := range 1000 {
		text := stampText(time.Date(2026, 5, 15, 10, 30, 0, ms*1_000_000, time.UTC))
		parsed, ok := parseInstant(text)
		if !ok {
			t.Fatalf("%q is not an instant", text)
		}
		if last := parsed.Nanosecond() / 1_000_000 % 10; !slices.Contains([]int{0, 3, 7}, last) {
			t.Fatalf("%d ms became %s", ms, text)
		}
		seen[text] = true
	}
	want(t, "steps in a second", len(seen), 301)
}

func TestWritingIsAnUpsertOfDifferences(t *testing.T) {
	clk := newClock()
	c := start(t, testOptions(clk))
	before := c.get("Customer/C000001").text("LastModifiedDateTime", "value")
	clk.advance(time.Minute)
	c.put("Customer", `{"CustomerID":{"value":"c000001"},"Status":{"value":"Active"}}`).wantStatus(t, 200)
	want(t, "nothing changed", c.get("Customer/C000001").text("LastModifiedDateTime", "value"), before)
	id := c.get("Customer/C000001").text("id")
	c.put("Customer", `{"id":"`+id+`","AccountRef":{"value":"cus_1"},"MainContact":{"Email":{"value":"new@example.com"}}}`).wantStatus(t, 200)
	a := c.get("Customer/C000001?$expand=MainContact")
	want(t, "changed", a.text("AccountRef", "value"), "cus_1")
	want(t, "linked changed", a.text("MainContact", "Email", "value"), "new@example.com")
	want(t, "linked kept", a.text("MainContact", "Phone1", "value"), "+1 207 555 0142")
	want(t, "time", a.text("LastModifiedDateTime", "value"), "2026-05-15T10:31:00.123+00:00")
	want(t, "customers", len(c.get("Customer").rows()), 4)
}

func TestDetailLines(t *testing.T) {
	c := start(t, testOptions(newClock()))
	body := `"Details":[{"TransactionDescription":{"value":"one"},"Qty":{"value":2},"UnitPrice":{"value":1.005}},
		{"TransactionDescription":{"value":"two"},"ExtendedPrice":{"value":"5"},"Quantity":{"value":9}}]}`
	a := c.put("Invoice?$expand=Details", `{"Customer":{"value":"C000002"},`+body).wantStatus(t, 200)
	want(t, "held by default", a.text("Status", "value"), "On Hold")
	want(t, "amount", a.text("Amount", "value"), "7.01")
	ref, line := a.text("ReferenceNbr", "value"), a.text("Details", 0, "id")
	key := `{"Type":{"value":"Invoice"},"ReferenceNbr":{"value":"` + ref + `"},`
	a = c.put("Invoice?$expand=Details", key+body).wantStatus(t, 200)
	want(t, "sent again without ids: doubled", len(at(a.body, "Details").([]any)), 4)
	a = c.put("Invoice?$expand=Details", key+`"Details":[{"id":"`+line+`","delete":true}],"Hold":{"value":false}}`).wantStatus(t, 200)
	want(t, "deleted", a.text("Details", 0, "TransactionDescription", "value"), "two")
	want(t, "lines", len(at(a.body, "Details").([]any)), 3)
	want(t, "off hold", a.text("Status", "value"), "Balanced")
	c.post("Invoice/ReleaseInvoice", releaseBody("Invoice", ref)).wantStatus(t, 204)
	want(t, "released", c.invoice(ref).Status, "Open")
	c.put("Invoice", key+`"Description":{"value":"late"}}`).wantStatus(t, 422)
	c.put("Invoice", key+`"CustomerOrder":{}}`).wantStatus(t, 200)
	balanced(t, c.twin)
}

func TestPaymentListShowsCreditMemosToo(t *testing.T) {
	c := start(t, testOptions(newClock()))
	want(t, "number", c.twin.AddInvoice(Invoice{Type: typeCreditMemo, CustomerID: "C000001", Lines: []InvoiceLine{taxedItem("return", 1, 1000)}}), "CM000001")
	want(t, "type", c.get("Payment").text(0, "Type", "value"), "Credit Memo")
	want(t, "filtered", len(c.get("Payment?$filter="+url.QueryEscape("Type eq 'Payment'")).rows()), 0)
	c.get("Invoice/Credit%20Memo/CM000001").wantStatus(t, 200)
	want(t, "by key", c.get("Payment/Credit%20Memo/CM000001").wantStatus(t, 200).text("PaymentAmount", "value"), "10.8900")
	balanced(t, c.twin)
}

func TestPutFindsItsRecordByFilter(t *testing.T) {
	c := start(t, testOptions(newClock()))
	filter := func(s string) string { return "Customer?$filter=" + url.QueryEscape(s) }
	a := c.put(filter("MainContact/Email eq 'ap@sierratrail.example'"), `{"AccountRef":{"value":"cus_2"}}`).wantStatus(t, 200)
	want(t, "found", a.text("CustomerID", "value"), "C000002")
	c.put(filter("Status eq 'Active'"), `{"AccountRef":{"value":"cus_x"}}`).wantStatus(t, 500)
	c.put(filter("Nothing eq 1"), `{}`).wantStatus(t, 500)
	a = c.put(filter("AccountRef eq 'cus_9'"), `{"AccountRef":{"value":"cus_9"},"CustomerName":{"value":"New"}}`).wantStatus(t, 200)
	want(t, "inserted", a.text("CustomerID", "value"), "C000005")
	list := c.get(filter("AccountRef eq 'cus_x'"))
	want(t, "nothing else changed", len(list.rows()), 0)
}

func TestValuesAreReadAsVendorSamplesWriteThem(t *testing.T) {
	for _, tc := range []struct {
		kind     kind
		raw      string
		want     string
		readable bool
	}{
		{decimalKind, `"2.00"`, "2", true},
		{decimalKind, `1.50`, "1.5", true},
		{decimalKind, `1.23456789`, "1.234568", true}, // what the column holds
		{decimalKind, `"1,5"`, "", false},
		{decimalKind, `1e400`, "", false},
		{decimalKind, `{}`, "", false},
		{boolKind, `"True"`, "true", true},
		{boolKind, `false`, "false", true},
		{boolKind, `"maybe"`, "", false},
		{intKind, `"1"`, "1", true},
		{intKind, `1.5`, "", false},
		{textKind, `"x  "`, "x", true},
		{textKind, `7`, "7", true},
		{textKind, `[1]`, "", false},
		{textKind, `null`, "", true},
		{dateKind, `"2024-02-15T00:00:00+03:00"`, "2024-02-15", true},
		{dateKind, `"2025-05-06"`, "2025-05-06", true},
		{dateKind, `"05/06/2025"`, "", false},
		{stampKind, `"2024-02-15T03:00:00+03:00"`, "2024-02-15T00:00:00Z", true},
		{guidKind, `"B6410D82-9476-EF11-8C65-AC198E472CFE"`, "b6410d82-9476-ef11-8c65-ac198e472cfe", true},
		{guidKind, `"x"`, "", false},
	} {
		got, ok := canonical(&field{kind: tc.kind, size: 6}, json.RawMessage(tc.raw))
		want(t, tc.raw+" is readable", ok, tc.readable)
		if ok {
			want(t, tc.raw, got, tc.want)
		}
	}
}

func TestCustomFieldsAreWritten(t *testing.T) {
	c := start(t, testOptions(newClock()))
	body := `{"Customer":{"value":"C000001"},"custom":{"Document":{"CuryID":{"type":"CustomStringField","value":"EUR"},"Usr":{"value":"x"}}}}`
	a := c.put("Invoice?$custom=Document.CuryID", body).wantStatus(t, 422)
	want(t, "override needs the customer's leave", a.text("Customer", "error"), "The currency of the document cannot differ from the currency of the customer, USD.")
	c.put("Customer", `{"CustomerID":{"value":"C000001"},"EnableCurrencyOverride":{"value":true}}`).wantStatus(t, 200)
	a = c.put("Invoice?$custom=Document.CuryID", body).wantStatus(t, 200)
	want(t, "currency", a.text("custom", "Document", "CuryID", "value"), "EUR")
	c.put("Invoice", `{"custom":[]}`).wantStatus(t, 400)
	noted := c.put("Invoice", `{"Customer":{"value":"C000001"},"note":{"value":"call first"}}`).wantStatus(t, 200)
	want(t, "note", noted.text("note", "value"), "call first")
}
