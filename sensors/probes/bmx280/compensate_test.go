package bmx280

import (
	"errors"
	"math"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/bmxx80"
	"pgregory.net/rapid"

	"loam/sensors/chip/chiptest"
)

// constants are the trimming parameters as vectors and data sheets write them.
type constants struct {
	T1                             uint16
	T2, T3                         int16
	P1                             uint16
	P2, P3, P4, P5, P6, P7, P8, P9 int16
	H1, H3                         uint8
	H2, H4, H5                     int16
	H6                             int8
}

func (c constants) trimming() trimming {
	return trimming{
		t1: c.T1, t2: c.T2, t3: c.T3,
		p1: c.P1, p2: c.P2, p3: c.P3, p4: c.P4, p5: c.P5, p6: c.P6, p7: c.P7, p8: c.P8, p9: c.P9,
		h1: c.H1, h3: c.H3, h2: c.H2, h4: c.H4, h5: c.H5, h6: c.H6,
	}
}

// registers lays the constants out as they are in the chip (table 16).
func (c constants) registers() (low [trimmingLow]byte, high [trimmingHigh]byte) {
	for i, v := range []uint16{
		c.T1, uint16(c.T2), uint16(c.T3),
		c.P1, uint16(c.P2), uint16(c.P3), uint16(c.P4), uint16(c.P5), uint16(c.P6), uint16(c.P7), uint16(c.P8), uint16(c.P9),
	} {
		low[2*i], low[2*i+1] = byte(v), byte(v>>8)
	}
	low[25] = c.H1
	h4, h5 := uint16(c.H4), uint16(c.H5)
	high = [trimmingHigh]byte{
		byte(c.H2), byte(uint16(c.H2) >> 8), c.H3, byte(h4 >> 4), byte(h4&15) | byte(h5&15)<<4, byte(h5 >> 4), byte(c.H6),
	}
	return low, high
}

func TestVectors(t *testing.T) {
	compensate := func(v chiptest.Vector) (chiptest.Answer, error) {
		var in struct {
			constants
			T int32  `json:"adc_T"`
			P int32  `json:"adc_P"`
			H *int32 `json:"adc_H"`
		}
		v.Into(t, &in)
		c := in.trimming()
		centi, fine := c.temperature(in.T)
		a := chiptest.Answer{"temperature": float64(centi) / 100, "pressure": float64(c.pressure(in.P, fine)) / 256}
		if in.H != nil {
			a["relative_humidity"] = float64(c.humidity(*in.H, fine)) / 1024
		}
		return a, nil
	}
	chiptest.Run(t, map[string]func(chiptest.Vector) (chiptest.Answer, error){
		"BMP280 conversion": compensate, "BME280 conversion": compensate,
	})
}

// real are constants about as far apart as chips have them.
func real(t *rapid.T) constants {
	i := func(name string, low, high int) int { return rapid.IntRange(low, high).Draw(t, name) }
	return constants{
		T1: uint16(i("T1", 26000, 30000)), T2: int16(i("T2", 25000, 28000)), T3: int16(i("T3", -1000, 1000)),
		P1: uint16(i("P1", 34000, 40000)), P2: int16(i("P2", -11500, -9500)), P3: 3024, P4: int16(i("P4", 2000, 10000)),
		P5: int16(i("P5", -300, 300)), P6: -7, P7: int16(i("P7", 9000, 16000)), P8: int16(i("P8", -15000, -10000)), P9: int16(i("P9", 4000, 6500)),
		H1: 75, H2: int16(i("H2", 340, 390)), H3: uint8(i("H3", 0, 2)), H4: int16(i("H4", 250, 400)), H5: int16(i("H5", -60, 60)), H6: 30,
	}
}

func TestTrimmingSurvivesTheRegisters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := real(t)
		c.H4 = int16(rapid.IntRange(-2048, 2047).Draw(t, "any H4"))
		c.H5 = int16(rapid.IntRange(-2048, 2047).Draw(t, "any H5"))
		low, high := c.registers()
		if got, err := parseTrimming(low, high, true); err != nil || got != c.trimming() {
			t.Fatalf("%+v became %+v, %v", c.trimming(), got, err)
		}
	})
}

