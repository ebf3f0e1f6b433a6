package bmx280

import (
	"errors"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/clock"
)

// example are the constants and raw values of the captured vector: 22.93 °C, 100043 Pa, 63.17 %.
var example = constants{
	T1: 28176, T2: 26220, T3: 350, P1: 38237, P2: -10824, P3: 3024, P4: 7799, P5: -99, P6: -7, P7: 9900, P8: -10230, P9: 4285,
	H1: 75, H2: 366, H3: 0, H4: 309, H5: 0, H6: 30,
}

const exampleT, exampleP, exampleH = 524112, 309104, 30987

func TestWhatIsNotMeasuredIsNoSample(t *testing.T) {
	c := example.trimming()
	for name, raw := range map[string][3]int32{
		"power-on":                {0x80000, 0x80000, 0x8000},
		"all zero":                {0, 0, 0},
		"temperature only":        {0x80000, exampleP, exampleH},
		"pressure only":           {exampleT, 0x80000, exampleH},
		"humidity only":           {exampleT, exampleP, 0x8000},
		"temperature zero":        {0, exampleP, exampleH},
		"pressure zero":           {exampleT, 0, exampleH},
		"humidity zero, the rest": {exampleT, exampleP, 0},
	} {
		samples, err := bme280().samples(c, data(raw[0], raw[1], raw[2]), clock.Instant{})
		if !errors.Is(err, ErrNotMeasured) || len(samples) != 0 {
			t.Errorf("%s: %v, %v", name, samples, err)
		}
	}
	samples, err := bme280().samples(c, []byte{255, 255, 255, 255, 255, 255, 255, 255}, clock.Instant{})
	if !errors.Is(err, chip.ErrImplausible) || len(samples) != 0 {
		t.Errorf("all ones: %v, %v", samples, err)
	}
}

func TestSamplesHaveTheDigitsTheChipMeans(t *testing.T) {
	samples, err := bme280().samples(example.trimming(), data(exampleT, exampleP, exampleH), clock.Instant{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"22.93", "63.17", "100043"} {
		if got := samples[i].Value.String(); got != want {
			t.Errorf("%s %s, want %s", samples[i].Quantity, got, want)
		}
	}
}

// bench is a chip whose measurements are a script: one entry for each forced measurement, the last one for ever.
type bench struct {
	silicon
	script [][]byte
	forced int
	busy   byte // the status register
}

func (b *bench) Close() error                 { return nil }
func (b *bench) open() (i2c.BusCloser, error) { return b, nil }
func (b *bench) Tx(addr uint16, w, r []byte) error {
	if len(w) == 2 && w[0] == regCtrlMeas && w[1] == forced {
		copy(b.registers[regData:], b.script[min(b.forced, len(b.script)-1)])
		b.forced++
	}
	b.registers[regStatus] = b.busy
	return b.silicon.Tx(addr, w, r)
}

func (b *bench) sense(t *testing.T) ([]sensors.Sample, time.Duration, error) {
	t.Helper()
	return b.senseAs(t, bme280())
}

func (b *bench) senseAs(t *testing.T, k kind) ([]sensors.Sample, time.Duration, error) {
	t.Helper()
	if err := i2creg.Register("BENCH", nil, -1, b.open); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := i2creg.Unregister("BENCH"); err != nil {
			t.Error(err)
		}
	}()
	c := clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{})
	d, err := k.model().Open(t.Context(), sensors.Wiring{Probe: "air", Bus: "BENCH", Clock: c})
	if err != nil {
		return nil, 0, err
	}
	samples, err := d.Sense(t.Context())
	return samples, c.Now().Uptime, err
}

func newBench(script ...[]byte) *bench {
	return &bench{silicon: *newChip(example, 0, 0, 0), script: script}
}

func TestAirThatLooksLikePowerOnIsMeasuredAgain(t *testing.T) {
	good, odd := data(exampleT, exampleP, exampleH), data(0x80000, exampleP, exampleH)
	if samples, _, err := newBench(odd, odd, good).sense(t); err != nil || len(samples) != 3 {
		t.Errorf("third time: %v, %v", samples, err)
	}
	b := newBench(odd)
	if samples, _, err := b.sense(t); !errors.Is(err, ErrNotMeasured) || len(samples) != 0 || b.forced != attempts {
		t.Errorf("always: %v, %v after %d measurements", samples, err, b.forced)
	}
}

func TestAMeasurementThatDoesNotEndIsGivenUp(t *testing.T) {
	b := newBench(data(exampleT, exampleP, exampleH))
	b.busy = measuring
	_, waited, err := b.sense(t)
	if !errors.Is(err, ErrBusy) || waited != measureTime+(patience-1)*time.Millisecond {
		t.Errorf("after %s: %v", waited, err)
	}
}

func TestOtherChipsAreRefusedByName(t *testing.T) {
	for _, c := range []struct {
		as   kind
		id   byte
		says string
	}{
		{bme280(), 0x58, `driver = "bmp280"`}, {bme280(), 0x61, `driver = "bme680"`}, {bme280(), 0x55, `driver = "bmp180"`},
		{bmp280(), 0x60, `driver = "bme280"`}, {bme280(), 0xFF, "chip id 0xff"}, {bmp280(), 0x00, "chip id 0x00"},
	} {
		b := newBench()
		b.registers[regID] = c.id
		if _, _, err := b.senseAs(t, c.as); !errors.Is(err, ErrWrongChip) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q in it", c.as.name, err, c.says)
		}
	}
	b := newBench()
	copy(b.registers[regTrimmingLow:], make([]byte, trimmingLow))
	if _, _, err := b.sense(t); !errors.Is(err, errTrimming) {
		t.Errorf("no calibration: %v", err)
	}
}

// TestABMP280HasNoHumidity: what is in its registers beyond pressure and temperature is nothing.
func TestABMP280HasNoHumidity(t *testing.T) {
	b := newBench(data(exampleT, exampleP, 0))
	b.registers[regID] = idBMP280
	copy(b.registers[regTrimmingHigh:], make([]byte, trimmingHigh))
	samples, _, err := b.senseAs(t, bmp280())
	if err != nil || len(samples) != 2 || samples[0].Value.String() != "22.93" || samples[1].Value.String() != "100043" {
		t.Errorf("%v, %v", samples, err)
	}
	b.script = [][]byte{data(0x80000, 0x80000, 0)}
	if samples, _, err := b.senseAs(t, bmp280()); !errors.Is(err, ErrNotMeasured) || samples != nil {
		t.Errorf("not measured: %v, %v", samples, err)
	}
}

func FuzzSamples(f *testing.F) {
	f.Add(data(exampleT, exampleP, exampleH))
	f.Add(data(0x80000, 0x80000, 0x8000))
	f.Add(make([]byte, 8))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d [8]byte
		copy(d[:], b)
		samples, err := bme280().samples(example.trimming(), d[:], clock.Instant{})
		if (err == nil) != (len(samples) == 3) {
			t.Fatalf("%v and %v", samples, err)
		}
		for i, s := range samples {
			if o := bme280().outputs[i]; s.Quantity != o.Quantity || s.Value.Cmp(o.Min) < 0 || s.Value.Cmp(o.Max) > 0 {
				t.Errorf("% x became %s %s", d, s.Quantity, s.Value)
			}
		}
	})
}
