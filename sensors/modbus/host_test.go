package modbus_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loam/sensors"
	"loam/sensors/clock"
	"loam/sensors/modbus"
	"loam/sensors/serial"
)

// TestOnARealPort has the whole way in it: the machine's port, its waits and the machine's clock. The probe is the other
// end of a pseudo terminal; it makes noise first and sends its reply in two pieces.
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
		var asked []byte
		b := make([]byte, 64)
		for {
			n, err := end.Read(b)
			if err != nil {
				return
			}
			if asked = append(asked, b[:n]...); string(asked) == string(two.Frame(1)) {
				asked = nil
				answer := append([]byte{0x00, 0xFF}, reply(1, 658, 0xFF9B)...)
				_, _ = end.Write(answer[:5])
				time.Sleep(5 * time.Millisecond)
				_, _ = end.Write(answer[5:])
			}
		}
	}()
	clk, err := clock.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	var host serial.Host
	c, err := modbus.Open(t.Context(), sensors.Model{Name: "soil", Bus: sensors.Modbus, Default: 1}, sensors.Wiring{
		Probe: "north", Bus: fmt.Sprintf("/dev/pts/%d", n), Clock: clk, Serial: host.Open,
	}, mode)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got, err := c.Read(t.Context(), two); err != nil || !slices.Equal(got, []uint16{658, 0xFF9B}) {
			t.Errorf("%v, %v", got, err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
