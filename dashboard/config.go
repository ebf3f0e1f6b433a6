package dashboard

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loam/internal/config"
)

// Settings is what a community says about itself on its pages.
type Settings struct {
	// Title is the name of the place, e.g. "Willow Creek watershed". Empty: made from the community's id.
	Title string `toml:"title"`
	// About is one paragraph that tells a visitor what this place is.
	About string `toml:"about"`
	// Contact says where to object to a statement: an address, a number, a place and time.
	Contact string `toml:"contact"`
	// StaleMinutes is the age from which a value is marked as old, and a gateway as silent. 0: 15 minutes.
	StaleMinutes int `toml:"stale_minutes"`
}

// defaultStaleMinutes: a gateway that samples every minute has then missed fifteen rounds.
const defaultStaleMinutes = 15

// Config is what [New] needs.
type Config struct {
	Settings Settings
	Sources  Sources
	Now      func() time.Time // the hub's time: ages are counted from it
	Log      *slog.Logger
	Metrics  prometheus.Registerer // where the pages count themselves; may be nil
	Gatherer prometheus.Gatherer   // what /metrics shows; may be nil: then there is none
}

// ErrConfig is wrapped by what [New] refuses.
var ErrConfig = errors.New("the dashboard is not fully wired")

func (c Config) validate() error {
	s := c.Sources
	var p config.Problems
	p.Check(s.Registry != nil, "Sources.Registry is missing")
	p.Check(s.Readings != nil, "Sources.Readings is missing")
	p.Check(s.Evidence != nil, "Sources.Evidence is missing")
	p.Check(s.Statements != nil, "Sources.Statements is missing")
	p.Check(s.Challenges != nil, "Sources.Challenges is missing")
	p.Check(s.Ledger != nil, "Sources.Ledger is missing")
	p.Check(s.Quarantine != nil, "Sources.Quarantine is missing")
	p.Check(c.Now != nil, "Now is missing")
	p.Check(c.Log != nil, "Log is missing")
	p.Check(c.Settings.StaleMinutes >= 0, "stale_minutes is %d: give the minutes after which a value counts as old", c.Settings.StaleMinutes)
	if err := p.Err(); err != nil {
		return fmt.Errorf("dashboard: %w: %w", ErrConfig, err)
	}
	return nil
}

// New returns the handler of every page. Timeouts and TLS are the server's it is put into.
func New(c Config) (http.Handler, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.Settings.StaleMinutes == 0 {
		c.Settings.StaleMinutes = defaultStaleMinutes
	}
	if c.Settings.Title == "" {
		c.Settings.Title = capital(plain(c.Sources.Registry.Community))
	}
	sites := c.Sources.Registry.Sites()
	d := &dashboard{
		Config:  c,
		siteMap: drawMap(sites[:min(len(sites), listedSites)]),
		stale:   time.Duration(c.Settings.StaleMinutes) * time.Minute,
		pages:   newMemo[page](time.Second, 3*time.Second, 256),
		pulses:  newMemo[pulse](time.Second, 10*time.Second, 1),
		lists:   newMemo[[]row](2*time.Second, 20*time.Second, 1024),
	}
	for _, sp := range spans() {
		d.series = append(d.series, newMemo[summary](sp.keep, 10*sp.keep, 2048))
	}
	if err := d.prepare(); err != nil {
		return nil, err
	}
	return d.routes(), nil
}
