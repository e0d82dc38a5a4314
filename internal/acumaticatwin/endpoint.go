package acumaticatwin

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// customVersion is the version of Default that the custom endpoint extends.
const customVersion = 24

// defaultVersions are the versions of Default that are served.
func defaultVersions() []string { return []string{"22.200.001", "23.200.001", "24.200.001"} }

// checkCustom checks the custom endpoint and puts its entities under the names
// that the caller wants.
func (t *Twin) checkCustom() error {
	name, version, _ := strings.Cut(t.o.CustomEndpoint, "/")
	valid := regexp.MustCompile(`^[A-Za-z_.][\w.]*/[\w.]+$`)
	if t.o.CustomEndpoint != "" && (!valid.MatchString(t.o.CustomEndpoint) || strings.EqualFold(name, "Default")) {
		return fmt.Errorf("acumatica twin: custom endpoint %q/%q: want Name/Version, and not Default", name, version)
	}
	for from, to := range t.o.CustomNames {
		e := t.cat[from]
		switch {
		case e == nil || e.on != onCustom:
			return fmt.Errorf("acumatica twin: custom name of %q: want CreditMemo, CashAccount or BankDeposit", from)
		case to == "" || t.cat[to] != nil:
			return fmt.Errorf("acumatica twin: custom name %q of %s: is empty or in use", to, from)
		}
		alias := *e
		alias.name, alias.table, alias.origin = to, e.stored(), from
		e.on = nowhere
		t.cat[to] = &alias
	}
	if t.o.CustomEndpoint == "" && len(t.o.CustomNames) > 0 {
		return errors.New("acumatica twin: custom names need a custom endpoint")
	}
	return nil
}

// endpointOf finds an endpoint; custom is the one of the tenant.
func (t *Twin) endpointOf(name, version string) (v int, custom, ok bool) {
	if t.o.CustomEndpoint != "" && strings.EqualFold(name+"/"+version, t.o.CustomEndpoint) {
		return customVersion, true, true
	}
	if !strings.EqualFold(name, "Default") {
		return 0, false, false
	}
	i := slices.Index(defaultVersions(), version)
	return 22 + i, false, i >= 0
}

// entityOf is the entity of that name on the endpoint of a call, or nil.
func (t *Twin) entityOf(c *call, name string) *entity {
	if e := t.cat[name]; e != nil && e.in(c.version, c.custom) {
		return e
	}
	return nil
}

// offered are the entities of the endpoint of a call, by name.
func (t *Twin) offered(c *call) []*entity {
	return slices.DeleteFunc(t.cat.sorted(), func(e *entity) bool { return !e.in(c.version, c.custom) })
}

// endpoints is GET /entity in the shape of newer builds, open to everybody.
// Acumatica: only who is signed in sees the tenant's own endpoints.
func (t *Twin) endpoints(c *call) reply {
	type row struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Href    string `json:"href"`
	}
	var answer struct {
		Version struct {
			Build    string `json:"acumaticaBuildVersion"`
			Database string `json:"databaseVersion"`
		} `json:"version"`
		Endpoints []row `json:"endpoints"`
	}
	answer.Version.Build = build
	answer.Version.Database = build
	for _, v := range defaultVersions() {
		answer.Endpoints = append(answer.Endpoints, row{Name: "Default", Version: v, Href: "/entity/Default/" + v + "/"})
	}
	if name, v, ok := strings.Cut(t.o.CustomEndpoint, "/"); ok && t.authenticate(c) == nil {
		answer.Endpoints = append(answer.Endpoints, row{Name: name, Version: v, Href: "/entity/" + name + "/" + v + "/"})
	}
	return jsonReply(http.StatusOK, answer)
}

// build is the ERP build that the twin claims to be.
const build = "24.200.0100"
