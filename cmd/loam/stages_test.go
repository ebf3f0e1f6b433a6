package main

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/identity"
	"loam/gateway/ingest"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

// A reading is on the pages when it is in evidence, not a poll later: whatever is appended wakes the projection, and
// nothing else does.
func TestWhatIsAppendedIsAnnounced(t *testing.T) {
	dir := t.TempDir()
	gateway, err := identity.LoadOrCreate(filepath.Join(dir, "identity.pem"), "meadow")
	if err != nil {
		t.Fatal(err)
	}
	log, err := evidence.Open(t.Context(), filepath.Join(dir, "evidence.db"), gateway, "loam/willow-creek")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()

	at := clock.Instant{Wall: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), Boot: clock.BootID{1}, State: clock.Synced}
	reading, err := sensors.Calibration{}.Apply("air", sensors.Sample{Quantity: sensors.AirTemperature, Value: sensors.Decimal{Mantissa: 215, Exponent: -1}, At: at}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := wire.Seal(wire.Batch{
		Header:   wire.Header{Gateway: "meadow", Sequence: 1, Boot: at.Boot, Clock: at.State},
		Readings: []sensors.Reading{reading},
	}, gateway)
	if err != nil {
		t.Fatal(err)
	}

	woken := 0
	a := announced{log, func() { woken++ }}
	if _, err := a.Append(t.Context(), sealed, at.Wall); err != nil || woken != 1 {
		t.Errorf("appended: woken %d times, %v", woken, err)
	}
	if _, err := a.Append(t.Context(), sealed, at.Wall); !errors.Is(err, ingest.ErrDuplicate) || woken != 1 {
		t.Errorf("appended again: woken %d times, %v", woken, err)
	}
}
