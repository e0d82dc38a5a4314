package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"millrace/internal/fault"
)

var (
	madeCode = regexp.MustCompile(`fault\.Newf?\(\s*"([^"]+)"`)
	flowCode = regexp.MustCompile(`code:\s*"?([a-z_]+\.[a-z_]+)`)
	anyCode  = regexp.MustCompile(`"([a-z_]+\.[a-z_]+)"`)
)

// TestEveryErrorCodeIsRegisteredAndUsed: an unregistered code would panic when
// it is needed; an unused one is documented but never seen.
func TestEveryErrorCodeIsRegisteredAndUsed(t *testing.T) {
	made, mentioned := map[string]string{}, map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := source(path)
		if err != nil || text == "" {
			return err
		}
		for _, m := range slices.Concat(madeCode.FindAllStringSubmatch(text, -1), flowCode.FindAllStringSubmatch(text, -1)) {
			made[m[1]], mentioned[m[1]] = path, true
		}
		for _, m := range anyCode.FindAllStringSubmatch(text, -1) {
			mentioned[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for code, path := range made {
		if _, ok := fault.Lookup(code); !ok {
			t.Errorf("%s makes %s, which is not registered", path, code)
		}
	}
	seen := map[string]bool{}
	for _, c := range fault.Codes() {
		if seen[c.Code] {
			t.Errorf("%s is registered twice", c.Code)
		}
		seen[c.Code] = true
		if !mentioned[c.Code] {
			t.Errorf("%s is registered but nothing makes it", c.Code)
		}
		if c.Meaning == "" || c.Hint == "" {
			t.Errorf("%s needs a meaning and a hint", c.Code)
		}
	}
}

// source returns the text of a Go file or flow document that can make errors;
// empty for everything else.
func source(path string) (string, error) {
	slash := filepath.ToSlash(path)
	goFile := strings.HasSuffix(slash, ".go") && !strings.HasSuffix(slash, "_test.go")
	flow := strings.Contains(slash, "/transform/flows/") && strings.HasSuffix(slash, ".yaml")
	if !goFile && !flow || strings.Contains(slash, "/internal/fault/code_") {
		return "", nil
	}
	data, err := os.ReadFile(path)
	return string(data), err
}
