package sim

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/conn/v3/onewire"
	"periph.io/x/conn/v3/onewire/onewirereg"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/devices/v3/ads1x15"
	"periph.io/x/devices/v3/bmxx80"
	"periph.io/x/devices/v3/ds18b20"
	"pgregory.net/rapid"

	"loam/sensors"
)

// These tests hold the chips against drivers that were not written with them: periph's.

func site(t *testing.T, place Place) *Site {
	t.Helper()
	s, err := NewSite(NewWorld(5, time.Now().Add(-time.Hour)), place, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestPeriphReadsTheBME280(t *testing.T) {
	s := site(t, Meadow)
	bus, err := i2creg.Open(s.Probes()[0].Bus)
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	dev, err := bmxx80.NewI2C(bus, 0x76, &bmxx80.DefaultOpts)
	if err != nil {
		t.Fatal(err)
	}
	var e physic.Env
	if err := dev.Sense(&e); err != nil {
		t.Fatal(err)
	}
	c := s.world.At(Meadow, time.Now())
	if got := e.Temperature.Celsius(); math.Abs(got-c.AirTemperature) > 0.1 {
		t.Errorf("%v °C, the world has %v", got, c.AirTemperature)
	}
	if got := float64(e.Pressure) / float64(physic.Pascal); math.Abs(got-c.AirPressure) > 15 {
		t.Errorf("%v Pa, the world has %v", got, c.AirPressure)
	}
}

func TestPeriphReadsTheADS1115AtEveryGain(t *testing.T) {
	s := site(t, Meadow)
	bus, err := i2creg.Open(s.Probes()[0].Bus)
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	adc, err := ads1x15.NewADS1115(bus, &ads1x15.DefaultOpts)
	if err != nil {
		t.Fatal(err)
	}
	p := s.Probes()[1]
	want := s.Truth(p.Name, p.Channels[0], time.Now())
	for _, scale := range []physic.ElectricPotential{2048 * physic.MilliVolt, 4096 * physic.MilliVolt, 6144 * physic.MilliVolt} {
		// periph waits exactly 1/rate and the oscillator may be slow: ask for a slow rate, wait for it here
		pin, err := adc.PinForChannel(ads1x15.Channel0, scale, 128*physic.Hertz, ads1x15.BestQuality)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pin.Read(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
		var result [2]byte
		if err := bus.Tx(0x48, []byte{adsResult}, result[:]); err != nil {
			t.Fatal(err)
		}
		v := float64(int16(binary.BigEndian.Uint16(result[:]))) * float64(scale) / 32768 / float64(physic.Volt)
		if wanted := min(want, 2.048); math.Abs(v-wanted) > 4*NoiseVoltage {
			t.Errorf("±%s: %v V, the world has %v", scale, v, wanted)
		}
	}
}

func TestPeriphFindsAndReadsTheDS18B20(t *testing.T) {
	s := site(t, Stream)
	bus, err := onewirereg.Open(s.Probes()[1].Bus)
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	found, err := bus.Search(false)
	if err != nil || len(found) != 1 || uint64(found[0]) != s.Probes()[1].Address {
		t.Fatalf("found %x, %v", found, err)
	}
	dev, err := ds18b20.New(bus, found[0], 9) // the fastest; periph sleeps for real
	if err != nil {
		t.Fatal(err)
	}
	if v, err := dev.LastTemp(); err != nil || v.Celsius() != 85 {
		t.Errorf("before any conversion %v, %v", v, err)
	}
	var e physic.Env
	if err := dev.Sense(&e); err != nil {
		t.Fatal(err)
	}
	want := s.world.At(Stream, time.Now()).WaterTemperature
	if got := e.Temperature.Celsius(); got > want+0.1 || got < want-0.6 { // half degrees, cut off
		t.Errorf("%v °C, the world has %v", got, want)
	}
	if n := s.buses[1].(*wireBus).seats[0].chip.(*ds18b20Model).written; n != 1 {
		t.Errorf("the EEPROM was written %d times", n)
	}
}

func TestSearchFindsEveryDevice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &wireBus{name: "test"}
		want := map[onewire.Address]bool{}
		for i := range rapid.IntRange(1, 8).Draw(t, "devices") {
			rom := newROM(chance(rapid.Uint64().Draw(t, "rom")).of(string(rune('a' + i))))
			if !want[onewire.Address(rom)] {
				b.seats = append(b.seats, &wireSeat{rom: rom, chip: newDS18B20(time.Now, func(time.Time) float64 { return 20 })})
			}
			want[onewire.Address(rom)] = true
		}
		h := &wireHandle{bus: b}
		found, err := h.Search(false)
		if err != nil || len(found) != len(want) {
			t.Fatalf("found %x of %d devices, %v", found, len(want), err)
		}
		for _, a := range found {
			if !want[a] {
				t.Fatalf("%x is nobody", a)
			}
		}
	})
}

