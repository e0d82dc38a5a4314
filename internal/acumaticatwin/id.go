package acumaticatwin

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
)

// Ids are numbered, as the sequential GUIDs of the database are: eight bytes
// of the row, eight of the tenant. A seeded twin always has the same.
const (
	idLength  = 36
	idVersion = "ee11"
	idDigits  = 12 // of the number, in hex
)

// idTail is what all ids of a tenant end with.
func idTail(tenant string) string {
	sum := sha256.Sum256([]byte(tenant))
	return fmt.Sprintf("-%s-8%03x-%012x", idVersion, (int(sum[0])<<4|int(sum[1])>>4)&0xfff, sum[2:8])
}

// idText is the id with number n.
func (st *state) idText(n uint64) string {
	const over = 1 << (4 * idDigits) // a digit more, so that zeros in front are written
	digits := strconv.FormatUint(over|n&(over-1), 16)[1:]
	return digits[idDigits-8:] + "-" + digits[:idDigits-8] + st.Tail
}

// idNumber is the number of an id that this tenant gave out.
func (st *state) idNumber(id string) (uint64, bool) {
	if len(id) != idLength || id[8] != '-' || !strings.HasSuffix(id, st.Tail) {
		return 0, false
	}
	n, err := strconv.ParseUint(id[9:13]+id[:8], 16, 64)
	return n, err == nil
}
