package intake

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// The queue against lists: each gateway in order, one at a time, no gateway twice before another's turn, bounds kept.
func TestQueueKeepsOrderTurnsAndBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perLine, maxBytes := rapid.IntRange(1, 5).Draw(t, "per line"), rapid.IntRange(10, 60).Draw(t, "max bytes")
		q := newQueue(perLine, maxBytes)
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		waiting := map[string][]string{}
		busy := map[string]string{}
		lines := map[string]*line{}
		n, bytes := 0, 0
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				gateway := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "gateway")
				n++
				payload := fmt.Sprintf("%0*d", rapid.IntRange(3, 20).Draw(t, "size"), n)
				want := ""
				if len(waiting[gateway]) >= perLine || bytes > 0 && bytes+len(payload) > maxBytes {
					want = "dropped"
				}
				if got := q.put(gateway, []byte(payload)); got != want {
					t.Fatalf("put: %q, want %q", got, want)
				}
				if want == "" {
					waiting[gateway] = append(waiting[gateway], payload)
					bytes += len(payload)
				}
			},
			"repeat": func(t *rapid.T) {
				gateway := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "gateway")
				known := waiting[gateway]
				if b := busy[gateway]; b != "" {
					known = append([]string{b}, known...)
				}
				if len(known) == 0 {
					t.Skip("nothing to repeat")
				}
				if got := q.put(gateway, []byte(rapid.SampledFrom(known).Draw(t, "payload"))); got != "repeated" {
					t.Fatalf("a repetition: %q", got)
				}
			},
			"next": func(t *rapid.T) {
				if len(q.ready) == 0 {
					t.Skip("would wait")
				}
				l, payload, ok := q.next(context.Background())
				if !ok || busy[l.gateway] != "" || waiting[l.gateway][0] != string(payload) {
					t.Fatalf("next: %s of %+v, busy %+v, waiting %+v", payload, l, busy, waiting)
				}
				waiting[l.gateway] = waiting[l.gateway][1:]
				busy[l.gateway], lines[l.gateway] = string(payload), l
			},
			"done": func(t *rapid.T) {
				for gateway, payload := range busy {
					q.done(lines[gateway], []byte(payload))
					bytes -= len(payload)
					delete(busy, gateway)
					return
				}
				t.Skip("nobody at work")
			},
			"": func(t *rapid.T) {
				ready := 0
				for gateway, w := range waiting {
					if len(w) > 0 && busy[gateway] == "" {
						ready++
					}
				}
				if ready != len(q.ready) || q.waitingBytes() != bytes {
					t.Fatalf("%d lines ready, want %d; %d bytes, want %d", len(q.ready), ready, q.waitingBytes(), bytes)
				}
				if _, _, ok := q.next(ended); ok {
					t.Fatal("work is handed out after the end")
				}
			},
		})
	})
}
