package stripesink

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"millrace/internal/link"
	"millrace/internal/stripeapi"
	"millrace/schemas"
)

const itemID = "2eed8918-a59a-ee11-8359-0690322d016b"

// productIntent is a version of the item GLASS; an empty price is none.
func productIntent(n int, name, price string) schemas.Intent {
	f := schemas.StripeProduct{Name: name, Active: true, UnitLabel: "EACH", Metadata: map[string]string{metaInventory: "GLASS"}}
	if price != "" {
		f.Price = &schemas.StripePrice{Currency: "usd", UnitAmountDecimal: price}
	}
	in := intent("product", "upsert", itemID, fmt.Sprintf("2026-03-01T09:00:0%dZ %s", n, price), f)
	in.Lane, in.Refs = itemID, []schemas.Ref{{System: schemas.Acumatica, Kind: "StockItem", ID: "GLASS"}}
	return in
}

// changed is the intent with other fields.
func changed(in schemas.Intent, change func(*schemas.StripeProduct)) schemas.Intent {
	var f schemas.StripeProduct
	if err := json.Unmarshal(in.Fields, &f); err != nil {
		panic(err)
	}
	change(&f)
	out := intent(in.Document, in.Verb, in.Key, in.Version, f)
	out.Lane, out.Refs = in.Lane, in.Refs
	return out
}

func asUnsold(in schemas.Intent) schemas.Intent {
	return changed(in, func(f *schemas.StripeProduct) { f.Active = false })
}

// oneProduct is the only product there is.
func (w *world) oneProduct() stripeapi.Product {
	w.t.Helper()
	all, err := w.client.ListProducts(w.t.Context(), time.Time{})
	if err != nil || len(all) != 1 {
		w.t.Fatalf("products %+v, %v", all, err)
	}
	return all[0]
}

func (w *world) byHand(name string, metadata map[string]string) stripeapi.Product {
	w.t.Helper()
	p, err := w.client.CreateProduct(w.t.Context(), "by hand "+name, schemas.StripeProduct{Name: name, Active: true, Metadata: metadata})
	if err != nil {
		w.t.Fatal(err)
	}
	w.now = w.now.Add(2 * time.Minute) // the search lags
	return p
}

func TestAnItemCostsFewRequests(t *testing.T) {
	w := newWorld(t)
	w.apply(productIntent(1, "Glass", "1250"), schemas.Applied)
	w.cost(2, 3) // searched and its prices listed; product, price and default price
	w.apply(productIntent(1, "Glass", "1250"), schemas.Duplicate)
	w.cost(0, 0)
	w.apply(productIntent(2, "Glass 45", "1250"), schemas.Applied)
	w.cost(1, 1)
	w.apply(productIntent(3, "Glass 45", "1300"), schemas.Applied)
	w.cost(2, 4)
	w.apply(asUnsold(productIntent(4, "Glass 45", "1300")), schemas.Applied)
	w.cost(1, 1)
	p := w.oneProduct()
	if p.Active || p.Default == nil || p.Default.UnitAmount.String() != "1300" || p.Name != "Glass 45" || w.links[connection+" product "+itemID].StripeID != p.ID {
		t.Errorf("product %+v, links %v", p, w.links)
	}
}

func TestWhatIsNotSoldIsNotMade(t *testing.T) {
	w := newWorld(t)
	in := asUnsold(productIntent(1, "Glass", "1250"))
	w.apply(in, schemas.Skipped)
	w.cost(1, 0)
	w.apply(in, schemas.Skipped)
	w.cost(0, 0)
	if all, err := w.client.ListProducts(t.Context(), time.Time{}); err != nil || len(all) > 0 {
		t.Errorf("products %+v, %v", all, err)
	}
}

func TestAnOldVersionChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.apply(productIntent(2, "Glass 45", "1300"), schemas.Applied)
	w.apply(productIntent(1, "Glass", "1250"), schemas.Skipped)
	w.cost(1, 0)
	if p := w.oneProduct(); p.Name != "Glass 45" || p.Default.UnitAmount.String() != "1300" {
		t.Errorf("product %+v", p)
	}
}

// TestAtOneChangeTimeTheLaterEventStands: a replay comes with the earlier one.
func TestAtOneChangeTimeTheLaterEventStands(t *testing.T) {
	w := newWorld(t)
	early, late := productIntent(1, "Glass", "1250"), productIntent(1, "Glass 45", "1300")
	early.Cause.EventSeq, late.Cause.EventSeq = 7, 8
	w.apply(late, schemas.Applied)
	w.apply(early, schemas.Skipped)
	if p := w.oneProduct(); p.Name != "Glass 45" {
		t.Errorf("product %+v", p)
	}
}

func TestARenamedItemKeepsItsProduct(t *testing.T) {
	w := newWorld(t)
	w.apply(productIntent(1, "Glass", "1250"), schemas.Applied)
	renamed := changed(productIntent(2, "Glass", "1250"), func(f *schemas.StripeProduct) { f.Metadata[metaInventory] = "GLASS45" })
	w.apply(renamed, schemas.Applied)
	if p := w.oneProduct(); p.Metadata[metaInventory] != "GLASS45" {
		t.Errorf("product %+v", p)
	}
	// Another item that takes the number over is another product.
	other := productIntent(3, "Plate", "900")
	other.Key = "9fed8918-a59a-ee11-8359-0690322d016b"
	other.ID = schemas.IntentID(connection, other.Target, other.Document, other.Verb, other.Key, other.Version)
	w.apply(other, schemas.Applied)
	if a, b := w.links[connection+" product "+itemID], w.links[connection+" product "+other.Key]; a.StripeID == b.StripeID || b.StripeID == "" {
		t.Errorf("links %v", w.links)
	}
}

