package sensortest

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/serial"
	"loam/sensors/sim"
)

func followsTheWorld(t *testing.T, b bench) {
	s := b.setUp(t)
	d := s.open(t)
	start := s.clock.Now().Wall
	before := start
	for i := range 300 {
		s.clock.Set(start.Add(time.Duration(i+1) * (311 * time.Minute)))
		samples, err := d.Sense(t.Context())
		if err != nil {
			t.Fatalf("at %s: %v", s.clock.Now().Wall, err)
		}
		s.follows(t, samples, before)
		before = samples[0].At.Wall
	}
}

// follows checks that there is a sample for each channel, and that it says what the world has, or has counted since before.
func (s *setup) follows(t *testing.T, samples []sensors.Sample, before time.Time) {
	t.Helper()
	if len(samples) != len(s.probe.Channels) {
		t.Fatalf("%d samples for %d channels", len(samples), len(s.probe.Channels))
	}
	for _, ch := range s.probe.Channels {
		v, at := sampled(t, samples, ch.Quantity)
		want := s.site.Truth(s.probe.Name, ch, at.Wall)
		if ch.PerPulse != 0 {
			want = s.site.Counted(s.probe.Name, ch, before, at.Wall)
		}
		if math.Abs(v-want) > ch.Tolerance {
			t.Fatalf("%s at %s is %v, the world has %v", ch.Quantity, at.Wall, v, want)
		}
	}
}

func sampled(t *testing.T, samples []sensors.Sample, q sensors.Quantity) (float64, clock.Instant) {
	t.Helper()
	for _, s := range samples {
		if s.Quantity == q {
			return s.Value.Float64(), s.At
		}
	}
	t.Fatalf("no sample of %s", q)
	return 0, clock.Instant{}
}

