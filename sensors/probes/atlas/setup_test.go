package atlas

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"

	"loam/sensors"
	"loam/sensors/chip/chiptest"
)

// circuit opens a circuit on a transcript.
func circuit(t *testing.T, name string, settings map[string]string, ops []i2ctest.IO) *Probe {
	t.Helper()
	d, err := chiptest.Play(t, model(t, name), settings, ops...)
	if err != nil {
		t.Fatal(err)
	}
	return d.(*Probe)
}

const isPH = "\x01?i,pH,1.98\x00"

func TestCalibrationOfPHBeginsInTheMiddle(t *testing.T) {
	p := circuit(t, "ezo-ph", nil, talk(0x63, "i", isPH,
		"Cal,?", "\x01?Cal,0\x00", "Cal,?", "\x01?Cal,0\x00", // low and high are refused
		"Cal,mid,7.00", "\x01\x00",
		"Cal,?", "\x01?Cal,1\x00", "Cal,low,4.00", "\x01\x00",
		"Cal,?", "\x01?Cal,2\x00", "Cal,high,10.00", "\x01\x00",
		"Cal,?", "\x01?CAL,3\x00", "Slope,?", "\x01?Slope,99.7,100.3,-0.89\x00", "Slope,?", "\x01?SLOPE,99.7,100.3\x00",
		"Cal,clear", "\x01\x00", "Cal,?", "\x01?Cal,0\x00"))
	if got := p.Steps(); !slices.Equal(got, []Step{Mid, Low, High}) {
		t.Errorf("%q", got)
	}
	ctx, references := t.Context(), map[Step]sensors.Decimal{Mid: dec(700, -2), Low: dec(400, -2), High: dec(1000, -2)}
	for _, s := range []Step{Low, High} {
		if err := p.Calibrate(ctx, s, references[s]); !errors.Is(err, ErrStep) || !strings.Contains(err.Error(), "mid has to come first") {
			t.Errorf("%s first: %v", s, err)
		}
	}
	for _, s := range p.Steps() {
		if err := p.Calibrate(ctx, s, references[s]); err != nil {
			t.Error(err)
		}
	}
	if n, err := p.Points(ctx); err != nil || n != 3 {
		t.Errorf("%d points, %v", n, err)
	}
	for range 2 {
		if got, err := p.Slope(ctx); err != nil || got != (Slope{Acid: dec(997, -1), Base: dec(1003, -1)}) {
			t.Errorf("slope %v, %v", got, err)
		}
	}
	if err := p.Forget(ctx); err != nil {
		t.Error(err)
	}
	if n, err := p.Points(ctx); err != nil || n != 0 {
		t.Errorf("%d points, %v", n, err)
	}
}

func TestCalibrationOfTheOthers(t *testing.T) {
	for name, c := range map[string]struct {
		settings map[string]string
		ops      []i2ctest.IO
		values   map[Step]sensors.Decimal
	}{
		"ezo-ec": {nil, talk(0x64, "i", "\x01?i,EC,2.10\x00", "O,?", "\x01?,O,EC\x00",
			"Cal,dry", "\x01\x00", "Cal,low,12880", "\x01\x00", "Cal,high,80000", "\x01\x00"),
			map[Step]sensors.Decimal{Low: dec(12880, 0), High: dec(80000, 0)}},
		"ezo-do": {map[string]string{"temperature": "20"}, talk(0x61, "i", "\x01?i,DO,2.12\x00", "O,?", "\x01?,O,mg\x00",
			"Cal", "\x01\x00", "Cal,0", "\x01\x00"), nil},
		"ezo-orp": {nil, talk(0x62, "i", "\x01?i,ORP,1.97\x00", "Cal,225", "\xfe"), map[Step]sensors.Decimal{Single: dec(225, 0)}},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "ezo-orp" { // one that takes longer
				c.ops = append(c.ops, said(0x62, "", "\x01\x00")[1])
			}
			p := circuit(t, name, c.settings, c.ops)
			for _, s := range p.Steps() {
				if err := p.Calibrate(t.Context(), s, c.values[s]); err != nil {
					t.Errorf("%s: %v", s, err)
				}
			}
		})
	}
}

func TestWrongCalibrationsAreRefused(t *testing.T) {
	p := circuit(t, "ezo-ph", nil, talk(0x63, "i", isPH, "Cal,?", "\x01?Cal,9\x00", "Cal,?", "\x01?Cal\x00", "Slope,?", "\x01?Slope,99.7\x00",
		"Slope,?", "\x01?Slope,a,b\x00", "Cal,mid,7", "\x02"))
	ctx := t.Context()
	if err := p.Calibrate(ctx, Dry, sensors.Decimal{}); !errors.Is(err, ErrStep) {
		t.Errorf("a step of another circuit: %v", err)
	}
	if err := p.Calibrate(ctx, Mid, dec(70, 0)); !errors.Is(err, ErrStep) {
		t.Errorf("no pH: %v", err)
	}
	for range 2 {
		if n, err := p.Points(ctx); !errors.Is(err, ErrReply) {
			t.Errorf("%d points, %v", n, err)
		}
	}
	for range 2 {
		if s, err := p.Slope(ctx); !errors.Is(err, ErrReply) {
			t.Errorf("slope %v, %v", s, err)
		}
	}
	if err := p.Calibrate(ctx, Mid, dec(7, 0)); !errors.Is(err, ErrSyntax) {
		t.Errorf("refused by the circuit: %v", err)
	}
}
