package acumaticatwin

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A swaggerSchema is one node of the published endpoint definition.
type swaggerSchema struct {
	Ref        string                    `json:"$ref"`
	AllOf      []swaggerSchema           `json:"allOf"`
	Type       string                    `json:"type"`
	Items      *swaggerSchema            `json:"items"`
	Properties map[string]*swaggerSchema `json:"properties"`
}

func (s *swaggerSchema) refName() string { return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:] }

// A published contract is the swagger file of one version.
type published struct {
	Swagger string `json:"swagger"`
	OpenAPI string `json:"openapi"`
	Info    struct {
		Title   string `json:"title"`
		Version string `json:"version"`
	} `json:"info"`
	Definitions map[string]*swaggerSchema `json:"definitions"`
	Components  struct {
		Schemas map[string]*swaggerSchema `json:"schemas"`
	} `json:"components"`
	Paths map[string]json.RawMessage `json:"paths"`
}

// reference opens a file of the reference folder; it skips the test where the
// folder is absent, as on a fresh clone.
func reference(t *testing.T, names ...string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(append([]string{referenceFolder(t)}, names...)...))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the reference folder is not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// referenceFiles lists a folder of the reference; it skips the test likewise.
func referenceFiles(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(referenceFolder(t), folder))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the reference folder is not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// referenceFolder is beside the repository.
func referenceFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Skip("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	return filepath.Join(dir, "..", "shared", "reference", "acumatica")
}

func contract(t *testing.T, version int) *published {
	t.Helper()
	var p published
	if err := json.Unmarshal(reference(t, fmt.Sprintf("acumatica-swagger-%d.200.001.json", version)), &p); err != nil {
		t.Fatal(err)
	}
	if p.Definitions == nil {
		p.Definitions = p.Components.Schemas
	}
	return &p
}

// properties are the fields and parts of an entity, without its envelope.
func (p *published) properties(name string) map[string]*swaggerSchema {
	s := p.Definitions[name]
	if s == nil {
		return nil
	}
	all := map[string]*swaggerSchema{}
	maps.Copy(all, s.Properties)
	for _, part := range s.AllOf {
		maps.Copy(all, part.Properties)
	}
	return all
}

// wireKinds maps the value types of the contract to ours.
func wireKinds(name string) []kind {
	switch name {
	case "StringValue":
		return []kind{textKind}
	case "DecimalValue", "DoubleValue":
		return []kind{decimalKind}
	case "BooleanValue":
		return []kind{boolKind}
	case "IntValue", "ShortValue", "LongValue", "ByteValue":
		return []kind{intKind}
	case "DateTimeValue":
		return []kind{stampKind, dateKind}
	case "GuidValue":
		return []kind{guidKind}
	}
	return nil
}

// shared are schemas that many entities of the contract use with few of their
// fields bound; what is not bound for an entity is left out here.
func shared(schema string) bool { return schema == "Contact" || schema == "Address" }

// compare lists what differs between a shape and its published schema.
func (p *published) compare(path string, s *shape, schema string, version int) []string {
	var diff []string
	theirs := p.properties(schema)
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		prop, at := theirs[name], path+"/"+name
		if shared(schema) && s.field(name, version) == nil && s.part(name, version) == nil {
			continue
		}
		if kinds := wireKinds(prop.refName()); kinds != nil {
			f := s.field(name, version)
			switch {
			case f == nil:
				diff = append(diff, at+": missing")
			case !slices.Contains(kinds, f.kind):
				diff = append(diff, at+": wrong type, published "+prop.refName())
			}
			continue
		}
		target, many := prop, prop.Type == "array"
		if many {
			target = prop.Items
		}
		pt := s.part(name, version)
		if pt == nil || pt.many != many {
			diff = append(diff, at+": missing part")
			continue
		}
		diff = append(diff, p.compare(at, &pt.shape, target.refName(), version)...)
	}
	for i := range s.fields {
		if f := &s.fields[i]; s.field(f.name, version) != nil && theirs[f.name] == nil {
			diff = append(diff, path+"/"+f.name+": not in the contract")
		}
	}
	for i := range s.parts {
		if pt := &s.parts[i]; s.part(pt.name, version) != nil && theirs[pt.name] == nil {
			diff = append(diff, path+"/"+pt.name+": part not in the contract")
		}
	}
	return diff
}

func TestFieldListsAreThePublishedOnes(t *testing.T) {
	cat, err := newCatalog(DefaultRefundLabel)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []int{22, 23, 24} {
		p := contract(t, version)
		for _, name := range slices.Sorted(maps.Keys(cat)) {
			if cat[name].on != everywhere {
				continue
			}
			t.Run(fmt.Sprintf("%d %s", version, name), func(t *testing.T) {
				if !cat[name].in(version, false) {
					if p.properties(name) != nil {
						t.Error("is an entity of this version")
					}
					return
				}
				if p.properties(name) == nil {
					t.Fatal("not an entity of this version")
				}
				for _, d := range p.compare(name, &cat[name].shape, name, version) {
					t.Error(d)
				}
				for _, a := range slices.Sorted(maps.Keys(cat[name].actions)) {
					since, known := contractActions()[name+"/"+a]
					if (known && since <= version) != (p.Paths["/"+name+"/"+a] != nil) {
						t.Errorf("action %s: published %t", a, p.Paths["/"+name+"/"+a] != nil)
					}
				}
			})
		}
	}
}
