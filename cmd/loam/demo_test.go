package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
)

// stopAt ends a life of the demo when its progress line says so far.
type stopAt struct {
	percent string
	stop    context.CancelFunc
}

func (s stopAt) Write(p []byte) (int, error) {
	if strings.Contains(string(p), s.percent) {
		s.stop()
	}
	return len(p), nil
}

// However often a kept demo is stopped in the middle of a day, with readings still in the spools, each reading of each
// round is taken once, sent once and valued once.
func TestAStoppedDemoGoesOnWhereEachGatewayStopped(t *testing.T) {
	o := demoOptions{data: t.TempDir(), days: 3, exit: true, json: true}
	for _, percent := range []string{" 10 %", " 30 %", " 60 %"} {
		ctx, stop := context.WithCancel(t.Context())
		if err := runDemo(ctx, o, &bytes.Buffer{}, stopAt{percent, stop}, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		stop()
	}
	resumed, whole := lastLife(t, o), lastLife(t, demoOptions{data: t.TempDir(), days: 3, exit: true, json: true})
	if resumed.Sampled != resumed.Evidence || resumed.Evidence != resumed.Store || resumed.Quarantined != 0 || !resumed.Balanced {
		t.Errorf("after three interruptions: %+v", resumed)
	}
	if resumed.Evidence != whole.Evidence || resumed.Statements != whole.Statements {
		t.Errorf("after three interruptions: %+v\nwithout any:               %+v", resumed, whole)
	}
}

func lastLife(t *testing.T, o demoOptions) (s summary) {
	t.Helper()
	var out, talk bytes.Buffer
	if err := runDemo(t.Context(), o, &out, &talk, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatalf("%v\n%s", err, &talk)
	}
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}
