package trace

import (
	"maps"
	"slices"
	"strings"

	"millrace/internal/fault"
)

// A sets is a union-find over ids.
type sets map[string]string

func (s sets) find(id string) string {
	if _, ok := s[id]; !ok {
		s[id] = id
	}
	for s[id] != id {
		s[id] = s[s[id]]
		id = s[id]
	}
	return id
}

func (s sets) join(ids ...string) {
	for _, id := range ids {
		s[s.find(id)] = s.find(ids[0])
	}
}

// pick returns the entries of the story that id belongs to, out of those of
// one connection: two tenants count their documents alike.
func pick(entries []Entry, id string) ([]Entry, error) {
	stories, customers := sets{}, sets{}
	for _, e := range entries {
		if len(e.ids) > 0 {
			stories.join(e.ids...)
		}
		if refs := customersOf(e); len(refs) > 0 {
			customers.join(refs...)
		}
	}
	for _, same := range []func(known string) bool{
		func(known string) bool { return known == id },
		func(known string) bool { return strings.EqualFold(known, id) },
		func(known string) bool { return strings.EqualFold(number(known), id) },
	} {
		roots, names := match(entries, stories, same)
		if len(roots) > 1 {
			return nil, fault.Newf("cli.ambiguous", "%q may be %s", id, strings.Join(names, " or "))
		}
		if len(roots) == 1 {
			return filter(entries, func(e Entry) bool {
				return len(e.ids) > 0 && roots[stories.find(e.ids[0])]
			}), nil
		}
	}
	roots := make(map[string]bool)
	for _, e := range entries {
		for _, c := range e.customers {
			if strings.EqualFold(c, id) {
				roots[customers.find(c)] = true
			}
		}
	}
	return filter(entries, func(e Entry) bool {
		return slices.ContainsFunc(e.customers, func(c string) bool { return roots[customers.find(c)] })
	}), nil
}

// match finds the stories with an id that is meant, and the full names of
// what was meant.
func match(entries []Entry, stories sets, same func(known string) bool) (roots map[string]bool, names []string) {
	roots = make(map[string]bool)
	found := make(map[string]bool)
	for _, e := range entries {
		for _, known := range e.ids {
			if same(known) {
				roots[stories.find(known)] = true
				found[`"`+known+`"`] = true
			}
		}
	}
	return roots, slices.Sorted(maps.Keys(found))
}

// number is the document number in "Payment 000004"; Acumatica's types may
// have spaces in them, its numbers have none.
func number(id string) string {
	i := strings.LastIndex(id, " ")
	if i < 0 || strings.Contains(id, "/") { // an intent's id holds a number as well
		return ""
	}
	return id[i+1:]
}

// customersOf lists the ids that one entry gives to its one customer, in both
// systems. The lane is one of them, except that a thing without a customer is
// its own lane.
func customersOf(e Entry) []string {
	return slices.DeleteFunc(slices.Clone(e.customers), func(c string) bool { return slices.Contains(e.ids, c) })
}

func filter(in []Entry, keep func(Entry) bool) []Entry {
	return slices.DeleteFunc(slices.Clone(in), func(e Entry) bool { return !keep(e) })
}
