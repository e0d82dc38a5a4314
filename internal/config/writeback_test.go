package config

import (
	"strings"
	"testing"
)

func TestWriteBackIsCheckedAndShown(t *testing.T) {
	file := write(t, "m.yaml", `
connections:
- invoices:
    write_back:
      note: true
      fields: {hosted_invoice_url: Document.UsrStripeURL, stripe_invoice_id: Document.UsrStripeURL, payment_state: Document.Hold}
  customers:
    write_back: {fields: {stripe_customer_id: UsrStripe}}
`)
	c, o := mustLoad(t, Source{Path: file})
	var got []string
	for _, p := range Validate(c, o, "transform") {
		if strings.Contains(p.Path, "write_back") {
			got = append(got, strings.TrimPrefix(p.Path, "connections[0].")+": "+p.Message)
		}
	}
	want := []string{
		`invoices.write_back.fields.payment_state: "Document.Hold" is a field of Acumatica's own`,
		"invoices.write_back.fields.stripe_invoice_id: Document.UsrStripeURL is the field of hosted_invoice_url already",
		`customers.write_back.fields.stripe_customer_id: "UsrStripe" is not <View>.<Field>`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	shown := map[string]string{}
	for _, v := range Show(c, o) {
		shown[v.Path] = v.Value
	}
	if shown["connections[0].invoices.write_back.note"] != "true" || shown["connections[0].invoices.write_back.fields.hosted_invoice_url"] != "Document.UsrStripeURL" {
		t.Errorf("shown %v", shown)
	}
	if _, _, err := Load(Source{Path: write(t, "bad.yaml", "connections: [{invoices: {write_back: {fields: {url: Document.UsrX}}}}]\n")}); err == nil {
		t.Error("an unknown field was accepted")
	}
}
