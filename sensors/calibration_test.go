package sensors_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"strings"
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

// read applies a calibration to one value.
func read(t testing.TB, c sensors.Calibration, raw string, near sensors.Nearby) (sensors.Reading, error) {
	t.Helper()
	return c.Apply("soil-10cm", sensors.Sample{Quantity: sensors.ProbeVoltage, Value: decimal(t, raw)}, near)
}

func TestMethods(t *testing.T) {
	points := func(pairs ...string) (ps []sensors.Point) {
		for i := 0; i < len(pairs); i += 2 {
			ps = append(ps, point(t, pairs[i], pairs[i+1]))
		}
		return ps
	}
	for _, c := range []struct {
		name         string
		method       sensors.Method
		points       []sensors.Point
		coefficients []string
		values       map[string]string // raw to calibrated, three places
	}{
		{"offset", sensors.Offset, points("0.12", "0"), nil, map[string]string{"0.12": "0.000", "1": "0.880", "-1": "-1.120"}},
		{"gain", sensors.Gain, points("2.5", "10"), nil, map[string]string{"0": "0.000", "1": "4.000", "-1": "-4.000"}},
		{"line", sensors.Line, points("2.2500", "0.05", "1.3500", "0.40"), nil, map[string]string{
			"2.2500": "0.050", "1.3500": "0.400", "1.8000": "0.225",
			"1.8013": "0.224",  // 0.22449…
			"2.5":    "-0.047", // beyond the points: the line goes on
		}},
		{"line falls", sensors.Line, points("0", "1", "2", "0"), nil, map[string]string{"1": "0.500"}},
		{"WH51 counts", sensors.Line, points("70", "0", "500", "100"), nil, map[string]string{"310": "55.814"}}, // RFFHEM#1163 shows 56
		{"table", sensors.Table, points("3", "30", "0", "0", "1", "20"), nil, map[string]string{"0": "0.000", "0.5": "10.000", "1": "20.000", "2": "25.000", "3": "30.000"}},
		{"polynomial", sensors.Polynomial, nil, []string{"1", "0", "-0.5"}, map[string]string{"0": "1.000", "2": "-1.000", "0.1": "0.995"}},
		{"constant", sensors.Polynomial, nil, []string{"7"}, map[string]string{"3": "7.000"}},
	} {
		cal := sensors.Calibration{Certificate: certificate(), To: sensors.VolumetricWaterContent, Method: c.method, Points: c.points, Places: 3}
		for _, k := range c.coefficients {
			cal.Coefficients = append(cal.Coefficients, decimal(t, k))
		}
		for raw, want := range c.values {
			r, err := read(t, cal, raw, nil)
			if err != nil || r.Value.String() != want {
				t.Errorf("%s: %s is %s, %v; want %s", c.name, raw, r.Value, err, want)
			}
			if r.Channel != "soil-10cm" || r.Quantity != cal.To || r.RawQuantity != sensors.ProbeVoltage || r.Raw != decimal(t, raw) || r.Calibration != cal.Certificate {
				t.Errorf("%s: the reading lost something: %+v", c.name, r)
			}
		}
	}
}

func TestOutsideItsTableAValueIsPassedOnUncalibrated(t *testing.T) {
	cal := sensors.Calibration{
		Certificate: certificate(), To: sensors.WaterDepth, Method: sensors.Table, Places: 1,
		Points: []sensors.Point{point(t, "1", "10"), point(t, "2", "40"), point(t, "3", "90")},
	}
	for _, raw := range []string{"0.999", "3.001"} {
		r, err := read(t, cal, raw, nil)
		uncalibrated(t, r, err, raw)
	}
}

// uncalibrated wants a reading that is what the probe said and claims nothing.
func uncalibrated(t testing.TB, r sensors.Reading, err error, raw string) {
	t.Helper()
	if !errors.Is(err, sensors.ErrUncalibrated) || !errors.Is(err, sensors.ErrCalibration) || !strings.Contains(err.Error(), "soil-10cm") {
		t.Errorf("%s: %v", raw, err)
	}
	if d := decimal(t, raw); r.Value != d || r.Raw != d || r.Quantity != sensors.ProbeVoltage || r.RawQuantity != sensors.ProbeVoltage || r.Calibration != (sensors.Certificate{}) {
		t.Errorf("%s came with %+v", raw, r)
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
		c := sensors.Calibration{Certificate: certificate(), Method: sensors.Line, Points: []sensors.Point{a, b}, Places: places}
		r, err := c.Apply("x", sensors.Sample{Quantity: sensors.ProbeVoltage, Value: x}, nil)
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
		nearest(t, r.Value, y, places)
		// the order of the points means nothing
		c.Points[0], c.Points[1] = b, a
		if turned, err := c.Apply("x", sensors.Sample{Quantity: sensors.ProbeVoltage, Value: x}, nil); err != nil || turned.Value != r.Value {
			t.Fatalf("points the other way round: %s, %v, not %s", turned.Value, err, r.Value)
		}
	})
}

