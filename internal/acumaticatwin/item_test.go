package acumaticatwin

import "testing"

func TestItemsHaveTypedNumbers(t *testing.T) {
	for _, name := range []string{entityStockItem, entityNonStockItem} {
		t.Run(name, func(t *testing.T) {
			c := start(t, testOptions(newClock()))
			a := c.put(name, `{"Description":{"value":"Lamp"}}`).wantStatus(t, 200)
			want(t, "no number", a.text("InventoryID", "value"), unsavedKey)
			want(t, "no note", at(a.body, "note"), nil)
			want(t, "not saved", len(c.get(name).rows()), 0)
			a = c.put(name, `{"InventoryID":{"value":"LAMP"},"Description":{"value":"Lamp"},"DefaultPrice":{"value":189.5}}`).wantStatus(t, 200)
			want(t, "id", a.text("InventoryID", "value"), "LAMP")
			want(t, "status", a.text("ItemStatus", "value"), statusActive)
			a = c.put(name, `{"InventoryID":{"value":"lamp"},"Description":{"value":"Lamp, brass"}}`).wantStatus(t, 200)
			want(t, "same item", a.text("Description", "value"), "Lamp, brass")
			want(t, "one item", len(c.get(name).rows()), 1)
			c.put(name, `{"InventoryID":{"value":"LAMP"},"ItemStatus":{"value":"Gone"}}`).wantStatus(t, 422)
			other := map[string]string{entityStockItem: entityNonStockItem, entityNonStockItem: entityStockItem}[name]
			c.put(other, `{"InventoryID":{"value":"LAMP"}}`).wantStatus(t, 422).wantText(t, "already exists")
			c.do("DELETE", root+name+"/LAMP", "", nil).wantStatus(t, 204)
		})
	}
}
