package acumaticatwin

import (
	"reflect"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// Whatever a record holds, it is the same after it was packed.
func TestPackedRecordsComeBack(t *testing.T) {
	cat, err := newCatalog(DefaultRefundLabel)
	if err != nil {
		t.Fatal(err)
	}
	st := newState("U100", cat)
	value := rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{
			"", "0", "-0", "00", "-1", "-0.5", "0.50", "-12.3400", "1e5", "+1", ".5", "5.", "1.23456", "AR000123", "AR000000",
			"999999999999999999", "1234567890123456789", "000000000000000000", "a0000000000000000000", "true", "2026-05-15", "012026",
			"2026-05-15T10:30:00Z", "2026-05-15T10:30:00.123Z", "2026-05-15T10:30:00.1Z", "2026-05-15T10:30:00.120Z", "2026-05-15T10:30:00.1234Z",
			"1969-12-31T23:59:59.997Z", "2026-05-15T10:30:00+02:00", "10000-05-15T10:30:00Z", "C000001", "x-1", "1.-1",
		}),
		rapid.StringMatching(`-?[0-9]{1,19}(\.[0-9]{1,6})?`), rapid.StringMatching(`[A-Z]{0,3}[0-9]{0,20}`),
	)
	name := rapid.SampledFrom([]string{"A", "B", "Type", "Document.CuryID"})
	id := rapid.Custom(func(r *rapid.T) string {
		switch rapid.IntRange(0, 9).Draw(r, "kind") {
		case 0:
			return ""
		case 1:
			return uuid.NewString()
		}
		return st.idText(rapid.Uint64Range(1, 1<<48-1).Draw(r, "n"))
	})
	var tree func(r *rapid.T, depth int) *record
	tree = func(r *rapid.T, depth int) *record {
		v := newRecord(id.Draw(r, "id"))
		v.Note = rapid.SampledFrom([]string{"", "a note"}).Draw(r, "note")
		v.Fields = rapid.MapOf(name, value).Draw(r, "fields")
		for range rapid.IntRange(0, depth).Draw(r, "ones") {
			v.One[name.Draw(r, "one")] = tree(r, depth-1)
		}
		for range rapid.IntRange(0, depth).Draw(r, "lines") {
			part := name.Draw(r, "part")
			v.Many[part] = append(v.Many[part], tree(r, depth-1))
		}
		return v
	}
	rapid.Check(t, func(r *rapid.T) {
		in := tree(r, 2)
		n := rapid.Uint32Range(1, 1<<32-1).Draw(r, "number")
		in.ID = st.idText(uint64(n))
		packed := string(st.pack(in, nil))
		out, err := st.unpack(n, packed)
		if err != nil {
			r.Fatal(err)
		}
		if !reflect.DeepEqual(in, out) {
			r.Fatalf("got %+v, want %+v", out, in)
		}
		// A state file that was damaged is refused, not believed.
		broken := []byte(packed)
		broken[rapid.IntRange(0, len(broken)-1).Draw(r, "at")] ^= byte(rapid.IntRange(1, 255).Draw(r, "bits"))
		_, _ = st.unpack(n, string(broken[:rapid.IntRange(0, len(broken)).Draw(r, "cut")])) // must not panic or eat the memory
	})
}