// TestTheBME280sFormulaIsTurnedRound: the raw value the model finds means what it was asked for, within one step.
func TestTheBME280sFormulaIsTurnedRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newBMETrim(chance(rapid.Uint64().Draw(t, "chip")))
		celsius := rapid.Float64Range(-30, 60).Draw(t, "celsius")
		percent := rapid.Float64Range(5, 98).Draw(t, "percent")
		pascal := rapid.Float64Range(80000, 106000).Draw(t, "pascal")
		raw := c.rawTemperature(celsius)
		if got := c.fine(raw) / 5120; math.Abs(got-celsius) > 0.001 {
			t.Fatalf("%v °C became %v", celsius, got)
		}
		if got := c.pressure(c.rawPressure(pascal, raw), c.fine(raw)); math.Abs(got-pascal) > 0.5 {
			t.Fatalf("%v Pa became %v", pascal, got)
		}
		if got := c.humidity(c.rawHumidity(percent, raw), c.fine(raw)); math.Abs(got-percent) > 0.02 {
			t.Fatalf("%v %% became %v", percent, got)
		}
	})
}

func TestSitesAreConfigurable(t *testing.T) {
	w := NewWorld(11, newYear)
	for _, place := range Places() {
		ids := map[sensors.Channel]bool{}
		for _, p := range Wiring(w, place) {
			if p.Address == 0 || p.Address > math.MaxInt64 || len(p.Channels) == 0 {
				t.Errorf("%s %s: address %#x, %d channels", place, p.Name, p.Address, len(p.Channels))
			}
			for _, ch := range p.Channels {
				if ids[ch.ID] || ch.ID.Validate() != nil || ch.Calibration.Validate() != nil || ch.Calibration.Date.After(newYear) {
					t.Errorf("%s: channel %+v", place, ch)
				}
				ids[ch.ID] = true
			}
		}
	}
}

// TestCalibrationRecoversSoilMoisture: the certificate of each simulated probe is the inverse of the probe.
func TestCalibrationRecoversSoilMoisture(t *testing.T) {
	w := NewWorld(11, newYear)
	for _, place := range Places() {
		s := newSite(w, place, nil)
		for _, p := range s.Probes() {
			if p.Driver != "soilcap" {
				continue
			}
			for day := range 100 {
				at := newYear.AddDate(0, 0, day)
				ch := p.Channels[0]
				v, err := sensors.DecimalFromFloat(s.Truth(p.Name, ch, at), 4)
				if err != nil {
					t.Fatal(err)
				}
				r, err := ch.Calibration.Apply(ch.ID, sensors.Sample{Quantity: ch.Quantity, Value: v}, nil)
				if err != nil {
					t.Fatal(err)
				}
				want, _ := w.At(place, at).Of(sensors.VolumetricWaterContent, ch.Depth)
				if math.Abs(r.Value.Float64()-want) > 0.0001 || r.Quantity != sensors.VolumetricWaterContent {
					t.Fatalf("%s %s: %s %s, the world has %v", place, p.Name, r.Quantity, r.Value, want)
				}
			}
		}
	}
}

func TestAPlaceIsOpenOnce(t *testing.T) {
	s := site(t, Riparian)
	if second, err := NewSite(s.world, Riparian, time.Now); err == nil {
		t.Error("opened twice")
		_ = second.Close()
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	again, err := NewSite(s.world, Riparian, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	if _, err := NewSite(s.world, "moor", time.Now); err == nil {
		t.Error("a place that is none")
	}
	if err := s.SetFault("nobody", Hung); err == nil {
		t.Error("a probe that is none")
	}
}

func TestADetachedInputFloats(t *testing.T) {
	at := newYear
	a := newADS1115(chance(3), func() time.Time { return at }, [4]func(time.Time) float64{})
	if err := a.exchange([]byte{adsConfig, 0xC3, 0xE3}, nil, true); err != nil {
		t.Fatal(err)
	}
	at = at.Add(2 * time.Millisecond)
	var r [2]byte
	if err := a.exchange([]byte{adsResult}, r[:], true); err != nil {
		t.Fatal(err)
	}
	if v := float64(int16(binary.BigEndian.Uint16(r[:]))) * 0.000125; v < 0.4 || v > 0.75 {
		t.Errorf("%v V", v)
	}
	if err := a.exchange([]byte{9}, r[:], true); !errors.Is(err, errRegister) {
		t.Errorf("register 9: %v", err)
	}
}
