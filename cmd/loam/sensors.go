package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"loam/sensors"
	"loam/sensors/catalog"
)

func sensorsCommand() *cobra.Command {
	cmd := group("sensors", "What probes loam supports")
	var asJSON bool
	list := &cobra.Command{
		Use:   "list",
		Short: "List every probe: bus, addresses, quantities, units, range, accuracy, calibration",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rows, err := supported()
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(rows)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tBUS\tQUANTITY\tUNIT\tRANGE\tACCURACY\tCALIBRATION")
			for _, r := range rows {
				if len(r.Quantities) == 0 {
					fmt.Fprintf(w, "%s\t%s\tas its settings say\t\t\t\t\n", r.ID, r.Bus)
				}
				for _, q := range r.Quantities {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s to %s\t%s\t%s\n", r.ID, r.Bus, q.Quantity, q.Unit, q.Min, q.Max, q.Accuracy, r.Calibration)
				}
			}
			return w.Flush()
		},
	}
	list.Flags().BoolVar(&asJSON, "json", false, "one JSON array")
	cmd.AddCommand(list)
	return cmd
}

// supportedProbe is one entry of `loam sensors list --json`.
type supportedProbe struct {
	ID          string                  `json:"id"`
	Name        string                  `json:"name"`
	Bus         sensors.BusKind         `json:"bus"`
	Addresses   []string                `json:"addresses,omitempty"`
	Quantities  []supportedQuantity     `json:"quantities"`
	Calibration sensors.CalibrationKind `json:"calibration"`
}

type supportedQuantity struct {
	Quantity sensors.Quantity `json:"quantity"`
	Unit     string           `json:"unit"`
	Min      sensors.Decimal  `json:"min"`
	Max      sensors.Decimal  `json:"max"`
	Accuracy string           `json:"accuracy"`
	Source   string           `json:"source"`
}

func supported() ([]supportedProbe, error) {
	var rows []supportedProbe
	for _, m := range catalog.Models() {
		row := supportedProbe{ID: m.Name, Name: m.Title, Bus: m.Bus, Calibration: m.Calibration, Quantities: []supportedQuantity{}}
		for _, a := range m.Addresses {
			row.Addresses = append(row.Addresses, m.Bus.FormatAddress(a))
		}
		if m.Default != 0 {
			row.Addresses = append(row.Addresses, m.Bus.FormatAddress(m.Default))
		}
		for _, o := range m.Outputs {
			kind, err := o.Quantity.Kind()
			if err != nil {
				return nil, fmt.Errorf("probe %s: %w", m.Name, err)
			}
			row.Quantities = append(row.Quantities, supportedQuantity{o.Quantity, kind.Unit, o.Min, o.Max, o.Accuracy, o.Source})
		}
		rows = append(rows, row)
	}
	return rows, nil
}
