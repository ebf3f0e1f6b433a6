package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"

	"loam/payouts/ledger"
	"loam/valuation/method"
)

func configCommand() *cobra.Command {
	cmd := group("config", "Check configuration files")
	cmd.AddCommand(&cobra.Command{
		Use:     "check FILE",
		Short:   "Say everything that is wrong with a gateway.toml, hub.toml or method file",
		Example: "  loam config check /etc/loam/gateway.toml",
		Args:    one("one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, err := checkConfig(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: a valid %s\n", args[0], kind)
			return nil
		},
	})
	return cmd
}

// errKind says that a file is none of ours.
var errKind = errors.New("neither a gateway's (no [[probe]]), a hub's (no [[site]]) nor a method's (no [[index]]) configuration")

// checkConfig finds out what kind of file it is by the table that only this kind has, and checks it.
func checkConfig(path string) (kind string, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the configuration: %w", err)
	}
	var tables struct {
		Probe   []any `toml:"probe"`
		Gateway any   `toml:"gateway"` // a gateway's own name, or the gateways of a hub
		Site    []any `toml:"site"`
		Index   []any `toml:"index"`
	}
	if err := toml.Unmarshal(raw, &tables); err != nil {
		var wrong *toml.DecodeError
		if errors.As(err, &wrong) {
			row, column := wrong.Position()
			return "", fmt.Errorf("%s:%d:%d: %w", path, row, column, err)
		}
		return "", fmt.Errorf("%s: %w", path, err)
	}
	name, isName := tables.Gateway.(string)
	switch {
	case len(tables.Index) > 0:
		m, err := method.Parse(raw)
		if err != nil {
			return "method", wrapFile(path, err)
		}
		return "method: " + yearly(m), nil
	case len(tables.Site) > 0 || tables.Gateway != nil && !isName:
		_, err := readHubConfig(path)
		return "hub configuration", err
	case len(tables.Probe) > 0 || name != "":
		_, err := readGatewayConfig(path)
		return "gateway configuration", err
	}
	return "", fmt.Errorf("%s: %w", path, errKind)
}

func wrapFile(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", path, err)
}

// yearly says what a method pays at most in a year: its rate is for one period, and the cron line alone says how many
// periods there are.
func yearly(m method.Method) string {
	from, to := m.Period(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	periods := int64(365 * 24 * time.Hour / to.Sub(from))
	return fmt.Sprintf("one hectare at score 1 earns %s gross in a period of %s, about %d times that in a year",
		ledger.Format(m.Credit.RatePerHectare, ledger.Asset(m.Asset)), to.Sub(from), periods)
}
