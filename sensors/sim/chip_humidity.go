package sim

import (
	"math"
	"time"

	"loam/sensors"
)

// airOnBench is what a probe of air feels on the bench, with noise of its own.
func airOnBench(a surroundings, t time.Time) air {
	return air{
		temperature: a.feel(sensors.AirTemperature, t) + NoiseTemperature*a.luck.of("temperature").noise(t),
		humidity:    a.feel(sensors.RelativeHumidity, t) + NoiseHumidity*a.luck.of("humidity").noise(t),
		pressure:    a.feel(sensors.AirPressure, t) + NoisePressure*a.luck.of("pressure").noise(t),
	}
}

// counts is x in counts of which there are full.
func counts(x, full float64) uint16 { return uint16(math.Round(min(max(x, 0), 1) * full)) }

// newSHT3x is a Sensirion SHT3x (SHT3x-DIS version 5): single shot without clock stretching, periodic measurement, status.
func newSHT3x(a surroundings) i2cChip {
	const restarted, heater = 1<<15 | 1<<4, 1 << 13 // alert pending, too, after a reset
	status, periodic := uint16(restarted), true     // another program left it measuring, and heating
	status |= heater
	return &wordChip{
		now: a.now, width: 2, crc: 0xFF, repeatedStart: true,
		restart: func() { status, periodic = restarted, false },
		commands: map[uint16]wordCommand{
			0x2400: {takes: 13 * time.Millisecond, measures: true, do: func([]uint16) ([]uint16, bool) {
				t := airOnBench(a, a.now())
				return []uint16{counts((t.temperature+45)/175, 65535), counts(t.humidity/100, 65535)}, !periodic
			}},
			0x3093: {takes: time.Millisecond, do: func([]uint16) ([]uint16, bool) { periodic = false; return nil, true }},
			0x30A2: {takes: time.Millisecond, do: func([]uint16) ([]uint16, bool) { status = restarted; return nil, !periodic }},
			0xF32D: {do: func([]uint16) ([]uint16, bool) { return []uint16{status}, true }},
		},
	}
}

// newSHT4x is a Sensirion SHT4x (version 6): its commands have one byte.
func newSHT4x(a surroundings) i2cChip {
	return &wordChip{
		now: a.now, width: 1, crc: 0xFF, repeatedStart: true,
		commands: map[uint16]wordCommand{
			0xFD: {takes: 7 * time.Millisecond, measures: true, do: func([]uint16) ([]uint16, bool) {
				t := airOnBench(a, a.now())
				return []uint16{counts((t.temperature+45)/175, 65535), counts((t.humidity+6)/125, 65535)}, true
			}},
			0x89: {do: says(uint16(a.luck.unit(1)*65536), uint16(a.luck.unit(2)*65536))},
			0x94: {takes: time.Millisecond, do: says()},
		},
	}
}

// newHDC302x is a TI HDC302x (SNAS778D) that another program left in automatic mode.
func newHDC302x(a surroundings) i2cChip {
	automatic := true
	return &wordChip{
		now: a.now, width: 2, crc: 0xFF, repeatedStart: true,
		restart: func() { automatic = false },
		commands: map[uint16]wordCommand{
			0x2400: {takes: 14 * time.Millisecond, measures: true, do: func([]uint16) ([]uint16, bool) {
				t := airOnBench(a, a.now())
				return []uint16{counts((t.temperature+45)/175, 65535), counts(t.humidity/100, 65535)}, !automatic
			}},
			0x3093: {takes: time.Millisecond, do: func([]uint16) ([]uint16, bool) { automatic = false; return nil, true }},
			0x30A2: {takes: 3 * time.Millisecond, do: says()},
			0x3781: {do: says(0x3000)},
		},
	}
}

// sht2xModel is a Sensirion SHT2x (SHT21 version 4): two kinds of measurement, and a user register without a checksum.
type sht2xModel struct {
	*wordChip
}

func newSHT2x(a surroundings) i2cChip {
	measure := func(takes time.Duration, kind uint16, part func(air) float64) wordCommand {
		return wordCommand{takes: takes, measures: true, do: func([]uint16) ([]uint16, bool) {
			return []uint16{counts(part(airOnBench(a, a.now())), 65536)&^3 | kind}, true
		}}
	}
	return sht2xModel{&wordChip{
		now: a.now, width: 1, crc: 0x00, repeatedStart: true,
		commands: map[uint16]wordCommand{
			0xF3: measure(80*time.Millisecond, 0, func(t air) float64 { return (t.temperature + 46.85) / 175.72 }),
			0xF5: measure(28*time.Millisecond, 2, func(t air) float64 { return (t.humidity + 6) / 125 }),
			0xE7: {do: says(0x0200)}, // the register and, unread, more
			0xFE: {takes: 14 * time.Millisecond, do: says()},
		},
	}}
}
