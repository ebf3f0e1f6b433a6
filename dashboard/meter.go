package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// meter counts what is asked of the pages.
type meter struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMeter(reg prometheus.Registerer) (meter, error) {
	m := meter{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "loam_http_requests_total", Help: "Requests answered, by kind of page and status.",
		}, []string{"page", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "loam_http_request_seconds", Help: "Time to answer, by kind of page.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10},
		}, []string{"page"}),
	}
	if reg == nil {
		return m, nil
	}
	if err := errors.Join(reg.Register(m.requests), reg.Register(m.seconds)); err != nil {
		return meter{}, fmt.Errorf("dashboard: metrics: %w", err)
	}
	return m, nil
}

// count wraps a handler. The names are few and fixed, never taken from an address.
func (m *meter) count(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, status := time.Now(), &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(status, r)
		m.seconds.WithLabelValues(name).Observe(time.Since(start).Seconds())
		m.requests.WithLabelValues(name, strconv.Itoa(status.status)).Inc()
	})
}

// statusWriter remembers the status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach what is underneath.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
