package sdi12_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/sdi12"
	"loam/sensors/serial"
)

// line is a data line: what is sent after a break and marking is answered from the script, a list of answers for each
// command, the last one for ever.
type line struct {
	clock  *clock.Virtual
	mode   serial.Mode
	turn   chan struct{}
	script map[string][]string
	echo   bool

	woken  time.Duration
	unread string
	log    []string
}

func newLine(script map[string][]string) *line {
	return &line{clock: clock.NewVirtual(time.Unix(1e9, 0), clock.BootID{1}), turn: make(chan struct{}, 1), script: script}
}

func (l *line) open(_ context.Context, _ string, m serial.Mode) (serial.Port, error) {
	l.mode = m
	return l, nil
}
func (l *line) Close() error { return nil }
func (l *line) Transact(ctx context.Context, do func(context.Context, serial.Conn) error) error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	return do(ctx, l)
}
func (l *line) Discard(context.Context) error { l.unread = ""; return nil }
func (l *line) Break(_ context.Context, d time.Duration) error {
	if d < 12*time.Millisecond {
		return errors.New("too short a break")
	}
	l.woken = l.clock.Now().Uptime
	l.unread += "\x00"
	return nil
}

func (l *line) Write(_ context.Context, b []byte) error {
	l.log = append(l.log, string(b))
	if marked := l.clock.Now().Uptime - l.woken; marked < 8330*time.Microsecond || marked > 100*time.Millisecond {
		return errors.New("too little or too much marking: " + marked.String())
	}
	if l.echo {
		l.unread += string(b)
	}
	if answers := l.script[string(b)]; len(answers) > 0 {
		l.unread += answers[0]
		if len(answers) > 1 {
			l.script[string(b)] = answers[1:]
		}
	}
	return nil
}

func (l *line) Read(ctx context.Context, b []byte, _ time.Duration) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if l.unread == "" && len(l.script["later"]) > 0 && l.log[len(l.log)-1] == l.script["later"][0] { // a service request
		if l.script["later"] = l.script["later"][1:]; len(l.script["later"]) == 1 {
			l.unread, l.script["later"] = l.script["later"][0], nil
		}
	}
	if l.unread == "" {
		return 0, serial.ErrSilent
	}
	n := copy(b, l.unread)
	l.unread = l.unread[n:]
	return n, nil
}

func (l *line) client(t *testing.T, address byte) *sdi12.Client {
	t.Helper()
	c, err := sdi12.Open(t.Context(), sensors.Model{Name: "teros12", Bus: sensors.SDI12, Default: '0'}, sensors.Wiring{
		Probe: "north", Bus: "/dev/ttyUSB1", Address: uint64(address), Clock: l.clock, Serial: l.open,
	})
	if err != nil {
		t.Fatal(err)
	}
	if l.mode != (serial.Mode{Baud: 1200, DataBits: 7, Parity: serial.EvenParity, StopBits: 1}) {
		t.Fatalf("opened at %s", l.mode)
	}
	return c
}

func text(values []sensors.Decimal) string {
	var s []string
	for _, v := range values {
		s = append(s, v.String())
	}
	return strings.Join(s, " ")
}

func TestEveryMeasurement(t *testing.T) {
	for _, c := range []struct {
		command sdi12.Command
		script  map[string][]string
		want    string
		sent    string
		took    time.Duration // about
	}{
		{"C", map[string][]string{"aC!": {"a00203\r\n"}, "aD0!": {"a+1846.16+22.3+1\r\n"}}, "1846.16 22.3 1", "aC! aD0!", 2 * time.Second},
		{"CC1", map[string][]string{"aCC1!": {"a00001\r\n"}, "aD0!": {sdi12.Seal("a-0.50") + "\r\n"}}, "-0.50", "aCC1! aD0!", 0},
		{"M", map[string][]string{"aM!": {"a0053\r\n"}, "aD0!": {"a+1+2\r\n"}, "aD1!": {"a+3\r\n"}}, "1 2 3", "aM! aD0! aD1!", 5 * time.Second},
		{"MC", map[string][]string{"aMC!": {"a0601\r\n"}, "later": {"aMC!", "aMC!", "a\r\n"}, "aD0!": {sdi12.Seal("a+7") + "\r\n"}}, "7", "aMC! aD0!", 500 * time.Millisecond},
		{"R0", map[string][]string{"aR0!": {"a+3.14\r\n"}}, "3.14", "aR0!", 0},
		{"RC3", map[string][]string{"aRC3!": {sdi12.Seal("a+3.14") + "\r\n"}}, "3.14", "aRC3!", 0},
	} {
		for _, echo := range []bool{false, true} {
			script := map[string][]string{}
			for k, v := range c.script {
				script[k] = slices.Clone(v)
			}
			l := newLine(script)
			l.echo = echo
			before := l.clock.Now().Uptime
			got, err := l.client(t, 'a').Measure(t.Context(), c.command)
			took := l.clock.Now().Uptime - before
			if err != nil || text(got) != c.want || strings.Join(l.log, " ") != c.sent {
				t.Errorf("%s (echo %t): %s, %v after %v; want %s after %s", c.command, echo, text(got), err, l.log, c.want, c.sent)
			}
			if took < c.took || took > c.took+100*time.Millisecond {
				t.Errorf("%s took %s, want %s", c.command, took, c.took)
			}
		}
	}
}

