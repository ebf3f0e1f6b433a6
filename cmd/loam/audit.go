package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"loam/gateway/evidence"
	"loam/gateway/identity"
	"loam/valuation/statement"
)

func auditCommand() *cobra.Command {
	var flags hubFlags
	cmd := &cobra.Command{
		Use:     "audit",
		Short:   "Walk the whole evidence log and say what was changed, dropped or reordered; exit 1 if anything was",
		Example: "  loam audit --data ./watershed",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := flags.read()
			if err != nil {
				return err
			}
			hub, err := identity.Load(keyPath(cfg.DataDir), cfg.hubName())
			if err != nil {
				return err
			}
			// Not through the open stages: a log that was tampered with is refused there, and here it is to be explained.
			findings, err := evidence.Inspect(cmd.Context(), filepath.Join(cfg.DataDir, "evidence.db"),
				evidence.Trust{Gateways: cfg.registry, Origin: cfg.origin(), Hub: hub.Public()})
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, f := range findings {
				fmt.Fprintln(out, f)
			}
			if len(findings) == 0 {
				short, err := againstStatements(cmd.Context(), cfg.DataDir)
				if err != nil {
					return err
				}
				for _, line := range short {
					fmt.Fprintln(out, line)
				}
				if len(short) > 0 {
					fmt.Fprintln(out, "the evidence is not what these statements were made from")
					return errSaid
				}
			}
			if len(findings) > 0 {
				fmt.Fprintf(out, "%d findings: the evidence is not what was appended\n", len(findings))
				return errSaid
			}
			fmt.Fprintln(out, "every batch, signature, chain and hash is as it was appended")
			return nil
		},
	}
	flags.add(cmd)
	return cmd
}

// againstStatements holds the log to every tree that a published statement names: a log that was emptied, or cut and
// signed anew, is sound in itself and yet not the one people were shown.
func againstStatements(ctx context.Context, dir string) (wrong []string, err error) {
	log, err := evidence.Open(ctx, filepath.Join(dir, "evidence.db"), nil, "audit")
	if err != nil {
		return nil, err
	}
	statements, err := statement.OpenStore(ctx, filepath.Join(dir, "statements.db"))
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	defer func() { err = errors.Join(err, log.Close(), statements.Close()) }()
	list, err := statements.List(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, s := range list {
		e := s.Evidence
		if seen[e.LogSize+e.LogRoot] {
			continue
		}
		seen[e.LogSize+e.LogRoot] = true
		size, err := strconv.ParseUint(e.LogSize, 10, 64)
		if err != nil {
			return wrong, fmt.Errorf("statement %s: log size: %w", s.ID, err)
		}
		root, err := log.Root(ctx, size)
		if err != nil && !errors.Is(err, evidence.ErrRange) {
			return wrong, err
		}
		if err != nil || root.String() != e.LogRoot {
			wrong = append(wrong, fmt.Sprintf("statement %s was made from a log of %d batches with root %s, which this log does not hold", s.ID, size, e.LogRoot))
		}
	}
	return wrong, nil
}
