package bme680

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// recorded is the chip that elixir-sensors/bmp280 recorded (test/bmp280/sensor/bme680_sensor_test.exs): with its raw values
// below, it was at 19.3113 °C, 100977.52 Pa, 25.2 % and 20467.2644 Ω.
func recorded() trimming {
	return trimming{
		t1: 26195, t2: 26290, t3: 3,
		p1: 35395, p2: -10405, p3: 88, p4: 4836, p5: -118, p6: 30, p7: 26, p8: -765, p9: -3367, p10: 30,
		h1: 717, h2: 1021, h3: 0, h4: 45, h5: 20, h6: 120, h7: -100,
		g1: -30, g2: -5969, g3: 18,
	}
}

const recordedT, recordedP, recordedH, recordedGas, recordedRange = 480_732, 393_705, 16820, 195, 9

// another is a chip that wrclark/bme680 printed.
func another() trimming {
	return trimming{
		t1: 26203, t2: 26519, t3: 3,
		p1: 35008, p2: -10284, p3: 88, p4: 9692, p5: -202, p6: 30, p7: 24, p8: -516, p9: -3469, p10: 30,
		h1: 794, h2: 1007, h3: 0, h4: 45, h5: 20, h6: 120, h7: -100,
		g1: -30, g2: -5969, g3: 18, heatRange: 1, heatValue: 44, rangeError: -2,
	}
}

func TestARecordedChip(t *testing.T) {
	k := recorded()
	centi, fine := k.temperature(recordedT)
	pascal, ok := k.pressure(recordedP, fine)
	for _, c := range []struct {
		name            string
		got, want, near float64
	}{
		{"temperature", float64(centi) / 100, 19.3113, 0.01}, {"pressure", float64(pascal), 100977.52, 0.6},
		{"humidity", float64(k.humidity(recordedH, fine)) / 1000, 25.2, 0.1}, {"gas", float64(k.gasLow(recordedGas, recordedRange)), 20467.2644, 1},
	} {
		if !ok || math.Abs(c.got-c.want) > c.near {
			t.Errorf("%s is %v, recorded was %v", c.name, c.got, c.want)
		}
	}
}

// printed are the maker's formulas in floating point.
func printed(k trimming, rawT, rawP, rawH float64) (celsius, pascal, percent float64) {
	d := rawT/131072 - float64(k.t1)/8192
	fine := (rawT/16384-float64(k.t1)/1024)*float64(k.t2) + d*d*float64(k.t3)*16
	celsius = fine / 5120

	x := fine/2 - 64000
	offset := (x*x*float64(k.p6)/131072+x*float64(k.p5)*2)/4 + float64(k.p4)*65536
	scale := (1 + (float64(k.p3)*x*x/16384+float64(k.p2)*x)/524288/32768) * float64(k.p1)
	p := (1048576 - rawP - offset/4096) * 6250 / scale
	pascal = p + (float64(k.p9)*p*p/2147483648+p*float64(k.p8)/32768+math.Pow(p/256, 3)*float64(k.p10)/131072+float64(k.p7)*128)/16

	h := rawH - float64(k.h1)*16 - float64(k.h3)/2*celsius
	h *= float64(k.h2) / 262144 * (1 + float64(k.h4)/16384*celsius + float64(k.h5)/1048576*celsius*celsius)
	percent = min(max(h+(float64(k.h6)/16384+float64(k.h7)/2097152*celsius)*h*h, 0), 100)
	return celsius, pascal, percent
}

func TestIntegersFollowTheFormulas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom([]trimming{recorded(), another()}).Draw(t, "chip")
		rawT := rapid.Int64Range(320_000, 640_000).Draw(t, "temperature")
		rawP := rapid.Int64Range(250_000, 600_000).Draw(t, "pressure")
		rawH := rapid.Int64Range(10_000, 35_000).Draw(t, "humidity")
		celsius, pascal, percent := printed(k, float64(rawT), float64(rawP), float64(rawH))
		if pascal < 30_000 || pascal > 110_000 {
			return
		}
		centi, fine := k.temperature(rawT)
		p, ok := k.pressure(rawP, fine)
		h := float64(k.humidity(rawH, fine)) / 1000
		if math.Abs(float64(centi)/100-celsius) > 0.011 || !ok || math.Abs(float64(p)-pascal) > 1 || math.Abs(h-percent) > 0.06 {
			t.Fatalf("%d, %d, %.3f; in floating point %.4f, %.2f, %.4f", centi, p, h, celsius, pascal, percent)
		}
	})
}

