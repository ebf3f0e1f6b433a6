package ds18b20

import (
	"errors"
	"fmt"

	"periph.io/x/conn/v3/onewire"

	"loam/sensors"
)

// scratchpad is the probe's memory as it is read (figure 9): temperature, alarm limits, configuration, three reserved
// bytes, checksum.
type scratchpad [9]byte

// What a scratchpad can say that is no measurement.
var (
	ErrNotConverted = errors.New("the probe shows its power-on value of 85 °C: it did not convert")
	ErrAbsent       = errors.New("nobody answered")
	ErrShorted      = errors.New("the data line is held at ground")
	ErrChecksum     = errors.New("wrong checksum")
	ErrImplausible  = errors.New("outside what the probe can measure")
)

const (
	powerOnRaw  = 0x0550
	powerOnByte = 0x0C // of byte 6, together with powerOnRaw
)

// check says whether the bytes come from a probe at all.
func (s scratchpad) check() error {
	var ones scratchpad
	for i := range ones {
		ones[i] = 0xFF
	}
	switch {
	case s == ones:
		return ErrAbsent
	case s == scratchpad{}:
		return ErrShorted
	case !onewire.CheckCRC(s[:]):
		return fmt.Errorf("%w (% x)", ErrChecksum, s[:])
	case s[4]&0x9F != 0x1F: // 0, resolution, 11111
		return fmt.Errorf("configuration register %#02x: not a DS18B20", s[4])
	}
	return nil
}

// bits returns the resolution, 9 to 12.
func (s scratchpad) bits() int { return 9 + int(s[4]>>5&3) }

// temperature returns degrees Celsius with the four places that sixteenths need.
func (s scratchpad) temperature() (sensors.Decimal, error) {
	if err := s.check(); err != nil {
		return sensors.Decimal{}, err
	}
	raw := int16(uint16(s[0]) | uint16(s[1])<<8)
	if raw == powerOnRaw && s[6] == powerOnByte {
		return sensors.Decimal{}, ErrNotConverted
	}
	raw &^= 1<<(12-s.bits()) - 1
	if raw < -55*16 || raw > 125*16 {
		return sensors.Decimal{}, fmt.Errorf("%w: %s °C", ErrImplausible, sixteenths(raw))
	}
	return sixteenths(raw), nil
}

func sixteenths(raw int16) sensors.Decimal {
	return sensors.Decimal{Mantissa: int64(raw) * 625, Exponent: -4}
}