func keepsToItsOutputs(t *testing.T, b bench) {
	s := b.setUp(t)
	d := s.open(t)
	for range 50 {
		before := s.clock.Now()
		samples, err := d.Sense(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.declared(t, samples)
		for _, sample := range samples {
			if sample.At.Wall.Before(before.Wall) || sample.At.Wall.After(s.clock.Now().Wall) || sample.At.Boot != before.Boot {
				t.Errorf("%s was taken at %v, between %v and now", sample.Quantity, sample.At, before)
			}
		}
		s.clock.Set(s.clock.Now().Wall.Add(7 * time.Hour))
	}
}

// declared checks samples against the model: only its quantities, each once, within the range, with the places of the range.
func (s *setup) declared(t *testing.T, samples []sensors.Sample) {
	t.Helper()
	seen := map[sensors.Quantity]bool{}
	for _, sample := range samples {
		if seen[sample.Quantity] {
			t.Errorf("%s came twice", sample.Quantity)
		}
		seen[sample.Quantity] = true
		o, ok := output(s.model, sample.Quantity)
		switch {
		case !ok:
			t.Errorf("%s is not an output of %s", sample.Quantity, s.model.Name)
		case sample.Value.Cmp(o.Min) < 0 || sample.Value.Cmp(o.Max) > 0:
			t.Errorf("%s %s is outside %s to %s", sample.Quantity, sample.Value, o.Min, o.Max)
		case sample.Value.Exponent != o.Min.Exponent && s.model.Name != "sdi12": // of which only the probe knows the digits
			t.Errorf("%s %s has other places than the declared %s", sample.Quantity, sample.Value, o.Min)
		}
	}
}

func output(m sensors.Model, q sensors.Quantity) (sensors.Output, bool) {
	for _, o := range m.Outputs {
		if o.Quantity == q {
			return o, true
		}
	}
	return sensors.Output{}, false
}

func absenceIsAnError(t *testing.T, b bench) {
	if b.model.Bus == sensors.GPIO {
		silenceIsNoPulse(t, b)
		return
	}
	for _, f := range []sim.Fault{sim.Unplugged, sim.PowerOn} {
		s := b.setUp(t)
		d := s.open(t)
		if _, err := d.Sense(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.fault(t, f)
		for range 3 {
			samples, err := d.Sense(t.Context())
			if f == sim.PowerOn && s.restartIsDarkness(samples, err) {
				continue
			}
			if err == nil || len(samples) != 0 {
				t.Fatalf("a chip that is %s gave %v, %v", f, samples, err)
			}
			s.named(t, err)
			if f == sim.Unplugged && !errors.Is(err, sim.ErrNoAcknowledge) && !errors.Is(err, serial.ErrSilent) {
				t.Errorf("%v does not wrap what the bus said", err)
			}
		}
		s.closed(t, d)
		if err := s.site.Close(); err != nil { // the next fault needs the buses' names
			t.Fatal(err)
		}
	}
}

// restartIsDarkness says whether what a BH1750 said after a restart is what it says in the dark. It has neither identity
// nor status nor anything else to read but its result, which is zero after power-on: zero is all it may say then, and its
// driver has to have measured twice (its own tests see to that). Any other chip can be asked, and this holds for none.
func (s *setup) restartIsDarkness(samples []sensors.Sample, err error) bool {
	return s.model.Name == "bh1750" && err == nil && len(samples) == 1 && samples[0].Value.Mantissa == 0
}

// silenceIsNoPulse is all that can be asked of a contact: cut off, it looks like still air or a drought.
func silenceIsNoPulse(t *testing.T, b bench) {
	s := b.setUp(t)
	d := s.open(t)
	s.fault(t, sim.Unplugged)
	for range 3 {
		s.clock.Set(s.clock.Now().Wall.Add(time.Hour))
		samples, err := d.Sense(t.Context())
		if err != nil || len(samples) != 1 || samples[0].Value.Mantissa != 0 {
			t.Fatalf("%v, %v", samples, err)
		}
	}
}

// named checks that an error says whose it is, to code and to people.
func (s *setup) named(t *testing.T, err error) {
	t.Helper()
	var p *sensors.ProbeError
	if !errors.As(err, &p) {
		t.Errorf("%v is not a ProbeError", err)
		return
	}
	if p.Probe != s.wiring.Probe || p.Model != s.model.Name || p.Bus != s.wiring.Bus || p.Address != s.wiring.Address {
		t.Errorf("%v names %q %q %q %#x, want %q %q %q %#x", err, p.Probe, p.Model, p.Bus, p.Address,
			s.wiring.Probe, s.model.Name, s.wiring.Bus, s.wiring.Address)
	}
	words := []string{s.wiring.Probe, s.wiring.Bus}
	if s.wiring.Address != 0 {
		words = append(words, s.model.Bus.FormatAddress(s.wiring.Address))
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not mention %s", err, word)
		}
	}
}

func survivesGarbling(t *testing.T, b bench) {
	s := b.setUp(t)
	guard := sensors.Attach(s.model, s.wiring, time.Minute)
	defer s.closed(t, guard)
	s.fault(t, sim.Garbled)
	for range 200 {
		samples, err := s.sense(t.Context(), guard)
		if errors.Is(err, sensors.ErrDriverPanic) {
			t.Fatal(err)
		}
		if err != nil {
			s.named(t, err)
		}
		s.declared(t, samples)
	}
}

func comesBack(t *testing.T, b bench) {
	s := b.setUp(t)
	s.fault(t, sim.Unplugged) // not even there at first
	guard := sensors.Attach(s.model, s.wiring, time.Minute)
	defer s.closed(t, guard)
	for _, f := range []sim.Fault{sim.Unplugged, sim.PowerOn, sim.Garbled, sim.Unplugged} {
		s.fault(t, f)
		samples, err := guard.Sense(t.Context())
		silent := s.model.Bus == sensors.GPIO || f == sim.PowerOn && s.restartIsDarkness(samples, err)
		if err == nil && f != sim.Garbled && !silent {
			t.Errorf("%s gave %v", f, samples)
		}
		s.fault(t, sim.Healthy)
		tries := 2 // what was opened while the chip was not well is found out once
		if s.model.WarmUp > 0 {
			tries = 3 // that a chip has stopped measuring by itself shows only when a measurement is overdue
		}
		for range tries {
			if samples, err = s.sense(t.Context(), guard); err == nil {
				break
			}
		}
		if err != nil {
			t.Errorf("after %s: %v", f, err)
		} else if s.model.WarmUp > 0 { // what it made up meanwhile must not have been believed
			s.follows(t, samples, s.clock.Now().Wall)
		}
	}
}

func hungBusEndsInTime(t *testing.T, b bench) {
	const timeout = 3 * time.Second
	synctest.Test(t, func(t *testing.T) {
		s := b.setUp(t)
		guard := sensors.Attach(s.model, s.wiring, timeout)
		if _, err := s.sense(t.Context(), guard); err != nil {
			t.Fatal(err)
		}
		s.fault(t, sim.Hung)
		asked := time.Now()
		_, err := guard.Sense(t.Context())
		if !errors.Is(err, sensors.ErrNoAnswer) || time.Since(asked) != timeout {
			t.Errorf("after %s: %v", time.Since(asked), err)
		}
		s.named(t, err)
		asked = time.Now()
		_, err = guard.Sense(t.Context())
		if !errors.Is(err, sensors.ErrBusHung) || time.Since(asked) != 0 {
			t.Errorf("a second call returned after %s: %v", time.Since(asked), err)
		}
		s.named(t, err)
		s.fault(t, sim.Healthy)
		synctest.Wait()
		s.clock.Set(s.clock.Now().Wall.Add(time.Minute)) // what the late call began ends meanwhile
		if _, err := s.sense(t.Context(), guard); err != nil {
			t.Errorf("released: %v", err)
		}
		s.fault(t, sim.Hung)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := guard.Sense(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if err := guard.Close(); !errors.Is(err, sensors.ErrBusHung) {
			t.Errorf("Close on a hung bus: %v", err)
		}
		s.fault(t, sim.Healthy)
		synctest.Wait() // the late call closes the driver: setUp checks that no handle is left
	})
}

// still is a clock on which no wait ends once it is frozen. Until then probes that have to wait can be opened.
type still struct {
	clock.Clock
	frozen bool
}

func (s *still) Sleep(ctx context.Context, d time.Duration) error {
	if !s.frozen {
		return s.Clock.Sleep(ctx, d)
	}
	<-ctx.Done()
	return ctx.Err()
}

func waitingCanBeCancelled(t *testing.T, b bench) {
	synctest.Test(t, func(t *testing.T) {
		s := b.setUp(t)
		c := &still{Clock: s.clock}
		s.wiring.Clock = c
		d := s.open(t)
		c.frozen = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		asked := time.Now()
		_, err := d.Sense(ctx)
		switch {
		case err == nil && time.Since(asked) == 0:
			// It waits for nothing but the port, which has limits of its own.
		case !errors.Is(err, context.DeadlineExceeded) || time.Since(asked) != time.Second:
			t.Errorf("after %s: %v", time.Since(asked), err)
		default:
			s.named(t, err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if _, err := d.Sense(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("already cancelled: %v", err)
		}
		if _, err := s.model.Open(ctx, s.wiring); !errors.Is(err, context.Canceled) {
			t.Errorf("Open, already cancelled: %v", err)
		}
	})
}

func closesProperly(t *testing.T, b bench) {
	s := b.setUp(t)
	for range 3 {
		d, err := s.model.Open(t.Context(), s.wiring)
		if err != nil {
			t.Fatal(err)
		}
		s.warmUp(t, d)
		if _, err := d.Sense(t.Context()); err != nil {
			t.Error(err)
		}
		s.closed(t, d)
		s.closed(t, d)
		_, err = d.Sense(t.Context())
		if !errors.Is(err, sensors.ErrClosed) {
			t.Errorf("Sense after Close: %v", err)
		}
		s.named(t, err)
		if n := s.site.Handles(); n != 0 {
			t.Errorf("%d handles after Close", n)
		}
	}
	for _, f := range []sim.Fault{sim.Unplugged, sim.Garbled} {
		s.fault(t, f)
		if d, err := s.model.Open(t.Context(), s.wiring); err == nil {
			s.closed(t, d)
		}
		if n := s.site.Handles(); n != 0 {
			t.Errorf("%d handles after Open of a probe that is %s", n, f)
		}
	}
}

func wrongWiringIsSaid(t *testing.T, b bench) {
	s := b.setUp(t)
	wrong := map[string]func(*sensors.Wiring){
		"no clock":        func(w *sensors.Wiring) { w.Clock = nil },
		"unknown bus":     func(w *sensors.Wiring) { w.Bus = "NO-SUCH-BUS" },
		"unknown setting": func(w *sensors.Wiring) { w.Settings = map[string]string{"colour": "green"} },
	}
	if s.model.Bus == sensors.I2C || s.model.Bus == sensors.OneWire {
		wrong["address"] = func(w *sensors.Wiring) { w.Address = 1 }
	}
	for name, spoil := range wrong {
		right := s.wiring
		spoil(&s.wiring)
		d, err := s.model.Open(t.Context(), s.wiring)
		if err == nil || d != nil {
			t.Errorf("%s: %v, %v", name, d, err)
		} else {
			s.named(t, err)
		}
		s.wiring = right
	}
}
