package poller

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"millrace/internal/config"
)

// mirrored polls non-stock items, of which all that are told are in Stripe.
func mirrored(currency string) func(*Options) {
	return func(o *Options) {
		allLinked(o)
		o.Items = config.Items{NonStock: true, Currency: currency}
	}
}

func item1(number, price, status string) map[string]string {
	return map[string]string{"InventoryID": number, "DefaultPrice": price, "CurySpecificPrice": price, "ItemStatus": status, "BaseUnit": "HOUR"}
}

func TestItemsArePolledOnlyWhereTheyAreMirrored(t *testing.T) {
	for _, tt := range []struct {
		items config.Items
		want  []string
	}{
		{config.Items{Currency: "USD"}, nil},
		{config.Items{Stock: true}, []string{"StockItem"}},
		{config.Items{NonStock: true}, []string{"NonStockItem"}},
		{config.Items{Stock: true, NonStock: true}, []string{"StockItem", "NonStockItem"}},
	} {
		var got []string
		for _, r := range Reads(tt.items)[len(Reads(config.Items{})):] {
			got = append(got, r.Entity)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.items, diff)
		}
	}
}

// TestAnItemIsToldWhenItMeansSomethingElse: a price that moved without the
// change time, another currency, another number. Its lane is its record, what
// was not sold at the first start is not told, and no item is read by itself.
func TestAnItemIsToldWhenItMeansSomethingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		at := s.now().Add(-time.Hour)
		s.saveAt("NonStockItem", "g1", at, item1("SETUP", "120", "Active"))
		s.saveAt("NonStockItem", "g2", at, item1("OLD", "5", "No Sales"))
		s.saveAt("NonStockItem", "g3", at, item1("LEASED", "7", "No Purchases"))
		time.Sleep(time.Minute)
		p := newPoller(t, s, b, func(o *Options) {
			o.Items, o.Poll.Full = config.Items{NonStock: true, Currency: "USD"}, 24*time.Hour
		})
		round(t, p)
		if diff := cmp.Diff([]string{"SETUP", "LEASED"}, b.subjects()); diff != "" {
			t.Fatalf("told at first (-want +got):\n%s", diff)
		}
		told := func(what, currency string, want ...string) {
			t.Helper()
			n := len(b.events)
			time.Sleep(25 * time.Hour)
			readInFull(t, b, func() *Poller { return newPoller(t, s, b, mirrored(currency)) })
			got := b.subjects()[n:]
			if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		told("nothing has changed", "USD")
		s.saveAt("NonStockItem", "g1", at, item1("SETUP", "120.000000", "Active"))
		told("another scale", "USD")
		s.saveAt("NonStockItem", "g1", at, item1("SETUP", "130", "Active"))
		told("the price has moved", "USD", "SETUP")
		told("prices are in another currency", "EUR", "SETUP", "LEASED")
		s.saveAt("NonStockItem", "g1", at, item1("SETTING-UP", "130", "Active"))
		told("it has another number", "EUR", "SETTING-UP")
		s.saveAt("NonStockItem", "g1", s.now(), item1("SETTING-UP", "130", "No Sales"))
		told("it is not sold any more", "EUR", "SETTING-UP")
		ids := map[string]bool{}
		for _, e := range b.events {
			if e.lane != "g1" && e.lane != "g3" || ids[e.ev.ID] || e.object != "nonstockitem" {
				t.Errorf("event %s of %s in lane %s", e.ev.ID, e.object, e.lane)
			}
			ids[e.ev.ID] = true
		}
		if gone := goners(b); len(gone) > 0 || s.reads > 1 {
			t.Errorf("gone %v, %d items read by themselves", gone, s.reads)
		}
	})
}

// TestAnItemThatIsGoneIsTold in the lane of its record.
func TestAnItemThatIsGoneIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, b := newERP(), newBroker()
		s.save("NonStockItem", "g1", item1("SETUP", "120", "Active"))
		time.Sleep(time.Minute)
		round(t, newPoller(t, s, b, mirrored("USD")))
		delete(s.rows, "NonStockItemg1")
		time.Sleep(25 * time.Hour)
		readInFull(t, b, func() *Poller { return newPoller(t, s, b, mirrored("USD")) })
		if diff := cmp.Diff([]string{"g1: SETUP"}, goners(b)); diff != "" {
			t.Errorf("gone (-want +got):\n%s", diff)
		}
		if got, want := string(b.events[len(b.events)-1].ev.Data), `{"InventoryID":"SETUP","id":"g1"}`; got != want {
			t.Errorf("told %s, want %s", got, want)
		}
	})
}
