package plantower

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"loam/sensors"
	"loam/sensors/uart"
)

// Commands (PMS5003 manual, appendix II): 42 4D, command, 16-bit argument, sum.
const (
	cmdMode  = 0xE1 // argument 0: passive, 1: active
	cmdRead  = 0xE2
	cmdSleep = 0xE4 // argument 0: sleep, 1: wake

	passive, active = 0, 1
	sleep, wake     = 0, 1
)

// command writes a command as it is sent.
func command(cmd byte, argument uint16) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0x42, 0x4D, cmd}, argument)
	return binary.BigEndian.AppendUint16(b, sum(b))
}

func sum(b []byte) (s uint16) {
	for _, v := range b {
		s += uint16(v)
	}
	return s
}

// Lengths of whole frames: header, length word, that many bytes.
const (
	lengthAnswer = 8  // of a command
	length3003   = 24 // 9 data words
	length5003   = 32 // 13 data words
)

// What a frame can be that is no measurement.
var (
	ErrChecksum = errors.New("the sum is wrong")
	ErrFault    = errors.New("the probe reports a fault")
	ErrBlind    = errors.New("not a single particle")
	ErrRange    = errors.New("more than the probe can measure")
)

// reader finds data frames of one length, and answers to commands.
func reader(length int, wait time.Duration) uart.Reader {
	return uart.Reader{
		Format: uart.Format{
			Header: []byte{0x42, 0x4D},
			Length: func(b []byte) int {
				if len(b) < 4 {
					return 0
				}
				if n := 4 + int(binary.BigEndian.Uint16(b[2:])); n == length || n == lengthAnswer {
					return n
				}
				return -1
			},
			Check: func(frame []byte) error {
				end := len(frame) - 2
				if got, want := binary.BigEndian.Uint16(frame[end:]), sum(frame[:end]); got != want {
					return fmt.Errorf("%w: %#04x, not %#04x", ErrChecksum, got, want)
				}
				return nil
			},
		},
		Wait: wait, Gap: 100 * time.Millisecond, Limit: 512,
	}
}

// air is what a data frame says, in µg/m³ and particles per 0.1 L.
type air struct {
	standard    [3]uint16 // PM1, PM2.5 and PM10, CF=1
	atmospheric [3]uint16
	counts      []uint16 // above 0.3, 0.5, 1, 2.5, 5 and 10 µm; a PMS3003 has none
	fault       byte
}

// decode reads a whole data frame whose sum is right.
func decode(frame []byte) air {
	word := func(i int) uint16 { return binary.BigEndian.Uint16(frame[4+2*i:]) }
	var a air
	for i := range 3 {
		a.standard[i], a.atmospheric[i] = word(i), word(3+i)
	}
	if len(frame) == length5003 {
		for i := range 6 {
			a.counts = append(a.counts, word(6+i))
		}
		a.fault = frame[29]
	}
	return a
}

// limit is the highest value the manuals vouch for ("maximum range"), in µg/m³.
const limit = 1000

// values returns the concentrations in open air, or says why they are none.
func (a air) values() ([3]sensors.Decimal, error) {
	var v [3]sensors.Decimal
	if a.fault != 0 {
		return v, fmt.Errorf("%w: error code %#02x", ErrFault, a.fault)
	}
	if len(a.counts) > 0 && a.counts[0] == 0 {
		return v, ErrBlind
	}
	for i, c := range a.atmospheric {
		if c > limit {
			return v, fmt.Errorf("%w: %d µg/m³", ErrRange, c)
		}
		v[i] = sensors.Decimal{Mantissa: int64(c)}
	}
	return v, nil
}
