package uplink

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	connected   prometheus.Gauge
	inFlight    prometheus.Gauge
	lastReceipt prometheus.Gauge
	sent        prometheus.Counter
	resent      prometheus.Counter
	bytes       prometheus.Counter
	receipts    *prometheus.CounterVec
	traffic     *prometheus.CounterVec
}

// newMetrics registers with the gateway's id as label, so that several gateways can live in one process.
func newMetrics(reg prometheus.Registerer, gateway string) *metrics {
	f := promauto.With(reg)
	label := prometheus.Labels{"gateway": gateway}
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: label})
	}
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: label})
	}
	return &metrics{
		connected:   gauge("loam_uplink_connected", "1 while the gateway is connected to its hub's broker."),
		inFlight:    gauge("loam_uplink_batches_in_flight", "Batches sent and not receipted."),
		lastReceipt: gauge("loam_uplink_last_receipt_timestamp_seconds", "When the last receipt was settled."),
		sent:        counter("loam_uplink_batches_sent_total", "Batches sent, those sent again included."),
		resent:      counter("loam_uplink_batches_resent_total", "Batches sent again."),
		bytes:       counter("loam_uplink_sent_bytes_total", "Bytes of batches sent."),
		traffic: f.NewCounterVec(prometheus.CounterOpts{
			Name: "loam_uplink_traffic_bytes_total", Help: "Bytes over the connection to the broker: sent or received.", ConstLabels: label,
		}, []string{"direction"}),
		receipts: f.NewCounterVec(prometheus.CounterOpts{
			Name: "loam_uplink_receipts_total", Help: "Receipts by result: stored, quarantined, refused or dropped.", ConstLabels: label,
		}, []string{"result"}),
	}
}
