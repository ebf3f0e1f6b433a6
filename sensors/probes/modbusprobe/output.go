package modbusprobe

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"

	"loam/sensors"
)

// output is a quantity and the registers that hold it.
type output struct {
	Quantity sensors.Quantity `toml:"quantity"`
	Register uint16           `toml:"register"`
	Type     kind             `toml:"type"`
	Words    order            `toml:"words"`
	Scale    *sensors.Decimal `toml:"scale"`
	Offset   sensors.Decimal  `toml:"offset"`
	None     []uint32         `toml:"none"`
	Min      sensors.Decimal  `toml:"min"`
	Max      sensors.Decimal  `toml:"max"`
	Accuracy string           `toml:"accuracy"`
	Source   string           `toml:"source"` // empty: the map's
}

// kind is how a number stands in registers.
type kind byte

// The kinds.
const (
	u16 kind = iota + 1
	s16
	u32
	s32
	f32 // IEEE 754, single precision
)

var kinds = []string{"u16", "s16", "u32", "s32", "f32"}

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *kind) UnmarshalText(text []byte) error {
	i := slices.Index(kinds, string(text))
	if i < 0 {
		return fmt.Errorf("type %q: use one of %q", text, kinds)
	}
	*k = kind(i + 1)
	return nil
}

// registers returns how many the kind takes.
func (k kind) registers() uint16 {
	if k == u16 || k == s16 {
		return 1
	}
	return 2
}

// order is which of two registers holds the high half.
type order byte

// The orders; where none is given it is the first.
const (
	highFirst order = iota + 1
	lowFirst
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *order) UnmarshalText(text []byte) error {
	switch string(text) {
	case "high-first":
		*o = highFirst
	case "low-first":
		*o = lowFirst
	default:
		return fmt.Errorf("words %q: use \"high-first\" or \"low-first\"", text)
	}
	return nil
}

// What a register can hold that is no measurement.
var (
	ErrNone    = errors.New("the probe says that it has no measurement")
	ErrOutside = errors.New("outside what the probe can measure")
	ErrZero    = errors.New("all registers are zero, as before the first measurement")
	ErrState   = errors.New("the probe reports a fault")
)

// problems says everything that is wrong with the output.
func (o output) problems() (all []error) {
	check := func(ok bool, format string, args ...any) {
		if !ok {
			all = append(all, fmt.Errorf(format, args...))
		}
	}
	_, err := o.Quantity.Kind()
	check(err == nil, "%w", err)
	check(o.Type != 0, "type is missing: use one of %q", kinds)
	check(o.Words == 0 || o.Type.registers() == 2, "words are for the types of two registers")
	check(o.Scale != nil && o.Scale.Mantissa != 0, "scale is missing: give what one step of the register is, in the quantity's unit")
	check(o.Min.Cmp(o.Max) < 0 && o.Min.Exponent == o.Max.Exponent, "min %s, max %s: give a range, both with as many digits as the value has", o.Min, o.Max)
	if o.Scale != nil && o.Type != f32 {
		finest := min(o.Scale.Exponent, o.Offset.Exponent)
		check(o.Min.Exponent == finest, "min and max have %d digits after the point, scale and offset %d", -o.Min.Exponent, -finest)
	}
	check(o.Accuracy != "", "accuracy is missing: give the maker's words, or say that there are none")
	check(len(o.None) <= 16, "none has %d values: up to 16", len(o.None))
	return all
}

// bits returns what the output's registers hold. first is the register that registers begins with.
func (o output) bits(first uint16, registers []uint16) uint32 {
	i := o.Register - first
	if o.Type.registers() == 1 {
		return uint32(registers[i])
	}
	high, low := registers[i], registers[i+1]
	if o.Words == lowFirst {
		high, low = low, high
	}
	return uint32(high)<<16 | uint32(low)
}

// number reads the bits as the output's kind; false where they are no number.
func (o output) number(bits uint32) (*big.Rat, bool) {
	switch o.Type {
	case s16:
		return big.NewRat(int64(int16(bits)), 1), true
	case s32:
		return big.NewRat(int64(int32(bits)), 1), true
	case f32:
		f := float64(math.Float32frombits(bits))
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, false
		}
		return new(big.Rat).SetFloat64(f), true
	}
	return big.NewRat(int64(bits), 1), true
}

// value turns bits into the quantity's unit, in exact fractions; a float is rounded once, to the digits of its range.
func (o output) value(bits uint32) (sensors.Decimal, error) {
	n, ok := o.number(bits)
	if !ok || slices.Contains(o.None, bits) {
		return sensors.Decimal{}, fmt.Errorf("%s: %w (%#x)", o.Quantity, ErrNone, bits)
	}
	n.Mul(n, o.Scale.Rat()).Add(n, o.Offset.Rat())
	v, err := sensors.DecimalFromRat(n, -int(o.Min.Exponent))
	if err != nil {
		return sensors.Decimal{}, fmt.Errorf("%s: %w: %w", o.Quantity, ErrOutside, err)
	}
	if v.Cmp(o.Min) < 0 || v.Cmp(o.Max) > 0 {
		return sensors.Decimal{}, fmt.Errorf("%s: %w: %s, not %s to %s", o.Quantity, ErrOutside, v, o.Min, o.Max)
	}
	return v, nil
}

// values returns what the registers of a group say, and why anything was left out.
func (m *registerMap) values(i int, registers []uint16) (samples []sensors.Sample, left []error) {
	for _, o := range m.Outputs {
		if m.groupOf(o.Register, o.Type.registers()) != i {
			continue
		}
		v, err := o.value(o.bits(m.Groups[i].First, registers))
		if err != nil {
			left = append(left, err)
			continue
		}
		samples = append(samples, sensors.Sample{Quantity: o.Quantity, Value: v})
	}
	return samples, left
}

// stop says what makes the whole reading none: a fault the probe reports in this group.
func (m *registerMap) stop(i int, registers []uint16) error {
	for _, c := range m.Checks {
		if m.groupOf(c.Register, 1) != i {
			continue
		}
		if held := registers[c.Register-m.Groups[i].First] & c.Mask; held != 0 {
			return fmt.Errorf("%w: %s (register %#x holds %#x)", ErrState, c.Says, c.Register, held)
		}
	}
	return nil
}

// zero says whether every output of the group is.
func (m *registerMap) zero(i int, registers []uint16) bool {
	for _, o := range m.Outputs {
		if m.groupOf(o.Register, o.Type.registers()) == i && o.bits(m.Groups[i].First, registers) != 0 {
			return false
		}
	}
	return true
}
