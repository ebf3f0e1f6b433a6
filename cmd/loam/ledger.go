package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"loam/payouts/ledger"
)

func ledgerCommand() *cobra.Command {
	cmd := group("ledger", "Who has how much, why, and whether the books are right")
	var flags hubFlags

	accounts := &cobra.Command{
		Use: "accounts", Short: "Every account with its balance", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := flags.open(cmd)
			if err != nil {
				return err
			}
			defer s.Close()
			balances, err := s.ledger.Accounts(cmd.Context())
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', tabwriter.AlignRight)
			fmt.Fprintln(w, "BALANCE\tRESERVED IN\tRESERVED OUT\t ACCOUNT")
			for _, b := range balances {
				fmt.Fprintf(w, "%s\t%s\t%s\t %s\n", ledger.Format(b.Posted, b.Asset), ledger.Format(b.PendingIn, b.Asset), ledger.Format(b.PendingOut, b.Asset), b.Account)
			}
			return w.Flush()
		},
	}
	history := &cobra.Command{
		Use: "history ACCOUNT", Short: "Every entry that touches an account, oldest first", Args: one("the name of one account"),
		Example: "  loam ledger history willow-creek:steward:asha --data ./watershed",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := flags.open(cmd)
			if err != nil {
				return err
			}
			defer s.Close()
			transfers, err := s.ledger.History(cmd.Context(), ledger.Account(args[0]))
			if err != nil {
				return err
			}
			if len(transfers) == 0 {
				return fmt.Errorf("no entry touches account %q: `loam ledger accounts` lists those that have any", args[0])
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "RECORDED\tSTATE\tAMOUNT\tFROM\tTO\tFOR")
			for _, t := range transfers {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.At.UTC().Format(time.RFC3339), t.State, ledger.Format(t.Amount, t.Asset), t.Debit, t.Credit, t.Memo)
			}
			return w.Flush()
		},
	}
	check := &cobra.Command{
		Use: "check", Short: "Add everything up again from the entries; exit 1 if anything is wrong", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := flags.open(cmd)
			if err != nil {
				return err
			}
			defer s.Close()
			r, err := s.ledger.Check(cmd.Context())
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, a := range r.Assets {
				fmt.Fprintf(out, "%s: issued %s, sum over all accounts %d\n", a.Asset, ledger.Format(a.Issued, a.Asset), a.Sum)
			}
			fmt.Fprintf(out, "%d entries, newest hash %s\n", r.Entries, r.Head)
			if r.OK() {
				fmt.Fprintln(out, "the books are right")
				return nil
			}
			for _, p := range r.Problems {
				fmt.Fprintln(out, "problem:", p)
			}
			if r.Omitted > 0 {
				fmt.Fprintf(out, "and %d more\n", r.Omitted)
			}
			return errSaid
		},
	}
	for _, c := range []*cobra.Command{accounts, history, check} {
		flags.add(c)
		cmd.AddCommand(c)
	}
	return cmd
}
