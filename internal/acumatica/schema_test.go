package acumatica

import (
	"encoding/json"
	"testing"
)

// TestSchemaReadsBothForms: fields are found through references and arrays, in
// Swagger 2.0 and in OpenAPI 3.
func TestSchemaReadsBothForms(t *testing.T) {
	const parts = `{
		"Entity": {"type": "object", "properties": {"id": {"type": "string"}}},
		"Customer": {"allOf": [{"$ref": "#/x/Entity"}, {"type": "object", "properties": {
			"CustomerID": {"$ref": "#/x/StringValue"}, "MainContact": {"$ref": "#/x/Contact"},
			"Contacts": {"type": "array", "items": {"$ref": "#/x/Contact"}}}}]},
		"Contact": {"allOf": [{"type": "object", "properties": {"Email": {"$ref": "#/x/StringValue"}}}]}}`
	const paths = `"paths": {"/Customer": {}, "/Customer/Extend": {}}`
	for name, body := range map[string]string{
		"swagger 2": `{` + paths + `, "definitions": ` + parts + `}`,
		"openapi 3": `{` + paths + `, "components": {"schemas": ` + parts + `}}`,
	} {
		t.Run(name, func(t *testing.T) {
			var doc swaggerDoc
			if err := json.Unmarshal([]byte(body), &doc); err != nil {
				t.Fatal(err)
			}
			s := doc.schema()
			if !s.Entity("Customer") || s.Entity("Contact") || s.Entity("Nothing") {
				t.Error("Customer is the one entity")
			}
			if !s.Action("Customer", "Extend") || s.Action("Customer", "Release") {
				t.Error("Extend is the one action")
			}
			for path, want := range map[string]bool{
				"CustomerID": true, "MainContact/Email": true, "Contacts/Email": true, "custom/Document/CuryID": true,
				"Email": false, "MainContact/Phone1": false, "CustomerID/Email": false,
			} {
				if got := s.Field("Customer", path); got != want {
					t.Errorf("%s: %t, want %t", path, got, want)
				}
			}
		})
	}
}
