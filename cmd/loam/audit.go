package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"loam/gateway/evidence"
	"loam/gateway/identity"
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
