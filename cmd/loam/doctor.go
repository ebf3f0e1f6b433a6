package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"loam/gateway/health"
	"loam/gateway/identity"
	"loam/gateway/spool"
	"loam/gateway/uplink"
	"loam/sensors/catalog"
	"loam/sensors/clock"
)

const defaultGatewayConfig = "/etc/loam/gateway.toml"

func doctorCommand() *cobra.Command {
	var path, bundle string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say how this machine and its gateway are: fact, why it matters, cure",
		Long: "Say how this machine and its gateway are: each fact, and where something is wrong, why it matters and what cures it.\n\n" +
			"Nothing is changed, and a gateway that is running is not disturbed. The exit code is 1 where something fails; warnings\n" +
			"alone leave it 0. Without a configuration the machine is looked at, and nothing else.",
		Example: "  sudo -u loam loam doctor                       # as the gateway sees it\n" +
			"  loam doctor --config gateway.toml --json\n" +
			"  sudo loam doctor --bundle loam-support.tar.gz  # for whoever helps: no keys and no passwords in it",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !cmd.Flags().Changed("config") {
				path = ""
			}
			clk, err := clock.NewSystem(clock.Chrony{}, clock.Timesyncd{})
			if err != nil {
				return err
			}
			d := doctor{path: path, clock: clk, machine: health.This(clk)}
			d.examine(cmd.Context())
			if err := d.report.write(cmd.OutOrStdout(), asJSON); err != nil {
				return err
			}
			if bundle != "" {
				if err := d.writeBundle(cmd.Context(), bundle); err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "written: %s. Look into it before you send it: it names your probes and places.\n", bundle)
			}
			if d.report.Level == health.Failure {
				return errSaid
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&path, "config", defaultGatewayConfig, "the gateway's configuration")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().StringVar(&bundle, "bundle", "", "also write a .tar.gz for support; the file must not be there yet")
	return cmd
}

// doctorReport is what `loam doctor --json` prints.
type doctorReport struct {
	Version  string             `json:"version"`
	Time     time.Time          `json:"time"`
	Machine  string             `json:"machine"` // operating system and architecture
	Config   string             `json:"config,omitempty"`
	Gateway  string             `json:"gateway,omitempty"`
	Running  *bool              `json:"running,omitempty"` // absent: not known
	Level    health.Level       `json:"level"`             // the gravest of the checks
	Checks   []health.Check     `json:"checks"`
	Probes   []health.ProbeView `json:"probes,omitempty"` // of a running gateway
	Spool    *spool.Stats       `json:"spool,omitempty"`
	Failures int                `json:"failures"`
	Warnings int                `json:"warnings"`
}

// doctor looks at a machine and at a gateway's folder.
type doctor struct {
	path    string // of the configuration; empty: none
	clock   clock.Clock
	machine health.Machine

	cfg    gatewayConfig
	valid  bool // cfg is
	report doctorReport
}

func (d *doctor) examine(ctx context.Context) {
	now := d.clock.Now()
	d.report = doctorReport{Version: version(), Time: now.Wall.UTC(), Machine: runtime.GOOS + "/" + runtime.GOARCH, Config: d.path}
	var state string
	if d.path != "" {
		var err error
		d.cfg, err = readGatewayConfig(d.path)
		d.valid = err == nil
		d.say(health.Config(d.path, err))
		if d.valid {
			d.report.Gateway = d.cfg.Gateway
			state, err = filepath.Abs(d.cfg.StateDir)
			if err != nil { // the working folder is gone
				state = ""
			}
			d.cfg.StateDir = cmp.Or(state, d.cfg.StateDir)
			d.examineGateway(ctx)
		}
	}
	var needs []health.Need
	if d.valid {
		needs = d.cfg.needs()
	}
	d.say(d.machine.Checks(state, needs)...)
	d.report.Level = health.Worst(d.report.Checks)
	for _, c := range d.report.Checks {
		switch c.Level {
		case health.Failure:
			d.report.Failures++
		case health.Warning:
			d.report.Warnings++
		}
	}
}

func (d *doctor) say(checks ...health.Check) { d.report.Checks = append(d.report.Checks, checks...) }

