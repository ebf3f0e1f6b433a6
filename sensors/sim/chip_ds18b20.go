package sim

import (
	"encoding/binary"
	"math"
	"time"

	"periph.io/x/conn/v3/onewire"
)

// ds18b20Model is a Maxim DS18B20 (19-7487): scratchpad, conversion that takes its time, and the power-on value of 85 °C.
type ds18b20Model struct {
	now  func() time.Time
	feel func(time.Time) float64 // °C

	pad     [8]byte // without the checksum
	done    time.Time
	felt    float64
	stored  [3]byte // alarm limits and configuration in EEPROM
	written int     // how often the EEPROM was written
}

func newDS18B20(now func() time.Time, feel func(time.Time) float64) *ds18b20Model {
	d := &ds18b20Model{now: now, feel: feel, stored: [3]byte{0x4B, 0x46, 0x7F}}
	d.restart()
	return d
}

func (d *ds18b20Model) restart() {
	d.pad = [8]byte{0x50, 0x05, d.stored[0], d.stored[1], d.stored[2], 0xFF, 0x0C, 0x10}
	d.done = time.Time{}
}

func (d *ds18b20Model) bits() int { return 9 + int(d.pad[4]>>5&3) }

func (d *ds18b20Model) command(w, r []byte, powered bool) {
	if !powered {
		d.restart()
	}
	d.finish()
	switch w[0] {
	case 0x44:
		if powered {
			d.felt = d.feel(d.now())
			d.done = d.now().Add(700 * time.Millisecond >> (12 - d.bits()))
		}
	case 0xBE:
		var pad [9]byte
		copy(pad[:], d.pad[:])
		pad[8] = onewire.CalcCRC(d.pad[:])
		copy(r, pad[:])
	case 0x4E:
		if len(w) == 4 {
			d.pad[2], d.pad[3], d.pad[4] = w[1], w[2], w[3]&0x60|0x1F
		}
	case 0x48:
		d.stored = [3]byte(d.pad[2:5])
		d.written++
	}
}

func (d *ds18b20Model) finish() {
	if d.done.IsZero() || d.now().Before(d.done) {
		return
	}
	d.done = time.Time{}
	raw := int16(math.Round(min(max(d.felt, -55), 125) * 16))
	raw &^= 1<<(12-d.bits()) - 1
	binary.LittleEndian.PutUint16(d.pad[:], uint16(raw))
	d.pad[6] = byte(16 - raw&15)
}

// newROM returns a ROM code of family 28h. Its checksum is below 80h, so that the code fits a signed integer of a
// configuration file.
func newROM(c chance) uint64 {
	for key := int64(0); ; key++ {
		serial := mix(uint64(c)+uint64(key)) & 0xFFFF_FFFF_FFFF
		rom := serial<<8 | 0x28
		sum := onewire.CalcCRC(binary.LittleEndian.AppendUint64(nil, rom)[:7])
		if sum < 0x80 {
			return rom | uint64(sum)<<56
		}
	}
}
