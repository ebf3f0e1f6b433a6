package stability_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"loam/sensors"
	"loam/sensors/stability"
)

func feed(t interface {
	Helper()
	Fatal(...any)
}, values ...int64) (v stability.Verdict) {
	t.Helper()
	var d stability.Detector
	for _, m := range values {
		var err error
		if v, err = d.Add(sensors.Sample{Quantity: sensors.WaterPH, Value: sensors.Decimal{Mantissa: m, Exponent: -3}}); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func TestAProbeThatStandsStillIsStable(t *testing.T) {
	still := make([]int64, stability.Window)
	for i := range still {
		still[i] = 7004
	}
	if v := feed(t, still[1:]...); v.Stable || v.Samples != stability.Window-1 {
		t.Errorf("too few samples: %+v", v)
	}
	v := feed(t, still...)
	if !v.Stable || v.Mean.String() != "7.0040" || v.Spread.Mantissa != 0 || v.Drift.Mantissa != 0 {
		t.Errorf("%+v", v)
	}
}

func TestAProbeOnItsWayIsNot(t *testing.T) {
	var way []int64
	for i := range 60 { // an electrode that nears pH 4 with a time constant of ten samples
		way = append(way, 4000+int64(math.Round(3000*math.Exp(-float64(i)/10))))
		if v := feed(t, way...); v.Stable && way[i]-4000 > 2 {
			t.Fatalf("sample %d, %d: stable %+v", i, way[i], v)
		}
	}
	for range stability.Window {
		way = append(way, 4000)
	}
	if v := feed(t, way...); !v.Stable || v.Mean.String() != "4.0000" {
		t.Errorf("arrived: %+v", v)
	}
}

// Noise around a value is stable, whatever its size; noise on a slope that is steeper than it is not.
func TestNoiseIsStableAndATrendIsNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 1000).Draw(t, "size")
		var noise, trend []int64
		for i := range int64(stability.Window) {
			n := size
			if i%2 == 0 {
				n = -size
			}
			noise = append(noise, n)
			trend = append(trend, n+i*8*size)
		}
		if v := feed(t, noise...); !v.Stable || v.Mean.Mantissa != 0 || v.Spread.Mantissa != 2*size {
			t.Fatalf("noise: %+v", v)
		}
		if v := feed(t, trend...); v.Stable {
			t.Fatalf("trend: %+v", v)
		}
	})
}

func TestTheMeanIsThatOfTheWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(-1e6, 1e6), 1, 40).Draw(t, "values")
		v := feed(t, values...)
		window := values[max(0, len(values)-stability.Window):]
		sum := int64(0)
		for _, x := range window {
			sum += x
		}
		if want := float64(sum) / float64(len(window)); math.Abs(float64(v.Mean.Mantissa)/10-want) > 0.05+1e-9 || v.Mean.Exponent != -4 || v.Samples != len(window) {
			t.Fatalf("%+v, want %v of %d", v, want, len(window))
		}
	})
}

func TestSamplesHaveToBeAlike(t *testing.T) {
	for _, other := range []sensors.Sample{
		{Quantity: sensors.WaterTemperature, Value: sensors.Decimal{Mantissa: 7, Exponent: -3}},
		{Quantity: sensors.WaterPH, Value: sensors.Decimal{Mantissa: 7, Exponent: -2}},
	} {
		var d stability.Detector
		if _, err := d.Add(sensors.Sample{Quantity: sensors.WaterPH, Value: sensors.Decimal{Mantissa: 7, Exponent: -3}}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Add(other); !errors.Is(err, stability.ErrMixed) {
			t.Errorf("%v: %v", other, err)
		}
	}
}
