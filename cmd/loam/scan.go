package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"loam/sensors"
	"loam/sensors/catalog"
	"loam/sensors/clock"
	"loam/sensors/recording"
	"loam/sensors/scan"
	"loam/sensors/sim"
)

// scanOptions says where to look, and what to make of it.
type scanOptions struct {
	modbus, sdi12, uart []string // serial ports
	write               string
	record, replay      string
	simulate            string
	timeout             time.Duration
}

func scanCommand() *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use:   "scan",
		Short: "Find the probes that are wired to this machine",
		Long: "Find the probes that are wired to this machine: every driver tries the addresses it knows on the I2C and 1-Wire buses.\n" +
			"Serial ports are listed; what is on one is looked for where you say what kind of bus it is.\n\n" +
			"Stop the gateway first: two programs on one bus disturb each other.",
		Example: "  loam scan\n" +
			"  loam scan --modbus /dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0\n" +
			"  loam scan --write gateway.toml         # a configuration to start from\n" +
			"  loam scan --record probes.jsonl        # what was said on the buses, for a report",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.modbus, "modbus", nil, "also look for Modbus probes on this serial port, addresses 1 to 10")
	f.StringArrayVar(&o.sdi12, "sdi-12", nil, "also look for SDI-12 probes on this serial port, addresses 0 to 9")
	f.StringArrayVar(&o.uart, "uart", nil, "also look for a probe that has this serial port for itself")
	f.StringVar(&o.write, "write", "", "write a gateway's configuration to start from; the file must not be there yet")
	f.StringVar(&o.record, "record", "", "record what is said on the buses; the file must not be there yet")
	f.StringVar(&o.replay, "replay", "", "scan a recording in place of this machine")
	f.StringVar(&o.simulate, "simulate", "", "scan simulated probes: meadow, riparian, stream or bench")
	f.DurationVar(&o.timeout, "timeout", 10*time.Second, "longest time for a driver at an address")
	cmd.MarkFlagsMutuallyExclusive("replay", "simulate")
	cmd.MarkFlagsMutuallyExclusive("replay", "record")
	return cmd
}

func (o scanOptions) run(ctx context.Context, out io.Writer) (err error) {
	s := scan.Scanner{Models: catalog.Models(), Timeout: o.timeout, Heard: func(f scan.Found) { fmt.Fprintln(out, describe(f)) }}
	closeBuses, err := o.buses(&s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeBuses()) }()
	if o.record != "" {
		stop, err := o.recorded(&s)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	found, err := o.look(ctx, s)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		fmt.Fprintln(out, "nothing answered: is I2C, 1-Wire or the serial port enabled (raspi-config), and is the probe's power on?")
	}
	if o.replay == "" && o.simulate == "" {
		if err := listPorts(out); err != nil {
			return err
		}
	}
	if o.write == "" {
		return nil
	}
	if err := writeNew(o.write, starter(found)); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	fmt.Fprintf(out, "wrote %s: give the community, the gateway and the hub's broker their names, then loam config check %s\n", o.write, o.write)
	return nil
}

// buses brings up what is scanned.
func (o scanOptions) buses(s *scan.Scanner) (func() error, error) {
	clk, err := clock.NewSystem()
	if err != nil {
		return nil, err
	}
	s.Clock = clk
	switch {
	case o.replay != "":
		raw, err := os.Open(o.replay)
		if err != nil {
			return nil, err
		}
		p, err := recording.Load(raw)
		if err := errors.Join(err, raw.Close()); err != nil {
			return nil, err
		}
		s.Ports = p.OpenSerial
		return p.Register()
	case o.simulate != "":
		virtual := clock.NewVirtual(time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC), clock.BootID{1})
		site, err := sim.NewSite(sim.NewWorld(1, virtual.Now().Wall.AddDate(0, -1, 0)), sim.Place(o.simulate), func() time.Time { return virtual.Now().Wall })
		if err != nil {
			return nil, err
		}
		s.Clock, s.Ports = virtual, site.OpenSerial
		return site.Close, nil
	}
	b, err := openBuses(nil, clk)
	s.Ports = b.serial
	return b.Close, err
}

