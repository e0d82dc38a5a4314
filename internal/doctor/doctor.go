// Package doctor finds what would go wrong before anything does: what the API
// user of Acumatica cannot see or reach, what the key of Stripe may not read,
// and what the books name and Acumatica does not have. It only reads, one
// request at a time, and what it asks for is taken from the code and the flows
// that will ask for it.
//
// Choices where the public evidence is silent: rights to write and to run
// actions cannot be told without writing, so only their presence in the
// endpoint is checked; licence limits are in no header that is documented, so
// none are read; a gap in document numbers is a note, because deleted drafts
// leave gaps too; lines of receivables in the ledger are taken to name the
// customer by the number that its form has.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"millrace/internal/acumatica"
	"millrace/internal/config"
	"millrace/internal/fault"
	"millrace/internal/stripeapi"
	"millrace/transform/flow"
)

// State is how bad a finding is.
type State string

// The states of a finding. Only Wrong makes an installation unhealthy.
const (
	OK    State = "ok"
	Note  State = "note"
	Wrong State = "wrong"
)

// Finding is what one check came to.
type Finding struct {
	Connection string `json:"connection,omitempty"` // empty: of the installation
	System     string `json:"system"`               // "local", "stripe" or "acumatica"
	Check      string `json:"check"`
	State      State  `json:"state"`
	Detail     string `json:"detail"`
	Code       string `json:"code,omitempty"` // in the registry of package fault
	Hint       string `json:"hint,omitempty"`
}

// Options are one connection and how to reach it.
type Options struct {
	Connection config.Connection
	Stripe     *stripeapi.Client
	Acumatica  *acumatica.Client
	Flows      []*flow.Document
	Now        time.Time
	MaxSkew    time.Duration // by which a signed webhook may be off
}

// Examine makes all checks of a connection, Stripe first. It ends early only
// when ctx does.
func Examine(ctx context.Context, o Options) []Finding {
	s := &chart{connection: o.Connection.Name, system: "stripe"}
	(&stripeCheck{Options: o, chart: s}).run(ctx)
	a := &chart{connection: o.Connection.Name, system: "acumatica"}
	(&erpCheck{Options: o, chart: a}).run(ctx)
	return slices.Concat(s.findings, a.findings)
}

// Failure is the finding of a check that failed.
func Failure(system, check string, err error) Finding {
	f := fault.Of(err)
	return Finding{System: system, Check: check, State: Wrong, Detail: err.Error(), Code: f.Code, Hint: f.Hint}
}

// Count is how many of the findings are in the state.
func Count(list []Finding, s State) int {
	n := 0
	for _, f := range list {
		if f.State == s {
			n++
		}
	}
	return n
}

// chart gathers the findings about one system.
type chart struct {
	connection, system string
	findings           []Finding
}

func (c *chart) add(s State, check, code, format string, args ...any) {
	f := Finding{Connection: c.connection, System: c.system, Check: check, State: s, Detail: fmt.Sprintf(format, args...), Code: code}
	if known, ok := fault.Lookup(code); ok {
		f.Hint = known.Hint
	}
	c.findings = append(c.findings, f)
}

func (c *chart) ok(check, format string, args ...any) { c.add(OK, check, "", format, args...) }

// failed is a check whose read was refused: that read will be refused to
// everybody.
func (c *chart) failed(check string, err error) {
	f := Failure(c.system, check, err)
	f.Connection = c.connection
	c.findings = append(c.findings, f)
}

// untold is a check whose read was refused to the doctor alone.
func (c *chart) untold(check string, err error) {
	c.add(Note, check, "doctor.nothing_known", "%v", err)
}

// some are the first few of a list, for people.
func some(list []string) string {
	const most = 6
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}
