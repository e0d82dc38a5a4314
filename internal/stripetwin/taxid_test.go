package stripetwin_test

import (
	"errors"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/stripetwin"
)

func TestTaxIDsOfACustomer(t *testing.T) {
	_, sc, _ := start(t, stripetwin.Options{})
	cu, err := sc.Customers.New(&stripe.CustomerParams{Name: new("Ada")})
	if err != nil {
		t.Fatal(err)
	}
	add := func(kind, value string) (*stripe.TaxID, error) {
		return sc.TaxIDs.New(&stripe.TaxIDParams{Customer: &cu.ID, Type: &kind, Value: &value})
	}
	for _, tt := range []struct{ kind, value, code string }{
		{"eu_vat", "DE123456789", ""},
		{"eu_vat", "123456789", "tax_id_invalid"},
		{"us_ein", "nine", "tax_id_invalid"},
		{"xx_vat", "1", ""},
	} {
		x, err := add(tt.kind, tt.value)
		if tt.kind == "xx_vat" {
			if err == nil {
				t.Errorf("%s was taken", tt.kind)
			}
			continue
		}
		var e *stripe.Error
		if errors.As(err, &e) != (tt.code != "") || e != nil && string(e.Code) != tt.code {
			t.Errorf("%s %s: %v, want %q", tt.kind, tt.value, err, tt.code)
		}
		if err == nil && (x.Country != "DE" || x.Value != tt.value || x.Customer.ID != cu.ID) {
			t.Errorf("%+v", x)
		}
	}
	p := &stripe.CustomerParams{}
	p.AddExpand("tax_ids")
	got, err := sc.Customers.Get(cu.ID, p)
	if err != nil || len(got.TaxIDs.Data) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := sc.TaxIDs.Del(got.TaxIDs.Data[0].ID, &stripe.TaxIDParams{Customer: &cu.ID}); err != nil {
		t.Error(err)
	}
	if list := sc.TaxIDs.List(&stripe.TaxIDListParams{Customer: &cu.ID}); list.Next() || list.Err() != nil {
		t.Errorf("%+v, %v", list.TaxID(), list.Err())
	}
	if bare, err := sc.Customers.Get(cu.ID, nil); err != nil || bare.TaxIDs != nil {
		t.Errorf("shown without being asked for: %+v, %v", bare, err)
	}
}
