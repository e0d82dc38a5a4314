package config

import (
	"maps"
	"regexp"
	"slices"
)

// customers checks how customers are shown. Which types of tax ids there are
// Stripe knows: it adds some every year.
func (v *validator) customers(path string, c Customers) {
	form := regexp.MustCompile(`^([a-z]{2}_[a-z_]+|none)$`)
	for i, field := range c.Match {
		if slices.Contains(c.Match[:i], field) {
			v.add(path+".match", "name each once", "%q is there twice", field)
		}
		if field != "email" && field != "name" {
			v.add(path+".match", "use email, name or both", "%q is not a choice", field)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.TaxIDs)) {
		kind := c.TaxIDs[name]
		switch {
		case !oneOf(countries, name):
			v.add(path+".tax_ids", "two upper-case letters, such as DE", "%q is not a country", name)
		case !form.MatchString(kind):
			v.add(path+".tax_ids."+name, "such as eu_vat, or none", "%q is not a type of tax id", kind)
		default:
			v.taxType(path+".tax_ids."+name, name, kind)
		}
	}
}
