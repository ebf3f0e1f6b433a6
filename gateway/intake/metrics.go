package intake

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	connected prometheus.Gauge
	batches   *prometheus.CounterVec
	receipts  *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, q *queue) *metrics {
	f := promauto.With(reg)
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "loam_intake_waiting_bytes", Help: "Bytes of batches that wait for verification.",
	}, func() float64 { return float64(q.waitingBytes()) })
	return &metrics{
		connected: f.NewGauge(prometheus.GaugeOpts{Name: "loam_intake_connected", Help: "1 while the hub is connected to its broker."}),
		batches: f.NewCounterVec(prometheus.CounterOpts{
			Name: "loam_intake_batches_total", Help: "Messages by result: handled, failed, repeated, dropped or misaddressed.",
		}, []string{"result"}),
		receipts: f.NewCounterVec(prometheus.CounterOpts{
			Name: "loam_intake_receipts_total", Help: "Receipts by result: sent or undelivered.",
		}, []string{"result"}),
	}
}
