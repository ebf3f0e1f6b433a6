package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"loam/sensors/derived"
)

func deriveCommand() *cobra.Command {
	var list, explain bool
	cmd := &cobra.Command{
		Use:   "derive QUANTITY name=number ...",
		Short: "Compute one derived quantity: dew point, evapotranspiration, oxygen saturation ...",
		Long: "derive computes a quantity by its published formula and prints the number, or the class where it is a class.\n" +
			"Results come out the same, to the last digit, on every kind of machine.",
		Example: "  loam derive dewpoint_C t_c=21.5 rh=60\n" +
			"  loam derive et0_mm_day tmax=21.5 tmin=12.3 rhmax=84 rhmin=63 n=9.25 u10=2.78 elevation_m=100 lat_deg=50.8 J=187 --explain\n" +
			"  loam derive gdd_F_86_50_sum 'days=[[90,65],[72,46]]'\n" +
			"  loam derive --list",
		RunE: func(cmd *cobra.Command, args []string) error {
			if list {
				return listDerived(cmd.OutOrStdout(), args)
			}
			if len(args) == 0 {
				return errors.New("loam derive wants a quantity and its inputs: see loam derive --list")
			}
			return derive(cmd.OutOrStdout(), args[0], args[1:], explain)
		},
	}
	cmd.Flags().BoolVar(&list, "list", false, "list quantities with units, inputs and sources, or only the named ones")
	cmd.Flags().BoolVar(&explain, "explain", false, "after the number, say what it is, its unit and its source")
	return cmd
}

// derive prints the number first, alone on its line, for scripts.
func derive(w io.Writer, name string, arguments []string, explain bool) error {
	q, err := derived.Find(name)
	if err != nil {
		return fmt.Errorf("%w: see loam derive --list", err)
	}
	in, err := derived.Parse(arguments)
	if err != nil {
		return fmt.Errorf("%s: %w: see loam derive --list %s", name, err, name)
	}
	x, err := q.Compute(in)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(w, q.Format(x)); err != nil || !explain {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\nunit: %s\nsource: %s\n", q.Title, q.Unit, q.Source)
	return err
}

// listDerived prints every quantity, one set of inputs a line; or the named ones, with what their inputs are.
func listDerived(w io.Writer, names []string) error {
	quantities := derived.Quantities()
	if len(names) > 0 {
		quantities = quantities[:0]
		for _, name := range names {
			q, err := derived.Find(name)
			if err != nil {
				return err
			}
			quantities = append(quantities, q)
		}
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "QUANTITY\tUNIT\tINPUTS\tSOURCE")
	for _, q := range quantities {
		for _, f := range q.Forms {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", q.Name, q.Unit, strings.Join(f.Inputs, " "), q.Source)
		}
	}
	if len(names) == 0 {
		return t.Flush()
	}
	fmt.Fprintln(t, "\t\t\t\nINPUT\tUNIT\tFROM AND TO\tWHAT IT IS")
	said := map[string]bool{}
	for _, q := range quantities {
		for _, in := range q.Inputs() {
			if !said[in.Key] {
				said[in.Key] = true
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", in.Key, in.Unit, in.Range(), in.Title)
			}
		}
	}
	return t.Flush()
}
