package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
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

// The pages of a kept demo are where this command says, wherever they were last time.
func TestAKeptDemoListensWhereItIsTold(t *testing.T) {
	o := demoOptions{data: t.TempDir(), days: 1}
	lastLife(t, demoOptions{data: o.data, days: 1, exit: true, json: true}) // without pages
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	o.http = busy.Addr().String()
	if err := runDemo(t.Context(), o, io.Discard, io.Discard, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), o.http) {
		t.Errorf("pages at %s, which is taken: %v", o.http, err)
	}
}

// A folder serves one role at a time; whoever comes second hears it, and the lock goes with its holder.
func TestOneRoleAFolder(t *testing.T) {
	dir := t.TempDir()
	first, err := lockFolder(dir, "hub")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockFolder(dir, "hub"); err == nil || !strings.Contains(err.Error(), "running on "+dir) {
		t.Errorf("a second hub: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := lockFolder(dir, "hub")
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
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
