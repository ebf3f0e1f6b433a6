package qc

import "loam/sensors"

// hour is the unit flat lines are thought in; ioos_qc counts seconds.
const hour = 3600

// gapHours lets a half-hourly rhythm lose five readings in a row, and an hourly one two.
const gapHours = 3

// Defaults returns the settings loam ships, for every quantity of [sensors.Kinds]. They are meant to be overridden by
// people who know their site: a frozen or deep soil, a spring-fed stream and a mountain are all unusual.
//
// How the numbers were chosen:
//
//   - gross_range fails what cannot be on Earth's surface, the bounds of [sensors.Kind], and suspects what hardly any
//     ecosystem shows.
//   - spike must bear half-hourly readings: thresholds are more than weather does within half an hour. Where nature
//     leaps and stays, as soil does in rain, the differential method asks that the value falls back at once.
//   - rate_of_change is in units per second and must bear readings every second, where one step of the probe's
//     resolution and its noise are already a rate. It finds leaps in fast series; in slow ones the spike test does.
//   - flat_line finds a probe that says the same for ever. Its tolerance is below the smallest step the probes show, so
//     only a signal without any movement counts, and its periods are longer than nature keeps still at that resolution:
//     half a day in air, two days in water and soil, where a day brings a cycle of temperature that the probes feel.
//   - time_gap is three hours for all: rhythms from a second to an hour are judged alike.
//
// Where no source is named the number is engineering judgement, generous on purpose: a false alarm takes credits from
// somebody who did nothing wrong.
func Defaults() Settings {
	var s Settings
	for _, k := range sensors.Kinds() {
		s.set(rule{Quantity: k.Name, Config: defaults(k)})
	}
	return s
}

func defaults(k sensors.Kind) Config {
	possible := Span{k.Min.Float64(), k.Max.Float64()}
	gap := float64(gapHours)
	c := Config{GrossRange: &GrossRangeTest{FailSpan: &possible}, TimeGap: &TimeGapTest{FailSpanHours: &gap}}
	usual := func(low, high float64) { c.GrossRange.SuspectSpan = &Span{low, high} }
	spike := func(method SpikeMethod, suspect, fail float64) {
		c.Spike = &SpikeTest{SuspectThreshold: suspect, FailThreshold: fail, Method: method}
	}
	rate := func(suspect, fail float64) {
		c.RateOfChange = &RateOfChangeTest{Threshold: suspect, FailThreshold: &fail}
	}
	flat := func(suspect, fail, tolerance float64) {
		c.FlatLine = &FlatLineTest{SuspectThreshold: suspect * hour, FailThreshold: fail * hour, Tolerance: tolerance}
	}
	switch k.Name {
	case sensors.AirTemperature: // °C
		usual(-40, 50)
		spike(Average, 5, 10) // a cold front may bring 10 °C in an hour, but as a step, not as a spike
		rate(0.5, 2)          // eight steps of a DS18B20 (0.0625 °C at 12 bits, data sheet table 2) within one second
		flat(12, 24, 0.05)    // below one step of a DS18B20; a day moves air by degrees
	case sensors.RelativeHumidity: // %
		usual(3, 100)          // 100 is fog, not a fault
		spike(Average, 25, 50) // sun or rain on a canopy: some 20 % in half an hour
		rate(5, 20)            // below the fastest a BME280 can follow: 63 % of a step in 1 s (data sheet table 2)
		flat(48, 96, 0.05)     // fog holds 100 % for a day and more
	case sensors.AirPressure: // Pa
		usual(50_000, 108_500)    // about 5,500 m up, to the highest ever reduced to sea level (1,084.8 hPa)
		spike(Average, 300, 1000) // a thunderstorm's nose is about 200 Pa
		rate(50, 200)             // gusts are some ten pascals
		flat(24, 48, 0.5)         // people read whole pascals; tides of the air alone move it by 50 Pa a day
	case sensors.WaterTemperature: // °C
		usual(-2, 40)        // sea water freezes at -1.9
		spike(Average, 2, 5) // water stores heat: what spikes is a probe out of the water
		rate(0.5, 2)         // as for air
		flat(48, 96, 0.02)   // a third of a DS18B20's step; a spring may need longer
	case sensors.SoilTemperature: // °C
		usual(-30, 60)
		spike(Average, 3, 6) // bare soil in the sun, a cloud before it
		rate(0.5, 2)
		flat(48, 96, 0.02) // as for water; under snow soil rests at 0 °C for weeks, such sites override this
	case sensors.VolumetricWaterContent: // m³/m³
		usual(0.01, 0.75)              // oven-dry sand to wet organic soil; peat is more, such sites override this
		spike(Differential, 0.05, 0.2) // rain is a step up and a slow fall, only what falls back at once is a spike
		rate(0.02, 0.1)                // the whole range of a soil within 20 s is no rain
		flat(48, 96, 0.0002)           // dry soil stays within 0.002 for hours; a day's warmth moves a capacitive probe more than this
	case sensors.ProbeVoltage: // V
		usual(-0.5, 6.5)              // what field electronics feed a probe with
		spike(Differential, 0.1, 0.4) // as soil moisture: a capacitive probe spans about 1.5 V from dry to wet
		rate(0.1, 0.5)
		flat(48, 96, 0.0001) // below one step of an ADS1115 at ±4.096 V (0.000125 V, data sheet table 3)
	default:
		fieldDefaults[k.Name].apply(&c)
	}
	return c
}
