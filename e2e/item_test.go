package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"millrace/internal/acumatica"
	"millrace/schemas"
)

// products tells of each product, by the number of its item, what it costs and
// what else it could be bought for.
func (w *world) products() map[string]string {
	all := map[string]string{}
	for _, p := range w.listAll("products") {
		item := fmt.Sprint(p["metadata"].(map[string]any)["acumatica_inventory_id"])
		costs, forSale := "nothing", 0
		for _, x := range w.listAll("prices?product=" + p["id"].(string)) {
			if x["active"] == true {
				forSale++
			}
			if x["id"] == p["default_price"] {
				costs = fmt.Sprint(x["unit_amount_decimal"], " ", x["currency"])
			}
		}
		text := fmt.Sprintf("%s at %s, %d for sale", p["name"], costs, forSale)
		if p["active"] == false {
			text = fmt.Sprint(p["name"], " archived")
		}
		if old, twice := all[item]; twice {
			text = old + "; " + text
		}
		all[item] = text
	}
	return all
}

// TestItemsAreProducts: made, adopted, at another price, not sold, and sold
// again, on each version of the endpoint; and the events of what was written
// lead to nothing.
func TestItemsAreProducts(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"22.200.001", "23.200.001", "24.200.001"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			itemsAreProducts(t, version)
		})
	}
}

func itemsAreProducts(t *testing.T, version string) {
	t.Helper()
	w := newWorld(t, trap{})
	w.more = []string{
		"ACUMATICA_ENDPOINT=Default/" + version,
		"MILLRACE_STOCK_ITEMS=true", "MILLRACE_NON_STOCK_ITEMS=true", "MILLRACE_ITEM_CURRENCY=USD",
	}
	b := w.bookkeeper()
	put := func(entity string, pairs ...string) {
		t.Helper()
		if _, err := b.erp.Put(t.Context(), entity, of(pairs...), acumatica.Query{}); err != nil {
			t.Fatal(err)
		}
	}
	see := func(item, want string) {
		t.Helper()
		last := ""
		defer func() {
			if t.Failed() {
				t.Logf("%s is %s", item, last)
			}
		}()
		w.until(item+" is "+want, func() bool { last = w.products()[item]; return last == want })
	}
	w.post("/v1/products", url.Values{"name": {"Plate by hand"}, "metadata[acumatica_inventory_id]": {"PLATE"}})
	put("StockItem", "InventoryID", "GLASS", "Description", "Glass", "DefaultPrice", "18.333333")
	put("NonStockItem", "InventoryID", "SETUP", "Description", "Setting up", "DefaultPrice", "120")
	put("StockItem", "InventoryID", "OLD", "Description", "Old glass", "ItemStatus", "Inactive")
	put("StockItem", "InventoryID", "PLATE", "Description", "Plate", "DefaultPrice", "9")
	w.start()
	see("GLASS", "Glass at 1833.3333 usd, 1 for sale")
	see("SETUP", "Setting up at 12000 usd, 1 for sale")
	see("PLATE", "Plate at 900 usd, 1 for sale")
	put("StockItem", "InventoryID", "GLASS", "DefaultPrice", "20")
	put("NonStockItem", "InventoryID", "SETUP", "ItemStatus", "No Sales")
	see("GLASS", "Glass at 2000 usd, 1 for sale")
	see("SETUP", "Setting up archived")
	put("NonStockItem", "InventoryID", "SETUP", "ItemStatus", "Active", "DefaultPrice", "130")
	put("StockItem", "InventoryID", "GLASS", "DefaultPrice", "18.333333")
	put("StockItem", "InventoryID", "PLATE", "DefaultPrice", "0")
	see("SETUP", "Setting up at 13000 usd, 1 for sale")
	see("GLASS", "Glass at 1833.3333 usd, 1 for sale")
	see("PLATE", "Plate at nothing, 0 for sale")
	w.until("nothing is left to do", w.idle)
	if all := w.products(); all["OLD"] != "" {
		t.Errorf("products %v, want none of what is not sold", all)
	}
	if prices := len(w.listAll("prices")); prices != 5 {
		t.Errorf("%d prices were made, want 2 of the glass, 2 of the setting up, 1 of the plate", prices)
	}
	w.echoes()
}

// echoes: what Stripe tells of our own writes is skipped, and asks for nothing.
func (w *world) echoes() {
	w.t.Helper()
	nc := w.connect()
	deadline, skipped := time.Now().Add(30*time.Second), 0
	for skipped == 0 && time.Now().Before(deadline) {
		for _, o := range w.outcomes(nc, "transform") {
			if !strings.HasPrefix(o.EventType, "io.millrace.stripe.product.") && !strings.HasPrefix(o.EventType, "io.millrace.stripe.price.") {
				continue
			}
			if o.Outcome != schemas.Skipped {
				w.t.Errorf("%s ended %s: %s", o.EventType, o.Outcome, o.Reason)
			}
			skipped++
		}
	}
	if skipped == 0 {
		w.t.Error("no event of a product came back")
	}
}
