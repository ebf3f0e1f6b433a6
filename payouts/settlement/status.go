package settlement

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"loam/payouts/challenge"
	"loam/payouts/ledger"
)

// Status is where a statement stands, for people.
type Status struct {
	challenge.Status
	Problem string // why the last run could not take it further; "" when nothing is wrong
}

// State returns where a statement stands, or an error wrapping [challenge.ErrNotFound] before it was registered and
// while nothing is wrong with it.
func (s *Settlement) State(ctx context.Context, id string) (Status, error) {
	s.mu.Lock()
	problem := s.problems[id]
	s.mu.Unlock()
	found, err := s.config.Challenges.State(ctx, id)
	if err != nil && problem == "" {
		return Status{}, fmt.Errorf("settlement: %w", err)
	}
	found.Statement = id
	return Status{Status: found, Problem: problem}, nil
}

// Total is what was issued in one asset.
type Total struct {
	Asset  ledger.Asset
	Amount int64 // minor units, buffer included, less what was taken back
}

// Paid returns what was issued, by asset.
func (s *Settlement) Paid(ctx context.Context) ([]Total, error) {
	balances, err := s.config.Ledger.Accounts(ctx) // by asset
	if err != nil {
		return nil, fmt.Errorf("settlement: %w", err)
	}
	var totals []Total
	for _, b := range balances {
		if b.Account.Kind() != ledger.MintKind {
			continue
		}
		if last := len(totals) - 1; last >= 0 && totals[last].Asset == b.Asset {
			totals[last].Amount -= b.Posted
		} else {
			totals = append(totals, Total{Asset: b.Asset, Amount: -b.Posted})
		}
	}
	return totals, nil
}

type metrics struct {
	steps   *prometheus.CounterVec
	issued  *prometheus.CounterVec
	failing prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) metrics {
	factory := promauto.With(reg)
	return metrics{
		steps: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "loam_settlement_statements_total", Help: "Statements that reached a step: registered, final, paid.",
		}, []string{"step"}),
		issued: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "loam_settlement_issued_minor_units_total", Help: "Minor units credited by this process, buffer included.",
		}, []string{"asset"}),
		failing: factory.NewGauge(prometheus.GaugeOpts{
			Name: "loam_settlement_failing_statements", Help: "Statements the last run could not take further.",
		}),
	}
}
