package ingest

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"loam/gateway/quarantine"
)

// Outcomes as they are counted.
const (
	outcomeStored      = "stored"      // new in evidence
	outcomeDuplicate   = "duplicate"   // in evidence already
	outcomeQuarantined = "quarantined" // kept aside, with a receipt
	outcomeRefused     = "refused"     // kept aside as far as there is room, without a receipt
	outcomeFailed      = "failed"      // nothing could be decided
)

// metrics are what ingest counts. Labels take only values this program or the community's registry knows: a stranger
// cannot make new ones.
type metrics struct {
	batches  *prometheus.CounterVec
	readings prometheus.Counter
	lastSeen *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) metrics {
	factory := promauto.With(reg)
	m := metrics{
		batches: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "loam_ingest_batches_total", Help: "Batches that arrived, by what became of them and why.",
		}, []string{"outcome", "reason"}),
		readings: factory.NewCounter(prometheus.CounterOpts{
			Name: "loam_ingest_readings_total", Help: "Readings newly kept in evidence.",
		}),
		lastSeen: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "loam_ingest_last_batch_timestamp_seconds", Help: "When the last batch with a good signature came, by gateway.",
		}, []string{"gateway"}),
	}
	for _, outcome := range []string{outcomeStored, outcomeDuplicate, outcomeFailed} {
		m.batches.WithLabelValues(outcome, "") // present from the start, as 0
	}
	return m
}

func (m metrics) stored(gateway string, readings int, at time.Time) {
	m.count(outcomeStored, "")
	m.readings.Add(float64(readings))
	m.seen(gateway, at)
}

func (m metrics) duplicate(gateway string, at time.Time) {
	m.count(outcomeDuplicate, "")
	m.seen(gateway, at)
}

func (m metrics) refused(v verdict, at time.Time) {
	if !v.verified {
		m.count(outcomeRefused, v.reason)
		return
	}
	m.count(outcomeQuarantined, v.reason)
	m.seen(v.gateway, at)
}

func (m metrics) failed() { m.count(outcomeFailed, "") }

func (m metrics) count(outcome string, reason quarantine.Reason) {
	m.batches.WithLabelValues(outcome, string(reason)).Inc()
}

func (m metrics) seen(gateway string, at time.Time) {
	m.lastSeen.WithLabelValues(gateway).Set(float64(at.UnixMilli()) / 1000)
}
