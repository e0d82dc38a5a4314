package bus

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestKeysAfterAreTheFirstOnes: whatever order they were written in, also when
// far more are there than are asked for.
func TestKeysAfterAreTheFirstOnes(t *testing.T) {
	t.Parallel()
	k := newBus(t).Bucket(bucketTold)
	order := rand.New(rand.NewPCG(1, 2)).Perm(100)
	for _, n := range order {
		if _, err := k.Create(t.Context(), Key("books", "invoice", fmt.Sprintf("AR%03d", n)), []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []string{Key("books", "customer", "AR050"), Key("other", "invoice", "AR050"), Key("books", "invoices", "AR050")} {
		if _, err := k.Create(t.Context(), other, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Delete(t.Context(), Key("books", "invoice", "AR011"), 0); err != nil {
		t.Fatal(err)
	}
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		keys, err := k.KeysAfter(t.Context(), Key("books", "invoice"), after, 7)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, keys...)
		if len(keys) < 7 {
			break
		}
	}
	if len(got) != 99 || !slices.IsSorted(got) || slices.Contains(got, "books.invoice.AR011") {
		t.Errorf("%d keys: %q", len(got), got)
	}
}
