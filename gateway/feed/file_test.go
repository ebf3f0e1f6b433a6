package feed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"loam/internal/config"
	"loam/sensors"
	"loam/sensors/clock"
)

func logger(t testing.TB) Config {
	return Config{Name: "logger", Format: CSV, Path: filepath.Join(t.TempDir(), "log.csv"), Every: config.Duration(1e9), Separator: ";", DecimalComma: true,
		Time: "Zeit", TimeFormat: "02.01.2006 15:04", TimeZone: "Europe/Berlin",
		Channels: []Channel{{ID: "soil", Quantity: sensors.SoilTemperature, Field: "T1"}, {ID: "air", Quantity: sensors.AirTemperature, Field: "T 2"}}}
}

const header = "\ufeffNr;Zeit;T1;\"T 2\"\r\n"

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func catchUp(t testing.TB, c Config, sink Sink) {
	t.Helper()
	if err := newFeed(t, c, sink).catchUp(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// A file grows, with half a line at its end now and then; another takes its place. Each line is read once, by a program that
// remembers nothing but the position.
func TestAGrowingFileIsReadOnce(t *testing.T) {
	c, sink := logger(t), &collected{}
	write(t, c.Path, "")
	catchUp(t, c, sink)
	text := header + "1;20.08.2026 10:00;12,50;20,1\r\n2;20.08.2026 10:10;12,"
	write(t, c.Path, text)
	catchUp(t, c, sink)
	want(t, sink, "soil=12.50 08:00:00.000", "air=20.1 08:00:00.000")
	catchUp(t, c, sink)
	text += "6;\r\n\r\n"
	write(t, c.Path, text)
	catchUp(t, c, sink)
	want(t, sink, "soil=12.50 08:00:00.000", "air=20.1 08:00:00.000", "soil=12.6 08:10:00.000")
	write(t, c.Path, header+"1;20.08.2026 11:00;13;\n")
	catchUp(t, c, sink)
	catchUp(t, c, sink)
	want(t, sink, "soil=12.50 08:00:00.000", "air=20.1 08:00:00.000", "soil=12.6 08:10:00.000", "soil=13 09:00:00.000")
}

func TestLinesThatAreWrongCostNoOther(t *testing.T) {
	c := logger(t)
	table, err := newTable(c, strings.TrimRight(header, "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	for line, says := range map[string]string{
		"1;20.08.2026 10:00;12.5;1":                                "20: ",
		"1;20.08.2026 10:00;wet;1":                                 `20: message cannot be taken over: "wet" is not a number`,
		"1;20-08-2026;1;1":                                         "3: ",
		"1;25.10.2026 02:30;1;1":                                   "happens twice",
		"1;29.03.2026 02:30;1;1":                                   "does not exist",
		"1;20.08.2026 10:00;1":                                     "1: message cannot be taken over: 3 columns under a header of 4",
		`1;"20.08.2026 10:00;1;1`:                                  "3: message cannot be taken over: the quote is not closed",
		`1;"20.08.2026 10:00"x;1;1`:                                "21: ",
		"1;20.08.2026 10:00;1;1;" + strings.Repeat(";", maxFields): "columns",
	} {
		if _, err := table.record(line); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v does not say %q", line, err, says)
		}
	}
	if _, err := newTable(c, "Nr,Zeit,T1"); err == nil || !strings.Contains(err.Error(), "separator") {
		t.Errorf("%v", err)
	}
	sink := &collected{}
	write(t, c.Path, header+"wrong\n"+strings.Repeat("x", maxLine+5)+"\n3;20.08.2026 10:00;1;\n")
	catchUp(t, c, sink)
	want(t, sink, "soil=1 08:00:00.000")
}

// A program that dies at any commit goes on with the next line: with the real spool.
func TestAFileSurvivesCrashes(t *testing.T) {
	c, s := logger(t), newSpool(t)
	var text strings.Builder
	text.WriteString(header)
	for i := range 3 * linesAtOnce {
		fmt.Fprintf(&text, "%d;20.08.2026 %02d:%02d;1,%d;\n", i, i/60%13, i%60, i)
	}
	write(t, c.Path, text.String())
	for range 4 {
		ctx, cancel := context.WithCancel(context.Background())
		_ = newFeed(t, c, dying{s, cancel}).catchUp(ctx)
	}
	stats, err := s.Stats(context.Background())
	if err != nil || stats.Readings != 3*linesAtOnce {
		t.Errorf("%d readings in the spool, %v", stats.Readings, err)
	}
}

// dying ends the program after each commit.
type dying struct {
	Sink
	end context.CancelFunc
}

func (d dying) AppendAt(ctx context.Context, source, position string, rs []sensors.Reading) error {
	defer d.end()
	return d.Sink.AppendAt(ctx, source, position, rs)
}

// A million lines take no more memory than some hundred.
func TestAMillionLinesInFlatMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("a million lines")
	}
	c := logger(t)
	file, err := os.Create(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	block := strings.Repeat("1;20.08.2026 10:00;12,50;\n", 1000)
	fmt.Fprint(file, header)
	for range 1000 {
		fmt.Fprint(file, block)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	sink := &peak{collected: collected{forget: true}}
	catchUp(t, c, sink)
	if sink.total != 1_000_000 || sink.heap > 24<<20 {
		t.Errorf("%d readings, heap %d bytes", sink.total, sink.heap)
	}
	t.Logf("heap at most %d KiB", sink.heap>>10)
}

// peak looks at the heap at every 100th commit.
type peak struct {
	collected
	calls int
	heap  uint64
}

func (p *peak) AppendAt(ctx context.Context, source, position string, rs []sensors.Reading) error {
	if p.calls++; p.calls%100 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		p.heap = max(p.heap, m.HeapAlloc)
	}
	return p.collected.AppendAt(ctx, source, position, rs)
}

func FuzzLines(f *testing.F) {
	f.Add("Nr;Zeit;T1;T 2", "1;20.08.2026 10:00;12,5;\"1\"\"\"")
	f.Add("Zeit;T1;T 2", "25.10.2026 02:30;;")
	f.Fuzz(func(t *testing.T, header, line string) {
		table, err := newTable(Config{Format: CSV, Separator: ";", DecimalComma: true, Time: "Zeit", TimeFormat: "02.01.2006 15:04", TimeZone: "Europe/Berlin",
			Channels: []Channel{{ID: "soil", Quantity: sensors.SoilTemperature, Field: "T1"}}}, header)
		if err != nil {
			return
		}
		r, err := table.record(line)
		if err == nil && (r.At.IsZero() || len(r.Fields) > 1) {
			t.Fatalf("%+v", r)
		}
	})
}

// A file waits for the clock to be set, and for no more than an hour: a gateway that never gets the time takes it over too.
func TestAFileWaitsForTheClock(t *testing.T) {
	for setAfter, want := range map[time.Duration]struct {
		state clock.State
		after time.Duration
	}{10 * time.Minute: {clock.Synced, 10 * time.Minute}, 5 * time.Hour: {clock.Unsynced, time.Hour}} {
		c := logger(t)
		c.Every = config.Duration(time.Minute)
		write(t, c.Path, header+"1;20.08.2026 10:00;12,50;\n")
		clk := clock.NewVirtual(noon, clock.BootID{1})
		clk.SetState(clock.Unsynced)
		ctx, cancel := context.WithCancel(context.Background())
		sink := &collected{}
		f, err := New(c, sink, &waiting{clk, func() {
			if clk.Now().Uptime >= setAfter {
				clk.SetState(clock.Synced)
			}
			if len(sink.readings) > 0 {
				cancel()
			}
		}}, quiet, NewMetrics(nil))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if len(sink.readings) != 1 || sink.readings[0].At.State != want.state || clk.Now().Uptime != want.after+time.Minute {
			t.Errorf("clock set after %s: %+v at uptime %s", setAfter, sink.readings, clk.Now().Uptime)
		}
	}
}

// waiting calls what happens after each wait.
type waiting struct {
	*clock.Virtual
	happens func()
}

func (w *waiting) Sleep(ctx context.Context, d time.Duration) error {
	err := w.Virtual.Sleep(ctx, d)
	w.happens()
	return err
}
