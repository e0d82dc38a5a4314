package config

import (
	"maps"
	"regexp"
	"slices"
)

// customers checks how customers are shown. Which types of tax ids there are
// Stripe knows: it adds some every year.
func (v *validator) customers(path string, c Customers) {
	country, taxType := regexp.MustCompile(`^[A-Z]{2}$`), regexp.MustCompile(`^([a-z]{2}_[a-z_]+|none)$`)
	for _, field := range c.Match {
		if field != "email" && field != "name" {
			v.add(path+".match", "use email, name or both", "%q is not a choice", field)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.TaxIDs)) {
		if !country.MatchString(name) {
			v.add(path+".tax_ids", "two upper-case letters, such as DE", "%q is not a country", name)
		}
		if kind := c.TaxIDs[name]; !taxType.MatchString(kind) {
			v.add(path+".tax_ids."+name, "such as eu_vat, or none", "%q is not a type of tax id", kind)
		}
	}
}
