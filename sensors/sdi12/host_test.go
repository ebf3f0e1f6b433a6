package sdi12_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/sdi12"
	"loam/sensors/serial"
)

// TestOnARealPort has the whole way in it: the machine's port with its breaks and waits, and the machine's clock. The
// probe is the other end of a pseudo terminal, behind an adapter that echoes.
func TestOnARealPort(t *testing.T) {
	end, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = end.Close() }()
	n, err := unix.IoctlGetInt(int(end.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(end.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		answers := map[string]string{"aCC!": "a00003\r\n", "aD0!": sdi12.Seal("a+1846.16+22.3") + "\r\n", "aD1!": sdi12.Seal("a+1") + "\r\n"}
		var asked string
		b := make([]byte, 64)
		for {
			n, err := end.Read(b)
			if err != nil {
				return
			}
			if asked += strings.Trim(string(b[:n]), "\x00"); strings.HasSuffix(asked, "!") {
				_, _ = end.WriteString(asked + answers[asked])
				asked = ""
			}
		}
	}()
	clk, err := clock.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	var host serial.Host
	c, err := sdi12.Open(t.Context(), sensors.Model{Name: "teros12", Bus: sensors.SDI12}, sensors.Wiring{
		Probe: "north", Bus: fmt.Sprintf("/dev/pts/%d", n), Address: 'a', Clock: clk, Serial: host.Open,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Measure(t.Context(), sdi12.ConcurrentChecked); err != nil || text(got) != "1846.16 22.3 1" {
		t.Errorf("%v, %v", got, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
