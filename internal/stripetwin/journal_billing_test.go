package stripetwin

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestBillingIsInTheFile opens the file after each kind of write to what is
// bought, subscribed and paid with, and finds in it what is in memory.
func TestBillingIsInTheFile(t *testing.T) {
	tw, err := New(Options{APIKey: "sk_test_0123456789abcdef", StateFile: filepath.Join(t.TempDir(), "s.json")})
	if err != nil {
		t.Fatal(err)
	}
	same := func(what string) {
		t.Helper()
		if diff := cmp.Diff(asJSON(t, tw.s), asJSON(t, reopened(t, tw))); diff != "" {
			t.Fatalf("after %s (-memory +file):\n%s", what, diff)
		}
	}
	do := func(method, path, form string) string {
		t.Helper()
		o := post200(t, tw, method, path, form)
		same(method + " " + path)
		id, _ := o["id"].(string)
		return id
	}
	cus := do("POST", "/v1/customers", "payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa")
	prod := do("POST", "/v1/products", "name=Plan&shippable=false")
	price := do("POST", "/v1/prices", "product="+prod+"&currency=usd&unit_amount=1000&recurring[interval]=day")
	once := do("POST", "/v1/prices", "product="+prod+"&currency=usd&unit_amount=1000")
	rate := do("POST", "/v1/tax_rates", "display_name=VAT&inclusive=false&percentage=19")
	do("POST", "/v1/tax_rates/"+rate, "metadata[a]=b")
	sub := do("POST", "/v1/subscriptions", "customer="+cus+"&items[0][price]="+price+"&items[0][tax_rates][0]="+rate)
	if err := tw.Advance(t.Context(), 26*time.Hour); err != nil {
		t.Fatal(err)
	}
	same("a day")
	do("POST", "/v1/subscriptions/"+sub, "cancel_at_period_end=true")
	do("DELETE", "/v1/subscriptions/"+sub, "")
	si := do("POST", "/v1/setup_intents", "customer="+cus+"&payment_method=pm_card_mastercard")
	do("POST", "/v1/setup_intents/"+si+"/confirm", "")
	cs := do("POST", "/v1/checkout/sessions", "mode=payment&success_url=https://shop.example/&line_items[0][price]="+once)
	if err := tw.CompleteCheckout(t.Context(), cs, "pm_card_visa"); err != nil {
		t.Fatal(err)
	}
	same("a checkout")
	do("DELETE", "/v1/customers/"+cus, "")
}
