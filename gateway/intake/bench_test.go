package intake_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loam/gateway/identity/identitytest"
	"loam/gateway/wire"
)

func names(n int) []string {
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("gw-%d", i+1))
	}
	return ids
}

// throughput carries batches of 60 readings from a full spool to a hub that verifies nothing and keeps nothing, and back
// with a signed receipt for each: what the transport itself can do, receipts verified by the gateway. One operation is
// one batch.
func throughput(b *testing.B, m middle, gateways int) {
	key := identitytest.NewSigner("hub")
	h := newHub(b)
	r := &river{t: b, middle: m, hub: h}
	stored := func(string, uint64) bool { return true }
	var shelves []*shelf
	for _, id := range names(gateways) {
		s := newShelf(b, id, stored)
		s.seal(b.N/gateways+1, 60)
		shelves = append(shelves, s)
	}
	b.SetBytes(int64(len(shelves[0].waiting[0].Bytes)))
	user, password := m.Hub()
	i := newIntake(b, m.URL(), user, password, handler(func(_ context.Context, gateway string, payload []byte) ([]byte, error) {
		header, err := wire.Peek(payload)
		if err != nil {
			return nil, err
		}
		return wire.SealReceipt(wire.Receipt{
			Hub: "hub", Gateway: gateway, Sequence: header.Sequence, Digest: digest(payload), Outcome: wire.Stored, At: time.UnixMilli(1_760_000_000_000).UTC(),
		}, key)
	}), nil, nil)
	r.stops = append(r.stops, r.run(i.Run))
	until(b, "the hub is connected", i.Connected)
	b.ReportAllocs()
	before := cpu(b)
	b.ResetTimer()
	for _, s := range shelves {
		r.gatewayOn(s, 10*time.Second)
	}
	for _, s := range shelves {
		until(b, "the spool is empty", s.empty)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "batches/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op") // holds still on a busy machine
	resent := uint64(0)
	for _, u := range r.uplinks {
		resent += u.Status().Resent
	}
	b.ReportMetric(float64(resent)/float64(b.N), "resent/op")
	for _, stop := range r.stops {
		stop()
	}
	r.ended.Wait()
}

// cpu is what this process has used of the processor.
func cpu(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkEmbedded(b *testing.B) {
	for _, gateways := range []int{1, 3} {
		b.Run(fmt.Sprintf("gateways=%d", gateways), func(b *testing.B) { throughput(b, newEmbedded(b), gateways) })
	}
}
