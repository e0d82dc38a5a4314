package acumatica

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"millrace/internal/fault"
)

// A Schema is what an endpoint says of itself: its entities, their fields and
// their actions.
type Schema struct {
	parts   map[string]map[string]string // fields by schema, with the schema behind each
	actions map[string]bool              // "Payment/ReleasePayment"
}

// swaggerDoc has what is needed of both forms. Acumatica: Swagger 2.0 up to
// 23.200.001, OpenAPI 3 from 24.200.001 on.
type swaggerDoc struct {
	Paths       map[string]json.RawMessage `json:"paths"`
	Definitions map[string]swaggerPart     `json:"definitions"`
	Components  struct {
		Schemas map[string]swaggerPart `json:"schemas"`
	} `json:"components"`
}

type swaggerPart struct {
	Ref        string                 `json:"$ref"`
	Items      *swaggerPart           `json:"items"`
	AllOf      []swaggerPart          `json:"allOf"`
	Properties map[string]swaggerPart `json:"properties"`
}

// Schema reads what the configured endpoint consists of.
func (c *Client) Schema(ctx context.Context) (*Schema, error) {
	res, err := c.do(ctx, request{method: http.MethodGet, path: c.root + "/swagger.json"})
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	var doc swaggerDoc
	if err := json.Unmarshal(bytes.TrimPrefix(res.body, []byte("\ufeff")), &doc); err != nil {
		return nil, fmt.Errorf("schema: %w", fault.Newf("acumatica.endpoint", "swagger.json: %w", err))
	}
	return doc.schema(), nil
}

func (doc *swaggerDoc) schema() *Schema {
	s := &Schema{parts: map[string]map[string]string{}, actions: map[string]bool{}}
	for _, defs := range []map[string]swaggerPart{doc.Definitions, doc.Components.Schemas} {
		for name, p := range defs {
			fields := map[string]string{}
			p.fields(fields)
			s.parts[name] = fields
		}
	}
	for path := range doc.Paths {
		s.actions[strings.Trim(path, "/")] = true
	}
	return s
}

// fields adds the properties of a part, and of what it is made of.
func (p swaggerPart) fields(into map[string]string) {
	for name, f := range p.Properties {
		into[name] = f.target()
	}
	for _, a := range p.AllOf {
		a.fields(into)
	}
}

// target is the schema that a property refers to; of a list, that of its rows.
func (p swaggerPart) target() string {
	if p.Items != nil {
		return p.Items.target()
	}
	return p.Ref[strings.LastIndexByte(p.Ref, '/')+1:]
}

// Entity reports that the endpoint has it.
func (s *Schema) Entity(name string) bool { return s.actions[name] && s.parts[name] != nil }

// Action reports that an entity has the action.
func (s *Schema) Action(entity, action string) bool { return s.actions[entity+"/"+action] }

// Field reports that an entity has the field: "Balance", or below a linked
// entity or a detail array "MainContact/Address/City". What every record has is
// not told apart.
func (s *Schema) Field(entity, path string) bool {
	at := entity
	for step := range strings.SplitSeq(path, "/") {
		if step == "id" || step == "note" || step == "custom" || step == "files" {
			return true
		}
		next, ok := s.parts[at][step]
		if !ok {
			return false
		}
		at = next
	}
	return true
}
