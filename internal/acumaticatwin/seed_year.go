package acumaticatwin

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"
)

const (
	// SeedYear is a company after a year of trade: customers in several
	// countries and three currencies, items, invoices that were paid by check,
	// in part, or not, credit memos, a payment that bounced, and past periods
	// closed.
	SeedYear = "year"
	// MaxDocuments bounds Options.Documents.
	MaxDocuments = 1_000_000

	yearDocuments = 2_500
	yearBuyers    = 50
	// openMonths is how many months before this one are still open to the
	// receivables in a seeded year: the last one is being closed.
	openMonths = 1

	yearSeed, loadSeed = 1, 2 // of the random choices
)

func checkBanks() map[string]string {
	return map[string]string{"USD": SeedBankCashAccount, "EUR": SeedBankCashAccountEUR}
}

// seedYear adds the year's company.
func (t *Twin) seedYear() error {
	banks := checkBanks()
	banks["GBP"] = SeedBankCashAccountGBP
	x := t.begin()
	if err := x.seedMonthlyRates(); err != nil {
		return err
	}
	x.apply()
	return t.seedTrade(yearSeed, banks, yearBuyers, yearDocuments)
}

// closeBooks closes the periods that a company after a year of trade has
// closed.
func (t *Twin) closeBooks() error {
	month := t.now().UTC()
	month = time.Date(month.Year(), month.Month(), 1, 0, 0, 0, 0, time.UTC).AddDate(0, -openMonths-1, 0)
	for ; t.begin().period(month) != nil; month = month.AddDate(0, -1, 0) {
		if err := t.ClosePeriod(month.Format("2006-01")); err != nil {
			return err
		}
	}
	return nil
}

// seedDocuments adds so many documents at least.
func (t *Twin) seedDocuments(documents int) error {
	if documents <= 0 {
		return nil
	}
	return t.seedTrade(loadSeed, checkBanks(), min(max(documents/250, yearBuyers), 4000), documents)
}

func (t *Twin) seedTrade(seed uint64, banks map[string]string, buyers, documents int) error {
	s := t.newTrade(seed, banks)
	if err := s.seedItems(); err != nil {
		return err
	}
	if err := s.seedBuyers(buyers); err != nil {
		return err
	}
	return s.run(documents)
}

// seedMonthlyRates lets euro and pound move a little each month.
func (x *tx) seedMonthlyRates() error {
	month := time.Date(x.now.Year(), x.now.Month(), 1, 0, 0, 0, 0, time.UTC)
	for i := range int64(13) {
		for n, currency := range []string{"EUR", "GBP"} {
			swing := (i*37+int64(n))%11 - 5 // from -5 to +5 tenths of a cent
			rate := []int64{10_800, 12_700}[n] + 10*swing
			r := Rate{Currency: currency, Date: month.AddDate(0, -int(i), 0).Format(dayLayout), Rate: decimal.New(rate, -4)}
			if err := x.setRate(r); err != nil {
				return fmt.Errorf("seed: %w", err)
			}
		}
	}
	return nil
}
