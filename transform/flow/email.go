package flow

import (
	"fmt"
	"strings"
)

// maxEmail is the longest address that Stripe takes. (Stripe: "Create a
// customer", email.)
const maxEmail = 512

// firstEmail is the first address of a field that may hold several, divided by
// semicolons or commas, or anything else: nil when there is none.
func firstEmail(m *meter, a []any) (any, error) {
	if a[0] == nil {
		return nil, nil // no field, no address
	}
	s, ok := a[0].(string)
	if !ok {
		return nil, fmt.Errorf("first_email: %s instead of a text", kindOf(a[0]))
	}
	if err := m.tick(len(s) / 64); err != nil {
		return nil, err
	}
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ';' || r == ',' }) {
		if part = strings.TrimSpace(part); isEmail(part) {
			return part, nil
		}
	}
	return nil, nil // what is no address must not hold up an invoice
}

// isEmail refuses what surely is no address; whether anybody reads what is
// sent there it cannot know.
func isEmail(s string) bool {
	local, domain, _ := strings.Cut(s, "@")
	return len(s) <= maxEmail && local != "" && domain != "" && !strings.Contains(domain, "@") &&
		len(strings.Fields(s)) == 1 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || strings.ContainsRune("<>()[]\x7f", r) })
}