// recorded puts a recorder before the buses.
func (o scanOptions) recorded(s *scan.Scanner) (stop func() error, err error) {
	f, err := os.OpenFile(o.record, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	r := recording.NewRecorder(f)
	unwrap, err := r.Wrap()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s.Prefix, s.Ports = recording.Prefix, r.Serial(s.Ports)
	return func() error { return errors.Join(unwrap(), r.Err(), f.Sync(), f.Close()) }, nil
}

func (o scanOptions) look(ctx context.Context, s scan.Scanner) ([]scan.Found, error) {
	i2cs, wires := scan.Buses(recording.Prefix)
	all, err := s.I2C(ctx, i2cs)
	if err != nil {
		return all, err
	}
	more, err := s.OneWire(ctx, wires)
	all = append(all, more...)
	if err != nil {
		return all, err
	}
	for _, lines := range []struct {
		kind      sensors.BusKind
		ports     []string
		addresses []uint64
	}{
		{sensors.Modbus, o.modbus, []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{sensors.SDI12, o.sdi12, []uint64{'0', '1', '2', '3', '4', '5', '6', '7', '8', '9'}},
		{sensors.UART, o.uart, nil},
	} {
		for _, port := range lines.ports {
			more, err := s.Serial(ctx, lines.kind, port, lines.addresses)
			all = append(all, more...)
			if err != nil {
				return all, err
			}
		}
	}
	return all, nil
}

// describe says a find in a line.
func describe(f scan.Found) string {
	where := f.Bus
	if f.Address != 0 {
		where += " at " + f.Kind.FormatAddress(f.Address)
	}
	switch len(f.Candidates) {
	case 0:
		return where + ": something answers that no driver here knows"
	case 1:
		return fmt.Sprintf("%s: %s, %s: %s", where, f.Candidates[0].Model.Name, f.Candidates[0].Model.Title, said(f.Candidates[0].Samples))
	}
	var names []string
	for _, c := range f.Candidates {
		names = append(names, c.Model.Name)
	}
	return fmt.Sprintf("%s: one of %s: they answer alike, so the label has to say which", where, strings.Join(names, ", "))
}

// said is what a probe said, for people.
func said(samples []sensors.Sample) string {
	if len(samples) == 0 {
		return "it is not ready yet"
	}
	var parts []string
	for _, s := range samples {
		k, err := s.Quantity.Kind()
		if err != nil {
			continue
		}
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %s %s", k.Title, s.Value, k.Symbol)))
	}
	return strings.Join(parts, ", ")
}

func listPorts(out io.Writer) error {
	ports, err := scan.SerialPorts("/")
	if err != nil {
		return err
	}
	for _, p := range ports {
		fmt.Fprintf(out, "serial port %s (now %s): look on it with --modbus, --sdi-12 or --uart\n", p.Stable, p.Device)
	}
	return nil
}

// starter is a configuration to start from. What could be several things is commented out, for a person to choose.
func starter(found []scan.Found) []byte {
	var b bytes.Buffer
	b.WriteString("# Written by loam scan: what answered on this machine. Choose names, and say what each probe is put into.\n\n" +
		"community = \"my-community\"\ngateway = \"my-gateway\"\nstate_dir = \"/var/lib/loam\"\n\n[uplink]\nbroker = \"mqtts://hub.example.org:8883\"\n")
	names := map[string]int{}
	for _, f := range found {
		for _, c := range f.Candidates {
			comment := ""
			if len(f.Candidates) > 1 {
				comment = "# "
			}
			names[c.Model.Name]++
			name := c.Model.Name
			if n := names[name]; n > 1 {
				name = fmt.Sprintf("%s-%d", name, n)
			}
			for line := range strings.Lines(probeTable(name, f, c)) {
				b.WriteString(comment + line)
			}
		}
	}
	return b.Bytes()
}

func probeTable(name string, f scan.Found, c scan.Candidate) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n[[probe]] # %s\nname = %q\ndriver = %q\nbus = %q\n", c.Model.Title, name, c.Model.Name, f.Bus)
	if f.Address != 0 {
		fmt.Fprintf(&b, "address = %q\n", f.Kind.FormatAddress(f.Address))
	}
	outputs := c.Model.Outputs
	medium := false
	for _, o := range outputs {
		if o.Quantity == sensors.SoilTemperature {
			medium = true
		}
	}
	if medium {
		b.WriteString("medium = \"water\" # or \"soil\"\n")
	}
	for _, o := range outputs {
		if medium && o.Quantity == sensors.SoilTemperature && len(c.Samples) > 0 {
			continue // water was said above
		}
		fmt.Fprintf(&b, "\n[[probe.channel]]\nid = %q\nquantity = %q\n", strings.ReplaceAll(name+"-"+string(o.Quantity), "_", "-"), o.Quantity)
	}
	return b.String()
}

// writeNew writes a file that is not there yet.
func writeNew(path string, raw []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	return errors.Join(err, f.Close())
}
