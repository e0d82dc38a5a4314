package stripetwin_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"millrace/internal/stripetwin"
)

// found is how many objects a search finds, or the status that refuses it
// with a minus.
func found(t *testing.T, srv *httptest.Server, what, query string) int {
	t.Helper()
	res, out := send(t, srv, "GET", "/v1/"+what+"/search?limit=100&query="+url.QueryEscape(query), "")
	if res.StatusCode != 200 {
		return -res.StatusCode
	}
	return len(out["data"].([]any))
}

func TestSearchIsNotReadAfterWrite(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	var mu sync.Mutex
	_, sc, srv := start(t, stripetwin.Options{
		Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }, SearchLag: time.Minute,
	})
	cus := newCustomer(t, sc)
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{{0, 0}, {59 * time.Second, 0}, {2 * time.Second, 1}} {
		mu.Lock()
		now = now.Add(tt.after)
		mu.Unlock()
		if n := found(t, srv, "customers", "metadata['erp_id']:'C0000042'"); n != tt.want {
			t.Errorf("%v: %d", tt.after, n)
		}
	}
	it := sc.Customers.Search(&stripe.CustomerSearchParams{SearchParams: stripe.SearchParams{Query: "email:'ap@acme.example'"}})
	if !it.Next() || it.Customer().ID != cus.ID {
		t.Fatalf("stripe-go search: %v", it.Err())
	}
}

func TestSearchLanguage(t *testing.T) {
	tw, sc, srv := start(t, stripetwin.Options{Now: atNoon})
	cus := newCustomer(t, sc)
	in := newOpen(t, sc, cus.ID, 1234)
	must(sc.Invoices.Pay(newOpen(t, sc, cus.ID, 9000).ID, &stripe.InvoicePayParams{PaymentMethod: new("pm_card_visa")}))(t)
	whole, part := shopCharge(t, tw, 50_00), shopCharge(t, tw, 60_00)
	refundPart(t, sc, whole, 50_00)
	refundPart(t, sc, part, 1_00)
	must(tw.Dispute(t.Context(), shopCharge(t, tw, 70_00), "", false))(t)
	tests := []struct {
		what, query string
		want        int
	}{
		{"customers", "metadata['erp_id']:'C0000042'", 1},
		{"customers", `metadata["erp_id"]:"C0000042" AND email:"ap@acme.example"`, 1},
		{"customers", `metadata["erp_id"]:"C0000042" email:"ap@acme.example"`, 1},
		{"customers", "metadata['erp_id']:'c0000042'", 1}, // case never counts
		{"customers", "metadata['erp_id']:'C000004'", 0},
		{"customers", "metadata['erp_id']:'nope' OR name~'acme'", 1},
		{"customers", "-email:'ap@acme.example'", 0},
		{"customers", "metadata['other']:null", 1},
		{"customers", "-metadata['erp_id']:null", 1},
		{"customers", "phone:null", 1},
		{"customers", "name:'söhne'", 1}, // its words, not the whole
		{"customers", "name:'acme &'", 1},
		{"customers", "name:'acme söhne'", 0},
		{"customers", "name:'acm'", 0},
		{"customers", "created>1 created<=9999999999", 1},
		{"customers", "created<1000", 0},
		{"invoices", "metadata['erp_ref']:'INV000123'", 2},
		{"invoices", "number:'" + in.Number + "' AND total>1000", 1},
		{"invoices", "total>5000", 1},
		{"invoices", "total>=\"1234\" AND -status:'paid'", 1},
		{"invoices", "total:1234", 1},
		{"invoices", "customer:'" + strings.ToUpper(cus.ID) + "'", 2},
		{"invoices", "subscription:null", 2},
		{"charges", "amount>5999", 3},
		{"charges", "currency:'USD' status:'succeeded'", 4},
		{"charges", "disputed:'true'", 1},
		{"charges", "refunded:'true'", 1},
		{"charges", "refunded:'false'", 1},
		{"charges", "refunded:null", 2},
		{"charges", "payment_method_details.card.last4:4242", 4},
		{"charges", "payment_method_details.card.brand:\"visa\" AND payment_method_details.card.exp_year:2034", 4},
		{"charges", "billing_details.address.postal_code:null", 4},
		{"payment_intents", "amount:9000 customer:'" + cus.ID + "'", 1},
		{"payment_intents", "-status:'succeeded'", 1},

		{"customers", "shoe_size:'9'", -400},
		{"customers", "email:'a' AND name:'b' OR name:'c'", -400},
		{"customers", "what?", -400},
		{"customers", "", -400},
		{"customers", "email:amy", -400},            // texts need quotes
		{"customers", "email~'am'", -400},           // three characters at least
		{"customers", "email>'a'", -400},            // no order
		{"charges", "status~'succ'", -400},          // tokens have no parts
		{"charges", "amount>'much'", -400},          // no number
		{"customers", "metadata:'C0000042'", -400},  // of which key
		{"customers", "metadata['a']~'C000'", -400}, // metadata are tokens
		{"customers", strings.Repeat("email:'a' ", 11), -400},
	}
	for _, tt := range tests {
		if n := found(t, srv, tt.what, tt.query); n != tt.want {
			t.Errorf("%s %s: got %d, want %d", tt.what, tt.query, n, tt.want)
		}
	}
}

