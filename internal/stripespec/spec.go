// Package stripespec holds Stripe's own description of API version 2023-10-16
// against what a test sees: whatever answers like Stripe must answer with what
// the description allows, and Stripe's own mock must accept whatever is sent.
// The description is the one inside Stripe's mock server; only tests import
// this package.
package stripespec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/stripe/stripe-mock/embedded"
)

// A schema is the part of JSON schema that Stripe's description uses.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	AnyOf      []*schema          `json:"anyOf"`
	Enum       []any              `json:"enum"`
	Items      *schema            `json:"items"`
	Nullable   bool               `json:"nullable"`
	MaxLength  int                `json:"maxLength"`
	Additional json.RawMessage    `json:"additionalProperties"` // absent, a boolean or a schema
	Expansion  json.RawMessage    `json:"x-expansionResources"` // there when an id can be expanded
}

type content map[string]struct {
	Schema *schema `json:"schema"`
}

type operation struct {
	Responses map[string]struct {
		Content content `json:"content"`
	} `json:"responses"`
}

// An endpoint is one operation with its path cut into segments.
type endpoint struct {
	method   string
	segments []string
	operation
}

type document struct {
	Info struct {
		Version string `json:"version"`
	} `json:"info"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
	Paths map[string]map[string]operation `json:"paths"`

	endpoints []endpoint
}

var load = sync.OnceValue(func() *document {
	d := &document{}
	if err := json.Unmarshal(embedded.OpenAPISpec, d); err != nil {
		panic("stripespec: " + err.Error()) // impossible: the module's content is fixed by go.sum
	}
	for path, methods := range d.Paths {
		for method, op := range methods {
			d.endpoints = append(d.endpoints, endpoint{strings.ToUpper(method), strings.Split(path, "/"), op})
		}
	}
	return d
})

// find returns the endpoint behind a request; a literal segment is nearer than
// a parameter, so that /v1/customers/search is no customer.
func (d *document) find(method, path string) (endpoint, bool) {
	segments := strings.Split(path, "/")
	best, found, literals := endpoint{}, false, -1
	for _, e := range d.endpoints {
		if e.method != method || len(e.segments) != len(segments) {
			continue
		}
		n, match := 0, true
		for i, s := range e.segments {
			switch {
			case s == segments[i]:
				n++
			case !strings.HasPrefix(s, "{"):
				match = false
			}
		}
		if match && n > literals {
			best, found, literals = e, true, n
		}
	}
	return best, found
}

// answer is the schema of an answer with the status.
func (d *document) answer(method, path string, status int) (*schema, error) {
	if status >= 400 {
		return d.Components.Schemas["error"], nil
	}
	e, found := d.find(method, path)
	if !found {
		return nil, fmt.Errorf("%s %s is not in the description", method, path)
	}
	s := e.Responses["200"].Content["application/json"].Schema
	if s == nil {
		return nil, fmt.Errorf("%s %s has no answer in the description", method, path)
	}
	return s, nil
}

// resolve follows a reference and returns the name that it had.
func (d *document) resolve(s *schema) (*schema, string) {
	name := ""
	for s.Ref != "" {
		name = strings.TrimPrefix(s.Ref, "#/components/schemas/")
		s = d.Components.Schemas[name]
	}
	return s, name
}

// Expandable returns the members of a kind of object that are ids of others
// and can be expanded, sorted; none for a kind that the description lacks.
func Expandable(kind string) []string {
	s := load().Components.Schemas[kind]
	if s == nil {
		return nil
	}
	var out []string
	for name, p := range s.Properties {
		if p.Expansion != nil || p.Items != nil && p.Items.Expansion != nil {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
