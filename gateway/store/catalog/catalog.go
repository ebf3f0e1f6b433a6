// Package catalog lists the time-series stores a hub can be configured with.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"loam/gateway/store"
	"loam/gateway/store/influxstore"
	"loam/gateway/store/sqlitestore"
	"loam/internal/config"
)

// Config chooses a store and says how to reach it.
//
//	[store]
//	kind = "influx"
//	url = "http://127.0.0.1:8086"
//	org = "alder-commons"
//	bucket = "loam"
//	token_file = "/etc/loam/influx-token"
type Config struct {
	// Kind is "sqlite" (the default: a file beside the evidence) or "influx".
	Kind string `toml:"kind,omitempty"`
	// URL of the InfluxDB server, e.g. "http://127.0.0.1:8086".
	URL string `toml:"url,omitempty"`
	// TokenFile is a file with the API token of InfluxDB 2.x, or "user:password" of 1.8. A token has no place in a
	// configuration that people share; leave it out only where 1.8 asks for none.
	TokenFile string `toml:"token_file,omitempty"`
	// Org is the organisation of InfluxDB 2.x; leave it out for 1.8.
	Org string `toml:"org,omitempty"`
	// Bucket of InfluxDB 2.x, or "database/retention-policy" of 1.8.
	Bucket string `toml:"bucket,omitempty"`
	// Timeout bounds one request, e.g. "10s"; 0 is 30 s.
	Timeout time.Duration `toml:"timeout,omitempty"`
}

// Backend is one kind of store.
type Backend struct {
	Kind    string // as written in a configuration
	Title   string // for people
	Package string // folder below gateway/store
	check   func(Config) error
	open    func(ctx context.Context, c Config, dir string) (store.Store, error)
}

// Backends lists every kind, the default first.
func Backends() []Backend {
	return []Backend{
		{Kind: "sqlite", Title: "SQLite, in a file of the hub", Package: "sqlitestore", check: checkSQLite, open: openSQLite},
		{Kind: "influx", Title: "InfluxDB 2.x, or 1.8 through its v2 API", Package: "influxstore", check: checkInflux, open: openInflux},
	}
}

// ErrConfig is wrapped by everything that is wrong with a [Config].
var ErrConfig = errors.New("store configuration")

func (c Config) backend() (Backend, error) {
	var kinds []string
	for _, b := range Backends() {
		if c.Kind == b.Kind || c.Kind == "" {
			return b, nil
		}
		kinds = append(kinds, fmt.Sprintf("%q", b.Kind))
	}
	return Backend{}, fmt.Errorf("catalog: %w: kind %q: use %s", ErrConfig, c.Kind, strings.Join(kinds, " or "))
}

// Validate says what is wrong with the configuration, all at once, if anything.
func (c Config) Validate() error {
	b, err := c.backend()
	if err != nil {
		return err
	}
	if err := b.check(c); err != nil {
		return fmt.Errorf("catalog: %w: kind %q: %w", ErrConfig, b.Kind, err)
	}
	return nil
}

// Open opens the configured store. Files go below dir.
func Open(ctx context.Context, c Config, dir string) (store.Store, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	b, err := c.backend()
	if err != nil {
		return nil, err
	}
	s, err := b.open(ctx, c, dir)
	if err != nil {
		return nil, err // not s: a backend's nil pointer in an interface would pass for a store
	}
	return s, nil
}

// FileName is what the SQLite store is called in the hub's folder.
const FileName = "points.db"

func checkSQLite(c Config) error {
	var p config.Problems
	for name, value := range map[string]string{"url": c.URL, "token_file": c.TokenFile, "org": c.Org, "bucket": c.Bucket} {
		p.Check(value == "", "%s is set, but only kind \"influx\" uses it: set kind, or remove %s", name, name)
	}
	return p.Err()
}

func openSQLite(ctx context.Context, _ Config, dir string) (store.Store, error) {
	return sqlitestore.Open(ctx, filepath.Join(dir, FileName))
}

func checkInflux(c Config) error {
	var p config.Problems
	p.Check(strings.HasPrefix(c.URL, "http://") || strings.HasPrefix(c.URL, "https://"), "url %q: give http://host:port or https://host", c.URL)
	p.Check(!strings.Contains(c.URL, "@"), "url carries a user or password: put \"user:password\" into token_file")
	p.Check(c.Bucket != "", "bucket is empty: give a bucket, or \"database/retention-policy\" for InfluxDB 1.8")
	p.Check(c.Org == "" || c.TokenFile != "", "org is set, which means InfluxDB 2.x, but token_file is not: it wants a token")
	p.Check(c.Timeout >= 0, "timeout %s is negative", c.Timeout)
	return p.Err()
}

func openInflux(ctx context.Context, c Config, _ string) (store.Store, error) {
	return influxstore.Open(ctx, influxstore.Config{URL: c.URL, TokenFile: c.TokenFile, Org: c.Org, Bucket: c.Bucket, Timeout: c.Timeout})
}
