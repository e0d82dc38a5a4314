package acumaticatwin

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// A region is where customers of the seed live.
type region struct {
	country, currency, city, state, postal, street, phone string
	forms                                                 []string // of companies
}

func seedRegions() []region {
	return []region{
		{"US", "USD", "New York", "NY", "10%03d", "%d Mercer Street", "+1 212 555 0%03d", []string{"Inc.", "LLC"}},
		{"US", "USD", "Portland", "OR", "97%03d", "%d Alder Street", "+1 503 555 0%03d", []string{"Inc.", "Co."}},
		{"US", "USD", "Chicago", "IL", "60%03d", "%d Halsted Street", "+1 312 555 0%03d", []string{"LLC", "Corp."}},
		{"DE", "EUR", "Stuttgart", "", "70%03d", "Königstraße %d", "+49 711 5550 %03d", []string{"GmbH", "AG"}},
		{"NL", "EUR", "Utrecht", "", "3%03d AB", "Oudegracht %d", "+31 30 555 0%03d", []string{"BV"}},
		{"FR", "EUR", "Lyon", "", "69%03d", "%d rue de la République", "+33 4 55 50 0%03d", []string{"SARL", "SA"}},
		{"GB", "GBP", "Leeds", "", "LS1 %dXY", "%d Boar Lane", "+44 113 496 0%03d", []string{"Ltd", "plc"}},
		{"US", "USD", "Austin", "TX", "78%03d", "%d Congress Avenue", "+1 512 555 0%03d", []string{"Inc.", "LLC"}},
	}
}

func seedWords() (first, second []string) {
	return strings.Fields(`Harbor Alder Northgate Silver Copper Juniper Meridian Granite Lakeside Beacon Orchard Summit Willow Falcon
			Ember Cobalt Cedar Prairie Atlas Linden`),
		strings.Fields(`Furnishings Outfitters Instruments Lighting Supply Textiles Ceramics Foods Logistics Robotics Printing Optics Tools
			Interiors Bicycles Paper`)
}

func seedGoods() []ware {
	return []ware{
		{"LAMP-PEND", "Pendant lamp, brushed brass", 18_950, true, true},
		{"LAMP-DESK", "Desk lamp with dimmer", 7_900, true, true},
		{"CABLE-3M", "Textile cable, 3 m", 1_425, true, true},
		{"SHADE-LIN", "Linen shade, 40 cm", 3_675, true, true},
		{"CHAIR-OAK", "Oak chair", 14_200, true, true},
		{"TABLE-OAK", "Oak table, 180 cm", 89_000, true, true},
		{"SHELF-STL", "Steel shelf, five boards", 21_950, true, true},
		{"BOX-ARCH", "Archive box, ten pieces", 2_390, true, true},
		{"INSTALL", "Installation, per hour", 9_500, false, false},
		{"CONSULT", "Design consultation, per hour", 14_000, false, false},
		{"DELIVERY", "Delivery and unpacking", 6_800, false, false},
		{"SERVICE", "Maintenance visit", 12_500, false, false},
	}
}

// seedItems adds the goods as stock and non-stock items.
func (s *trade) seedItems() error {
	s.goods, s.tx = seedGoods(), s.t.begin()
	for _, g := range s.goods {
		name, category := entityNonStockItem, ""
		if g.stock {
			name = entityStockItem
		}
		if g.taxed {
			category = SeedTaxCategory
		}
		p := newPatch("InventoryID", g.id, "Description", g.text, "DefaultPrice", decimal.New(g.price, -2).String(), "TaxCategory", category)
		if s.tx.byKey(name, g.id) != nil {
			continue // a scenario added it
		}
		if _, err := s.make(name, nil, p); err != nil {
			return fmt.Errorf("seed item %s: %w", g.id, err)
		}
	}
	s.tx.apply()
	s.documents = 0
	return nil
}

// seedBuyers adds customers in several countries, those in a currency without
// a bank account left out.
func (s *trade) seedBuyers(count int) error {
	first, second := seedWords()
	var places []region
	for _, p := range seedRegions() {
		if s.banks[p.currency] != "" {
			places = append(places, p)
		}
	}
	terms := []string{"NET30", "NET30", "NET15", "DUE"}
	for i := range count {
		p, word := places[i%len(places)], first[i%len(first)]
		name := word + " " + second[(i/len(first)+i)%len(second)]
		if round := i / (len(first) * len(second)); round > 0 {
			name += " " + strconv.Itoa(round+1)
		}
		b := buyer{
			currency: p.currency, code: strings.ToUpper(word[:3]) + strconv.Itoa(i+1), taxed: p.state == "NY",
			late: s.rand.IntN(12) - 3, size: 4 + s.rand.Int64N(30),
		}
		c := Customer{
			Name: name + " " + p.forms[i%len(p.forms)], Email: "ap@" + strings.ToLower(strings.ReplaceAll(name, " ", "-")) + ".example",
			Phone: fmt.Sprintf(p.phone, i%1000), Currency: p.currency, Terms: terms[s.rand.IntN(len(terms))],
			Address: Address{
				Line1: fmt.Sprintf(p.street, 1+s.rand.IntN(400)), City: p.city, State: p.state, Country: p.country,
				PostalCode: fmt.Sprintf(p.postal, s.rand.IntN(9)),
			},
		}
		if b.taxed {
			c.TaxZone = SeedTaxZone
		}
		b.terms = s.t.st.Setup.Terms[c.Terms]
		err := s.at(0, 0, 1, func() error {
			r, err := s.make(entityCustomer, nil, c.patch())
			if err == nil {
				b.id = r.get("CustomerID")
			}
			return err
		})
		if err != nil {
			return err
		}
		s.buyers = append(s.buyers, b)
	}
	s.documents = 0
	return nil
}
