package wire_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

// kit is ten channels as a well-equipped gateway has them, in the digits our drivers deliver: a BME280, four DS18B20 one
// after the other on one wire, and three soil moisture probes behind a converter, each with a two-point calibration.
type kit struct {
	rng      *rand.Rand
	readings []sensors.Reading
	at       clock.Instant
}

// sense adds what one channel says now.
func (k *kit) sense(ch sensors.Channel, q sensors.Quantity, mantissa int64, exponent int8) {
	v := sensors.Decimal{Mantissa: mantissa, Exponent: exponent}
	k.readings = append(k.readings, sensors.Reading{
		Channel: ch, Quantity: q, Value: v, RawQuantity: q, Raw: v, At: k.at,
		Calibration: sensors.Certificate{ID: sensors.FactoryCertificate},
	})
}

// moisture adds the reading of a calibrated moisture probe at a voltage in steps of 0.1 mV.
func (k *kit) moisture(t testing.TB, ch sensors.Channel, dry, wet, volts int64) {
	cal := sensors.Calibration{
		Certificate: sensors.Certificate{ID: string(ch) + "-2026", Date: date("2026-03-01"), Due: date("2027-03-01")},
		To:          sensors.VolumetricWaterContent, Method: sensors.Line, Places: 3,
		Points: []sensors.Point{
			{Raw: sensors.Decimal{Mantissa: dry, Exponent: -4}, True: sensors.Decimal{Mantissa: 0}},
			{Raw: sensors.Decimal{Mantissa: wet, Exponent: -4}, True: sensors.Decimal{Mantissa: 45, Exponent: -2}},
		},
	}
	sample := sensors.Sample{Quantity: sensors.ProbeVoltage, Value: sensors.Decimal{Mantissa: volts, Exponent: -4}, At: k.at}
	k.readings = append(k.readings, must(cal.Apply(ch, sample, nil))(t))
}

// noise is a whole number between -n and n.
func (k *kit) noise(n int64) int64 { return k.rng.Int64N(2*n+1) - n }

func date(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

// realistic is what the kit's sampler makes in the given number of rounds, one a minute: a slow drift, noise in the last
// digits, and every bus a millisecond or two late in its own way.
func realistic(t testing.TB, rounds int) wire.Batch {
	b := wire.Batch{Header: wire.Header{Gateway: "willow-creek-2", Sequence: 1787218200, Clock: clock.Synced}}
	k := kit{rng: rand.New(rand.NewPCG(1, 2))}
	for i := range b.Previous {
		b.Previous[i] = byte(k.rng.Uint32())
	}
	for i := range b.Boot {
		b.Boot[i] = byte(k.rng.Uint32())
	}
	for round := range int64(rounds) {
		tick := time.Date(2026, 8, 20, 9, 30, 0, 0, time.UTC).Add(time.Duration(round) * time.Minute)
		after := func(ms int64) {
			k.at = clock.Instant{Wall: tick.Add(time.Duration(ms+k.rng.Int64N(3)) * time.Millisecond), Boot: b.Boot, State: b.Clock}
		}
		after(12)
		k.sense("air-humidity", sensors.RelativeHumidity, 6312-3*round+k.noise(6), -2)
		k.sense("air-pressure", sensors.AirPressure, 98712+k.noise(2), 0)
		k.sense("air-temperature", sensors.AirTemperature, 2184+2*round+k.noise(2), -2)
		for i, ch := range []sensors.Channel{"soil-10cm", "soil-30cm", "soil-60cm"} {
			after(int64(i+1) * 760)
			k.sense(ch, sensors.SoilTemperature, 625*(279-16*int64(i)+k.rng.Int64N(5)/4), -4)
		}
		after(4 * 760)
		k.sense("stream", sensors.WaterTemperature, 625*(195+round/3), -4)
		for i, ch := range []sensors.Channel{"moisture-10cm", "moisture-30cm", "moisture-60cm"} {
			after(8 + int64(i)*9)
			k.moisture(t, ch, 28310+int64(i)*57, 12790-int64(i)*31, 17850+900*int64(i)+k.noise(8))
		}
	}
	b.Readings = k.readings
	return b
}

// TestSize holds what the design promises: at most 12 bytes a reading at 60 readings of 10 channels, signature included.
func TestSize(t *testing.T) {
	b := realistic(t, 6)
	if len(b.Readings) != 60 {
		t.Fatalf("%d readings, want 60", len(b.Readings))
	}
	sealed := must(wire.Seal(b, testSigner("willow-creek-2")))(t)
	each := float64(len(sealed.Bytes)) / float64(len(b.Readings))
	t.Logf("%d bytes, %.2f a reading", len(sealed.Bytes), each)
	if each > 12 {
		t.Errorf("%.2f bytes a reading, want at most 12", each)
	}
}

func BenchmarkSeal(b *testing.B) {
	batch, s := realistic(b, 6), testSigner("willow-creek-2")
	var sealed wire.Sealed
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if sealed, err = wire.Seal(batch, s); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(sealed.Bytes))/float64(len(batch.Readings)), "bytes/reading")
}

func BenchmarkOpen(b *testing.B) {
	s := testSigner("willow-creek-2")
	sealed, err := wire.Seal(realistic(b, 6), s)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.Open(sealed.Bytes, s.Public()); err != nil {
			b.Fatal(err)
		}
	}
}
