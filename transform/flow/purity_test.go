package flow

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestImportsArePure keeps clock, network, files and the bus out: whatever the
// engine imports is on this list, and each entry says what for.
func TestImportsArePure(t *testing.T) {
	allowed := map[string]string{
		"bytes": "", "cmp": "", "errors": "", "fmt": "", "maps": "", "slices": "", "strconv": "", "strings": "", "regexp": "", "reflect": "",
		"context":          "deadline of the caller",
		"crypto/sha256":    "input hash",
		"encoding/hex":     "input hash",
		"encoding/json":    "values and fields",
		"io":               "EOF of a decoder",
		"io/fs":            "documents are loaded from a file system that is given",
		"net/url":          "escaping of a text",
		"time":             "calendar of a given instant; see forbidden",
		"millrace/schemas": "intents", "millrace/internal/money": "", "millrace/internal/fault": "",
		"millrace/internal/ledger":  "which account stands for a name; pure itself",
		"github.com/expr-lang/expr": "", "github.com/expr-lang/expr/ast": "", "github.com/expr-lang/expr/file": "",
		"github.com/expr-lang/expr/types": "", "github.com/expr-lang/expr/vm": "",
		"github.com/shopspring/decimal": "",
		"github.com/goccy/go-yaml":      "", "github.com/goccy/go-yaml/ast": "", "github.com/goccy/go-yaml/parser": "",
	}
	forbidden := map[string]bool{
		"time.Now": true, "time.Since": true, "time.Until": true, "time.After": true, "time.Sleep": true, "time.Local": true,
		"time.NewTimer": true, "time.NewTicker": true, "time.Tick": true, "time.AfterFunc": true,
		"context.Background": true, "context.TODO": true, "context.WithTimeout": true, "context.WithDeadline": true,
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		files++
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			if _, ok := allowed[path]; !ok {
				t.Errorf("%s imports %s", e.Name(), path)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && forbidden[x.Name+"."+s.Sel.Name] {
					t.Errorf("%s uses %s.%s", e.Name(), x.Name, s.Sel.Name)
				}
			}
			return true
		})
	}
	if files == 0 {
		t.Fatal("no files")
	}
}
