package sensors_test

import (
	"errors"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/sensors"
)

func decimal(t testing.TB, s string) sensors.Decimal {
	t.Helper()
	d, err := sensors.ParseDecimal(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func point(t testing.TB, raw, is string) sensors.Point {
	return sensors.Point{Raw: decimal(t, raw), True: decimal(t, is)}
}

func certificate() sensors.Certificate {
	return sensors.Certificate{ID: "bed-1", Date: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
}

func TestTwoPointsMakeAnExactLine(t *testing.T) {
	c := sensors.Calibration{
		Certificate: certificate(), To: sensors.VolumetricWaterContent, Places: 3,
		Points: []sensors.Point{point(t, "2.2500", "0.05"), point(t, "1.3500", "0.40")},
	}
	for raw, want := range map[string]string{
		"2.2500": "0.050", "1.3500": "0.400", "1.8000": "0.225",
		"1.8013": "0.224",  // 0.22449…
		"2.5":    "-0.047", // beyond the points: the line goes on, and quality control has its say
	} {
		s := sensors.Sample{Quantity: sensors.ProbeVoltage, Value: decimal(t, raw)}
		r, err := c.Apply("soil-10cm", s)
		if err != nil || r.Value.String() != want {
			t.Errorf("%s V is %s, %v; want %s", raw, r.Value, err, want)
		}
		if r.Channel != "soil-10cm" || r.Quantity != c.To || r.RawQuantity != s.Quantity || r.Raw != s.Value || r.Calibration != c.Certificate {
			t.Errorf("the reading lost something: %+v", r)
		}
	}
}

func TestTheLineIsRoundedOnceHalfAwayFromZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := func(name string) sensors.Decimal {
			return sensors.Decimal{Mantissa: rapid.Int64Range(-1e9, 1e9).Draw(t, name), Exponent: int8(rapid.IntRange(-6, 3).Draw(t, name+" exponent"))}
		}
		a, b := sensors.Point{Raw: small("raw a"), True: small("true a")}, sensors.Point{Raw: small("raw b"), True: small("true b")}
		places := rapid.IntRange(0, 6).Draw(t, "places")
		if a.Raw.Cmp(b.Raw) == 0 || a.True.Cmp(b.True) == 0 {
			t.Skip("no line")
		}
		x := small("x")
		c := sensors.Calibration{Certificate: certificate(), Points: []sensors.Point{a, b}, Places: places}
		r, err := c.Apply("x", sensors.Sample{Quantity: sensors.ProbeVoltage, Value: x})
		if errors.Is(err, sensors.ErrNotDecimal) {
			t.Skip("beyond what a mantissa holds")
		}
		if err != nil {
			t.Fatal(err)
		}
		// true line: (y − a.True) (b.Raw − a.Raw) = (x − a.Raw) (b.True − a.True)
		y := new(big.Rat).Sub(exact(x), exact(a.Raw))
		y.Mul(y, new(big.Rat).Sub(exact(b.True), exact(a.True)))
		y.Quo(y, new(big.Rat).Sub(exact(b.Raw), exact(a.Raw)))
		y.Add(y, exact(a.True))
		unit := exact(sensors.Decimal{Mantissa: 1, Exponent: int8(-places)})
		off := new(big.Rat).Sub(exact(r.Value), y)
		limit := new(big.Rat).Mul(unit, big.NewRat(1, 2))
		switch new(big.Rat).Abs(off).Cmp(limit) {
		case 1:
			t.Fatalf("%s is off by %s", r.Value, off.FloatString(9))
		case 0:
			if y.Sign() != 0 && off.Sign() != y.Sign() {
				t.Fatalf("%s is a half that went towards zero", r.Value)
			}
		}
		if int(r.Value.Exponent) != -places {
			t.Fatalf("%s has not %d places", r.Value, places)
		}
		// the order of the points means nothing
		c.Points[0], c.Points[1] = b, a
		if turned, err := c.Apply("x", sensors.Sample{Quantity: sensors.ProbeVoltage, Value: x}); err != nil || turned.Value != r.Value {
			t.Fatalf("points the other way round: %s, %v, not %s", turned.Value, err, r.Value)
		}
	})
}

func TestWithoutPointsTheValuePassesUnchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := sensors.Sample{Quantity: sensors.AirTemperature, Value: anyDecimal(t, "value")}
		c := sensors.Calibration{Certificate: sensors.Certificate{ID: sensors.FactoryCertificate}}
		r, err := c.Apply("air-temperature", s)
		if err != nil || r.Value != s.Value || r.Raw != s.Value || r.Quantity != s.Quantity || r.RawQuantity != s.Quantity {
			t.Fatalf("%+v became %+v, %v", s, r, err)
		}
	})
}

func TestWhatIsNoCalibrationIsRefused(t *testing.T) {
	dry, wet := point(t, "2.25", "0.05"), point(t, "1.35", "0.40")
	good := sensors.Calibration{Certificate: certificate(), To: sensors.VolumetricWaterContent, Points: []sensors.Point{dry, wet}, Places: 3}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*sensors.Calibration){
		"one point":              func(c *sensors.Calibration) { c.Points = c.Points[:1] },
		"three points":           func(c *sensors.Calibration) { c.Points = append(c.Points, dry) },
		"the same raw value":     func(c *sensors.Calibration) { c.Points = []sensors.Point{dry, point(t, "2.250", "0.40")} },
		"the same true value":    func(c *sensors.Calibration) { c.Points = []sensors.Point{dry, point(t, "1.35", "0.050")} },
		"no id":                  func(c *sensors.Calibration) { c.ID = "" },
		"no date":                func(c *sensors.Calibration) { c.Date = time.Time{} },
		"due before it was made": func(c *sensors.Calibration) { c.Due = c.Date.AddDate(0, 0, -1) },
		"unknown quantity":       func(c *sensors.Calibration) { c.To = "wetness" },
		"places below zero":      func(c *sensors.Calibration) { c.Places = -1 },
		"too many places":        func(c *sensors.Calibration) { c.Places = 13 },
		"no points, another quantity": func(c *sensors.Calibration) {
			c.Points = nil
		},
		"a result too large": func(c *sensors.Calibration) {
			c.Points = []sensors.Point{{Raw: sensors.Decimal{Mantissa: 0}, True: sensors.Decimal{}}, {Raw: sensors.Decimal{Mantissa: 1, Exponent: -12}, True: sensors.Decimal{Mantissa: 1, Exponent: 12}}}
		},
	} {
		c := good
		c.Points = append([]sensors.Point(nil), good.Points...)
		spoil(&c)
		r, err := c.Apply("soil-10cm", sensors.Sample{Quantity: sensors.ProbeVoltage, Value: decimal(t, "2.0")})
		if !errors.Is(err, sensors.ErrCalibration) {
			t.Errorf("%s: %+v, %v", name, r.Value, err)
		}
	}
}
