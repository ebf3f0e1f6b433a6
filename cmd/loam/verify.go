package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"loam/gateway/identity"
	"loam/valuation/recompute"
	"loam/valuation/statement"
)

// maxBundle bounds what verify reads: a year of a busy site stays far below.
const maxBundle = 1 << 30

func verifyCommand() *cobra.Command {
	var data, key string
	cmd := &cobra.Command{
		Use:   "verify BUNDLE",
		Short: "Recompute one statement from its evidence and compare; exit 1 if anything differs",
		Long: "verify needs nothing but the bundle: it checks every signature and hash in it, computes flags, hours, scores and\n" +
			"credits again, and compares. What it cannot know is whether the hub's key is the one you trust: it prints the key's\n" +
			"fingerprint, or compares it with --hub-key.",
		Example: "  loam verify statement.json\n  loam verify --data ./watershed       # every statement of a demo or hub",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			switch {
			case len(args) == 1 && data == "":
				raw, err := readBundle(args[0])
				if err != nil {
					return err
				}
				_, err = verifyOne(out, raw, key)
				return err
			case len(args) == 0 && data != "":
				return verifyAll(cmd, data, key)
			}
			return errors.New("name one bundle file, or --data with a hub's folder")
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "verify every statement of the hub in this folder")
	cmd.Flags().StringVar(&key, "hub-key", "", "the public key the bundle must be signed with (ed25519:…)")
	return cmd
}

func readBundle(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the bundle: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxBundle+1))
	if err != nil {
		return nil, fmt.Errorf("read the bundle: %w", err)
	}
	if len(raw) > maxBundle {
		return nil, fmt.Errorf("%s is larger than %d bytes: that is no bundle", path, maxBundle)
	}
	return raw, nil
}

func verifyOne(out io.Writer, raw []byte, key string) (statement.Statement, error) {
	report, err := recompute.Verify(raw)
	for _, line := range report.Checked {
		fmt.Fprintln(out, line)
	}
	if err != nil {
		return report.Statement, fmt.Errorf("NOT verified: %w", err)
	}
	if key != "" {
		want, err := identity.ParseKey(key)
		if err != nil {
			return report.Statement, err
		}
		if identity.FormatKey(want) != report.Statement.HubKey {
			return report.Statement, fmt.Errorf("NOT verified: signed with %s, not with the key you trust", report.Statement.HubKey)
		}
	}
	fmt.Fprintf(out, "verified: statement %s recomputes to the same bytes\n", report.Statement.ID)
	return report.Statement, nil
}

func verifyAll(cmd *cobra.Command, data, key string) error {
	flags := hubFlags{data: data}
	s, err := flags.open(cmd)
	if err != nil {
		return err
	}
	defer s.Close()
	list, err := s.statements.List(cmd.Context())
	if err != nil {
		return err
	}
	for _, st := range list {
		raw, _, err := s.statements.Bundle(cmd.Context(), st.ID)
		if err != nil {
			return err
		}
		proven, err := verifyOne(io.Discard, raw, key)
		if err == nil {
			err = sameStatement(st, proven)
		}
		if err != nil {
			return fmt.Errorf("statement %s: %w", st.ID, err)
		}
		fmt.Fprintln(cmd.OutOrStdout(), "verified", oneLine(st))
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d statements verified\n", len(list))
	return nil
}

// sameStatement says whether what the hub shows and pays is what its bundle proves.
func sameStatement(shown, proven statement.Statement) error {
	a, errA := statement.Canonical(shown)
	b, errB := statement.Canonical(proven)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return fmt.Errorf("NOT verified: the hub shows and pays something else than the bundle proves: its bundle is of statement %s", proven.ID)
	}
	return nil
}
