package config

import (
	"strings"
	"testing"
)

func TestLintOfCustomers(t *testing.T) {
	for _, tt := range []struct{ name, customers, want string }{
		{"as it should be", "{match: [email, name], keep_empty: true, tax_ids: {CA: ca_gst_hst, US: none}}", ""},
		{"an unknown field", "{match: [phone]}", `customers.match: "phone" is not a choice`},
		{"no country", "{tax_ids: {Canada: ca_bn}}", `customers.tax_ids: "Canada" is not a country`},
		{"a country that there is not", "{tax_ids: {XX: eu_vat}}", `customers.tax_ids: "XX" is not a country`},
		{"a field twice", "{match: [email, email]}", `customers.match: "email" is there twice`},
		{"a type that Stripe has not", "{tax_ids: {US: us_vat}}", `customers.tax_ids.US: us_vat was no type of Stripe's`},
		{"a type of another country", "{tax_ids: {FR: gb_vat}}", `customers.tax_ids.FR: gb_vat is not a type of FR`},
		{"Northern Ireland, Spain and Puerto Rico", "{tax_ids: {GB: eu_vat, ES: es_cif, PR: us_ein}}", ""},
		{"a view of the other form", "{write_back: {fields: {stripe_customer_id: Document.UsrStripe}}}", `"Document.UsrStripe" is of another form`},
		{"no type", "{tax_ids: {CA: GST}}", `customers.tax_ids.CA: "GST" is not a type of tax id`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := lintText(t, write(t, "m.yaml", `
connections:
- name: default
  acumatica: {url: "https://x", username: u, password: p}
  customers: `+tt.customers+"\n"))
			if tt.want == "" && strings.Contains(text, "customers") || !strings.Contains(text, tt.want) {
				t.Errorf("findings:\n%s\nwant %q", text, tt.want)
			}
		})
	}
}