// examineGateway asks a gateway that is running; where none is, it looks at what one has left.
func (d *doctor) examineGateway(ctx context.Context) {
	d.say(d.machine.Key(keyPath(d.cfg.StateDir)))
	d.examineCalibrations()
	running, err := folderInUse(d.cfg.StateDir)
	if err == nil {
		d.report.Running = &running
	}
	if running && d.cfg.HTTP.Listen != "" {
		status, err := fetchStatus(ctx, d.cfg.HTTP.Listen, d.cfg.Gateway)
		d.say(health.Running(d.cfg.Gateway, running, err))
		if err == nil {
			d.report.Probes, d.report.Spool = status.Probes, &status.Spool
			d.say(health.OfGateway(status.Checks)...)
			return
		}
	} else {
		check := health.Running(d.cfg.Gateway, running, err)
		if running {
			check.Fact += "; with [http] listen it could say how its probes are"
		}
		d.say(check)
	}
	d.examineSpool(ctx)
	if !running { // a broker would let go of the gateway's connection in favour of this one
		d.say(health.Broker(d.tryBroker(ctx))...)
	}
}

func (d *doctor) examineCalibrations() {
	for _, p := range d.cfg.Probes {
		model, err := catalog.Find(p.Driver)
		if err != nil {
			continue // the configuration would not be valid
		}
		for _, c := range p.Channels {
			calibration, err := c.inForce(model, d.cfg.book())
			if err != nil {
				d.say(health.NoCalibration(c.ID, err))
				continue
			}
			d.say(health.Calibration(c.ID, calibration.Certificate, d.clock.Now().Wall))
		}
	}
}

func (d *doctor) examineSpool(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	stats, err := spool.Peek(ctx, filepath.Join(d.cfg.StateDir, "spool.db"), d.cfg.Spool)
	if errors.Is(err, fs.ErrNotExist) {
		return // made when the gateway first starts
	}
	if err != nil {
		d.say(health.NoSpool(err))
		return
	}
	d.report.Spool = &stats
	d.say(health.Spool(stats, d.clock.Now().Wall)...)
}

// Bounds of what a doctor waits for.
const (
	brokerTimeout = 8 * time.Second
	lookTimeout   = 5 * time.Second
)

// tryBroker connects once. No key is made: where there is none yet, the broker cannot know it either.
func (d *doctor) tryBroker(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, brokerTimeout)
	defer cancel()
	id, err := identity.Load(keyPath(d.cfg.StateDir), d.cfg.Gateway)
	if err != nil {
		return fmt.Errorf("%w: %w", health.ErrNoKey, err)
	}
	return uplink.Try(ctx, d.cfg.Uplink, d.cfg.Community, id)
}

// folderInUse says whether a gateway runs on the folder. It makes no lock file, and holds the lock of one that nobody holds
// for a moment only: see [lockFolder].
func folderInUse(dir string) (bool, error) {
	f, err := os.Open(filepath.Join(dir, lockName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

// maxStatus bounds what is read of a status page.
const maxStatus = 4 << 20

// fetchStatus asks a gateway on this machine for its status page.
func fetchStatus(ctx context.Context, listen, gateway string) (gatewayStatus, error) {
	var status gatewayStatus
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return status, err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/status.json", nil)
	if err != nil {
		return status, err
	}
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		return status, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return status, fmt.Errorf("%s answers %s", req.URL, resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxStatus)).Decode(&status); err != nil {
		return status, fmt.Errorf("%s: %w", req.URL, err)
	}
	if status.Gateway != gateway {
		return status, fmt.Errorf("%s is the page of %q", req.URL, status.Gateway)
	}
	return status, nil
}

// write prints the report, for people or as one JSON object.
func (r doctorReport) write(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	unknown := 0
	for _, c := range r.Checks {
		word := string(c.Level)
		if c.Level == health.Unknown {
			unknown++
			word = "-"
		}
		if _, err := fmt.Fprintf(w, "%-5s %-20s %s\n", word, c.ID, c.Fact); err != nil {
			return err
		}
		if c.Wrong() {
			fmt.Fprintf(w, "%-26s why:  %s\n%-26s cure: %s\n", "", c.Why, "", c.Cure)
		}
	}
	well := len(r.Checks) - unknown - r.Failures - r.Warnings
	_, err := fmt.Fprintf(w, "\nwell: %d, warnings: %d, failures: %d, not known here: %d\n", well, r.Warnings, r.Failures, unknown)
	return err
}
