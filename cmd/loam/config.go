package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"

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
		_, err := method.Parse(raw)
		return "method", wrapFile(path, err)
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
