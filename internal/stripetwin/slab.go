package stripetwin

// chunkSize is how many bytes a slab takes from the heap at a time.
const chunkSize = 256 << 10

// A slab holds the bytes of rows at rest in large pieces of memory without
// pointers, so that the garbage collector has a few thousand things to look at
// and not a million. A cell whose row is gone is used again for the next row
// of about its size.
type slab struct{ classes []*cellClass }

// A cellClass is the cells of one size.
type cellClass struct {
	size   int
	chunks [][]byte
	used   uint32 // cells that were ever handed out
	free   []uint32
}

// A slot is a row at rest.
type slot struct {
	length  uint32 // 0 while the row was never at rest
	cell    uint32
	class   uint32
	created uint32 // Unix seconds; rows that are in order of Seq are so by it as well
}

// cellSize rounds up, by an eighth at most from 256 bytes on.
func cellSize(n int) int {
	step := 32
	for step*8 < n {
		step *= 2
	}
	return (n + step - 1) / step * step
}

func (m *slab) classOf(n int) uint32 {
	size := cellSize(n)
	for i, c := range m.classes {
		if c.size == size {
			return uint32(i)
		}
	}
	m.classes = append(m.classes, &cellClass{size: size})
	return uint32(len(m.classes) - 1) //nolint:gosec // a few dozen
}

func (c *cellClass) at(cell uint32) []byte {
	per := max(1, chunkSize/c.size)
	i, j := int(cell)/per, int(cell)%per
	return c.chunks[i][j*c.size : (j+1)*c.size]
}

// store puts b where the slot's bytes were, or in a cell that fits better.
func (m *slab) store(s slot, b []byte) slot {
	class := m.classOf(len(b))
	if s.length == 0 || s.class != class {
		m.drop(s)
		s.class, s.cell = class, m.classes[class].take()
	}
	s.length = uint32(len(b)) //nolint:gosec // a row
	copy(m.classes[class].at(s.cell), b)
	return s
}

func (c *cellClass) take() uint32 {
	if n := len(c.free); n > 0 {
		cell := c.free[n-1]
		c.free = c.free[:n-1]
		return cell
	}
	per := max(1, chunkSize/c.size)
	if int(c.used) == per*len(c.chunks) {
		c.chunks = append(c.chunks, make([]byte, per*c.size))
	}
	c.used++
	return c.used - 1
}

// bytes are those of a row at rest, until the next store.
func (m *slab) bytes(s slot) []byte { return m.classes[s.class].at(s.cell)[:s.length] }

func (m *slab) drop(s slot) {
	if s.length > 0 {
		c := m.classes[s.class]
		c.free = append(c.free, s.cell)
	}
}
