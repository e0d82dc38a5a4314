package acumaticatwin

import (
	"fmt"
	"slices"
	"time"
)

// Modules whose documents have a closing flag of their own; the general ledger
// goes by the status of the period.
const (
	moduleAR = "AR"
	moduleCA = "CA"
	moduleGL = "GL"
	modulePM = "PM"
)

const (
	periodOpen     = "Open"
	periodClosed   = "Closed"
	periodInactive = "Inactive"
)

// subledgers are the modules that ClosePeriod closes before the general ledger.
func subledgers() []string { return []string{moduleAR, moduleCA} }

// checkPeriod says why a document of the receivables may not have this date,
// or "".
func (x *tx) checkPeriod(day time.Time) string { return x.checkPeriodIn(moduleAR, day) }

// checkPeriodIn is checkPeriod for another module.
func (x *tx) checkPeriodIn(module string, day time.Time) string {
	p := x.period(day)
	if p == nil {
		return fmt.Sprintf("The financial period that corresponds to the %s date does not exist in the %s company.", day.Format("1/2/2006"), x.tenant)
	}
	return x.periodProblem(module, p)
}

func (x *tx) periodProblem(module string, p *record) string {
	switch {
	case p.get("Status") == periodInactive:
		return fmt.Sprintf("The %s financial period is inactive.", p.get("FinancialPeriodID"))
	case p.get("Status") != periodOpen, p.yes("ClosedIn" + module):
		return fmt.Sprintf("The %s financial period is closed in the %s company.", p.get("FinancialPeriodID"), x.tenant)
	}
	return ""
}

func (x *tx) period(day time.Time) *record {
	year := x.byKey(entityPeriod, day.Format("2006"))
	if year == nil {
		return nil
	}
	for _, p := range year.Many["Details"] {
		if !day.Before(p.day("StartDate")) && !day.After(p.day("EndDate")) {
			return p
		}
	}
	return nil
}

// ClosePeriod closes a month for all documents: "2026-01", "01-2026" or
// "012026". It fails when the period does not exist.
func (t *Twin) ClosePeriod(period string) error {
	return t.setPeriod(period, func(p *record) error {
		for _, module := range subledgers() {
			p.setBool("ClosedIn"+module, true)
		}
		p.set("Status", periodClosed)
		return nil
	})
}

// ClosePeriodIn closes a month in one module: "AR", "CA" or "GL". Acumatica:
// the general ledger closes last; it fails while another module is open.
func (t *Twin) ClosePeriodIn(period, module string) error {
	return t.setPeriod(period, func(p *record) error {
		if slices.Contains(subledgers(), module) {
			p.setBool("ClosedIn"+module, true)
			return nil
		}
		if module != moduleGL {
			return fmt.Errorf("period %q: module %q: want AR, CA or GL", period, module)
		}
		for _, m := range subledgers() {
			if !p.yes("ClosedIn" + m) {
				return fmt.Errorf("period %q: is open in %s", period, m)
			}
		}
		p.set("Status", periodClosed)
		return nil
	})
}

// closePeriod closes a month in one module, or in all when it is "".
func (t *Twin) closePeriod(period, module string) error {
	if module == "" {
		return t.ClosePeriod(period)
	}
	return t.ClosePeriodIn(period, module)
}

// OpenPeriod opens a month again in every module.
func (t *Twin) OpenPeriod(period string) error {
	return t.setPeriod(period, func(p *record) error {
		for _, module := range subledgers() {
			p.setBool("ClosedIn"+module, false)
		}
		p.set("Status", periodOpen)
		return nil
	})
}

// DeactivatePeriod makes a month inactive, as one that was never opened.
func (t *Twin) DeactivatePeriod(period string) error {
	return t.setPeriod(period, func(p *record) error {
		p.set("Status", periodInactive)
		return nil
	})
}

func (t *Twin) setPeriod(period string, change func(p *record) error) error {
	month, err := parseMonth(period)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	x := t.begin()
	if err != nil || x.period(month) == nil {
		return fmt.Errorf("period %q: does not exist; want YYYY-MM or MMYYYY of an open year", period)
	}
	year := x.edit(entityPeriod, x.byKey(entityPeriod, month.Format("2006")))
	if err := change(x.period(month)); err != nil {
		return err
	}
	year.touch(x.now)
	return t.commit(x)
}

func parseMonth(period string) (time.Time, error) {
	for _, layout := range []string{"2006-01", "01-2006", periodLayout} {
		if m, err := time.Parse(layout, period); err == nil {
			return m, nil
		}
	}
	return time.Time{}, fmt.Errorf("period %q: want YYYY-MM or MMYYYY", period)
}
