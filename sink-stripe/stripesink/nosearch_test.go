package stripesink

import (
	"fmt"
	"testing"

	"millrace/internal/fault"
)

// TestOnlyAnAccountWithoutASearchIsListed: whatever else is refused must not
// bring the whole account into memory.
func TestOnlyAnAccountWithoutASearchIsListed(t *testing.T) {
	for text, want := range map[string]bool{
		"search feature unavailable for merchant": true,
		"Search is not available in your country": true,
		"Search query syntax error":               false,
	} {
		if err := fmt.Errorf("search customers: %w", fault.Newf("stripe.invalid", "http 400: %s", text)); noSearch(err) != want {
			t.Errorf("%v: %t", err, !want)
		}
	}
	if noSearch(nil) {
		t.Error("no error is no lack")
	}
}
