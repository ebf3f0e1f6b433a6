package sensors_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"loam/sensors"
)

func anyDecimal(t *rapid.T, name string) sensors.Decimal {
	return sensors.Decimal{
		Mantissa: rapid.Int64().Draw(t, name),
		Exponent: int8(rapid.IntRange(-12, 12).Draw(t, name+" exponent")),
	}
}

// exact is the value as a fraction, worked out without the code under test.
func exact(d sensors.Decimal) *big.Rat {
	r := new(big.Rat).SetInt64(d.Mantissa)
	ten := new(big.Rat).SetInt64(10)
	for range max(d.Exponent, -d.Exponent) {
		if d.Exponent > 0 {
			r.Mul(r, ten)
		} else {
			r.Quo(r, ten)
		}
	}
	return r
}

func TestWhatADecimalWritesItReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDecimal(t, "d")
		text, ok := new(big.Rat).SetString(d.String())
		if !ok || text.Cmp(exact(d)) != 0 {
			t.Fatalf("%+v writes %s", d, d)
		}
		back, err := sensors.ParseDecimal(d.String())
		if d.Exponent <= 0 {
			if err != nil || back != d {
				t.Fatalf("%+v writes %s, which reads as %+v, %v", d, d, back, err)
			}
		} else if err == nil && back.Cmp(d) != 0 { // zeros are written out; they may not fit a mantissa
			t.Fatalf("%+v writes %s, which reads as %+v", d, d, back)
		}
	})
}

func TestParseDecimal(t *testing.T) {
	for text, want := range map[string]sensors.Decimal{
		"0": {}, "-0": {}, "20.50": {Mantissa: 2050, Exponent: -2}, "-0.05": {Mantissa: -5, Exponent: -2}, "-12.5": {Mantissa: -125, Exponent: -1},
		".5": {Mantissa: 5, Exponent: -1}, "-.5": {Mantissa: -5, Exponent: -1}, "9223372036854775807": {Mantissa: math.MaxInt64},
		"0.000000000001": {Mantissa: 1, Exponent: -12},
	} {
		if got, err := sensors.ParseDecimal(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", ".", "-", "-.", "5.", "1.2.3", "1,5", "1e3", "0x10", " 1", "1 ", "1.-5", "1.+5", "--1", "1_000", "NaN", "inf", "９",
		"9223372036854775808", "0.0000000000001", "-9223372036854775809",
	} {
		if got, err := sensors.ParseDecimal(text); !errors.Is(err, sensors.ErrNotDecimal) {
			t.Errorf("%q: %+v, %v; want a refusal", text, got, err)
		}
	}
}

func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"20.50", "-0.05", "1e3", "", "-.5", "9223372036854775808", "+1", "00.10", "1.2.3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := sensors.ParseDecimal(s)
		if err != nil {
			if !errors.Is(err, sensors.ErrNotDecimal) {
				t.Errorf("%q: %v does not wrap ErrNotDecimal", s, err)
			}
			return
		}
		if want, ok := new(big.Rat).SetString(s); !ok || exact(d).Cmp(want) != 0 {
			t.Errorf("%q became %+v", s, d)
		}
		if again, err := sensors.ParseDecimal(d.String()); err != nil || again != d {
			t.Errorf("%q became %+v, written %s, read %+v, %v", s, d, d, again, err)
		}
	})
}

func TestMicroIsTheNearestMillionth(t *testing.T) {
	half := big.NewRat(1, 2)
	rapid.Check(t, func(t *rapid.T) {
		d := anyDecimal(t, "d")
		got, err := d.Micro()
		millionths := new(big.Rat).Mul(exact(d), new(big.Rat).SetInt64(sensors.MicroPerUnit))
		away := new(big.Rat).Add(new(big.Rat).Abs(millionths), half) // half away from zero: floor(|x| + 1/2) with the sign of x
		want := new(big.Int).Quo(away.Num(), away.Denom())
		if millionths.Sign() < 0 {
			want.Neg(want)
		}
		if want.IsInt64() != (err == nil) || err == nil && int64(got) != want.Int64() {
			t.Fatalf("%s in millionths is %d, %v; want %s", d, got, err, want)
		}
	})
}