// nearest wants v to be y with so many places, halves away from zero.
func nearest(t *rapid.T, v sensors.Decimal, y *big.Rat, places int) {
	unit := exact(sensors.Decimal{Mantissa: 1, Exponent: int8(-places)})
	off := new(big.Rat).Sub(exact(v), y)
	limit := new(big.Rat).Mul(unit, big.NewRat(1, 2))
	switch new(big.Rat).Abs(off).Cmp(limit) {
	case 1:
		t.Fatalf("%s is off by %s", v, off.FloatString(9))
	case 0:
		if y.Sign() != 0 && off.Sign() != y.Sign() {
			t.Fatalf("%s is a half that went towards zero", v)
		}
	}
	if int(v.Exponent) != -places {
		t.Fatalf("%s has not %d places", v, places)
	}
}

// A table through points of a line is that line, between its ends.
func TestATableOfALineIsTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slope, start := rapid.Int64Range(-50, 50).Draw(t, "slope"), rapid.Int64Range(-50, 50).Draw(t, "start")
		raws := rapid.SliceOfNDistinct(rapid.Int64Range(-1000, 1000), 3, 20, rapid.ID).Draw(t, "raws")
		c := sensors.Calibration{Certificate: certificate(), Method: sensors.Table, Places: 2}
		low, high := raws[0], raws[0]
		for _, x := range raws {
			c.Points = append(c.Points, sensors.Point{Raw: sensors.Decimal{Mantissa: x}, True: sensors.Decimal{Mantissa: slope*x + start}})
			low, high = min(low, x), max(high, x)
		}
		x := rapid.Int64Range(low, high).Draw(t, "x")
		r, err := c.Apply("x", sensors.Sample{Quantity: sensors.ProbeCount, Value: sensors.Decimal{Mantissa: x}}, nil)
		if err != nil || r.Value.Mantissa != 100*(slope*x+start) {
			t.Fatalf("%d is %s, %v, want %d", x, r.Value, err, slope*x+start)
		}
	})
}

func TestWithoutPointsTheValuePassesUnchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := sensors.Sample{Quantity: sensors.AirTemperature, Value: anyDecimal(t, "value")}
		c := sensors.Calibration{Certificate: sensors.Certificate{ID: sensors.FactoryCertificate}}
		r, err := c.Apply("air-temperature", s, nil)
		if err != nil || r.Value != s.Value || r.Raw != s.Value || r.Quantity != s.Quantity || r.RawQuantity != s.Quantity {
			t.Fatalf("%+v became %+v, %v", s, r, err)
		}
	})
}

