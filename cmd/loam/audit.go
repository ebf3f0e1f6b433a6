package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"loam/gateway/evidence"
)

func auditCommand() *cobra.Command {
	var flags hubFlags
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Walk the whole evidence log and say what was changed, dropped or reordered; exit 1 if anything was",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := flags.read()
			if err != nil {
				return err
			}
			s, err := flags.open(cmd)
			if err != nil {
				return err
			}
			defer s.Close()
			findings, err := s.evidence.Audit(cmd.Context(), evidence.Trust{Gateways: cfg.registry, Origin: cfg.origin(), Hub: s.identity.Public()})
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, f := range findings {
				fmt.Fprintln(out, f)
			}
			if len(findings) > 0 {
				fmt.Fprintf(out, "%d findings\n", len(findings))
				return errSaid
			}
			size, err := s.evidence.Size(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%d batches: every byte, signature, chain and hash is as it was appended\n", size)
			return nil
		},
	}
	flags.add(cmd)
	return cmd
}