func TestEmptyTrimmingIsRefused(t *testing.T) {
	var low [trimmingLow]byte
	var high [trimmingHigh]byte
	if _, err := parseTrimming(low, high, true); !errors.Is(err, errTrimming) {
		t.Errorf("all zero: %v", err)
	}
	for i := range low {
		low[i] = 0xFF
	}
	for i := range high {
		high[i] = 0xFF
	}
	if _, err := parseTrimming(low, high, true); !errors.Is(err, errTrimming) {
		t.Errorf("all ones: %v", err)
	}
}

// silicon is the registers of a BME280 that has measured.
type silicon struct{ registers [256]byte }

func newChip(c constants, rawT, rawP, rawH int32) *silicon {
	low, high := c.registers()
	k := &silicon{}
	k.registers[regID] = idBME280
	copy(k.registers[regTrimmingLow:], low[:])
	copy(k.registers[regTrimmingHigh:], high[:])
	copy(k.registers[regData:], data(rawT, rawP, rawH))
	return k
}

func data(rawT, rawP, rawH int32) []byte {
	return []byte{
		byte(rawP >> 12), byte(rawP >> 4), byte(rawP << 4), byte(rawT >> 12), byte(rawT >> 4), byte(rawT << 4), byte(rawH >> 8), byte(rawH),
	}
}

func (k *silicon) String() string                  { return "chip" }
func (k *silicon) SetSpeed(physic.Frequency) error { return nil }
func (k *silicon) Tx(_ uint16, w, r []byte) error {
	copy(r, k.registers[w[0]:])
	return nil
}

// TestAgreesWithPeriph compares with an independent implementation of the same formulas. A standby time makes bmxx80
// believe that the chip measures by itself, so that it reads without sleeping.
func TestAgreesWithPeriph(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := real(t)
		c.H5 = max(c.H5, -c.H5) // bmxx80 loses the sign
		rawT := rapid.Int32Range(430000, 620000).Draw(t, "rawT")
		rawP := rapid.Int32Range(250000, 450000).Draw(t, "rawP")
		rawH := rapid.Int32Range(20000, 45000).Draw(t, "rawH")
		dev, err := bmxx80.NewI2C(newChip(c, rawT, rawP, rawH), 0x76, &bmxx80.Opts{
			Temperature: bmxx80.O1x, Pressure: bmxx80.O1x, Humidity: bmxx80.O1x, Filter: bmxx80.F2, Standby: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		var env physic.Env
		if err := dev.Sense(&env); err != nil {
			t.Fatal(err)
		}
		k := c.trimming()
		centi, fine := k.temperature(rawT)
		if want := physic.Temperature(centi)*10*physic.MilliCelsius + physic.ZeroCelsius; want != env.Temperature {
			t.Fatalf("temperature %s, periph has %s", want, env.Temperature)
		}
		if want := physic.Pressure(k.pressure(rawP, fine)) * 15625 * physic.MicroPascal / 4; want != env.Pressure {
			t.Fatalf("pressure %s, periph has %s", want, env.Pressure)
		}
		if want := physic.RelativeHumidity(k.humidity(rawH, fine)) * 10000 / 1024 * physic.MicroRH; want != env.Humidity {
			t.Fatalf("humidity %s, periph has %s", want, env.Humidity)
		}
	})
}

// TestNegativeH5 is why bmxx80 is not used: the formula of section 8.1, in floating point, says who is right.
func TestNegativeH5(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := real(t)
		rawT := rapid.Int32Range(480000, 560000).Draw(t, "rawT")
		rawH := rapid.Int32Range(24000, 36000).Draw(t, "rawH")
		k := c.trimming()
		_, fine := k.temperature(rawT)
		x := float64(fine) - 76800
		x = (float64(rawH) - (float64(c.H4)*64 + float64(c.H5)/16384*x)) *
			(float64(c.H2) / 65536 * (1 + float64(c.H6)/67108864*x*(1+float64(c.H3)/67108864*x)))
		x = min(max(x*(1-float64(c.H1)*x/524288), 0), 100)
		if got := float64(k.humidity(rawH, fine)) / 1024; math.Abs(got-x) > 0.05 {
			t.Fatalf("humidity %v, floating point has %v", got, x)
		}
	})
}
