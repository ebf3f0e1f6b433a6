package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"loam/dashboard"
	"loam/gateway/evidence"
	"loam/gateway/registry"
	"loam/gateway/store"
	"loam/gateway/wire"
	"loam/payouts/challenge"
	"loam/payouts/ledger"
	"loam/sensors"
)

// dashboard gives the pages what they are made from.
func (h *hub) dashboard() dashboard.Config {
	return dashboard.Config{
		Sources: dashboard.Sources{
			Registry:     h.cfg.registry,
			Readings:     h.store,
			Evidence:     evidencePages{h.evidence},
			Statements:   h.statements,
			Challenges:   challengePages{h.challenges},
			Ledger:       h.ledger,
			StatementOf:  statementOf,
			Quarantine:   h.quarantine,
			Calibrations: certificates{h.evidence, h.cfg.registry},
			Alarms:       h.alarms,
			Progress: func() (dashboard.Progress, bool) {
				if h.progress == nil {
					return dashboard.Progress{}, false
				}
				return h.progress()
			},
		},
		Settings: h.cfg.Pages,
		Now:      h.now,
		Metrics:  h.metrics,
		Gatherer: h.metrics,
		Log:      h.log,
	}
}

// alarms says what is wrong now, for people.
func (h *hub) alarms() []string {
	var alarms []string
	if a := h.projection.Alarm(); a != "" {
		alarms = append(alarms, a)
	}
	if a := h.unvalued.Load(); a != nil {
		alarms = append(alarms, *a)
	}
	if !h.intake.Connected() {
		alarms = append(alarms, "The hub has no connection to its broker, so nothing new arrives. Gateways keep what they measure and bring it later.")
	}
	statuses := h.intake.Statuses()
	for _, g := range h.cfg.registry.Gateways() {
		if s, known := statuses[g.ID]; known && !s.Online {
			alarms = append(alarms, fmt.Sprintf("%s (%s) is offline since %s. It keeps what it measures and brings it when it is back.",
				g.Name, g.ID, s.Since.UTC().Format("2 January 2006, 15:04 UTC")))
		}
	}
	return alarms
}

// statementOf reads the statement out of a transfer's origin, which policy made of the statement's id and the part.
func statementOf(t ledger.Transfer) (string, bool) {
	id, _, found := strings.Cut(t.Origin, "/")
	return id, found
}

type evidencePages struct{ *evidence.Log }

// Heads implements dashboard.Evidence.
func (e evidencePages) Heads(ctx context.Context) ([]dashboard.Head, error) {
	heads, err := e.Log.Heads(ctx)
	var out []dashboard.Head
	for _, h := range heads {
		out = append(out, dashboard.Head{Gateway: h.Gateway, Sequence: h.Sequence, Readings: h.Readings, Gaps: int(h.Gaps), LastReceived: h.LastReceived})
	}
	return out, err
}

type challengePages struct{ *challenge.Docket }

// Of implements dashboard.Challenges.
func (c challengePages) Of(ctx context.Context, id string) (dashboard.Challenge, bool, error) {
	s, err := c.State(ctx, id)
	if errors.Is(err, challenge.ErrNotFound) {
		return dashboard.Challenge{}, false, nil
	}
	if err != nil {
		return dashboard.Challenge{}, false, err
	}
	out := dashboard.Challenge{State: pageStates[s.State], Until: s.Until}
	for _, o := range s.Objections {
		outcome := ""
		if o.Verdict != "" {
			outcome = fmt.Sprintf("%s by %s: %s", o.Verdict, o.DecidedBy, o.Answer)
		}
		out.Objections = append(out.Objections, dashboard.Objection{By: o.By, Reason: o.Reason, At: o.At, Outcome: outcome})
	}
	return out, true, nil
}

var pageStates = map[challenge.State]dashboard.ChallengeState{
	challenge.Proposed: dashboard.Proposed, challenge.Challenged: dashboard.Challenged, challenge.Final: dashboard.Final,
	challenge.Rejected: dashboard.Recalled, challenge.Paid: dashboard.Paid,
}

// certificates finds the calibration behind the newest readings of a series in the evidence: the store does not keep it.
type certificates struct {
	evidence *evidence.Log
	keys     *registry.Registry
}

// Of implements dashboard.Calibrations.
func (c certificates) Of(ctx context.Context, k store.Key) (sensors.Certificate, bool, error) {
	heads, err := c.evidence.Heads(ctx)
	if err != nil {
		return sensors.Certificate{}, false, err
	}
	key, known := c.keys.Key(k.Gateway)
	for _, h := range heads {
		if h.Gateway != k.Gateway || !known {
			continue
		}
		leaves, err := c.evidence.Within(ctx, []string{k.Gateway}, h.LastReading, h.LastReading.Add(time.Millisecond))
		if err != nil {
			return sensors.Certificate{}, false, err
		}
		for _, leaf := range slices.Backward(leaves) {
			sealed, err := wire.Open(leaf.Bytes, key)
			if err != nil {
				return sensors.Certificate{}, false, err
			}
			for _, r := range slices.Backward(sealed.Readings) {
				if r.Channel == k.Channel && r.Quantity == k.Quantity {
					return r.Calibration, true, nil
				}
			}
		}
	}
	return sensors.Certificate{}, false, nil
}
