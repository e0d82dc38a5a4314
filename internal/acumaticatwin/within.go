package acumaticatwin

import (
	"slices"
	"time"
)

// within is what the headers of a request say about it alone: PX-CbApiBranch
// and PX-CbApiBusinessDate. Empty is the user's branch and today.
type within struct {
	branch string
	date   string // 2006-01-02
}

// businessDates are forms in which a date may be sent; the documentation asks
// for none in particular.
func businessDates() []string {
	return []string{
		"2006/1/2", "2006-1-2", "1/2/2006", "20060102", "Jan 2, 2006", "January 2, 2006", "2 Jan 2006", "2 January 2006",
		time.RFC1123, time.RFC3339, "2006-01-02T15:04:05", "1/2/2006 3:04:05 PM", "2006-01-02 15:04:05",
	}
}

// within reads the headers. The texts of its errors are the usual ones of the
// system; no recording shows them for this case.
func (t *Twin) within(c *call) (within, *failure) {
	w := within{branch: c.header.Get("PX-CbApiBranch")}
	if w.branch != "" {
		known := slices.IndexFunc(t.st.Setup.Branches, func(b string) bool { return fold(b) == fold(w.branch) })
		if known < 0 {
			return w, pxError("Error: Branch '%s' cannot be found in the system.", w.branch)
		}
		w.branch = t.st.Setup.Branches[known]
	}
	text := c.header.Get("PX-CbApiBusinessDate")
	if text == "" {
		return w, nil
	}
	for _, layout := range businessDates() {
		if day, err := time.Parse(layout, text); err == nil {
			w.date = day.Format(dayLayout)
			return w, nil
		}
	}
	return w, exception("System.FormatException", "String was not recognized as a valid DateTime.")
}

// beginWithin begins a transaction that sees the request's branch and date.
func (t *Twin) beginWithin(w within) *tx {
	x := t.begin()
	x.within, x.rights = w, t.rights
	return x
}

// today is the business date: that of the request, else the server's.
func (x *tx) today() string {
	if x.within.date != "" {
		return x.within.date
	}
	return x.now.In(x.zone).Format(dayLayout)
}

// place puts a new record into the branch of the request.
func (x *tx) place(r *record) {
	if x.within.branch == "" {
		return
	}
	for _, name := range []string{"Branch", "BranchID", "LinkBranch"} {
		if r.get(name) != "" {
			r.set(name, x.within.branch)
		}
	}
}
