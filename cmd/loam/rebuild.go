package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func rebuildCommand() *cobra.Command {
	var flags hubFlags
	cmd := &cobra.Command{
		Use:     "rebuild",
		Short:   "Make the time-series store again from evidence, value for value",
		Long:    "rebuild empties the time-series store and fills it again from evidence. The hub has to be stopped: while it runs,\nit goes on writing with its own place in the evidence.",
		Example: "  loam rebuild --data ./watershed",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := flags.open(cmd)
			if err != nil {
				return err
			}
			defer s.Close()
			lock, err := lockFolder(s.cfg.DataDir, "hub")
			if err != nil {
				return err
			}
			defer lock.Close()
			if err := s.projection.Rebuild(cmd.Context()); err != nil {
				return err
			}
			readings, err := s.evidence.Readings(cmd.Context())
			if err != nil {
				return err
			}
			points, err := s.store.Count(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d readings in evidence, %d points in the store\n", readings, points)
			return nil
		},
	}
	flags.add(cmd)
	return cmd
}
