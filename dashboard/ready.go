package dashboard

import (
	"context"
	"net/http"
	"time"
)

// healthz says that the process answers, and nothing else: a supervisor restarts on it.
func (d *dashboard) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n"))
}

// readyTimeout is how long a part may take to answer before it counts as away.
const readyTimeout = 2 * time.Second

type readiness struct {
	Ready  bool    `json:"ready"`
	Checks []check `json:"checks"`
}

type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"` // what a person can do; details, which may hold addresses, are in the log
}

// readyz says whether everything the pages need can be reached: 200 if so, 503 if not, with the reasons.
func (d *dashboard) readyz(w http.ResponseWriter, r *http.Request) {
	out := readiness{Ready: true}
	try := func(name, reason string, ask func(ctx context.Context) error) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		c := check{Name: name, OK: true}
		if err := ask(ctx); err != nil {
			d.Log.Warn("dashboard: not ready", "check", name, "err", err)
			c.OK, c.Reason, out.Ready = false, reason, false
		}
		out.Checks = append(out.Checks, c)
	}
	try("store", "the time-series store does not answer; nothing is lost, evidence waits for it; the hub's log says why", d.Sources.Readings.Ping)
	try("evidence", "the evidence log cannot be read; look at the disk and at the hub's log", func(ctx context.Context) error {
		_, err := d.Sources.Evidence.Size(ctx)
		return err
	})
	try("ledger", "the ledger cannot be read; look at the disk and at the hub's log", func(ctx context.Context) error {
		_, err := d.Sources.Ledger.Accounts(ctx)
		return err
	})
	status := http.StatusOK
	if !out.Ready {
		status = http.StatusServiceUnavailable
	}
	d.sendJSON(w, r, status, out)
}

// checkpoint hands out the newest signed note over the evidence log (C2SP tlog-checkpoint).
func (d *dashboard) checkpoint(w http.ResponseWriter, r *http.Request) {
	note, err := d.Sources.Evidence.Checkpoint(r.Context())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	p, err := newPage("text/plain; charset=utf-8", note)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.send(w, r, http.StatusOK, "no-cache", p)
}