// TestGasFollowsTheTables compares with the corrections of each range as the data sheet prints them, in percent.
func TestGasFollowsTheTables(t *testing.T) {
	slope := [16]float64{5: -1, 7: -0.8, 10: -0.2, 11: -0.5, 13: -1}
	full := [16]float64{4: 0.1, 5: 0.7, 7: -0.8, 8: -0.1}
	for _, k := range []trimming{recorded(), another()} {
		for rng := range int64(16) {
			for raw := int64(0); raw < 1024; raw += 33 {
				a := (1340 + 5*float64(k.rangeError)) * (1 + slope[rng]/100)
				want := 1 / ((1 + full[rng]/100) * 0.000000125 * float64(int(1)<<rng) * ((float64(raw)-512)/a + 1))
				if got := float64(k.gasLow(raw, rng)); math.Abs(got-want) > want*0.0002+1 {
					t.Errorf("range %d, raw %d: %v, want %v", rng, raw, got, want)
				}
				want = 1e6 * float64(int64(262144)>>rng) / float64(4096+3*(raw-512))
				if got := float64(gasHigh(raw, rng)); math.Abs(got-want) > 0.501 {
					t.Errorf("BME688, range %d, raw %d: %v, want %v", rng, raw, got, want)
				}
			}
		}
	}
}

// TestHeaterIsAboutTheMakers compares with the maker's integers, which leave the ambient temperature out.
func TestHeaterIsAboutTheMakers(t *testing.T) {
	for _, k := range []trimming{recorded(), another()} {
		b := (int64(k.g1) + 784) * (((int64(k.g2)+154009)*heaterCelsius*5/100 + 3276800) / 10)
		c := b / 2 / (int64(k.heatRange) + 4)
		want := ((c/(131*int64(k.heatValue)+65536)-250)*34 + 50) / 100
		if got := int64(k.heater(heaterCelsius, 0)); got < want-1 || got > want+1 {
			t.Errorf("%d, the maker has %d", got, want)
		}
		if cold, warm := k.heater(heaterCelsius, -20), k.heater(heaterCelsius, 50); warm <= cold {
			t.Errorf("%d in the cold, %d in the heat", cold, warm)
		}
	}
}

// registers lays the coefficients out as they are in the chip.
func (t trimming) registers() (a [trimming1]byte, b [trimming2]byte, c [trimming3]byte) {
	put := func(to []byte, v uint16) { to[0], to[1] = byte(v), byte(v>>8) }
	put(a[0:], uint16(t.t2))
	a[2] = byte(t.t3)
	put(a[4:], t.p1)
	put(a[6:], uint16(t.p2))
	a[8] = byte(t.p3)
	put(a[10:], uint16(t.p4))
	put(a[12:], uint16(t.p5))
	a[14], a[15] = byte(t.p7), byte(t.p6)
	put(a[18:], uint16(t.p8))
	put(a[20:], uint16(t.p9))
	a[22] = t.p10
	b[0], b[1], b[2] = byte(t.h2>>4), byte(t.h2&15)<<4|byte(t.h1&15), byte(t.h1>>4)
	b[3], b[4], b[5], b[6], b[7] = byte(t.h3), byte(t.h4), byte(t.h5), t.h6, byte(t.h7)
	put(b[8:], t.t1)
	put(b[10:], uint16(t.g2))
	b[12], b[13] = byte(t.g1), byte(t.g3)
	c[0], c[2], c[4] = byte(t.heatValue), t.heatRange<<4, byte(t.rangeError)<<4
	return a, b, c
}

func TestTrimmingSurvivesTheRegisters(t *testing.T) {
	for _, k := range []trimming{recorded(), another()} {
		if got, err := parseTrimming(k.registers()); err != nil || got != k {
			t.Errorf("%+v became %+v, %v", k, got, err)
		}
	}
	for _, fill := range []byte{0x00, 0xFF} {
		var a [trimming1]byte
		var b [trimming2]byte
		var c [trimming3]byte
		for i := range a {
			a[i] = fill
		}
		for i := range b {
			b[i] = fill
		}
		if _, err := parseTrimming(a, b, c); !errors.Is(err, errTrimming) {
			t.Errorf("all %#x: %v", fill, err)
		}
	}
}
