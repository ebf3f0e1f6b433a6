package sim

import (
	"math"
	"time"

	"loam/sensors"
)

// Spread of the noise of a probe of carbon dioxide, as standard deviation.
const noiseCO2 = 1.5 // ppm

// cycle is something that measures by itself, once every period.
type cycle struct {
	period  time.Duration // 0: it does not
	started time.Time
	fetched int // measurements that were read, or missed, since then
}

func (c *cycle) start(now time.Time, period time.Duration) {
	*c = cycle{period: period, started: now}
}

// newest returns when the newest measurement was made, and whether nobody has read it yet.
func (c *cycle) newest(now time.Time) (time.Time, bool) {
	if c.period == 0 {
		return time.Time{}, false
	}
	n := int(now.Sub(c.started) / c.period)
	return c.started.Add(time.Duration(n) * c.period), n > c.fetched
}

func (c *cycle) fetch(now time.Time) {
	if c.period > 0 {
		c.fetched = int(now.Sub(c.started) / c.period)
	}
}

func co2OnBench(a surroundings, t time.Time) float64 {
	return a.feel(sensors.CarbonDioxide, t) + noiseCO2*a.luck.of("co2").noise(t)
}

// newSCD4x is a Sensirion SCD41 (version 1.3) that another program left measuring. Settings are taken at rest only. Its
// self-heating is the factory's offset: with another, temperatures differ.
func newSCD4x(a surroundings) i2cChip {
	c := &cycle{}
	c.start(a.now(), 5*time.Second)
	var shot time.Time
	offset := counts(4./175, 65535)
	heating := 175 * float64(offset) / 65535
	idle := func(words ...uint16) ([]uint16, bool) { return words, c.period == 0 }
	start := func(period time.Duration) wordCommand {
		return wordCommand{do: func([]uint16) ([]uint16, bool) {
			if c.period != 0 {
				return nil, false
			}
			c.start(a.now(), period)
			return nil, true
		}}
	}
	at := func() (time.Time, bool) {
		if t, fresh := c.newest(a.now()); fresh {
			return t, true
		}
		return shot, c.period == 0 && !shot.IsZero()
	}
	return &wordChip{
		now: a.now, width: 2, crc: 0xFF, repeatedStart: true,
		restart: func() { *c, shot = cycle{}, time.Time{} },
		commands: map[uint16]wordCommand{
			0x21B1: start(5 * time.Second),
			0x21AC: start(30 * time.Second),
			0x219D: {takes: 5 * time.Second, do: func([]uint16) ([]uint16, bool) { shot = a.now(); return idle() }},
			0x3F86: {takes: 500 * time.Millisecond, do: func([]uint16) ([]uint16, bool) { *c, shot = cycle{}, time.Time{}; return nil, true }},
			0x3682: {takes: time.Millisecond, do: func([]uint16) ([]uint16, bool) { return idle(0xF896, 0x9F07, 0x3BBE) }},
			0x2427: {takes: time.Millisecond, do: func(v []uint16) ([]uint16, bool) { return nil, c.period == 0 && len(v) == 1 }},
			0x241D: {takes: time.Millisecond, do: func(v []uint16) ([]uint16, bool) {
				if c.period != 0 || len(v) != 1 {
					return nil, false
				}
				offset = v[0]
				return nil, true
			}},
			0xE4B8: {takes: time.Millisecond, do: func([]uint16) ([]uint16, bool) {
				if _, fresh := at(); fresh {
					return []uint16{0x8006}, true
				}
				return []uint16{0x8000}, true
			}},
			0xEC05: {takes: time.Millisecond, measures: true, do: func([]uint16) ([]uint16, bool) {
				t, fresh := at()
				if !fresh {
					return nil, false
				}
				c.fetch(a.now())
				shot = time.Time{}
				air := airOnBench(a, t)
				celsius := air.temperature + heating - 175*float64(offset)/65535
				return []uint16{uint16(math.Round(co2OnBench(a, t))), counts((celsius+45)/175, 65535), counts(air.humidity/100, 65535)}, true
			}},
		},
	}
}

// newSCD30 is a Sensirion SCD30 (interface description 1.0): it bears no repeated start, and keeps without power what it
// was told. It comes with an interval of 10 s.
func newSCD30(a surroundings) i2cChip {
	c := &cycle{}
	kept := map[uint16]uint16{0x4600: 10, 0x5102: 0}
	keeps := func(code uint16) wordCommand {
		return wordCommand{takes: 3 * time.Millisecond, do: func(v []uint16) ([]uint16, bool) {
			if len(v) == 1 {
				kept[code] = v[0]
				return nil, true
			}
			return []uint16{kept[code]}, true
		}}
	}
	period := func() time.Duration { return time.Duration(kept[0x4600]) * time.Second }
	return &wordChip{
		now: a.now, width: 2, crc: 0xFF,
		restart: func() {
			if c.period > 0 {
				c.start(a.now(), period())
			}
		},
		commands: map[uint16]wordCommand{
			0x0010: {takes: 3 * time.Millisecond, do: func(v []uint16) ([]uint16, bool) {
				if len(v) != 1 {
					return nil, false
				}
				c.start(a.now(), period())
				return nil, true
			}},
			0x0104: {takes: 3 * time.Millisecond, do: func([]uint16) ([]uint16, bool) { *c = cycle{}; return nil, true }},
			0x4600: keeps(0x4600),
			0x5102: keeps(0x5102),
			0xD100: {takes: 3 * time.Millisecond, do: says(0x0342)},
			0x0202: {takes: 3 * time.Millisecond, do: func([]uint16) ([]uint16, bool) {
				if _, fresh := c.newest(a.now()); fresh {
					return []uint16{1}, true
				}
				return []uint16{0}, true
			}},
			0x0300: {takes: 3 * time.Millisecond, measures: true, do: func([]uint16) ([]uint16, bool) {
				t, _ := c.newest(a.now())
				c.fetch(a.now())
				air := airOnBench(a, t)
				var words []uint16
				for _, v := range []float64{co2OnBench(a, t), air.temperature, air.humidity} {
					bits := math.Float32bits(float32(v))
					words = append(words, uint16(bits>>16), uint16(bits))
				}
				return words, true
			}},
		},
	}
}