func TestAProductIsAdopted(t *testing.T) {
	for _, tt := range []struct {
		name     string
		metadata map[string]string
		adopted  bool
	}{
		{"labelled by hand", map[string]string{metaInventory: "GLASS"}, true},
		{"made by an installation whose records are lost", map[string]string{metaItem: itemID, metaConnection: connection, metaInventory: "OLD"}, true},
		{"of another item", map[string]string{metaInventory: "GLASS", metaItem: "other", metaConnection: connection}, false},
		{"of another connection", map[string]string{metaInventory: "GLASS", metaItem: itemID, metaConnection: "other"}, false},
		{"of nobody", map[string]string{"sku": "GLASS"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			hand := w.byHand("by hand", tt.metadata)
			out := w.apply(productIntent(1, "Glass", "1250"), schemas.Applied)
			l := w.links[connection+" product "+itemID]
			if (l.StripeID == hand.ID) != tt.adopted {
				t.Errorf("linked with %s: %s", l.StripeID, out.Reason)
			}
			if p, err := w.client.GetProduct(t.Context(), l.StripeID); err != nil || p.Name != "Glass" || p.Metadata[metaItem] != itemID || p.Default == nil {
				t.Errorf("product %+v, %v", p, err)
			}
		})
	}
}

func TestTwoLabelledProductsAreForAPerson(t *testing.T) {
	w := newWorld(t)
	w.byHand("one", map[string]string{metaInventory: "GLASS"})
	w.byHand("two", map[string]string{metaInventory: "GLASS"})
	err := w.refuse(productIntent(1, "Glass", "1250"), "stripe.ambiguous")
	if !strings.Contains(err.Error(), "leave the metadata acumatica_inventory_id = GLASS on the right one") {
		t.Errorf("it does not say what to do: %v", err)
	}
}

func TestAProductThatIsGoneIsMadeAnew(t *testing.T) {
	w := newWorld(t)
	w.links[connection+" product "+itemID] = link.Link{Kind: link.Product, AcumaticaID: itemID, StripeID: "prod_gone"}
	for crashAt := 1; ; crashAt++ {
		w.crashAt = crashAt
		if _, err := w.handle(productIntent(1, "Glass", "1250"), w.now); err == nil {
			break
		}
		if crashAt > 40 {
			t.Fatal("it never ends")
		}
	}
	if p := w.oneProduct(); w.links[connection+" product "+itemID].StripeID != p.ID || p.Default == nil {
		t.Errorf("product %+v, links %v", p, w.links)
	}
}

func TestAnItemTakesBackWhatWasArchivedByHand(t *testing.T) {
	w := newWorld(t)
	w.apply(productIntent(1, "Glass", "1250"), schemas.Applied)
	p := w.oneProduct()
	if _, err := w.client.UpdateProduct(t.Context(), "archive", p.ID, schemas.StripeProduct{Name: "Glass", Metadata: p.Metadata}); err != nil {
		t.Fatal(err)
	}
	w.apply(productIntent(2, "Glass", "1250"), schemas.Applied)
	if p := w.oneProduct(); !p.Active {
		t.Errorf("product %+v", p)
	}
}

func TestPricesOfOthersAreLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.apply(productIntent(1, "Glass", ""), schemas.Applied)
	p := w.oneProduct()
	hand, err := w.client.CreatePrice(t.Context(), "hand", stripeapi.Price{Product: p.ID, Currency: "usd", UnitAmount: decimal.NewFromInt(1000)})
	if err == nil {
		_, err = w.client.SetDefaultPrice(t.Context(), "hand default", p.ID, hand.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.apply(productIntent(2, "Glass", ""), schemas.Applied)
	if p := w.oneProduct(); p.Default == nil || p.Default.ID != hand.ID {
		t.Errorf("without a price of ours: %+v", p)
	}
	out := w.apply(productIntent(3, "Glass", "1250"), schemas.Applied)
	p = w.oneProduct()
	prices, err := w.client.ListPrices(t.Context(), p.ID)
	if err != nil || p.Default.UnitAmount.String() != "1250" || len(prices) != 2 || !prices[0].Active || !prices[1].Active {
		t.Errorf("%s: product %+v, prices %+v, %v", out.Reason, p, prices, err)
	}
	if !strings.Contains(out.Reason, p.Default.ID) {
		t.Errorf("reason %q", out.Reason)
	}
}

func TestAProductIntentThatMakesNoSenseIsRefused(t *testing.T) {
	for name, change := range map[string]func(*schemas.StripeProduct){
		"no name":             func(f *schemas.StripeProduct) { f.Name = "" },
		"no number":           func(f *schemas.StripeProduct) { f.Metadata = nil },
		"a free price":        func(f *schemas.StripeProduct) { f.Price.UnitAmountDecimal = "0" },
		"half a price":        func(f *schemas.StripeProduct) { f.Price.Currency = "" },
		"no number for price": func(f *schemas.StripeProduct) { f.Price.UnitAmountDecimal = "1e" },
		"thirteen decimals":   func(f *schemas.StripeProduct) { f.Price.UnitAmountDecimal = "0.0000000000001" },
		"another item's mark": func(f *schemas.StripeProduct) { f.Metadata[metaItem] = "other" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			in := changed(productIntent(1, "Glass", "1250"), change)
			_ = w.refuse(in, "stripe.fields_invalid")
			if err := Check(in); err == nil {
				t.Error("Check lets it pass")
			}
		})
	}
}
