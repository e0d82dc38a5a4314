package doctor

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"millrace/internal/acumatica"
	"millrace/internal/fault"
)

const (
	// looksBack is how many days of documents are compared.
	looksBack = 35
	// the most documents, batches with their lines, and customers that are
	// looked at.
	mostRows, mostBatches, mostCustomers = 500, 100, 50
)

// visible compares what the user sees with what others say there is. Acumatica:
// restriction groups and branches leave rows out without a word; the ledger
// goes by accounts and names the customers of its receivables.
func (e *erpCheck) visible(ctx context.Context) {
	named := map[string]string{} // customers, with who names them
	batches := e.sample(ctx, "JournalTransaction", "TransactionDate", acumatica.Query{
		Top: mostBatches, Filter: "Module eq 'AR'", Select: []string{"BatchNbr", "Details/VendorOrCustomer", "Details/ReferenceNbr"}, Expand: []string{"Details"},
	})
	for _, b := range batches {
		for _, l := range b.Rows("Details") {
			named[strings.TrimSpace(l.String("VendorOrCustomer"))] = "batch AR " + b.String("BatchNbr")
		}
	}
	invoices := e.sample(ctx, "Invoice", "Date", acumatica.Query{Select: []string{"Type", "ReferenceNbr", "Customer"}})
	for _, r := range invoices {
		named[strings.TrimSpace(r.String("Customer"))] = r.String("Type") + " " + r.String("ReferenceNbr")
	}
	payments := e.sample(ctx, "Payment", "ApplicationDate", acumatica.Query{Select: []string{"Type", "ReferenceNbr", "CustomerID"}})
	for _, r := range payments {
		named[strings.TrimSpace(r.String("CustomerID"))] = r.String("Type") + " " + r.String("ReferenceNbr")
	}
	delete(named, "")
	if len(batches) > 0 && len(invoices)+len(payments) == 0 && e.listed["Invoice"] && e.listed["Payment"] {
		e.add(Wrong, "visible", "doctor.rows_none", "no invoice and no payment of the last %d days, but %d batches of receivables in the ledger", looksBack, len(batches))
		return
	}
	e.readable(ctx, named)
	e.gaps(invoices)
}

// sample lists documents of the last days.
func (e *erpCheck) sample(ctx context.Context, entity, date string, q acumatica.Query) []acumatica.Record {
	if !e.listed[entity] {
		return nil
	}
	from := e.Now.UTC().AddDate(0, 0, -looksBack).Format("2006-01-02")
	q.Filter = strings.TrimPrefix(q.Filter+" and ", " and ") + date + " ge datetimeoffset'" + from + "'"
	q.Top = cmp.Or(q.Top, mostRows)
	rows, _, err := e.Acumatica.List(ctx, entity, q)
	if err != nil {
		e.untold("visible "+entity, err)
		return nil
	}
	return rows
}

// readable reads the customers that documents name.
func (e *erpCheck) readable(ctx context.Context, named map[string]string) {
	if !e.listed["Customer"] {
		e.add(Note, "visible", "", "not checked: the user may not list Customer")
		return
	}
	if len(named) == 0 {
		e.add(Note, "visible", "", "not checked: no document of the last %d days names a customer", looksBack)
		return
	}
	ids := slices.Sorted(maps.Keys(named))
	ids = ids[:min(len(ids), mostCustomers)]
	var hidden []string
	for _, id := range ids {
		_, err := e.Acumatica.Get(ctx, "Customer", []string{id}, acumatica.Query{Select: []string{"CustomerID"}})
		if err == nil {
			continue
		}
		if code := fault.Of(err).Code; code != "acumatica.not_found" && code != "acumatica.not_allowed" {
			e.untold("visible customer "+id, err)
			continue
		}
		hidden = append(hidden, id+" (named by "+named[id]+")")
	}
	if len(hidden) > 0 {
		e.add(Wrong, "visible", "doctor.rows_hidden", "%d of %d customers that documents of the last %d days name cannot be read: %s",
			len(hidden), len(ids), looksBack, some(hidden))
		return
	}
	e.ok("visible", "all %d customers that documents of the last %d days name can be read", len(ids), looksBack)
}

// gaps looks for numbers between those of the documents that are seen.
func (e *erpCheck) gaps(documents []acumatica.Record) {
	series := map[string][]int{} // by prefix and number of digits
	for _, r := range documents {
		number := strings.TrimSpace(r.String("ReferenceNbr"))
		prefix := strings.TrimRight(number, "0123456789")
		if n, err := strconv.Atoi(number[len(prefix):]); err == nil {
			key := prefix + strings.Repeat("#", len(number)-len(prefix))
			series[key] = append(series[key], n)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(series)) {
		have := slices.Compact(slices.Sorted(slices.Values(series[key])))
		first, last := have[0], have[len(have)-1]
		missing := last - first + 1 - len(have)
		// More than what is seen is another series, or a list that was cut.
		if missing == 0 || missing > len(have) || len(documents) == mostRows {
			continue
		}
		e.add(Note, "numbers", "doctor.numbers_missing", "%d of the %d numbers from %s to %s are not among the documents seen",
			missing, last-first+1, numbered(key, first), numbered(key, last))
	}
}

func numbered(series string, n int) string {
	prefix := strings.TrimRight(series, "#")
	return fmt.Sprintf("%s%0*d", prefix, len(series)-len(prefix), n)
}
