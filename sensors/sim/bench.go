package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"loam/sensors"
	"loam/sensors/serial"
)

// specimen is one kind of probe as it stands on the [Bench]: how it is wired, and exactly one simulation of it.
type specimen struct {
	driver   string // model in the catalog
	address  uint64
	input    int
	medium   string
	settings map[string]string
	mode     serial.Mode // of serial devices
	channels []Channel

	i2c    func(surroundings) i2cChip
	serial func(surroundings) serialDevice
	beside func(surroundings) serialDevice           // another probe on the same line; nil: none
	pulses func(surroundings) func(time.Time) uint64 // pulses since the world began
}

// surroundings is what a simulated probe has around it.
type surroundings struct {
	luck chance           // this specimen's own
	now  func() time.Time // the drivers' time
	// feel is how it really is, now and at any time, in the unit of the quantity.
	feel func(q sensors.Quantity, t time.Time) float64
}

// specimens lists what stands on the bench, a list for each kind of bus.
func specimens() []specimen {
	return slices.Concat(climateSpecimens(), opticalSpecimens(), uartSpecimens(), fieldbusSpecimens(), lineSpecimens())
}

// addSpecimens wires the bench: each probe has a bus of its own, named after its model.
func (s *Site) addSpecimens() {
	for i, sp := range specimens() {
		name := fmt.Sprintf("%s-%d", sp.driver, i)
		around := surroundings{
			luck: s.luck(name), now: s.now,
			feel: func(q sensors.Quantity, t time.Time) float64 { return benchTruth(s.world.seed, q, t) },
		}
		p := Probe{Name: name, Driver: sp.driver, Bus: "SIM-" + name, Address: sp.address, Input: sp.input, Medium: sp.medium, Settings: sp.settings, Channels: slices.Clone(sp.channels)}
		for i := range p.Channels { // no two channels of the bench have one name
			p.Channels[i].ID = sensors.Channel(strings.ReplaceAll(name+"-"+string(p.Channels[i].Quantity), "_", "-"))
		}
		switch {
		case sp.i2c != nil:
			seat := &i2cSeat{chip: sp.i2c(around)}
			s.buses = append(s.buses, &i2cBus{name: p.Bus, chips: map[uint16]*i2cSeat{uint16(sp.address): seat}})
			s.add(&seat.state, p)
		case sp.serial != nil:
			seat := &serialSeat{device: sp.serial(around)}
			port := newSerialPort(p.Bus, sp.mode)
			if sp.beside != nil {
				port.seats = append(port.seats, &serialSeat{device: sp.beside(around)})
			}
			port.seats = append(port.seats, seat)
			s.buses = append(s.buses, port)
			s.add(&seat.state, p)
		case sp.pulses != nil:
			line := &pulseLine{name: p.Bus, total: sp.pulses(around)}
			s.buses = append(s.buses, line)
			s.lines[p.Name] = line
			s.add(&line.state, p)
		}
	}
}

// benchSpans is between what values the quantities wander on the bench: within what every probe of the catalog can say.
var benchSpans = map[sensors.Quantity][2]float64{
	sensors.AirTemperature: {-5, 35}, sensors.RelativeHumidity: {25, 90}, sensors.AirPressure: {96_000, 103_000}, sensors.CarbonDioxide: {420, 1800},
	sensors.PM1: {1, 40}, sensors.PM25: {2, 60}, sensors.PM25CF1: {3, 84}, sensors.PM4: {3, 75}, sensors.PM10: {4, 90}, sensors.GasResistance: {20_000, 400_000},
	sensors.Illuminance: {0, 50_000}, sensors.WindSpeed: {0.5, 15}, sensors.WindDirection: {10, 340}, sensors.Rainfall: {0, 8}, sensors.LeafWetness: {0, 100},
	sensors.SurfaceTemperature: {-10, 45},
	sensors.SoilTemperature:    {2, 28}, sensors.VolumetricWaterContent: {0.08, 0.42}, sensors.MatricPotential: {-400, -12}, sensors.Permittivity: {4, 30},
	sensors.SoilConductivity: {100, 1500}, sensors.SoilPH: {4.5, 8.5}, sensors.SoilNitrogen: {10, 120}, sensors.SoilPhosphorus: {5, 90}, sensors.SoilPotassium: {20, 250},
	sensors.WaterTemperature: {2, 24}, sensors.WaterPH: {6, 9}, sensors.WaterConductivity: {80, 1400}, sensors.DissolvedOxygen: {4, 13}, sensors.OxidationReduction: {-150, 350},
	sensors.Turbidity: {1, 800}, sensors.WaterPressure: {101_000, 140_000}, sensors.WaterDepth: {100, 2500}, sensors.WaterVolume: {0, 50}, sensors.Distance: {300, 4000},
	sensors.Latitude: {47.9, 48.1}, sensors.Longitude: {11.3, 11.7}, sensors.Altitude: {480, 560},
	sensors.ProbeVoltage: {0.9, 2.4}, sensors.ProbeCurrent: {4.2, 19.5}, sensors.ProbeCount: {300, 1500}, sensors.SupplyVoltage: {11.2, 13.8}, sensors.SupplyCurrent: {-300, 900},
}

// benchTruth is how a quantity is on the bench: it wanders within its span.
func benchTruth(seed chance, q sensors.Quantity, t time.Time) float64 {
	span, ok := benchSpans[q]
	if !ok {
		panic("sim: no span on the bench for " + string(q))
	}
	w := seed.of("bench").of(string(q)).wave(t, 6*time.Hour)
	return span[0] + (span[1]-span[0])*(w+1)/2
}
