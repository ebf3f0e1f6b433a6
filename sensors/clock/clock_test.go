package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"loam/sensors/clock"
)

var begin = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func TestUptimeNeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := clock.NewVirtual(begin, clock.BootID{1})
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			before := v.Now()
			d := time.Duration(rapid.Int64Range(-1e6, 1e6).Draw(t, "ms")) * time.Millisecond
			if rapid.Bool().Draw(t, "set") {
				v.Set(before.Wall.Add(d))
				if got := v.Now().Wall; !got.Equal(before.Wall.Add(d)) {
					t.Fatalf("set to %s, shows %s", before.Wall.Add(d), got)
				}
			} else if err := v.Sleep(context.Background(), d); err != nil {
				t.Fatal(err)
			}
			if after := v.Now(); after.Uptime < before.Uptime || after.Uptime-before.Uptime != max(0, d) || after.Boot != before.Boot {
				t.Fatalf("%s later: %+v then %+v", d, before, after)
			}
		}
	})
}

func TestVirtualSleepHonoursTheContext(t *testing.T) {
	v := clock.NewVirtual(begin, clock.BootID{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := v.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) || v.Now().Uptime != 0 {
		t.Errorf("%v, %s passed", err, v.Now().Uptime)
	}
}

func TestSystemClock(t *testing.T) {
	s, err := clock.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	a, b := s.Now(), s.Now()
	if a.Boot == (clock.BootID{}) || a.Boot != b.Boot || a.Uptime <= 0 || b.Uptime < a.Uptime {
		t.Errorf("%+v then %+v", a, b)
	}
	if a.Wall.Nanosecond()%int(time.Millisecond) != 0 || a.Wall.Location() != time.UTC {
		t.Errorf("%s is not UTC to the millisecond", a.Wall)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		asked := time.Now()
		if err := s.Sleep(ctx, time.Minute); !errors.Is(err, context.DeadlineExceeded) || time.Since(asked) != time.Second {
			t.Errorf("%v after %s", err, time.Since(asked))
		}
		if err := s.Sleep(t.Context(), time.Minute); err != nil || time.Since(asked) != time.Second+time.Minute {
			t.Errorf("%v after %s", err, time.Since(asked))
		}
	})
}

func TestParseBootID(t *testing.T) {
	id, err := clock.ParseBootID("5f0c3a52-7a0e-4f0e-9a43-0c0f5f6b9d11\n")
	if err != nil || id.String() != "5f0c3a527a0e4f0e9a430c0f5f6b9d11" {
		t.Errorf("%s, %v", id, err)
	}
	for _, s := range []string{"", "5f0c", "zz0c3a52-7a0e-4f0e-9a43-0c0f5f6b9d11", "5f0c3a52-7a0e-4f0e-9a43-0c0f5f6b9d1100"} {
		if _, err := clock.ParseBootID(s); err == nil {
			t.Errorf("%q was read", s)
		}
	}
}
