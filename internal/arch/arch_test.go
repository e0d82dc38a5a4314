// Package arch holds the test that keeps the import graph a layered one.
package arch

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "millrace/"

// layers: the longest matching prefix counts. A package may import strictly
// lower layers, and its own folder; imports across folders of one layer are
// refused.
var layers = map[string]int{
	"schemas":             0,
	"internal/money":      0,
	"internal/fault":      0,
	"internal/calls":      0,
	"internal/fence":      0,
	"internal/stripespec": 0,

	"internal/bus":         1,
	"internal/acumatica":   1,
	"internal/ledger":      1,
	"internal/journalfile": 1,
	"internal/twinfault":   1,

	"internal/config":        2,
	"internal/stripeapi":     2,
	"internal/budget":        2,
	"internal/link":          2,
	"internal/trace":         2,
	"internal/posting":       2,
	"internal/embednats":     2,
	"internal/stripetwin":    2,
	"internal/acumaticatwin": 2,

	"internal/basis":     3,
	"internal/service":   3,
	"internal/reconcile": 3,

	"internal/bustest":  4,
	"internal/sinktest": 4,

	"ingest":           4,
	"source-acumatica": 4,
	"transform":        4,
	"sink-acumatica":   4,
	"sink-stripe":      4,

	"internal/doctor":   5,
	"internal/simulate": 5,

	"cmd":           6,
	"e2e":           6,
	"bench":         6,
	"internal/arch": 6,
}

// only lists imports that just some packages may have: each library behind
// one seam, no embedded server in a service, nothing that knows of a twin.
var only = map[string][]string{
	"github.com/nats-io/nats.go":        {"internal/bus"},
	"github.com/nats-io/nats-server/v2": {"internal/embednats"},
	"github.com/stripe/stripe-go/v76":   {"internal/stripeapi"},
	"github.com/spf13/cobra":            {"cmd"},
	"millrace/internal/embednats":       {"cmd", "e2e", "bench", "internal/bustest", "internal/simulate"},
	"millrace/internal/bustest":         {},
	"millrace/internal/sinktest":        {},
	"millrace/internal/twinfault":       {"internal/stripetwin", "internal/acumaticatwin", "internal/simulate", "internal/sinktest", "cmd"},
	"millrace/internal/stripespec":      {},
	"github.com/stripe/stripe-mock":     {"internal/stripespec"},
	"millrace/internal/stripetwin":      {"cmd", "e2e", "internal/simulate", "internal/sinktest"},
	"millrace/internal/acumaticatwin":   {"cmd", "e2e", "internal/simulate", "internal/sinktest"},
}

func layerOf(path string) (folder string, n int, ok bool) {
	for p, l := range layers {
		if within(path, p) && len(p) > len(folder) {
			folder, n, ok = p, l, true
		}
	}
	return folder, n, ok
}

func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

func TestImportsPointDown(t *testing.T) {
	for pkg, imports := range graph(t) {
		from, fl, ok := layerOf(pkg)
		if !ok {
			t.Errorf("%s: add it to a layer", pkg)
			continue
		}
		for _, imp := range imports {
			dep, ours := strings.CutPrefix(imp, module)
			if !ours {
				continue
			}
			if to, tl, _ := layerOf(dep); from != to && tl >= fl {
				t.Errorf("%s (layer %d) may not import %s (layer %d)", pkg, fl, dep, tl)
			}
		}
	}
}

func TestSeamsAreKept(t *testing.T) {
	for pkg, imports := range graph(t) {
		for _, imp := range imports {
			for lib, owners := range only {
				if !within(imp, lib) || within(module+pkg, lib) {
					continue
				}
				allowed := false
				for _, o := range owners {
					allowed = allowed || within(pkg, o)
				}
				if !allowed {
					t.Errorf("%s may not import %s: only %v may", pkg, imp, owners)
				}
			}
		}
	}
}

// graph is the imports of every package of the module, tests left out.
func graph(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "../../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	g := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		g[strings.TrimPrefix(f[0], module)] = f[1:]
	}
	return g
}
