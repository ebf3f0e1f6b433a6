package sim

import (
	"encoding/binary"
	"math"

	"loam/sensors"
)

// modbusModel is a probe on Modbus RTU: it answers function 3 or 4 for the registers it has (MODBUS Application Protocol
// V1.1b3, 6.3 and 6.4) and refuses the rest (section 7). While it restarts, its registers hold zero.
type modbusModel struct {
	address, function byte
	registers         map[uint16]func() uint16
}

// cell is a quantity in one or two registers: register = (quantity − base) / step.
type cell struct {
	at         uint16
	quantity   sensors.Quantity
	step, base float64
	float      bool // two registers, IEEE 754, the high half first
}

// newModbus returns a probe that has the cells, and in the other registers up to the last one what fixed says, or 0.
func newModbus(around surroundings, address, function byte, size uint16, fixed map[uint16]uint16, cells ...cell) *modbusModel {
	m := &modbusModel{address: address, function: function, registers: map[uint16]func() uint16{}}
	for r := range size {
		m.registers[r] = func() uint16 { return fixed[r] }
	}
	for _, c := range cells {
		felt := func() float64 {
			now := around.now()
			return around.feel(c.quantity, now) + 0.3*c.step*around.luck.of(string(c.quantity)).noise(now)
		}
		if c.float {
			m.registers[c.at] = func() uint16 { return uint16(math.Float32bits(float32(felt())) >> 16) }
			m.registers[c.at+1] = func() uint16 { return uint16(math.Float32bits(float32(felt()))) }
			continue
		}
		m.registers[c.at] = func() uint16 { return uint16(int(math.Round((felt() - c.base) / c.step))) }
	}
	return m
}

func (m *modbusModel) hear(sent []byte, powered bool) []byte {
	n := len(sent) - 2
	if n != 6 || modbusSum(sent[:n]) != binary.LittleEndian.Uint16(sent[n:]) || sent[0] != m.address {
		return nil
	}
	if sent[1] != m.function {
		return modbusSeal([]byte{m.address, sent[1] | 0x80, 1})
	}
	first, count := binary.BigEndian.Uint16(sent[2:]), binary.BigEndian.Uint16(sent[4:])
	reply := []byte{m.address, m.function, byte(2 * count)}
	for r := range count {
		register, ok := m.registers[first+r]
		switch {
		case !ok:
			return modbusSeal([]byte{m.address, m.function | 0x80, 2})
		case !powered:
			reply = append(reply, 0, 0)
		default:
			reply = binary.BigEndian.AppendUint16(reply, register())
		}
	}
	return modbusSeal(reply)
}

// latecomer is another probe on the line that is always late: what it has to say to an earlier request comes when somebody
// else is asked.
type latecomer struct{ *modbusModel }

func (l latecomer) hear([]byte, bool) []byte {
	ask := modbusSeal([]byte{l.address, l.function, 0, 0, 0, byte(len(l.registers))})
	return l.modbusModel.hear(ask, true)
}

// modbusSum is the checksum of the serial line guide, 6.2.2, byte by byte over a table of nibbles.
func modbusSum(b []byte) uint16 {
	nibble := [16]uint16{
		0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401, 0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400,
	}
	sum := uint16(0xFFFF)
	for _, c := range b {
		sum = nibble[byte(sum)&15^c&15] ^ sum>>4
		sum = nibble[byte(sum)&15^c>>4] ^ sum>>4
	}
	return sum
}

func modbusSeal(b []byte) []byte { return binary.LittleEndian.AppendUint16(b, modbusSum(b)) }

// tolerance of a cell: half a step of rounding, and three times the noise.
func (c cell) tolerance() float64 { return 1.5 * math.Abs(c.step) }

func channelsOf(cells ...cell) (channels []Channel) {
	for _, c := range cells {
		channels = append(channels, Channel{ID: sensors.Channel(benchID(c.quantity)), Quantity: c.quantity, Tolerance: c.tolerance()})
	}
	return channels
}

// benchID is a channel's name on the bench: the quantity's, with dashes.
func benchID(q sensors.Quantity) string {
	b := []byte(q)
	for i := range b {
		if b[i] == '_' {
			b[i] = '-'
		}
	}
	return string(b)
}
