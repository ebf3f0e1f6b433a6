package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"loam/payouts/challenge"
)

func challengeCommand() *cobra.Command {
	cmd := group("challenge", "Object to a statement before it is final, and decide objections")
	var flags hubFlags

	var by, reason string
	object := &cobra.Command{
		Use: "object STATEMENT", Short: "Put an objection on record: while it is open the statement does not pay", Args: one("the id of one statement"),
		Example: "  loam challenge object 3f9c… --by mira --reason 'the probe stood in a puddle' --data ./watershed",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := flags.open(cmd)
			if err != nil {
				return err
			}
			defer s.Close()
			n, err := s.challenges.Object(cmd.Context(), args[0], by, reason, time.Now())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "objection %d against statement %s is on record\n", n, args[0])
			return nil
		},
	}
	var uphold, dismiss bool
	resolve := &cobra.Command{
		Use: "resolve OBJECTION", Short: "Decide an objection, with a reason", Args: one("the number of one objection"),
		Example: "  loam challenge resolve 7 --dismiss --by council --reason 'photos of the day show dry ground'",
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return fmt.Errorf("objection %q: give its number", args[0])
			}
			verdict := challenge.Dismissed
			if uphold {
				verdict = challenge.Upheld
			}
			s, err := flags.open(cmd)
			if err != nil {
				return err
			}
			defer s.Close()
			if err := s.challenges.Resolve(cmd.Context(), n, verdict, by, reason, time.Now()); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "objection %d is %s\n", n, verdict)
			return nil
		},
	}
	resolve.Flags().BoolVar(&uphold, "uphold", false, "the objection is right: the statement is never paid")
	resolve.Flags().BoolVar(&dismiss, "dismiss", false, "the statement stands")
	resolve.MarkFlagsMutuallyExclusive("uphold", "dismiss")
	resolve.MarkFlagsOneRequired("uphold", "dismiss")
	list := &cobra.Command{
		Use: "list", Short: "Where every statement stands", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := flags.open(cmd)
			if err != nil {
				return err
			}
			defer s.Close()
			all, err := s.challenges.List(cmd.Context())
			if err != nil {
				return err
			}
			for _, st := range all {
				fmt.Fprintf(cmd.OutOrStdout(), "%s  %s since %s, window until %s\n", st.Statement, st.State, stamp(st.Since), stamp(st.Until))
				for _, o := range st.Objections {
					fmt.Fprintf(cmd.OutOrStdout(), "  objection %d by %s: %s  %s\n", o.Number, o.By, o.Reason, o.Verdict)
				}
			}
			return nil
		},
	}
	for _, c := range []*cobra.Command{object, resolve} {
		c.Flags().StringVar(&by, "by", "", "who")
		c.Flags().StringVar(&reason, "reason", "", "why, in words others can judge")
		_ = c.MarkFlagRequired("by") // the flags were just made
		_ = c.MarkFlagRequired("reason")
	}
	for _, c := range []*cobra.Command{object, resolve, list} {
		flags.add(c)
		cmd.AddCommand(c)
	}
	return cmd
}
