package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"loam/payouts/ledger"
	"loam/valuation/statement"
)

func valueCommand() *cobra.Command {
	var flags hubFlags
	var at string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "value",
		Short: "Run valuation now: assess every period that has ended and settle what is final",
		Example: "  loam value --data ./watershed\n" +
			"  loam value --config hub.toml --at 2026-06-02T00:30:00Z --dry-run",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := time.Now()
			if at != "" {
				t, err := time.Parse(time.RFC3339, at)
				if err != nil {
					return fmt.Errorf("--at %q: give a time such as 2026-06-02T00:30:00Z", at)
				}
				now = t
			}
			if now.After(time.Now()) && !dryRun {
				return errors.New("--at is in the future: a period is valued once, so valuing it before it has ended would leave out for good what is still to come; --dry-run shows what it would be")
			}
			s, err := flags.open(cmd)
			if err != nil {
				return err
			}
			defer s.Close()
			if dryRun {
				s.schedule.Statements = unpublished{s.statements}
			}
			list, err := s.schedule.RunDue(cmd.Context(), now)
			for _, st := range list {
				fmt.Fprintln(cmd.OutOrStdout(), oneLine(st))
			}
			if err != nil {
				return err
			}
			if dryRun {
				fmt.Fprintf(cmd.OutOrStdout(), "%d statements would be published\n", len(list))
				return nil
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d statements published\n", len(list))
			return s.settle(cmd.Context(), now)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&at, "at", "", "value as if it were this time (RFC 3339)")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be published, and publish nothing")
	return cmd
}

// unpublished lets a schedule see what stands, and keeps nothing it issues.
type unpublished struct{ *statement.Store }

// Put keeps nothing.
func (unpublished) Put(_ context.Context, s statement.Statement, _ []byte) (statement.Statement, bool, error) {
	return s, true, nil
}

// oneLine is a statement as a line for people.
func oneLine(s statement.Statement) string {
	health, verdict := s.Health, "earns "+s.Credit.Net+" minor units of "+s.Credit.Asset
	if health == "" {
		health = "none"
	}
	if net, err := strconv.ParseInt(s.Credit.Net, 10, 64); err == nil && s.Earns {
		verdict = "earns " + ledger.Format(net, ledger.Asset(s.Credit.Asset))
	}
	if !s.Earns {
		verdict = "earns nothing"
		if len(s.Reasons) > 0 {
			verdict += ": " + s.Reasons[0]
		}
	}
	return fmt.Sprintf("%s  %s  %s to %s  health %s  %s", s.ID, s.Site.ID, s.Period.From, s.Period.To, health, verdict)
}