func TestWhatIsNoCalibrationIsRefused(t *testing.T) {
	dry, wet := point(t, "2.25", "0.05"), point(t, "1.35", "0.40")
	good := sensors.Calibration{Certificate: certificate(), To: sensors.VolumetricWaterContent, Method: sensors.Line, Points: []sensors.Point{dry, wet}, Places: 3}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*sensors.Calibration){
		"one point":                  func(c *sensors.Calibration) { c.Points = c.Points[:1] },
		"three points":               func(c *sensors.Calibration) { c.Points = append(c.Points, point(t, "1", "1")) },
		"the same raw value":         func(c *sensors.Calibration) { c.Points = []sensors.Point{dry, point(t, "2.250", "0.40")} },
		"the same true value":        func(c *sensors.Calibration) { c.Points = []sensors.Point{dry, point(t, "1.35", "0.050")} },
		"no id":                      func(c *sensors.Calibration) { c.ID = "" },
		"the id of another system's": func(c *sensors.Calibration) { c.ID = "foreign:csv" },
		"no date":                    func(c *sensors.Calibration) { c.Date = time.Time{} },
		"due before it was made":     func(c *sensors.Calibration) { c.Due = c.Date.AddDate(0, 0, -1) },
		"unknown quantity":           func(c *sensors.Calibration) { c.To = "wetness" },
		"places below zero":          func(c *sensors.Calibration) { c.Places = -1 },
		"too many places":            func(c *sensors.Calibration) { c.Places = 13 },
		"unknown method":             func(c *sensors.Calibration) { c.Method = "spline" },
		"no points, another quantity": func(c *sensors.Calibration) {
			c.Method, c.Points = sensors.Unchanged, nil
		},
		"points, no method":              func(c *sensors.Calibration) { c.Method = sensors.Unchanged },
		"a gain through zero":            func(c *sensors.Calibration) { c.Method, c.Points = sensors.Gain, []sensors.Point{point(t, "0", "1")} },
		"a table of two":                 func(c *sensors.Calibration) { c.Method = sensors.Table },
		"a table with a raw value twice": func(c *sensors.Calibration) { c.Method, c.Points = sensors.Table, []sensors.Point{dry, wet, dry} },
		"a table too long": func(c *sensors.Calibration) {
			c.Method, c.Points = sensors.Table, nil
			for i := range int64(65) {
				c.Points = append(c.Points, sensors.Point{Raw: sensors.Decimal{Mantissa: i}})
			}
		},
		"a polynomial of nothing": func(c *sensors.Calibration) { c.Method, c.Points = sensors.Polynomial, nil },
		"a polynomial of degree 9": func(c *sensors.Calibration) {
			c.Method, c.Points, c.Coefficients = sensors.Polynomial, nil, make([]sensors.Decimal, 10)
		},
		"a line with coefficients":   func(c *sensors.Calibration) { c.Coefficients = make([]sensors.Decimal, 1) },
		"a domain of nothing":        func(c *sensors.Calibration) { c.Domain = &sensors.Domain{} },
		"an unknown effect":          func(c *sensors.Calibration) { c.Compensation = &sensors.Compensation{Effect: "moon", With: "sky"} },
		"an effect without channel":  func(c *sensors.Calibration) { c.Compensation = &sensors.Compensation{Effect: sensors.Barometric} },
		"a coefficient out of range": func(c *sensors.Calibration) { c.Compensation = compensation(t, sensors.Barometric, "5") },
		"a coefficient too many":     func(c *sensors.Calibration) { c.Compensation = compensation(t, sensors.HumidityPM25, "1") },
	} {
		c := good
		c.Points = append([]sensors.Point(nil), good.Points...)
		spoil(&c)
		r, err := c.Apply("soil-10cm", sensors.Sample{Quantity: sensors.ProbeVoltage, Value: decimal(t, "2.0")}, nil)
		if !errors.Is(err, sensors.ErrCalibration) || errors.Is(err, sensors.ErrUncalibrated) || r.Channel != "" {
			t.Errorf("%s: %+v, %v", name, r.Value, err)
		}
	}
}

func TestAResultTooLargeIsPassedOnUncalibrated(t *testing.T) {
	c := sensors.Calibration{Certificate: certificate(), Method: sensors.Line, Places: 3, Points: []sensors.Point{
		{Raw: sensors.Decimal{Mantissa: 0}, True: sensors.Decimal{}}, {Raw: sensors.Decimal{Mantissa: 1, Exponent: -12}, True: sensors.Decimal{Mantissa: 1, Exponent: 12}},
	}}
	r, err := read(t, c, "2.0", nil)
	uncalibrated(t, r, err, "2.0")
}

// Percent between a probe's dry and wet counts is a line like any other, shown without places.
func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID, Sensor string
			Inputs     struct {
				Ad   int64
				Dry  int64 `json:"ad_0pct"`
				Full int64 `json:"ad_100pct"`
			}
			Expected struct{ Moisture struct{ Value float64 } }
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	whole := func(n int64) sensors.Decimal { return sensors.Decimal{Mantissa: n} }
	for _, v := range file.Vectors {
		if v.Sensor != "Ecowitt WH51" {
			t.Errorf("%s: nobody tests a %s", v.ID, v.Sensor)
			continue
		}
		cal := sensors.Calibration{Certificate: certificate(), Method: sensors.Line, Points: []sensors.Point{
			{Raw: whole(v.Inputs.Dry), True: whole(0)}, {Raw: whole(v.Inputs.Full), True: whole(100)},
		}}
		r, err := cal.Apply("bed", sensors.Sample{Quantity: sensors.ProbeCount, Value: whole(v.Inputs.Ad)}, nil)
		if err != nil || r.Value.Float64() != v.Expected.Moisture.Value {
			t.Errorf("%s: %s, %v; want %v", v.ID, r.Value, err, v.Expected.Moisture.Value)
		}
	}
}
