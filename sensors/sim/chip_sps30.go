package sim

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"

	"loam/sensors"
)

// sps30Model is a Sensirion SPS30 (data sheet 1.0) with firmware 2.2: what it does behind either of its interfaces.
type sps30Model struct {
	around  surroundings
	started time.Time // zero: idle
	asFloat bool
	asleep  bool
	second  int64 // of the measurement that was read last
}

// usedSPS30 is one that another program left measuring, in integers.
func usedSPS30(s surroundings) sps30Model { return sps30Model{around: s, started: time.Unix(1, 0)} }

// restart is what a loss of power leaves.
func (m *sps30Model) restart() { *m = sps30Model{around: m.around} }

// ready says whether there is a measurement that nobody has read. There is a new one each second.
func (m *sps30Model) ready() bool {
	return !m.started.IsZero() && m.elapsed() >= 1 && m.elapsed() != m.second
}

func (m *sps30Model) elapsed() int64 { return int64(m.around.now().Sub(m.started) / time.Second) }

func (m *sps30Model) start(float bool) {
	m.started, m.asFloat, m.second = m.around.now(), float, 0
}

// read returns the newest measurement as it goes over either line, without checksums.
func (m *sps30Model) read() []byte {
	m.second = m.elapsed()
	t, seen := m.around.now(), 1.0
	if t.Sub(m.started) < 30*time.Second {
		seen = 0.2 // the flow is not steady yet
	}
	var b []byte
	put := func(v float64) {
		if m.asFloat {
			b = binary.BigEndian.AppendUint32(b, math.Float32bits(float32(v)))
		} else {
			b = binary.BigEndian.AppendUint16(b, uint16(v))
		}
	}
	for _, q := range []sensors.Quantity{sensors.PM1, sensors.PM25, sensors.PM4, sensors.PM10} {
		put(seen * m.around.feel(q, t))
	}
	for _, n := range []float64{4.9, 6.7, 7.1, 7.15, 7.16} {
		put(n * seen * m.around.feel(sensors.PM25, t))
	}
	put(0.61)
	return b
}

// sps30Serial is its SHDLC interface.
type sps30Serial struct{ sps30Model }

func newSPS30Serial(s surroundings) serialDevice { return &sps30Serial{usedSPS30(s)} }

func (d *sps30Serial) hear(sent []byte, powered bool) []byte {
	if !powered {
		d.restart()
		return nil
	}
	i := bytes.IndexByte(sent, 0x7E)
	if i < 0 {
		return nil
	}
	var b []byte
	for body := bytes.Trim(sent[i:], "\x7E"); len(body) > 0; body = body[1:] {
		if body[0] == 0x7D && len(body) > 1 {
			body = body[1:]
			b = append(b, body[0]^0x20)
			continue
		}
		b = append(b, body[0])
	}
	if len(b) < 4 || b[0] != 0 || int(b[2]) != len(b)-4 || inverted(b[:len(b)-1]) != b[len(b)-1] {
		return nil
	}
	if d.asleep && b[1] != 0x11 {
		return nil
	}
	state, data := d.obey(b[1], b[3:len(b)-1])
	out := append([]byte{0, b[1], state, byte(len(data))}, data...)
	wire := []byte{0x7E}
	for _, v := range append(out, inverted(out)) {
		if v == 0x7E || v == 0x7D || v == 0x11 || v == 0x13 {
			wire = append(wire, 0x7D)
			v ^= 0x20
		}
		wire = append(wire, v)
	}
	return append(wire, 0x7E)
}

// obey carries a command out and returns the state and data of the reply.
func (d *sps30Serial) obey(command byte, data []byte) (state byte, reply []byte) {
	const unknown, parameter, notAllowed = 0x02, 0x04, 0x43
	idle := d.started.IsZero()
	switch command {
	case 0x00:
		switch {
		case len(data) != 2 || data[0] != 1 || data[1] != 3 && data[1] != 5:
			return parameter, nil
		case !idle:
			return notAllowed, nil
		}
		d.start(data[1] == 3)
	case 0x01:
		if idle {
			return notAllowed, nil
		}
		d.started = time.Time{}
	case 0x03:
		switch {
		case idle:
			return notAllowed, nil
		case d.ready():
			return 0, d.read()
		}
	case 0x10:
		if !idle {
			return notAllowed, nil
		}
		d.asleep = true
	case 0x11:
		if !d.asleep {
			return notAllowed, nil
		}
		d.asleep = false
	case 0xD2:
		return 0, make([]byte, 5)
	default:
		return unknown, nil
	}
	return 0, nil
}

// inverted is the inverted sum of SHDLC.
func inverted(b []byte) byte {
	n := 0
	for _, v := range b {
		n += int(v)
	}
	return byte(255 - n%256)
}

// sps30Wire is its I2C interface: pointers, words and a CRC after each.
type sps30Wire struct {
	sps30Model
	pointer uint16
}

func newSPS30Wire(s surroundings) i2cChip { return &sps30Wire{sps30Model: usedSPS30(s)} }

func (d *sps30Wire) exchange(w, r []byte, powered bool) error {
	if !powered {
		d.restart()
	}
	if len(w) > 0 {
		if err := d.point(w); err != nil {
			return err
		}
	}
	if len(r) == 0 {
		return nil
	}
	var data []byte
	switch {
	case d.pointer == 0x0202:
		data = []byte{0, 0}
		if d.ready() {
			data[1] = 1
		}
	case d.pointer == 0x0300 && d.ready():
		data = d.read()
	case d.pointer == 0xD100:
		data = []byte{2, 2}
	case d.pointer == 0xD206:
		data = make([]byte, 4)
	}
	for i := range r { // beyond its data the line stays high
		r[i] = 0xFF
	}
	for i := 0; i+1 < len(data) && i/2*3+2 < len(r); i += 2 {
		copy(r[i/2*3:], []byte{data[i], data[i+1], sps30CRC(data[i : i+2])})
	}
	return nil
}

func (d *sps30Wire) point(w []byte) error {
	if len(w) != 2 && (len(w) != 5 || sps30CRC(w[2:4]) != w[4]) {
		return errRegister
	}
	d.pointer = uint16(w[0])<<8 | uint16(w[1])
	switch {
	case d.pointer == 0x1103 && !d.asleep:
		return ErrNoAcknowledge
	case d.pointer == 0x1103:
		d.asleep = false
	case d.asleep:
		return ErrNoAcknowledge
	case d.pointer == 0x0010 && len(w) == 5 && d.started.IsZero():
		d.start(w[2] == 3)
	case d.pointer == 0x0104:
		d.started = time.Time{}
	}
	return nil
}

// sps30CRC is x⁸+x⁵+x⁴+1 from 0xFF on, by long division of the word and eight zeros.
func sps30CRC(word []byte) byte {
	rest := uint32(word[0]^0xFF)<<16 | uint32(word[1]^0xFF)<<8
	rest ^= 0xFF << 8 // the initial value, which covers the first byte only
	for bit := 23; bit >= 8; bit-- {
		if rest>>bit&1 != 0 {
			rest ^= 0x131 << (bit - 8)
		}
	}
	return byte(rest)
}