func TestSearchOfTheCatalogue(t *testing.T) {
	_, sc, srv := start(t, stripetwin.Options{Now: atNoon})
	shirt := must(sc.Products.New(&stripe.ProductParams{Name: new("T-shirt, red"), Description: new("washed once"), Shippable: new(true), URL: new("https://shop.example/red")}))(t)
	must(sc.Products.New(&stripe.ProductParams{Name: new("Support")}))(t)
	pr := must(sc.Prices.New(&stripe.PriceParams{
		Product: &shirt.ID, Currency: new("eur"), UnitAmount: new(int64(20_00)), LookupKey: new("monthly"),
		Recurring: &stripe.PriceRecurringParams{Interval: new("month")},
	}))(t)
	sp := &stripe.SubscriptionParams{
		Customer: &newCustomer(t, sc).ID, Items: []*stripe.SubscriptionItemsParams{{Price: &pr.ID}},
		CollectionMethod: new("send_invoice"), DaysUntilDue: new(int64(30)),
	}
	sp.AddMetadata("order", "7")
	sub := must(sc.Subscriptions.New(sp))(t)
	for _, tt := range []struct {
		what, query string
		want        int
	}{
		{"products", "name~'shirt'", 1},
		{"products", "description:'once' active:'true'", 1},
		{"products", "shippable:'true' OR name:'support'", 2},
		{"products", "url:null", 1},
		{"products", "foo:'bar'", -400},
		{"prices", "product:'" + shirt.ID + "' type:'recurring' currency:'EUR'", 1},
		{"prices", "lookup_key:'monthly' AND active:'true'", 1},
		{"prices", "lookup_key:null", 0},
		{"subscriptions", "status:'" + string(sub.Status) + "' metadata['order']:'7'", 1},
		{"subscriptions", "-status:'" + string(sub.Status) + "'", 0},
		{"subscriptions", "customer:'cus_1'", -400}, // not a field of subscriptions
	} {
		if n := found(t, srv, tt.what, tt.query); n != tt.want {
			t.Errorf("%s %s: got %d, want %d", tt.what, tt.query, n, tt.want)
		}
	}
}

func TestSearchPages(t *testing.T) {
	tw, sc, srv := start(t, stripetwin.Options{Now: atNoon})
	for range 7 {
		shopCharge(t, tw, 10_00)
	}
	shopCharge(t, tw, 20_00)
	query := "/v1/charges/search?limit=3&query=" + url.QueryEscape("amount:1000")
	_, first := send(t, srv, "GET", query+"&expand[]=total_count&expand[]=data.balance_transaction", "")
	next := first["next_page"].(string)
	if first["has_more"] != true || first["total_count"] != 7. || len(first["data"].([]any)) != 3 || first["url"] != "/v1/charges/search" {
		t.Fatalf("%v", first)
	}
	if bt := first["data"].([]any)[0].(map[string]any)["balance_transaction"].(map[string]any); bt["object"] != "balance_transaction" {
		t.Fatalf("%v", bt)
	}
	shopCharge(t, tw, 10_00) // a page goes on where the last one ended
	seen := map[string]bool{}
	p := &stripe.ChargeSearchParams{SearchParams: stripe.SearchParams{Query: "amount:1000", Limit: new(int64(3))}}
	p.Page = &next
	for it := sc.Charges.Search(p); it.Next(); {
		seen[it.Charge().ID] = true
	}
	for _, o := range first["data"].([]any) {
		if seen[o.(map[string]any)["id"].(string)] {
			t.Error("a charge is on two pages")
		}
	}
	if len(seen) != 4 {
		t.Errorf("%d on the pages behind the first", len(seen))
	}
	for name, path := range map[string]string{
		"no page":          query + "&page=page_2",
		"of another query": "/v1/charges/search?query=" + url.QueryEscape("amount:2000") + "&page=" + next,
		"too many":         strings.Replace(query, "limit=3", "limit=101", 1),
		"no query":         "/v1/charges/search",
		"a cursor":         query + "&starting_after=ch_1",
	} {
		if res, o := send(t, srv, "GET", path, ""); res.StatusCode != 400 {
			t.Errorf("%s: %d %v", name, res.StatusCode, o)
		}
	}
	if _, err := sc.Charges.Get("search", nil); err == nil {
		t.Error("a charge with the id search")
	}
}
