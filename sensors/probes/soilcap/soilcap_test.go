package soilcap

import (
	"errors"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2creg"
	"periph.io/x/conn/v3/i2c/i2ctest"

	"loam/sensors"
	"loam/sensors/clock"
)

// sense reads input 2 of a converter that answers with the result, byte for byte as the data sheet has it.
func sense(t *testing.T, result uint16) ([]sensors.Sample, error) {
	t.Helper()
	const config = 0x63E3 // AIN2, ±4.096 V, single, 860 a second, no comparator
	bus := &i2ctest.Playback{DontPanic: true, Ops: []i2ctest.IO{
		{Addr: 0x48, W: []byte{1}, R: []byte{0x85, 0x83}},
		{Addr: 0x48, W: []byte{1, config>>8 | 0x80, config & 0xFF}},
		{Addr: 0x48, W: []byte{1}, R: []byte{config>>8 | 0x80, config & 0xFF}},
		{Addr: 0x48, W: []byte{0}, R: []byte{byte(result >> 8), byte(result)}},
	}}
	if err := i2creg.Register("SCRIPTED", nil, -1, func() (i2c.BusCloser, error) { return bus, nil }); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := i2creg.Unregister("SCRIPTED"); err != nil {
			t.Error(err)
		}
	}()
	d, err := Model().Open(t.Context(), sensors.Wiring{Probe: "bed-1", Bus: "SCRIPTED", Input: 2, Clock: clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{})})
	if err != nil {
		t.Fatal(err)
	}
	samples, err := d.Sense(t.Context())
	if closed := d.Close(); closed != nil { // also says whether everything was asked
		t.Error(closed)
	}
	return samples, err
}

func TestWhatIsNoProbeInSoilIsAnErrorThatSaysWhatToCheck(t *testing.T) {
	for name, c := range map[string]struct {
		result uint16
		want   error
		says   string
	}{
		"at the rail":   {0x7FFF, ErrSaturated, "input 2: 4.0959 V"},
		"at the supply": {26400, ErrSaturated, "input 2: 3.3000 V"},
		"floating":      {4640, ErrFloating, "unplugged"},
		"zero":          {0, ErrFloating, "unplugged"},
		"below ground":  {0x8000, ErrFloating, "-4.0960 V"},
	} {
		samples, err := sense(t, c.result)
		if !errors.Is(err, c.want) || len(samples) != 0 || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "bed-1") {
			t.Errorf("%s: %v, %v; want %q in it", name, samples, err, c.says)
		}
	}
	if samples, err := sense(t, 16000); err != nil || len(samples) != 1 || samples[0].Value.String() != "2.0000" {
		t.Errorf("in soil: %v, %v", samples, err)
	}
}
