package sps30

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/conn/v3/physic"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/sensirion"
)

// wire is an SPS30 on I2C, from a table of words by pointer.
type wire struct {
	words   map[uint16][]uint16
	sent    [][]byte
	pointer uint16
	notYet  int // times it is not ready
}

var errNAK = errors.New("no acknowledge")

func (b *wire) String() string                  { return "WIRE" }
func (b *wire) SetSpeed(physic.Frequency) error { return nil }
func (b *wire) Close() error                    { return nil }
func (b *wire) Tx(_ uint16, w, r []byte) error {
	if len(w) > 0 {
		b.sent = append(b.sent, append([]byte(nil), w...))
		b.pointer = binary.BigEndian.Uint16(w)
	}
	words, known := b.words[b.pointer]
	if b.pointer == pointerWake || len(r) > 0 && !known {
		return errNAK
	}
	if b.pointer == pointerReady && b.notYet > 0 && len(r) > 0 {
		b.notYet--
		words = []uint16{0}
	}
	for i, v := range words {
		if 3*i+2 < len(r) {
			binary.BigEndian.PutUint16(r[3*i:], v)
			r[3*i+2] = sensirion.CRC8(sensirion.Initial, r[3*i:3*i+2]...)
		}
	}
	return nil
}

func newWire() *wire {
	var air []uint16
	for i := range values {
		bits := math.Float32bits(float32(i) + 0.25)
		air = append(air, uint16(bits>>16), uint16(bits))
	}
	return &wire{words: map[uint16][]uint16{pointerVersion: {0x0202}, pointerReady: {1}, pointerValues: air, pointerStatus: {0, 0}}}
}

// open opens the probe and lets it warm up.
func (b *wire) open(t *testing.T) (sensors.Driver, *clock.Virtual, error) {
	t.Helper()
	if err := i2creg.Register("WIRE", nil, -1, func() (i2c.BusCloser, error) { return b, nil }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i2creg.Unregister("WIRE") })
	c := clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{})
	d, err := Models()[1].Open(t.Context(), sensors.Wiring{Probe: "dust", Bus: "WIRE", Clock: c})
	c.Set(c.Now().Wall.Add(warmUp))
	return d, c, err
}

func TestOnI2C(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*wire)
		want   error
	}{
		"well":                        {func(*wire) {}, nil},
		"ready a little later":        {func(b *wire) { b.notYet = attempts - 1 }, nil},
		"never ready":                 {func(b *wire) { b.notYet = attempts }, ErrNoData},
		"fan":                         {func(b *wire) { b.words[pointerStatus] = []uint16{0, 0x10} }, ErrFault},
		"fan speed":                   {func(b *wire) { b.words[pointerStatus] = []uint16{0x20, 0} }, ErrFault},
		"without a status register":   {func(b *wire) { b.words[pointerVersion] = []uint16{0x0200}; delete(b.words, pointerStatus) }, nil},
		"a status that does not come": {func(b *wire) { delete(b.words, pointerStatus) }, errNAK},
		"integers":                    {func(b *wire) { b.words[pointerValues] = b.words[pointerValues][:10] }, sensirion.ErrCRC},
		"not a number":                {func(b *wire) { b.words[pointerValues][0] = 0x7FC0 }, sensors.ErrNotDecimal},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWire()
			c.change(b)
			d, _, err := b.open(t)
			if err != nil {
				t.Fatal(err)
			}
			s, err := d.Sense(t.Context())
			if !errors.Is(err, c.want) || (err == nil) != (len(s) == 4) {
				t.Errorf("%v, %v, want %v", s, err, c.want)
			}
			if err == nil && (s[0].Value.String() != "0.25" || s[3].Value.String() != "3.25") {
				t.Errorf("%v", s)
			}
		})
	}
}

func TestOnI2CAnAbsentProbeIsNotOpened(t *testing.T) {
	b := newWire()
	delete(b.words, pointerVersion)
	if d, _, err := b.open(t); !errors.Is(err, errNAK) || d != nil {
		t.Errorf("%v, %v", d, err)
	}
}
