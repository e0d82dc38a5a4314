package stripetwin

import "github.com/klauspost/compress/zstd"

// A squeezer keeps JSON small. Its dictionary is what the twin's objects look
// like, so that of an event little more than its values is left. What it
// squeezed never leaves the process, and so the dictionary may change with
// every version.
type squeezer struct {
	in  *zstd.Encoder
	out *zstd.Decoder
}

// rawBelow is the length in bytes from which squeezing is worth its time.
const rawBelow = 64

// The first byte of what is squeezed.
const (
	asIs byte = iota
	zipped
)

func newSqueezer() *squeezer {
	dict := squeezeDictionary()
	in, err := zstd.NewWriter(nil, zstd.WithEncoderDictRaw(1, dict), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithWindowSize(64<<10), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic("stripetwin: " + err.Error()) // impossible: the options are constants
	}
	out, err := zstd.NewReader(nil, zstd.WithDecoderDictRaw(1, dict), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		panic("stripetwin: " + err.Error()) // impossible, as above
	}
	return &squeezer{in: in, out: out}
}

// squeezeDictionary is one of each kind of object that events tell of.
func squeezeDictionary() []byte {
	var dict []byte
	zero := int64(0)
	t := &Twin{s: &state{}}
	for _, o := range []object{
		(&customer{TaxExempt: "none"}).render(), (&payout{}).render(), t.renderItem(&item{}),
		(&intent{Status: "requires_payment_method"}).render(), (&charge{Test: "pm_usBankAccount_success"}).render(),
		t.line(nil, &item{Unit: "0"}), t.renderInvoice(&invoice{Status: "open", EndingBalance: &zero}), (&paymentMethod{Test: "pm_card_visa"}).render(),
		(&charge{Test: "pm_card_visa"}).render(), (&intent{Status: "succeeded"}).render(),
	} {
		dict = append(dict, compact(o)...)
	}
	return dict
}

func (z *squeezer) squeeze(raw []byte) []byte {
	if len(raw) < rawBelow {
		return append([]byte{asIs}, raw...)
	}
	return z.in.EncodeAll(raw, []byte{zipped})
}

func (z *squeezer) expand(small []byte) []byte {
	if small[0] == asIs {
		return append([]byte(nil), small[1:]...)
	}
	raw, err := z.out.DecodeAll(small[1:], nil)
	if err != nil {
		panic("stripetwin: " + err.Error()) // impossible: squeeze wrote it
	}
	return raw
}
