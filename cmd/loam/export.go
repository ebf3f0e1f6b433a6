package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

func exportCommand() *cobra.Command {
	cmd := group("export", "Write statements, readings or the ledger to files")
	for _, e := range []struct {
		use, short string
		write      func(context.Context, *stages, string) (int, error)
	}{
		{"statements", "Each statement as a bundle that `loam verify` checks", exportStatements},
		{"readings", "Each series as CSV: time, value, raw value, flag, tests", exportReadings},
		{"ledger", "Every transfer as CSV", exportLedger},
	} {
		var flags hubFlags
		var dir string
		sub := &cobra.Command{
			Use: e.use, Short: e.short, Args: cobra.NoArgs,
			Example: "  loam export " + e.use + " --data ./watershed --out ./files",
			RunE: func(cmd *cobra.Command, _ []string) error {
				s, err := flags.open(cmd)
				if err != nil {
					return err
				}
				defer s.Close()
				if err := os.MkdirAll(dir, 0o755); err != nil {
					return err
				}
				n, err := e.write(cmd.Context(), s, dir)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%d %s in %s\n", n, e.use, dir)
				return nil
			},
		}
		flags.add(sub)
		sub.Flags().StringVar(&dir, "out", ".", "the folder to write to")
		cmd.AddCommand(sub)
	}
	return cmd
}

func exportStatements(ctx context.Context, s *stages, dir string) (int, error) {
	list, err := s.statements.List(ctx)
	if err != nil {
		return 0, err
	}
	for i, st := range list {
		raw, _, err := s.statements.Bundle(ctx, st.ID)
		if err != nil {
			return i, err
		}
		if err := os.WriteFile(filepath.Join(dir, "statement-"+st.ID+".json"), raw, 0o644); err != nil {
			return i, err
		}
	}
	return len(list), nil
}

func exportReadings(ctx context.Context, s *stages, dir string) (int, error) {
	keys, err := s.store.Keys(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, k := range keys {
		kind, err := k.Quantity.Kind()
		if err != nil {
			return n, err
		}
		points, err := s.store.Range(ctx, k, time.Unix(0, 0), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC))
		if err != nil {
			return n, err
		}
		rows := [][]string{{"time", "site", "gateway", "channel", "quantity", "unit", "value", "raw", "flag", "tests"}}
		for _, p := range points {
			rows = append(rows, []string{
				p.At.UTC().Format(time.RFC3339Nano), k.Site, k.Gateway, string(k.Channel), string(k.Quantity), kind.Unit,
				strconv.FormatFloat(p.Value, 'g', -1, 64), strconv.FormatFloat(p.Raw, 'g', -1, 64), strconv.Itoa(int(p.Flag)), p.Tests,
			})
		}
		name := fmt.Sprintf("readings-%s-%s-%s-%s.csv", k.Site, k.Gateway, k.Channel, k.Quantity)
		if err := writeCSV(filepath.Join(dir, name), rows); err != nil {
			return n, err
		}
		n += len(points)
	}
	return n, nil
}

func exportLedger(ctx context.Context, s *stages, dir string) (int, error) {
	rows := [][]string{{"sequence", "id", "state", "debit", "credit", "asset", "amount", "origin", "memo", "reverses", "at", "settled"}}
	for after := int64(0); ; {
		page, err := s.ledger.Transfers(ctx, after, 1000)
		if err != nil {
			return 0, err
		}
		if len(page) == 0 {
			break
		}
		for _, t := range page {
			rows = append(rows, []string{
				strconv.FormatInt(t.Sequence, 10), t.ID, string(t.State), string(t.Debit), string(t.Credit), string(t.Asset),
				strconv.FormatInt(t.Amount, 10), t.Origin, t.Memo, t.Reverses, stamp(t.At), stamp(t.Settled),
			})
			after = t.Sequence
		}
	}
	return len(rows) - 1, writeCSV(filepath.Join(dir, "ledger.csv"), rows)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func writeCSV(path string, rows [][]string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := csv.NewWriter(f)
	if err := w.WriteAll(rows); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Close()
}
