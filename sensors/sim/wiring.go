package sim

import (
	"math"
	"strconv"
	"time"

	"loam/sensors"
)

// Spread of the noise of each kind of probe, as standard deviation: the data sheets' figures for a single sample.
const (
	NoiseTemperature = 0.02   // °C
	NoiseHumidity    = 0.07   // %
	NoisePressure    = 3.3    // Pa
	NoiseVoltage     = 0.0012 // V
)

const toleranceTemperature = 3*NoiseTemperature + 0.04

// newSite wires the place: air everywhere, soil probes and thermometers where there is soil or water; on the bench,
// everything.
func newSite(w *World, place Place, now func() time.Time) *Site {
	s := &Site{world: w, place: place, now: now, states: map[string]*state{}, soil: map[string]soilProbe{}, lines: map[string]*pulseLine{}}
	if place == Bench {
		s.addSpecimens()
		return s
	}
	bus := &i2cBus{name: "SIM-" + string(place) + "-I2C", chips: map[uint16]*i2cSeat{}}
	s.buses = append(s.buses, bus)
	s.addAir(bus, now)
	switch place {
	case Meadow:
		s.addSoil(bus, now, 10, 30)
	case Riparian:
		s.addSoil(bus, now, 10)
		s.addThermometer(now, "soil-thermometer", "soil", Channel{ID: "soil-temperature-10cm", Quantity: sensors.SoilTemperature, Depth: 10})
	case Stream:
		s.addThermometer(now, "water-thermometer", "water", Channel{ID: "water-temperature", Quantity: sensors.WaterTemperature})
	}
	return s
}

// Wiring returns the probes of a place without bringing up its buses: what to write into a gateway's configuration.
func Wiring(w *World, place Place) []Probe {
	return newSite(w, place, func() time.Time { return w.start }).probes
}

// luck is the randomness of one of the site's chips.
func (s *Site) luck(chip string) chance { return s.world.seed.of(string(s.place)).of(chip) }

func factory() sensors.Calibration {
	return sensors.Calibration{Certificate: sensors.Certificate{ID: sensors.FactoryCertificate}}
}

func (s *Site) addAir(bus *i2cBus, now func() time.Time) {
	luck := s.luck("air")
	feel := func(t time.Time) air {
		c := s.world.At(s.place, t)
		return air{
			temperature: c.AirTemperature + NoiseTemperature*luck.of("temperature").noise(t),
			humidity:    min(max(c.RelativeHumidity+NoiseHumidity*luck.of("humidity").noise(t), 0), 100),
			pressure:    c.AirPressure + NoisePressure*luck.of("pressure").noise(t),
		}
	}
	seat := &i2cSeat{chip: newBME280(luck, now, feel)}
	bus.chips[0x76] = seat
	s.add(&seat.state, Probe{
		Name: "air", Driver: "bme280", Bus: bus.name, Address: 0x76,
		Channels: []Channel{
			{ID: "air-temperature", Quantity: sensors.AirTemperature, Calibration: factory(), Tolerance: toleranceTemperature},
			{ID: "air-humidity", Quantity: sensors.RelativeHumidity, Calibration: factory(), Tolerance: 3*NoiseHumidity + 0.2},
			{ID: "air-pressure", Quantity: sensors.AirPressure, Calibration: factory(), Tolerance: 3*NoisePressure + 4},
		},
	})
}

func (s *Site) addThermometer(now func() time.Time, name, medium string, ch Channel) {
	luck := s.luck(name)
	ch.Calibration = factory()
	ch.Tolerance = toleranceTemperature
	bus := &wireBus{name: "SIM-" + string(s.place) + "-1W"}
	s.buses = append(s.buses, bus)
	seat := &wireSeat{rom: newROM(luck)}
	seat.chip = newDS18B20(now, func(t time.Time) float64 {
		v, _ := s.world.At(s.place, t).Of(ch.Quantity, ch.Depth)
		return v + NoiseTemperature*luck.noise(t)
	})
	bus.seats = append(bus.seats, seat)
	s.add(&seat.state, Probe{Name: name, Driver: "ds18b20", Bus: bus.name, Address: seat.rom, Medium: medium, Channels: []Channel{ch}})
}

func (s *Site) addSoil(bus *i2cBus, now func() time.Time, depths ...int) {
	var inputs [4]func(time.Time) float64
	seat := &i2cSeat{}
	bus.chips[0x48] = seat
	for i, depth := range depths {
		name := "soil-" + strconv.Itoa(depth) + "cm"
		luck := s.luck(name)
		p := newSoilProbe(luck, func(t time.Time) float64 {
			v, _ := s.world.At(s.place, t).Of(sensors.VolumetricWaterContent, depth)
			return v
		})
		s.soil[name] = p
		inputs[i] = func(t time.Time) float64 { return p.voltage(p.moisture(t)) + NoiseVoltage*luck.noise(t) }
		s.add(&seat.state, Probe{
			Name: name, Driver: "soilcap", Bus: bus.name, Address: 0x48, Input: i,
			Channels: []Channel{{
				ID: sensors.Channel(name), Quantity: sensors.ProbeVoltage, Depth: depth, Tolerance: 3*NoiseVoltage + 0.0002,
				Calibration: p.calibration(string(s.place)+"-"+name, s.world.start),
			}},
		})
	}
	seat.chip = newADS1115(s.luck("converter"), now, inputs)
}

func (s *Site) add(st *state, p Probe) {
	s.states[p.Name] = st
	s.probes = append(s.probes, p)
}

// soilProbe is a capacitive probe in the earth: its voltage falls in a straight line as the soil gets wetter, and no two
// probes have the same line.
type soilProbe struct {
	moisture func(time.Time) float64 // m³/m³ around the probe
	dry, wet float64                 // V at the two reference moistures
}

// The moistures at which soil probes are calibrated: oven-dried soil with a little water, and near saturation.
const (
	dryReference = 0.05
	wetReference = 0.40
)

func newSoilProbe(c chance, moisture func(time.Time) float64) soilProbe {
	about := func(key int64, v float64) float64 { return v * (0.97 + 0.06*c.unit(key)) }
	// whole 0.1 mV, so that the calibration's decimals are the truth
	tenths := func(v float64) float64 { return math.Round(v*10000) / 10000 }
	return soilProbe{moisture: moisture, dry: tenths(about(1, 2.25)), wet: tenths(about(2, 1.35))}
}

// voltage is the probe's truth.
func (p soilProbe) voltage(theta float64) float64 {
	return p.dry + (p.wet-p.dry)*(theta-dryReference)/(wetReference-dryReference)
}

// calibration is the certificate of someone who weighed soil around this very probe two weeks before the world began.
func (p soilProbe) calibration(id string, start time.Time) sensors.Calibration {
	date := start.AddDate(0, 0, -14).UTC().Truncate(24 * time.Hour)
	point := func(v float64, centi int64) sensors.Point {
		return sensors.Point{
			Raw:  sensors.Decimal{Mantissa: int64(math.Round(v * 10000)), Exponent: -4},
			True: sensors.Decimal{Mantissa: centi, Exponent: -2},
		}
	}
	return sensors.Calibration{
		Certificate: sensors.Certificate{ID: id + "-" + date.Format(time.DateOnly), Date: date, Due: date.AddDate(2, 0, 0)},
		To:          sensors.VolumetricWaterContent,
		Method:      sensors.Line,
		Points:      []sensors.Point{point(p.dry, 5), point(p.wet, 40)},
		Places:      4,
	}
}
