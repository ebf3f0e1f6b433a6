package sim

import (
	"fmt"
	"math"
	"time"

	"loam/sensors"
)

// Place is a place of the world.
type Place string

// The places.
const (
	Meadow   Place = "meadow"   // air, and soil at two depths
	Riparian Place = "riparian" // air and soil under the trees along the stream
	Stream   Place = "stream"   // air over the water, and the water

	// Bench is no place in the world: there every kind of probe stands, each on a bus of its own.
	Bench Place = "bench"
)

// Places returns every place of the world.
func Places() []Place { return []Place{Meadow, Riparian, Stream} }

// Validate says what is wrong with the name, if anything.
func (p Place) Validate() error {
	for _, known := range append(Places(), Bench) {
		if p == known {
			return nil
		}
	}
	return fmt.Errorf("sim: no place %q: use %q, %q, %q or %q", string(p), Meadow, Riparian, Stream, Bench)
}

// Conditions is how it is at a place. What a place does not have is NaN.
type Conditions struct {
	AirTemperature   float64 // °C
	RelativeHumidity float64 // %
	AirPressure      float64 // Pa
	Rain             float64 // mm per hour
	Sun              float64 // sine of its elevation; 0 at night
	SoilMoisture10   float64 // m³/m³ at 10 cm
	SoilMoisture30   float64 // m³/m³ at 30 cm
	SoilTemperature  float64 // °C at 10 cm
	WaterTemperature float64 // °C
}

// World is an ecosystem that can be asked how it is, anywhere and at any time. It is safe for concurrent use, and the
// same seed and start give the same world.
type World struct {
	seed    chance
	start   time.Time
	weather weather
	history *history
}

// NewWorld returns the world of the seed. Its soils begin to live two months before start; before that they stand still.
// Asking far beyond start takes time and memory in proportion (a year: some 50 ms and 2 MB). A zero start is the first
// day of 2026.
func NewWorld(seed int64, start time.Time) *World {
	if start.IsZero() {
		start = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	w := weather{chance(seed).of("weather")}
	return &World{seed: chance(seed), start: start.UTC(), weather: w, history: newHistory(w, start.UTC())}
}

// At returns how it is at the place at t.
func (w *World) At(p Place, t time.Time) Conditions {
	air, dew := w.weather.airTemperature(t), w.weather.dewPoint(t)
	past := w.history.at(t)
	c := Conditions{
		AirPressure: w.weather.pressure(t), Rain: w.weather.rain(t), Sun: sunHeight(t),
		SoilMoisture10: math.NaN(), SoilMoisture30: math.NaN(), SoilTemperature: math.NaN(), WaterTemperature: math.NaN(),
	}
	switch p {
	case Meadow:
		c.SoilMoisture10, c.SoilMoisture30 = past.meadow.top, past.meadow.deep
		c.SoilTemperature = w.soilTemperature(t)
	case Riparian:
		air, dew = air-0.7*max(0, daily(t, 15)), dew+0.6
		c.SoilMoisture10, c.SoilMoisture30 = past.riparian.top, past.riparian.deep
		c.SoilTemperature = w.soilTemperature(t) - 0.6
	case Stream:
		air, dew = air-1.1*max(0, daily(t, 15)), dew+0.9
		c.WaterTemperature = w.waterTemperature(t) - past.cooled
	}
	c.AirTemperature, c.RelativeHumidity = air, humidity(air, dew)
	return c
}

// soilTemperature at 10 cm follows the air of some hours ago, damped.
func (w *World) soilTemperature(t time.Time) float64 {
	return 12 + 7*season(t.Add(-12*24*time.Hour)) + 1.7*w.weather.seed.of("airmass").wave(t.Add(-14*time.Hour), 96*time.Hour) +
		(0.5+0.4*(season(t)+1))*daily(t, 18.5)
}

// waterTemperature of the stream, which springs feed: never as warm or as cold as the air.
func (w *World) waterTemperature(t time.Time) float64 {
	return 13.4 + 3.3*season(t.Add(-10*24*time.Hour)) + 0.9*w.weather.seed.of("airmass").wave(t.Add(-10*time.Hour), 96*time.Hour) +
		(0.4+0.5*(season(t)+1))*(1-0.5*w.weather.cloud(t.Truncate(time.Hour)))*daily(t, 17)
}

// Of returns the condition that a quantity at a depth names; false where the place does not have it.
func (c Conditions) Of(q sensors.Quantity, depth int) (float64, bool) {
	v := math.NaN()
	switch q {
	case sensors.AirTemperature:
		v = c.AirTemperature
	case sensors.RelativeHumidity:
		v = c.RelativeHumidity
	case sensors.AirPressure:
		v = c.AirPressure
	case sensors.SoilTemperature:
		v = c.SoilTemperature
	case sensors.WaterTemperature:
		v = c.WaterTemperature
	case sensors.VolumetricWaterContent:
		v = c.SoilMoisture10
		if depth == 30 {
			v = c.SoilMoisture30
		}
	}
	return v, !math.IsNaN(v)
}
