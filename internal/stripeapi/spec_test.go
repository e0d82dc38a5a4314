package stripeapi

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"millrace/schemas"
)

// spec is what we read of Stripe's OpenAPI document.
type spec struct {
	Paths map[string]map[string]struct {
		Parameters []struct {
			Name string `json:"name"`
			In   string `json:"in"`
		} `json:"parameters"`
		RequestBody struct {
			Content map[string]struct {
				Schema struct {
					Properties map[string]struct{} `json:"properties"`
					Required   []string            `json:"required"`
				} `json:"schema"`
			} `json:"content"`
		} `json:"requestBody"`
	} `json:"paths"`
}

// TestEveryRequestIsLegalAtThePinnedVersion holds each request that the
// client can make against Stripe's own description of API version 2023-10-16.
func TestEveryRequestIsLegalAtThePinnedVersion(t *testing.T) {
	data, err := os.ReadFile(reference(t, "stripe/openapi-2023-10-16/_spec3-subset.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s spec
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	requests := 0
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		requests++
		_ = r.ParseForm()
		s.check(t, r.Method, r.URL.Path, r.URL.Query(), r.PostForm)
		_, _ = io.WriteString(w, answerFor(r))
	})
	since := time.Unix(1_700_000_000, 0)
	meta := map[string]string{"k": "v"}
	inv := Invoice{ID: "in_1", Customer: "cus_1", Currency: "usd"}
	cust := schemas.StripeCustomer{
		Name: "Ada", Email: "a@example.com", Phone: "+1", Metadata: meta,
		Address: &schemas.StripeAddress{Line1: "1", Line2: "2", City: "3", State: "4", PostalCode: "5", Country: "US"},
	}
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"check":    func() error { return c.Check(ctx) },
		"fetch":    func() error { _, err := c.Fetch(ctx, "invoice", "in_1", "charge.balance_transaction"); return err },
		"create":   func() error { _, err := c.CreateCustomer(ctx, "k", cust); return err },
		"update":   func() error { _, err := c.UpdateCustomer(ctx, "k", "cus_1", cust); return err },
		"list":     func() error { _, err := c.ListCustomers(ctx, since); return err },
		"search":   func() error { _, err := c.SearchCustomers(ctx, "k", "v"); return err },
		"annotate": func() error { _, err := c.AnnotateCustomer(ctx, "k", "cus_1", meta); return err },
		"draft": func() error {
			_, err := c.CreateInvoice(ctx, "k", Draft{"cus_1", "usd", "1", "d", since, meta})
			return err
		},
		"draft now": func() error {
			_, err := c.CreateInvoice(ctx, "k", Draft{Customer: "cus_1", Currency: "usd"})
			return err
		},
		"item":     func() error { _, err := c.AddInvoiceItem(ctx, "k", inv, Item{"", "d", -1, meta}); return err },
		"items":    func() error { _, err := c.ListItems(ctx, "in_1"); return err },
		"get":      func() error { _, err := c.GetInvoice(ctx, "in_1"); return err },
		"finalize": func() error { _, err := c.Finalize(ctx, "k", "in_1"); return err },
		"note":     func() error { _, err := c.AnnotateInvoice(ctx, "k", "in_1", meta); return err },
		"delete":   func() error { return c.DeleteDraft(ctx, "in_1") },
		"invoices": func() error { _, err := c.ListInvoices(ctx, "cus_1", since); return err },
		"found":    func() error { _, err := c.SearchInvoices(ctx, "k", "v"); return err },
	} {
		before := requests
		if err := call(); err != nil || requests != before+1 {
			t.Errorf("%s: %d requests, %v", name, requests-before, err)
		}
	}
}

func answerFor(r *http.Request) string {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/search"):
		return `{"object":"search_result","data":[],"has_more":false}`
	case r.Method == http.MethodGet && (path == "/v1/customers" || path == "/v1/invoices" || path == "/v1/invoiceitems"):
		return `{"object":"list","data":[],"has_more":false}`
	case strings.HasPrefix(path, "/v1/customers"):
		return `{"object":"customer","id":"cus_1"}`
	case strings.HasPrefix(path, "/v1/invoiceitems"):
		return `{"object":"invoiceitem","id":"ii_1"}`
	case strings.HasPrefix(path, "/v1/invoices"):
		return `{"object":"invoice","id":"in_1"}`
	}
	return `{"object":"balance"}`
}

// check reports a path, a method or a parameter that the document lacks.
func (s spec) check(t *testing.T, method, path string, query, form url.Values) {
	t.Helper()
	template := path
	if _, exact := s.Paths[path]; !exact {
		for candidate := range s.Paths {
			pattern := regexp.MustCompile(`\\\{[a-z_]+\\\}`).ReplaceAllString(regexp.QuoteMeta(candidate), `[^/]+`)
			if regexp.MustCompile("^" + pattern + "$").MatchString(path) {
				template = candidate
			}
		}
	}
	op, found := s.Paths[template][strings.ToLower(method)]
	if !found {
		t.Errorf("%s %s: not in the document", method, path)
		return
	}
	allowed := map[string]bool{}
	for _, p := range op.Parameters {
		if p.In == "query" {
			allowed[p.Name] = true
		}
	}
	body := op.RequestBody.Content["application/x-www-form-urlencoded"].Schema
	for name := range query {
		if base, _, _ := strings.Cut(name, "["); !allowed[base] {
			t.Errorf("%s %s: query parameter %s is not in the document", method, path, name)
		}
	}
	for name := range form {
		base, _, _ := strings.Cut(name, "[")
		if _, found := body.Properties[base]; !found {
			t.Errorf("%s %s: parameter %s is not in the document", method, path, name)
		}
	}
	for _, name := range body.Required {
		if method == http.MethodPost && !form.Has(name) {
			t.Errorf("%s %s: parameter %s is missing", method, path, name)
		}
	}
}
