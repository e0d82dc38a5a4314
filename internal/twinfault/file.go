package twinfault

import (
	"errors"
	"fmt"
	"io"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// LoadFaults reads a list of faults, or one, in YAML or JSON. A name that is
// not known is an error. Whether a twin understands the modes is found out
// when they are added.
func LoadFaults(r io.Reader) ([]Fault, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("faults: %w", err)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("faults: %w", err)
	}
	if len(file.Docs) > 1 {
		return nil, errors.New("faults: want one list, not several documents")
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, nil
	}
	var list []Fault
	body := file.Docs[0].Body
	if body.Type() == ast.MappingType {
		list = make([]Fault, 1)
		err = yaml.NodeToValue(body, &list[0], yaml.DisallowUnknownField())
	} else {
		err = yaml.NodeToValue(body, &list, yaml.DisallowUnknownField())
	}
	if err != nil {
		return nil, fmt.Errorf("faults: %w", err)
	}
	return list, nil
}
