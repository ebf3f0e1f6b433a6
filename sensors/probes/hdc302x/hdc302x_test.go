package hdc302x

import (
	"errors"
	"math"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"
	periph "periph.io/x/devices/v3/hdc302x"
	"pgregory.net/rapid"

	"loam/sensors"
	"loam/sensors/chip/chiptest"
	"loam/sensors/clock"
	"loam/sensors/sensirion"
)

func TestVectors(t *testing.T) {
	names := map[sensors.Quantity]string{sensors.AirTemperature: "temperature", sensors.RelativeHumidity: "relative_humidity"}
	chiptest.Run(t, map[string]func(chiptest.Vector) (chiptest.Answer, error){
		"HDC302x frame": func(v chiptest.Vector) (chiptest.Answer, error) {
			raw, err := sensirion.Words(v.Bytes(t))
			if err != nil {
				return nil, err
			}
			s, err := samples(raw, clock.Instant{})
			return chiptest.Values(s, names), err
		},
	})
}

// TestAgreesWithPeriph compares with an independent implementation of the same conversion.
func TestAgreesWithPeriph(t *testing.T) {
	words := make([]byte, 6)
	dev, err := periph.NewI2C(echo(words), 0x44, periph.Rate10Hertz)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		raw := []uint16{rapid.Uint16Range(2000, 60000).Draw(t, "temperature"), rapid.Uint16().Draw(t, "humidity")}
		copy(words, sensirion.Command(0, raw...)[2:])
		var env physic.Env
		if err := dev.Sense(&env); err != nil {
			t.Fatal(err)
		}
		s, err := samples(raw, clock.Instant{})
		if err != nil {
			t.Fatal(err)
		}
		if c := env.Temperature.Celsius(); math.Abs(s[0].Value.Float64()-c) > 0.0051 {
			t.Fatalf("%s, periph has %v", s[0].Value, c)
		}
		if h := float64(env.Humidity) / float64(physic.PercentRH); math.Abs(s[1].Value.Float64()-h) > 0.0051 {
			t.Fatalf("%s, periph has %v", s[1].Value, h)
		}
	})
}

// echo is a bus on which everything is acknowledged and every answer is the same.
type echo []byte

func (e echo) String() string                        { return "echo" }
func (e echo) SetSpeed(physic.Frequency) error       { return nil }
func (e echo) Tx(_ uint16, _ []byte, r []byte) error { copy(r, e); return nil }

func TestOtherMakersAreRefused(t *testing.T) {
	_, err := chiptest.Play(t, Model(), nil,
		i2ctest.IO{Addr: 0x44, W: []byte{0x30, 0x93}}, i2ctest.IO{Addr: 0x44, W: []byte{0x30, 0xA2}},
		i2ctest.IO{Addr: 0x44, W: []byte{0x37, 0x81}}, i2ctest.IO{Addr: 0x44, R: []byte{0xBE, 0xEF, 0x92}})
	if !errors.Is(err, ErrWrongChip) {
		t.Error(err)
	}
}
