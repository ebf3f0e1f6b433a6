package sim

import (
	"fmt"
	"math"
	"time"

	"loam/sensors"
	"loam/sensors/serial"
)

// sdi12Line is how SDI-12 is sent (version 1.4, 4.1).
var sdi12Line = serial.Mode{Baud: 1200, DataBits: 7, Parity: serial.EvenParity, StopBits: 1}

// printed is a value as a probe sends it: so many digits after the point.
type printed struct {
	quantity sensors.Quantity
	format   string                                            // of fmt, with its sign
	of       func(feel func(sensors.Quantity) float64) float64 // nil: the quantity itself
}

// onSDI12 is a probe that sends the values.
func onSDI12(driver string, address byte, identity string, seconds, perReply int, values ...printed) specimen {
	device := func(address byte) func(surroundings) serialDevice {
		return func(around surroundings) serialDevice {
			return &sdi12Model{
				address: address, identity: identity, seconds: seconds, perReply: perReply, now: around.now,
				values: func() (all []string) {
					now := around.now()
					feel := func(q sensors.Quantity) float64 { return around.feel(q, now) }
					for _, v := range values {
						felt := feel(v.quantity)
						if v.of != nil {
							felt = v.of(feel)
						}
						all = append(all, fmt.Sprintf(v.format, felt))
					}
					return all
				},
			}
		}
	}
	sp := specimen{driver: driver, address: uint64(address), mode: sdi12Line, serial: device(address)}
	sp.beside = func(around surroundings) serialDevice { // the same kind at the next address, where it is another season
		feel := around.feel
		around.feel = func(q sensors.Quantity, t time.Time) float64 { return feel(q, t.AddDate(0, 6, 0)) }
		return device(address + 1)(around)
	}
	return sp
}

// as gives the specimen its channels.
func (sp specimen) as(channels ...Channel) specimen {
	sp.channels = channels
	return sp
}

func channel(q sensors.Quantity, tolerance float64) Channel {
	return Channel{ID: sensors.Channel(benchID(q)), Quantity: q, Tolerance: tolerance}
}

// terosCount is what the oscillator of a TEROS 11 or 12 counts at a water content, by the manual's equation for mineral
// soil turned around.
func terosCount(feel func(sensors.Quantity) float64) float64 {
	return (feel(sensors.VolumetricWaterContent) + 0.6956) / 3.879e-4
}

// terosPermittivity is the manual's equation for it.
func terosPermittivity(feel func(sensors.Quantity) float64) float64 {
	raw := terosCount(feel)
	return math.Pow(2.887e-9*raw*raw*raw-2.080e-5*raw*raw+5.276e-2*raw-43.39, 2)
}

func sdi12Specimens() []specimen {
	count := printed{quantity: sensors.ProbeCount, format: "%+.2f", of: terosCount}
	soilTemperature := printed{quantity: sensors.SoilTemperature, format: "%+.1f"}
	soilConductivity := printed{quantity: sensors.SoilConductivity, format: "%+.0f"}
	counted := func(q sensors.Quantity, tolerance float64, from func(func(sensors.Quantity) float64) float64) Channel {
		ch := channel(q, tolerance)
		ch.from = from
		return ch
	}
	teros := []Channel{
		counted(sensors.ProbeCount, 0.006, terosCount), channel(sensors.SoilTemperature, 0.06),
		channel(sensors.VolumetricWaterContent, 0.00002), counted(sensors.Permittivity, 0.001, terosPermittivity),
	}
	water := []printed{{quantity: sensors.WaterDepth, format: "%+.0f"}, {quantity: sensors.WaterTemperature, format: "%+.1f"}, {quantity: sensors.WaterConductivity, format: "%+.0f"}}
	waters := []Channel{channel(sensors.WaterDepth, 0.6), channel(sensors.WaterTemperature, 0.06), channel(sensors.WaterConductivity, 0.6)}

	any := onSDI12("sdi12", 'q', "14ACME    XYZ   100", 3, 2,
		printed{quantity: sensors.VolumetricWaterContent, format: "%+.2f", of: func(feel func(sensors.Quantity) float64) float64 { return 100 * feel(sensors.VolumetricWaterContent) }},
		printed{quantity: sensors.SupplyVoltage, format: "%+.1f"}, soilTemperature,
		printed{quantity: sensors.SoilConductivity, format: "%+.3f", of: func(feel func(sensors.Quantity) float64) float64 { return feel(sensors.SoilConductivity) / 1000 }})
	any.settings = map[string]string{"values": "volumetric_water_content in %, -, soil_temperature, soil_electrical_conductivity in dS/m", "command": "MC"}

	return []specimen{
		onSDI12("teros11", '0', "13METER   TER11 112T11-00012345", 1, 9, count, soilTemperature).as(teros...),
		onSDI12("teros12", 'a', "13METER   TER12 112T12-00012345", 1, 9, count, soilTemperature, soilConductivity).
			as(append(teros[:len(teros):len(teros)], channel(sensors.SoilConductivity, 0.6))...),
		onSDI12("teros21", '1', "13METER   TER21 112T21-00012345", 1, 9, printed{quantity: sensors.MatricPotential, format: "%+.1f"}, soilTemperature).
			as(channel(sensors.MatricPotential, 0.06), channel(sensors.SoilTemperature, 0.06)),
		onSDI12("hydros21", 'A', "13METER   CTD   112CTD-00012345", 1, 9, water...).as(waters...),
		onSDI12("ctd10", '5', "13DECAGON CTD   400", 0, 9, water...).as(waters...),
		any.as(channel(sensors.VolumetricWaterContent, 0.00006), channel(sensors.SoilTemperature, 0.06), channel(sensors.SoilConductivity, 0.6)),
	}
}
