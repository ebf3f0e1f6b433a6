package health

import (
	"testing"
	"time"

	"loam/gateway/sampler"
	"loam/sensors"
	"loam/sensors/clock"
)

// BenchmarkStatusPage is what a status page of 32 channels costs, the machine's facts left out.
func BenchmarkStatusPage(b *testing.B) {
	at := clock.Instant{Wall: now, Uptime: time.Hour}
	var statuses []sampler.Status
	for range 32 {
		statuses = append(statuses, sampler.Status{Probe: "air", Began: at, Answered: at, Good: at, Channels: []sampler.ChannelStatus{{
			Channel: "air-temperature", Quantity: sensors.AirTemperature, Same: at, Repeats: 60,
			Last: sensors.Reading{Channel: "air-temperature", Quantity: sensors.AirTemperature, RawQuantity: sensors.AirTemperature, Value: sensors.Decimal{Mantissa: 1200, Exponent: -2}, Raw: sensors.Decimal{Mantissa: 1200, Exponent: -2}, At: at},
		}}})
	}
	r := NewRhythm(time.Second, time.Second).At(at)
	for b.Loop() {
		r.Probes(statuses)
		r.View(statuses)
	}
}
