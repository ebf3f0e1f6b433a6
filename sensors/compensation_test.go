package sensors_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"loam/sensors"
)

func compensation(t testing.TB, e sensors.Effect, coefficient string) *sensors.Compensation {
	t.Helper()
	c := &sensors.Compensation{Effect: e, With: "beside"}
	if coefficient != "" {
		d := decimal(t, coefficient)
		c.Coefficient = &d
	}
	return c
}

// beside is a gateway whose channel "beside" says a value.
func beside(q sensors.Quantity, v sensors.Decimal) sensors.Nearby {
	return func(c sensors.Channel) (sensors.Reading, bool) {
		return sensors.Reading{Channel: c, Quantity: q, Value: v, Calibration: sensors.Certificate{ID: sensors.FactoryCertificate}}, c == "beside"
	}
}

func TestEffects(t *testing.T) {
	for _, c := range []struct {
		name        string
		effect      sensors.Effect
		coefficient string
		other       sensors.Quantity
		at          map[[2]string]string // raw and the other channel's value, to the result
	}{
		{"conductivity at 25 °C stays", sensors.ConductivityTemperature, "", sensors.WaterTemperature, map[[2]string]string{{"1413", "25"}: "1413.00", {"1413", "20"}: "1570.00", {"0", "3"}: "0.00"}},
		{"potassium chloride", sensors.ConductivityTemperature, "0.0191", sensors.WaterTemperature, map[[2]string]string{{"1278", "20"}: "1412.94"}}, // 1413 µS/cm standard is about 1278 at 20 °C
		{"Nernst", sensors.PHTemperature, "", sensors.WaterTemperature, map[[2]string]string{{"7", "3"}: "7.00", {"4", "25"}: "4.00", {"4", "5"}: "3.78", {"10", "5"}: "10.22"}},
		{"Nernst, calibrated at 20 °C", sensors.PHTemperature, "20", sensors.WaterTemperature, map[[2]string]string{{"4", "20"}: "4.00"}},
		{"a metre of water", sensors.Barometric, "", sensors.AirPressure, map[[2]string]string{{"111131.65", "101325"}: "1000.00", {"101325", "101325"}: "0.00", {"100344.335", "101325"}: "-100.00"}},
		{"sea water", sensors.Barometric, "1025", sensors.AirPressure, map[[2]string]string{{"111131.65", "101325"}: "975.61"}},
		{"Barkjohn", sensors.HumidityPM25, "", sensors.RelativeHumidity, map[[2]string]string{{"20", "50"}: "11.92", {"0", "0"}: "5.75", {"100", "80"}: "51.25", {"1", "90"}: "0.00"}},
	} {
		cal := sensors.Calibration{Certificate: certificate(), Compensation: compensation(t, c.effect, c.coefficient), Places: 2}
		for in, want := range c.at {
			r, err := read(t, cal, in[0], beside(c.other, decimal(t, in[1])))
			if err != nil || r.Value.String() != want || r.Calibration.ID != "bed-1" {
				t.Errorf("%s: %s beside %s is %s, %v; want %s", c.name, in[0], in[1], r.Value, err, want)
			}
		}
	}
}

func TestACurveComesBeforeCompensation(t *testing.T) {
	cal := sensors.Calibration{
		Certificate: certificate(), To: sensors.WaterConductivity, Method: sensors.Gain, Points: []sensors.Point{point(t, "1", "1000")},
		Compensation: compensation(t, sensors.ConductivityTemperature, ""), Places: 1,
	}
	r, err := read(t, cal, "0.9", beside(sensors.WaterTemperature, decimal(t, "20")))
	if err != nil || r.Value.String() != "1000.0" || r.Raw.String() != "0.9" || r.Quantity != sensors.WaterConductivity {
		t.Errorf("%+v, %v", r, err)
	}
}

// What cannot be compensated is passed on as the probe said it, and claims no calibration.
func TestWithoutTheOtherChannelNothingIsClaimed(t *testing.T) {
	cal := sensors.Calibration{Certificate: certificate(), Compensation: compensation(t, sensors.ConductivityTemperature, ""), Places: 1}
	uncertified := func(c sensors.Channel) (sensors.Reading, bool) {
		return sensors.Reading{Channel: c, Quantity: sensors.WaterTemperature, Value: sensors.Decimal{Mantissa: 20}}, true
	}
	for name, near := range map[string]sensors.Nearby{
		"nobody":                nil,
		"no reading":            func(sensors.Channel) (sensors.Reading, bool) { return sensors.Reading{}, false },
		"another quantity":      beside(sensors.RelativeHumidity, sensors.Decimal{Mantissa: 20}),
		"itself uncalibrated":   uncertified,
		"impossibly hot":        beside(sensors.WaterTemperature, sensors.Decimal{Mantissa: 85}),
		"impossibly cold":       beside(sensors.AirTemperature, sensors.Decimal{Mantissa: -127}),
		"an unknown quantity":   beside("warmth", sensors.Decimal{Mantissa: 20}),
		"where it has no sense": beside(sensors.SurfaceTemperature, sensors.Decimal{Mantissa: -26}), // 1 + 0.02 (T − 25) < 0
	} {
		t.Run(name, func(t *testing.T) {
			r, err := read(t, cal, "420", near)
			uncalibrated(t, r, err, "420")
		})
	}
}

func TestConductivityIsTheNearestDecimal(t *testing.T) {
	cal := sensors.Calibration{Certificate: certificate(), Compensation: compensation(t, sensors.ConductivityTemperature, ""), Places: 1}
	rapid.Check(t, func(t *rapid.T) {
		ec := sensors.Decimal{Mantissa: rapid.Int64Range(0, 2_000_000).Draw(t, "ec"), Exponent: -1}
		c := sensors.Decimal{Mantissa: rapid.Int64Range(-100, 600).Draw(t, "t"), Exponent: -1}
		if c.Float64() < -5 {
			t.Skip("no water")
		}
		r, err := cal.Apply("x", sensors.Sample{Quantity: sensors.WaterConductivity, Value: ec}, beside(sensors.WaterTemperature, c))
		if err != nil {
			t.Fatal(err)
		}
		by := new(big.Rat).Sub(exact(c), big.NewRat(25, 1))
		by.Mul(by, big.NewRat(1, 50)).Add(by, big.NewRat(1, 1))
		nearest(t, r.Value, new(big.Rat).Quo(exact(ec), by), 1)
	})
}