func TestWhatIsNotAnsweredIsSentThreeTimes(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string
		tries   int
		want    error // nil: the third answer is right
	}{
		"silence":                 {[]string{""}, 3, serial.ErrSilent},
		"silence, then a reply":   {[]string{"", "", "a+3.14OqZ\r\n"}, 3, sdi12.ErrChecksum},
		"damage, then right":      {[]string{"a+3.15" + sdi12.Seal("a+3.14")[6:] + "\r\n", "a+3", sdi12.Seal("a+3.14") + "\r\n"}, 3, nil},
		"another probe":           {[]string{sdi12.Seal("b+3.14") + "\r\n"}, 3, sdi12.ErrReply},
		"nothing but the address": {[]string{sdi12.Seal("a") + "\r\n"}, 1, sdi12.ErrNoData},
		"an endless line":         {[]string{strings.Repeat("+1", 300)}, 3, sdi12.ErrReply},
	} {
		l := newLine(map[string][]string{"aRC0!": c.answers})
		got, err := l.client(t, 'a').Measure(t.Context(), "RC0")
		if len(l.log) != c.tries || !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || c.want == nil && text(got) != "3.14" {
			t.Errorf("%s: %v, %v after %d tries; want %v", name, got, err, len(l.log), c.want)
		}
	}
}

func TestAMeasurementThatWasGivenUpIsAnError(t *testing.T) {
	for name, script := range map[string]map[string][]string{
		"the command is not known": {"aC!": {"a00000\r\n"}},
		"given up":                 {"aC!": {"a00002\r\n"}, "aD0!": {"a\r\n"}},
		"given up half way":        {"aC!": {"a00002\r\n"}, "aD0!": {"a+1\r\n"}, "aD1!": {"a\r\n"}},
	} {
		got, err := newLine(script).client(t, 'a').Measure(t.Context(), "C")
		if !errors.Is(err, sdi12.ErrNoData) || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		var p *sensors.ProbeError
		if !errors.As(err, &p) || !strings.Contains(err.Error(), "teros12 on /dev/ttyUSB1 at a") {
			t.Errorf("%s: %v does not say whose it is", name, err)
		}
	}
	got, err := newLine(map[string][]string{"aC!": {"a00001\r\n"}, "aD0!": {"a+1+2\r\n"}}).client(t, 'a').Measure(t.Context(), "C")
	if !errors.Is(err, sdi12.ErrReply) || got != nil {
		t.Errorf("more than promised: %v, %v", got, err)
	}
	script := map[string][]string{"aC!": {"a00099\r\n"}}
	for _, part := range "0123456789" {
		script["aD"+string(part)+"!"] = []string{"a+1\r\n"}
	}
	if got, err := newLine(script).client(t, 'a').Measure(t.Context(), "C"); !errors.Is(err, sdi12.ErrReply) || got != nil {
		t.Errorf("fewer than promised: %v, %v", got, err)
	}
}

// handover is a clock on which a long wait lets the other probe have its turn first.
type handover struct {
	clock.Clock
	meanwhile func()
}

func (h *handover) Sleep(ctx context.Context, d time.Duration) error {
	if do := h.meanwhile; do != nil && d >= time.Second {
		h.meanwhile = nil
		do()
	}
	return h.Clock.Sleep(ctx, d)
}

