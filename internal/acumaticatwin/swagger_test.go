package acumaticatwin

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// described reads what the twin says of itself.
func described(t *testing.T, c *client, version int) *published {
	t.Helper()
	var p published
	a := c.do("GET", fmt.Sprintf("/entity/Default/%d.200.001/swagger.json", version), "", nil).wantStatus(t, 200)
	if err := json.Unmarshal(a.raw, &p); err != nil {
		t.Fatal(err)
	}
	if p.Definitions == nil {
		p.Definitions = p.Components.Schemas
	}
	return &p
}

// notModelled are actions of the contract that the twin does not have.
func notModelled() []string {
	return []string{
		"Customer/CreateContactFromCustomer", "NonStockItem/UpdateStandardCostNonStockItem", "Payment/CaptureCreditCardPayment",
		"Payment/CardOperation", "Payment/VoidCardPayment", "StockItem/UpdateStandardCostStockItem",
	}
}

func TestSchemaIsThePublishedOne(t *testing.T) {
	c := start(t, testOptions(newClock()))
	for _, version := range []int{22, 23, 24} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			ours, theirs := described(t, c, version), contract(t, version)
			want(t, "kind", ours.Swagger+ours.OpenAPI, theirs.Swagger+theirs.OpenAPI)
			want(t, "title", ours.Info.Title, theirs.Info.Title)
			want(t, "contract version", ours.Info.Version, theirs.Info.Version)
			for name := range ours.Definitions {
				if theirs.Definitions[name] == nil {
					t.Errorf("schema %s: not published", name)
				}
				compareProperties(t, name, ours.properties(name), theirs.properties(name))
			}
			for _, path := range slices.Sorted(maps.Keys(theirs.Paths)) {
				entity := strings.Split(path, "/")[1]
				if e := c.twin.cat[entity]; e == nil || !e.in(version, false) || slices.Contains(notModelled(), path[1:]) {
					if ours.Paths[path] != nil {
						t.Errorf("path %s: the twin has it after all", path)
					}
					continue
				}
				if got, want := methods(t, ours.Paths[path]), methods(t, theirs.Paths[path]); got != want {
					t.Errorf("path %s: got %s, want %s", path, got, want)
				}
			}
			for path := range ours.Paths {
				if theirs.Paths[path] == nil {
					t.Errorf("path %s: not published", path)
				}
			}
		})
	}
}

func compareProperties(t *testing.T, name string, ours, theirs map[string]*swaggerSchema) {
	t.Helper()
	for p, their := range theirs {
		our := ours[p]
		switch {
		case our == nil && shared(name): // only what some entity of the twin binds
		case our == nil:
			t.Errorf("schema %s: %s is missing", name, p)
		case our.Type != their.Type || our.refName() != their.refName():
			t.Errorf("schema %s: %s is %s%s, published %s%s", name, p, our.Type, our.refName(), their.Type, their.refName())
		case our.Items != nil && our.Items.refName() != their.Items.refName():
			t.Errorf("schema %s: %s lists %s, published %s", name, p, our.Items.refName(), their.Items.refName())
		}
	}
	for p := range ours {
		if theirs[p] == nil {
			t.Errorf("schema %s: %s is not published", name, p)
		}
	}
}

func methods(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	if raw == nil {
		return "nothing"
	}
	var byMethod map[string]any
	if err := json.Unmarshal(raw, &byMethod); err != nil {
		t.Fatal(err)
	}
	return strings.Join(slices.Sorted(maps.Keys(byMethod)), " ")
}

// Every reference leads to a schema, and every entity is described.
func TestSchemaIsWhole(t *testing.T) {
	c := start(t, testOptions(newClock()))
	for _, version := range []int{22, 23, 24} {
		p := described(t, c, version)
		raw := marshal(t, p)
		for _, piece := range strings.Split(raw, `"$ref":"`)[1:] {
			ref := piece[:strings.IndexByte(piece, '"')]
			if name := ref[strings.LastIndexByte(ref, '/')+1:]; ref != "" && p.Definitions[name] == nil {
				t.Errorf("version %d: %s leads nowhere", version, ref)
			}
		}
		want(t, "charges", p.properties("Payment")["Charges"] != nil, version >= 23)
		want(t, "stamp", p.properties("SalesInvoice")["LastModifiedDateTime"] != nil, version >= 23)
		want(t, "release", p.Paths["/Payment/ReleasePayment"] != nil, true)
		want(t, "not in the contract", p.Paths["/Payment/Release"] != nil, false)
	}
}
