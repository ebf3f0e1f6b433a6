package chip

import (
	"errors"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"loam/sensors"
	"loam/sensors/clock"
)

func TestLinearRoundsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		full := rapid.Int64Range(1, 1<<24).Draw(t, "full")
		raw := rapid.Int64Range(-full, full).Draw(t, "raw")
		span := rapid.Int64Range(-2_000_000, 2_000_000).Draw(t, "span")
		offset := rapid.Int64Range(-10_000, 10_000).Draw(t, "offset")
		exact := new(big.Rat).Add(big.NewRat(span*raw, full), new(big.Rat).SetInt64(offset))
		off := new(big.Rat).Sub(new(big.Rat).SetInt64(Linear(raw, full, span, offset)), exact)
		half := big.NewRat(1, 2)
		if off.Cmp(half) > 0 || off.Cmp(new(big.Rat).Neg(half)) <= 0 {
			t.Fatalf("%s is off by %s", exact, off)
		}
	})
}

func TestSamplesKeepToTheirOutputs(t *testing.T) {
	outputs := []sensors.Output{
		Output(sensors.AirTemperature, -40, 85, -2, "", ""), Output(sensors.AirPressure, 30000, 110000, 0, "", ""),
	}
	samples, err := Samples(outputs, clock.Instant{}, -4000, 110000)
	if err != nil || samples[0].Value.String() != "-40.00" || samples[1].Value.String() != "110000" {
		t.Errorf("%v, %v", samples, err)
	}
	for _, steps := range [][]int64{{-4001, 100000}, {8501, 100000}, {0, 29999}, {0, 110001}} {
		if samples, err := Samples(outputs, clock.Instant{}, steps...); !errors.Is(err, ErrImplausible) || samples != nil {
			t.Errorf("%v: %v, %v", steps, samples, err)
		}
	}
}
