package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"loam/gateway/identity"
)

// role is what the gateway and the hub have in common: a name they sign under, a key, and work that does not end.
type role struct {
	name    string
	keyFile string
	run     func(context.Context, *slog.Logger) error
}

// roleCommand makes cmd run the role that its configuration describes.
func roleCommand(cmd *cobra.Command, read func(path string) (role, error)) *cobra.Command {
	var path, level string
	var logJSON, showKey bool
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		r, err := read(path)
		if err != nil {
			return err
		}
		if showKey {
			id, err := identity.LoadOrCreate(r.keyFile, r.name)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), identity.FormatKey(id.Public()))
			return nil
		}
		log, err := logger(cmd, level, logJSON)
		if err != nil {
			return err
		}
		return r.run(cmd.Context(), log)
	}
	cmd.Flags().StringVar(&path, "config", "/etc/loam/"+cmd.Name()+".toml", "the "+cmd.Name()+"'s configuration")
	cmd.Flags().StringVar(&level, "log-level", "info", "debug, info, warn or error")
	cmd.Flags().BoolVar(&logJSON, "log-json", false, "log one JSON object a line")
	cmd.Flags().BoolVar(&showKey, "show-key", false, "print the public key (made at first use) and leave")
	return cmd
}

// httpConfig says where a role answers by HTTP.
type httpConfig struct {
	Listen string `toml:"listen"` // "127.0.0.1:8080"; empty: not at all
}

// relativeTo makes a path in a configuration file relative to that file.
func relativeTo(file, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// keyPath is where a role keeps its key, in the folder that holds all it keeps.
func keyPath(stateDir string) string { return filepath.Join(stateDir, "identity.pem") }

// newMetrics returns a registry with what every role reports.
func newMetrics() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "loam_build_info", Help: "1, with the version as label.", ConstLabels: prometheus.Labels{"version": version()}}, func() float64 { return 1 }),
	)
	return reg
}

// serve answers on addr until ctx ends, then lets running requests finish for a moment.
func serve(ctx context.Context, addr string, h http.Handler, log *slog.Logger) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen for HTTP on %s: %w", addr, err)
	}
	log.Info("pages", "address", "http://"+listener.Addr().String())
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve HTTP on %s: %w", addr, err)
	case <-ctx.Done():
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		return server.Shutdown(stop)
	}
}
