package acumaticatwin

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A tree holds the paths of $select or $expand. A nil tree selects all fields
// and expands nothing.
type tree map[string]tree

func (t tree) has(name string) bool { _, ok := t[name]; return ok }

// below is what is selected inside a part: everything unless paths say less.
func (t tree) below(name string) tree {
	if len(t[name]) == 0 {
		return nil
	}
	return t[name]
}

// options are the query parameters of a request.
type options struct {
	filter string
	sel    tree
	exp    tree
	custom []string // "View.Field", sorted
	files  bool
	top    int // -1 = all
	skip   int
}

// parseOptions reads the parameters. Acumatica: an unknown name in $select is
// a 500 with KeyNotFoundException, not a 400.
func parseOptions(q url.Values, e *entity, version int) (*options, *failure) {
	o := &options{filter: strings.TrimSpace(q.Get("$filter")), top: -1}
	for name, into := range map[string]*int{"$top": &o.top, "$skip": &o.skip} {
		text := q.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, badRequest(name, "A number that is not negative was expected.")
		}
		*into = n
	}
	if fail := o.parseExpand(q.Get("$expand"), e, version); fail != nil {
		return nil, fail
	}
	if fail := o.parseSelect(q.Get("$select"), e, version); fail != nil {
		return nil, fail
	}
	for _, name := range splitList(q.Get("$custom")) {
		if e.custom.field(name, version) == nil {
			return nil, keyNotFound()
		}
		o.custom = append(o.custom, name)
	}
	slices.Sort(o.custom)
	o.custom = slices.Compact(o.custom)
	return o, nil
}

func splitList(s string) []string {
	var names []string
	for name := range strings.SplitSeq(s, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// parseExpand takes a path only when its parent is listed too.
func (o *options) parseExpand(text string, e *entity, version int) *failure {
	paths := splitList(text)
	slices.SortFunc(paths, func(a, b string) int { return strings.Count(a, "/") - strings.Count(b, "/") })
	o.exp = tree{}
	for _, path := range paths {
		if path == "files" {
			o.files = true
			continue
		}
		s, into := &e.shape, o.exp
		steps := strings.Split(path, "/")
		for i, step := range steps {
			pt := s.part(step, version)
			if pt == nil {
				return keyNotFound()
			}
			last := i == len(steps)-1
			if last && into[step] == nil {
				into[step] = tree{}
			}
			if into[step] == nil {
				break // the parent is not listed
			}
			into, s = into[step], &pt.shape
		}
	}
	return nil
}

func (o *options) parseSelect(text string, e *entity, version int) *failure {
	for _, path := range splitList(text) {
		if o.sel == nil {
			o.sel = tree{}
		}
		if path == "files" || path == "id" || path == "note" || path == "rowNumber" {
			continue
		}
		s, into := &e.shape, o.sel
		steps := strings.Split(path, "/")
		for i, step := range steps {
			if into[step] == nil {
				into[step] = tree{}
			}
			into = into[step]
			if i == len(steps)-1 && s.field(step, version) != nil {
				break
			}
			pt := s.part(step, version)
			if pt == nil {
				return keyNotFound()
			}
			s = &pt.shape
		}
	}
	return nil
}

// optimize fails a list that would need a view with a delegate. Acumatica:
// contract version 4 turns a list into one statement or refuses.
func (o *options) optimize(e *entity, version int) *failure {
	for i := range e.shape.parts {
		pt := &e.shape.parts[i]
		if pt.view == "" || !o.exp.has(pt.name) {
			continue
		}
		var b strings.Builder
		b.WriteString("Optimization cannot be performed.The following fields cause the error:\r\n")
		selected := o.sel.below(pt.name)
		for _, f := range pt.shape.fields {
			if f.since <= version && (selected == nil || selected.has(f.name)) {
				b.WriteString(f.name + ": View " + pt.view + " has BQL delegate\r\n")
			}
		}
		return exception("PX.Api.ContractBased.OptimizedExport.CannotOptimizeException", "%s", b.String())
	}
	return nil
}

// precondition checks If-None-Match and If-Match, which know only "*".
func precondition(h http.Header, exists bool) *failure {
	switch {
	case h.Get("If-None-Match") == "*" && exists:
		return plain(http.StatusPreconditionFailed, "The record already exists.")
	case h.Get("If-Match") == "*" && !exists:
		return plain(http.StatusPreconditionFailed, "The record does not exist.")
	}
	return nil
}