func TestMicroWritesNoMoreThanMatters(t *testing.T) {
	for m, want := range map[sensors.Micro]string{0: "0", 1: "0.000001", -1: "-0.000001", 500000: "0.5", -500000: "-0.5", 10_000_000: "10", 1_234_560: "1.23456"} {
		if m.String() != want {
			t.Errorf("%d writes %q, want %q", int64(m), m.String(), want)
		}
	}
}

func TestCmpComparesByValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyDecimal(t, "a"), anyDecimal(t, "b")
		if rapid.Bool().Draw(t, "near") { // or two random ones would hardly ever be equal
			b = sensors.Decimal{Mantissa: a.Mantissa / 1000, Exponent: a.Exponent}
			a = sensors.Decimal{Mantissa: b.Mantissa * 100, Exponent: b.Exponent - 2}
		}
		if got, want := a.Cmp(b), exact(a).Cmp(exact(b)); got != want || b.Cmp(a) != -want {
			t.Fatalf("%s against %s: %d, want %d", a, b, got, want)
		}
	})
	far, tiny := sensors.Decimal{Mantissa: 1, Exponent: 100}, sensors.Decimal{Mantissa: 1, Exponent: -100}
	if far.Cmp(tiny) != 1 || tiny.Cmp(far) != -1 { // exponents no probe has, which damage can
		t.Error("exponents too far apart are compared wrongly")
	}
}

func TestSubIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyDecimal(t, "a"), anyDecimal(t, "b")
		d, err := a.Sub(b)
		if err != nil {
			if !errors.Is(err, sensors.ErrNotDecimal) {
				t.Fatal(err)
			}
			t.Skip("does not fit")
		}
		if exact(d).Cmp(new(big.Rat).Sub(exact(a), exact(b))) != 0 {
			t.Fatalf("%s less %s is %s", a, b, d)
		}
	})
}

func TestDecimalFromFloat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.IntRange(0, 6).Draw(t, "places")
		f := rapid.Float64Range(-1e6, 1e6).Draw(t, "f")
		d, err := sensors.DecimalFromFloat(f, places)
		if err != nil || int(d.Exponent) != -places {
			t.Fatalf("%v with %d places is %s, %v", f, places, d, err)
		}
		off := new(big.Rat).Sub(exact(d), new(big.Rat).SetFloat64(f))
		limit := exact(sensors.Decimal{Mantissa: 5001, Exponent: int8(-places - 4)}) // a half, and what scaling a float loses
		if off.Abs(off).Cmp(limit) > 0 {
			t.Fatalf("%v with %d places is %s, %v", f, places, d, err)
		}
	})
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -1e19} {
		if d, err := sensors.DecimalFromFloat(f, 2); !errors.Is(err, sensors.ErrNotDecimal) {
			t.Errorf("%v became %s", f, d)
		}
	}
	for _, places := range []int{-13, 13, 400, -400} {
		if d, err := sensors.DecimalFromFloat(0, places); !errors.Is(err, sensors.ErrNotDecimal) {
			t.Errorf("%d places became %+v", places, d)
		}
	}
}

func TestFloat64IsTheNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDecimal(t, "d")
		if want, _ := exact(d).Float64(); d.Float64() != want {
			t.Fatalf("%s is %v, want %v", d, d.Float64(), want)
		}
	})
}

func TestKinds(t *testing.T) {
	seen := map[sensors.Quantity]bool{}
	for _, k := range sensors.Kinds() {
		if seen[k.Name] {
			t.Errorf("%s is listed twice", k.Name)
		}
		seen[k.Name] = true
		if k.Title == "" || k.Unit == "" || k.Symbol == "" && k.Unit != "1" || k.SenML == "" {
			t.Errorf("%s: title or a unit is missing: %+v", k.Name, k)
		}
		if k.Min.Cmp(k.Max) >= 0 || k.Places < 0 || k.Places > 6 {
			t.Errorf("%s: from %s to %s with %d places", k.Name, k.Min, k.Max, k.Places)
		}
		if name := string(k.Name); name != strings.ToLower(name) || strings.ContainsAny(name, " -") {
			t.Errorf("%q is not snake case", name)
		}
		if got, err := k.Name.Kind(); err != nil || got != k {
			t.Errorf("%s finds %+v, %v", k.Name, got, err)
		}
	}
	if _, err := sensors.Quantity("air_temprature").Kind(); err == nil {
		t.Error("an unknown quantity has a kind")
	}
}
