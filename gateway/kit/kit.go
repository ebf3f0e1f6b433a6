// Package kit is the gateway's own pages: how it is, and a guide that sets it up, for a steward with a phone beside it.
//
// They are plain HTML over plain http on the local network, complete without JavaScript, and need nothing that a browser
// gives to https only. What is seen at / is for everybody on that network and holds nothing secret; whatever changes
// something needs the setup PIN.
//
// Read in this order: kit.go (what the pages are made from), steps.go (the guide), status.go and probes.go (what is shown
// and chosen), edit.go and file.go (how gateway.toml is changed), access.go and pin.go (who may), server.go and render.go.
package kit

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"loam/gateway/health"
	"loam/gateway/spool"
	"loam/gateway/uplink"
	"loam/sensors/clock"
	"loam/sensors/scan"
)

// ErrStarting is wrapped by what a gateway answers that is between two runs.
var ErrStarting = errors.New("the gateway is starting")

// Gateway is the program around the pages. Its methods are safe for concurrent use.
type Gateway interface {
	// Status says how everything is; it wraps [ErrStarting] while there is nothing to say.
	Status(ctx context.Context) (Status, error)
	// Check says everything that is wrong with a configuration, as `loam config check` does.
	Check(raw []byte) error
	// Restart lets the gateway run with the configuration that is in its file now. It returns at once.
	Restart()
	// Watch asks every probe every few seconds for some minutes, so that a person sees the value follow.
	Watch()
	// Scan looks for probes while nobody else is on the buses. ports are serial ports by their stable name, with the kind
	// of bus that is looked for there.
	Scan(ctx context.Context, ports []Port) ([]scan.Found, error)
	// Ports lists the serial ports.
	Ports() ([]scan.SerialPort, error)
}

// Port is a serial port and what is looked for on it: "modbus", "sdi-12" or "uart".
type Port struct{ Name, Kind string }

// Status is a look at a gateway.
type Status struct {
	Community, Gateway, Version string
	Broker, HubKey              string // empty: not set up yet
	Interval                    time.Duration
	Watching                    bool // probes are asked more often than that now
	Probes                      []Probe
	Views                       []health.ProbeView // of the probes, in the same order
	Checks                      []health.Check
	Spool                       spool.Stats
	Uplink                      uplink.Status
	Clock                       clock.Instant
	TakenBack                   string // why the last change was taken back; empty: it was not
}

// Probe is a probe as it is configured.
type Probe struct{ Name, Title, Bus, Address string }

// Config is what the pages are made from.
type Config struct {
	File     string // gateway.toml
	StateDir string // where the guide remembers how far it got, and the PIN is kept, hashed
	Key      ed25519.PublicKey
	Gateway  Gateway
	Now      func() time.Time
	Log      *slog.Logger
	// Announce tells a PIN that was just made to whoever stands at the machine; it is told once and kept nowhere.
	Announce func(pin string)
}

// New returns the pages. The first time on a machine it makes a PIN.
func New(c Config) (http.Handler, error) {
	k := &kit{Config: c}
	if err := k.prepare(); err != nil {
		return nil, err
	}
	var err error
	if k.access, err = openAccess(c.StateDir, c.Now, c.Announce); err != nil {
		return nil, err
	}
	k.memory = memory{path: c.StateDir + "/setup.json"}
	return k.routes(), nil
}