func TestSeveralProbesOnOneLineMeasureAtTheSameTime(t *testing.T) {
	l := newLine(map[string][]string{
		"aC!": {"a00502\r\n"}, "aD0!": {"a+1+2\r\n"}, "bC!": {"b00301\r\n"}, "bD0!": {"b+3\r\n"},
	})
	second := l.client(t, 'b')
	h := &handover{Clock: l.clock}
	h.meanwhile = func() {
		if got, err := second.Measure(t.Context(), "C"); err != nil || text(got) != "3" {
			t.Errorf("the second: %v, %v", got, err)
		}
	}
	first, err := sdi12.Open(t.Context(), sensors.Model{Bus: sensors.SDI12}, sensors.Wiring{Bus: "x", Address: 'a', Clock: h, Serial: l.open})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := first.Measure(t.Context(), "C"); err != nil || text(got) != "1 2" {
		t.Errorf("the first: %v, %v", got, err)
	}
	if got := strings.Join(l.log, " "); got != "aC! bC! bD0! aD0!" {
		t.Errorf("on the line: %s", got)
	}
}

func TestWhatCameBeforeTheCommandIsThrownAway(t *testing.T) {
	l := newLine(map[string][]string{"aR0!": {"a+3.14\r\n"}})
	l.unread = "a+9.99\r\n" // a probe that was switched on says something by itself
	if got, err := l.client(t, 'a').Measure(t.Context(), "R0"); err != nil || text(got) != "3.14" || len(l.log) != 1 {
		t.Errorf("%v, %v after %v", got, err, l.log)
	}
}

func TestIdentifyAndQuery(t *testing.T) {
	l := newLine(map[string][]string{"?!": {"Z\r\n"}, "ZI!": {"Z13METER   TER12 112T12-00012345\r\n"}})
	c := l.client(t, 'Z')
	if a, err := c.Query(t.Context()); a != 'Z' || err != nil {
		t.Errorf("%c, %v", a, err)
	}
	if id, err := c.Identify(t.Context()); err != nil || id.Vendor != "METER" || id.Model != "TER12" {
		t.Errorf("%+v, %v", id, err)
	}
	for _, answer := range []string{"", "\r\n", "01\r\n", "*\r\n", "0"} {
		if a, err := newLine(map[string][]string{"?!": {answer}}).client(t, '0').Query(t.Context()); err == nil {
			t.Errorf("%q became address %c", answer, a)
		}
	}
}

func TestAProbeThatMeasuresSomethingElseSaysWhatItIs(t *testing.T) {
	l := newLine(map[string][]string{"0C!": {"000002\r\n"}, "0D0!": {"0+1846.16+22.3\r\n"}, "0I!": {"013METER   TER11 112T11-00012345\r\n"}})
	d, err := sdi12.OpenProbe(t.Context(), sensors.Model{Bus: sensors.SDI12, Default: '0'}, sensors.Wiring{Bus: "x", Clock: l.clock, Serial: l.open},
		sdi12.Layout{Command: "C", Values: make([]sdi12.Value, 3)})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.Sense(t.Context()); got != nil || !errors.Is(err, sdi12.ErrReply) || !strings.Contains(err.Error(), `"METER TER11"`) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestClosedAndCancelled(t *testing.T) {
	l := newLine(nil)
	c := l.client(t, 'a')
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Measure(ctx, "C"); !errors.Is(err, context.Canceled) || len(l.log) != 0 {
		t.Errorf("cancelled: %v, sent %v", err, l.log)
	}
	if _, err := c.Measure(t.Context(), "X"); err == nil || len(l.log) != 0 {
		t.Errorf("an unknown command: %v, sent %v", err, l.log)
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Measure(t.Context(), "C"); !errors.Is(err, sensors.ErrClosed) {
		t.Error(err)
	}
	for _, address := range []uint64{'?', ' ', 10, 0x76 << 8} {
		if _, err := sdi12.Open(t.Context(), sensors.Model{Bus: sensors.SDI12}, sensors.Wiring{Bus: "x", Address: address, Clock: l.clock, Serial: l.open}); err == nil {
			t.Errorf("address %#x was accepted", address)
		}
	}
}
