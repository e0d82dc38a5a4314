package ledger

import "time"

// dateLead is how long before the midnight of a date in UTC every zone still
// has an earlier date: the furthest ever was 16 hours ahead of UTC.
const dateLead = 26 * time.Hour

// StartOfDay is the first instant in a zone whose date is the given one. It is
// midnight, but where clocks are put forward at midnight. It is that of the next
// date where a zone left the date out. Out of range values are normalised as by
// time.Date, so that day+1 is always the next day: days partition time.
func StartOfDay(year int, month time.Month, day int, zone *time.Location) time.Time {
	midnight := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	for at := midnight.Add(-dateLead).In(zone); ; {
		_, offset := at.Zone() // seconds
		first := midnight.Add(-time.Duration(offset) * time.Second)
		if first.Before(at) {
			first = at
		}
		_, end := at.ZoneBounds()
		if end.IsZero() || first.Before(end) {
			return first.In(zone)
		}
		at = end
	}
}

// DayOf is the first instant of the day in a zone that t is in, and that of the
// next one.
func DayOf(t time.Time, zone *time.Location) (from, until time.Time) {
	year, month, day := t.In(zone).Date()
	return StartOfDay(year, month, day, zone), StartOfDay(year, month, day+1, zone)
}
