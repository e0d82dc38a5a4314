package acumaticatwin

import (
	"fmt"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// seed configures an empty tenant and adds the scenario.
func (t *Twin) seed(scenario string) error {
	t.st.Setup = defaultSetup()
	x := t.begin()
	x.seedMasters()
	x.seedPeriods()
	x.seedLedgers()
	if err := x.seedRates(t.o.Rates); err != nil {
		return fmt.Errorf("acumatica twin: %w", err)
	}
	if err := t.commit(x); err != nil {
		return err
	}
	err := fmt.Errorf("acumatica twin: scenario %q: want %s, %s or empty", scenario, SeedQuick, SeedYear)
	switch scenario {
	case "", "empty":
		err = nil
	case SeedQuick:
		err = t.seedQuick()
	case SeedYear:
		err = t.seedYear()
	}
	if err != nil {
		return err
	}
	if err := t.seedDocuments(t.o.Documents); err != nil || scenario != SeedYear {
		return err
	}
	return t.closeBooks()
}

// row adds a record of a read-only entity.
func (x *tx) row(entityName string, pairs ...string) *record {
	r := x.line(pairs...)
	r.touch(x.now)
	x.save(entityName, r)
	return r
}

func (x *tx) line(pairs ...string) *record {
	r := newRecord(x.newID())
	r.Fields = make(map[string]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		r.setDefault(pairs[i], pairs[i+1])
	}
	return r
}

func (x *tx) seedMasters() {
	for _, c := range [][4]string{
		{"USD", "US Dollar", "$", "2"},
		{"EUR", "Euro", "€", "2"},
		{"GBP", "Pound Sterling", "£", "2"},
		{"CHF", "Swiss Franc", "Fr", "2"},
		{"CAD", "Canadian Dollar", "$", "2"},
		{"JPY", "Japanese Yen", "¥", "0"},
		{"KWD", "Kuwaiti Dinar", "KD", "3"},
	} {
		x.row(entityCurrency, "CurrencyID", c[0], "Description", c[1], "CurrencySymbol", c[2], "DecimalPrecision", c[3],
			"Active", "true", "UseForAccounting", "true")
	}
	for i, a := range [][5]string{
		{"10200", "Operating bank account", "Asset", "true", "USD"},
		{"10201", "Bank account in euros", "Asset", "true", "EUR"},
		{"10250", "Stripe clearing USD", "Asset", "true", "USD"},
		{"10251", "Stripe clearing EUR", "Asset", "true", "EUR"},
		{accountAR, "Accounts receivable", "Asset", "false", ""},
		{accountTax, "Sales tax payable", "Liability", "false", ""},
		{accountPrepayment, "Customer prepayments", "Liability", "false", ""},
		{accountSales, "Sales", "Income", "false", ""},
		{accountFees, "Processing fees", "Expense", "false", ""},
		{accountFreight, "Freight charged", "Income", "false", ""},
		{accountDiscount, "Sales discounts", "Income", "false", ""},
		{accountGain, "Realized exchange gain", "Income", "false", ""},
		{accountLoss, "Realized exchange loss", "Expense", "false", ""},
		{accountRounding, "Rounding gain and loss", "Expense", "false", ""},
		{"10252", "Stripe clearing GBP", "Asset", "true", "GBP"},
		{"10202", "Bank account in pounds", "Asset", "true", "GBP"},
		{"10253", "Stripe clearing CHF", "Asset", "true", "CHF"},
		{"10254", "Stripe clearing CAD", "Asset", "true", "CAD"},
		{"10255", "Stripe clearing JPY", "Asset", "true", "JPY"},
	} {
		x.row(entityAccount, "AccountCD", a[0], "AccountID", strconv.Itoa(100+i), "Description", a[1], "Type", a[2], "CashAccount", a[3],
			"CurrencyID", a[4], "Active", "true", "PostOption", "Detail", "RequireUnits", "false", "Secured", "false")
	}
	x.seedSettlementAccounts()
	for _, m := range [][]string{
		{
			SeedPaymentMethod, "Paid through Stripe", SeedCashAccountUSD, SeedCashAccountEUR, SeedCashAccountGBP,
			SeedCashAccountCHF, SeedCashAccountCAD, SeedCashAccountJPY,
		},
		{SeedCheckMethod, "Check", SeedBankCashAccount, SeedBankCashAccountEUR, SeedBankCashAccountGBP},
	} {
		r := x.row(entityMethod, "PaymentMethodID", m[0], "Description", m[1], "Active", "true", "MeansOfPayment", "Cash/Check",
			"IntegratedProcessing", "false", "UseInAR", "true", "UseInAP", "false", "UseInPR", "false")
		for _, account := range m[2:] {
			r.Many["AllowedCashAccounts"] = append(r.Many["AllowedCashAccounts"], x.allowed(m[0], account))
		}
	}
}

// allowed lets a payment method use a cash account in the receivables.
func (x *tx) allowed(method, account string) *record {
	return x.line("CashAccount", account, "PaymentMethod", method, "Branch", SeedBranch,
		"Description", x.st.Setup.CashAccounts[account].Description, "UseInAR", "true", "UseInAP", "false",
		"UseInPR", "false", "ARDefault", "false", "APDefault", "false", "ARDefaultForRefund", "false")
}

// seedPeriods opens the months of last year, this year and next year.
func (x *tx) seedPeriods() {
	for year := x.now.Year() - 1; year <= x.now.Year()+1; year++ {
		r := x.row(entityPeriod, "FinancialYear", strconv.Itoa(year), "NbrOfPeriods", "12",
			"StartDate", fmt.Sprintf("%d-01-01", year), "UserDefinedPeriods", "false")
		for month := time.January; month <= time.December; month++ {
			start := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
			end := start.AddDate(0, 1, -1)
			r.Many["Details"] = append(r.Many["Details"], x.line("FinancialPeriodID", start.Format("01-2006"), "PeriodNbr", start.Format("01"),
				"StartDate", start.Format(dayLayout), "EndDate", end.Format(dayLayout), "LengthInDays", strconv.Itoa(end.Day()),
				"Description", month.String(), "Status", periodOpen, "AdjustmentPeriod", "false", "ClosedInAP", "false", "ClosedInAR", "false",
				"ClosedInCA", "false", "ClosedInFA", "false", "ClosedInIN", "false"))
		}
	}
}

// seedRates gives the foreign currencies, except the dinar, a rate from the
// first open day on, and adds those of the caller.
func (x *tx) seedRates(more []Rate) error {
	first := fmt.Sprintf("%d-01-01", x.now.Year()-1)
	rates := []Rate{
		{Currency: "EUR", Date: first, Rate: decimal.New(108, -2)},
		{Currency: "GBP", Date: first, Rate: decimal.New(127, -2)},
		{Currency: "JPY", Date: first, Rate: decimal.New(67, -4)},
		{Currency: "CHF", Date: first, Rate: decimal.New(113, -2)},
		{Currency: "CAD", Date: first, Rate: decimal.New(74, -2)},
	}
	for _, r := range append(rates, more...) {
		if err := x.setRate(r); err != nil {
			return err
		}
	}
	return nil
}

// price is a decimal constant of the seed in hundredths.
func price(hundredths int64) decimal.Decimal { return decimal.New(hundredths, -2) }

func item(text string, qty, hundredths int64) InvoiceLine {
	return InvoiceLine{Description: text, Qty: decimal.New(qty, 0), UnitPrice: price(hundredths)}
}

func taxedItem(text string, qty, hundredths int64) InvoiceLine {
	l := item(text, qty, hundredths)
	l.Taxable = true
	return l
}

// seedQuick adds four customers and six open invoices: one with tax, one with
// a discount line, one in euros.
func (t *Twin) seedQuick() error {
	ids := make([]string, 0, 4)
	for _, c := range []Customer{
		{
			Name: "Harbor & Pine Furnishings LLC", Email: "accounts@harborpine.example", Phone: "+1 207 555 0142", TaxZone: SeedTaxZone,
			Address: Address{Line1: "410 Mercer Street", Line2: "Floor 3", City: "New York", State: "NY", PostalCode: "10012", Country: "US"},
		},
		{
			Name: "Sierra Trail Outfitters Inc.", Email: "ap@sierratrail.example", Phone: "+1 530 555 0177", Terms: "NET15",
			Address: Address{Line1: "88 Donner Pass Road", City: "Truckee", State: "CA", PostalCode: "96161", Country: "US"},
		},
		{
			Name: "Brouwerij De Gouden Sleutel BV", Email: "boekhouding@goudensleutel.example", Phone: "+31 20 555 0133",
			Address: Address{Line1: "Prinsengracht 263", City: "Amsterdam", PostalCode: "1016 GV", Country: "NL"},
		},
		{
			Name: "Schäfer & Söhne Feinmechanik GmbH", Email: "buchhaltung@schaefer-feinmechanik.example", Phone: "+49 711 5550 166", Currency: "EUR",
			Address: Address{Line1: "Königstraße 28", City: "Stuttgart", PostalCode: "70173", Country: "DE"},
		},
	} {
		id, err := t.addCustomer(c)
		if err != nil {
			return fmt.Errorf("seed customer %s: %w", c.Name, err)
		}
		ids = append(ids, id)
	}
	return t.seedInvoices(ids)
}

func (t *Twin) seedInvoices(customers []string) error {
	for i, v := range []Invoice{
		{CustomerID: customers[0], CustomerOrder: "PO-88121", Description: "Showroom lighting", Lines: []InvoiceLine{
			taxedItem("Pendant lamp, brushed brass", 4, 18_950), taxedItem("Dimmer module", 4, 3_425), item("Installation, per hour", 3, 9_500),
		}},
		{CustomerID: customers[1], CustomerOrder: "STO-2291", Description: "Spring stock", Lines: []InvoiceLine{
			item("Trail backpack 45 l", 12, 8_499), item("Titanium mug", 40, 1_150), item("Volume discount", 1, -7_500),
		}},
		{CustomerID: customers[2], CustomerOrder: "INK-0457", Description: "Brewing equipment rental", Lines: []InvoiceLine{
			item("Bright tank rental, month", 2, 42_000), item("Delivery to Amsterdam", 1, 18_500),
		}},
		{CustomerID: customers[3], CustomerOrder: "B-2207/14", Description: "Messuhren und Kalibrierung", Lines: []InvoiceLine{
			item("Messuhr 0,01 mm", 6, 7_490), item("Kalibrierschein DAkkS", 6, 3_850),
		}},
		{CustomerID: customers[1], CustomerOrder: "STO-2304", Description: "Repair parts", Lines: []InvoiceLine{
			item("Buckle set", 25, 399), item("Tent pole section", 10, 1_275),
		}},
		{CustomerID: customers[0], CustomerOrder: "PO-88140", Description: "Design consultation", Lines: []InvoiceLine{
			item("Consultation, per hour", 5, 14_000), item("Material samples", 1, 6_250),
		}},
	} {
		v.Date = t.now().UTC().AddDate(0, 0, 2*i-12).Format(dayLayout)
		if _, err := t.addInvoice(v); err != nil {
			return fmt.Errorf("seed invoice %s: %w", v.CustomerOrder, err)
		}
	}
	return nil
}
