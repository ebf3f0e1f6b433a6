package feed

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"loam/gateway/spool"
	"loam/sensors"
	"loam/sensors/clock"
)

var (
	noon  = time.Date(2026, 8, 20, 12, 0, 0, 0, time.UTC)
	quiet = slog.New(slog.DiscardHandler)
)

func newSpool(t testing.TB) *spool.Spool {
	t.Helper()
	s, err := spool.Open(context.Background(), filepath.Join(t.TempDir(), "spool.db"), spool.Config{}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func newFeed(t testing.TB, c Config, sink Sink) *Feed {
	t.Helper()
	f, err := New(c, sink, clock.NewVirtual(noon, clock.BootID{1}), quiet, NewMetrics(nil))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// lora is a feed of two fields of an uplink.
func lora() Config {
	return Config{Name: "lora", Format: ChirpStack, Broker: "mqtt://127.0.0.1:1", Topic: "application/+/device/+/event/up", Channels: []Channel{
		{ID: "soil-temperature", Quantity: sensors.SoilTemperature, Field: "object.temperature", Device: "0101010101010101"},
		{ID: "soil-moisture", Quantity: sensors.VolumetricWaterContent, Field: "object.moisture", Scale: &sensors.Decimal{Mantissa: 1, Exponent: -2}},
	}}
}

func uplink(id, at, object string) string {
	return `{"deduplicationId":"` + id + `","time":"` + at + `","deviceInfo":{"deviceName":"a","devEui":"0101010101010101"},"fCnt":3,"data":"AQ==",` +
		`"object":` + object + `,"rxInfo":[{"gatewayId":"0016c001f153a14c","rssi":-57,"snr":10.0}]}`
}

const uplinkTopic = "application/1/device/0101010101010101/event/up"

// collected is a sink in memory.
type collected struct {
	readings []sensors.Reading
	total    int
	keys     map[string]bool
	position string
	forget   bool // count only
}

func (c *collected) Append(_ context.Context, rs []sensors.Reading) error {
	if c.total += len(rs); !c.forget {
		c.readings = append(c.readings, rs...)
	}
	return nil
}

func (c *collected) AppendOnce(ctx context.Context, source, key string, rs []sensors.Reading) (bool, error) {
	if c.keys == nil {
		c.keys = map[string]bool{}
	}
	if c.keys[source+key] {
		return false, nil
	}
	c.keys[source+key] = true
	return true, c.Append(ctx, rs)
}

func (c *collected) AppendAt(ctx context.Context, _, position string, rs []sensors.Reading) error {
	c.position = position
	return c.Append(ctx, rs)
}

func (c *collected) Position(context.Context, string) (string, error) { return c.position, nil }

func (c *collected) values() []string {
	var all []string
	for _, r := range c.readings {
		all = append(all, string(r.Channel)+"="+r.Value.String()+" "+r.At.Wall.Format("15:04:05.000"))
	}
	return all
}
