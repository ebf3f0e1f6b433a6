package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"loam/sensors/clock"
)

// Whoever waits for a statement or a credit sees on the pages why it does not come, and that it is over when it is.
func TestWhatCannotBeValuedIsAnAlarm(t *testing.T) {
	files, err := layOutDemo(t.TempDir(), demoWorld{Seed: demoSeed, Start: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}, "")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := readHubConfig(files.hub)
	if err != nil {
		t.Fatal(err)
	}
	clk := clock.NewVirtual(time.Date(2026, 5, 3, 0, 0, 0, 0, time.UTC), clock.BootID{1})
	h, err := openHub(t.Context(), cfg, clk, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	// Nobody serves here, so that the broker is missed is an alarm, too, and not the one that is looked for.
	alarms := func() []string {
		return slices.DeleteFunc(h.alarms(), func(a string) bool { return strings.Contains(a, "no connection to its broker") })
	}
	run := func(until func() bool) {
		t.Helper()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- h.valueInTime(ctx) }()
		for deadline := time.Now().Add(10 * time.Second); !until(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("alarms: %q", alarms())
			}
		}
		stop()
		<-ended
	}
	h.noteValued(context.DeadlineExceeded)
	run(func() bool { return len(alarms()) == 0 })
	if err := h.statements.Close(); err != nil {
		t.Fatal(err)
	}
	run(func() bool {
		return len(alarms()) == 1 && strings.Contains(alarms()[0], "could not be valued or paid")
	})
	if a := alarms()[0]; strings.Contains(a, "\n") {
		t.Errorf("an alarm is one sentence: %q", a)
	}
}
