package health

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"loam/sensors"
)

// Need is a bus that a probe is configured on.
type Need struct {
	Kind sensors.BusKind
	Bus  string // as the configuration names it; empty: the machine's first
}

// family is a kind of bus as Linux shows it.
type family struct {
	id, title string
	device    string // pattern below /
	group     string // whose members may use it
	enable    string
}

var (
	i2cFamily    = family{"buses.i2c", "I2C", "dev/i2c-[0-9]*", "i2c", "run `sudo raspi-config nonint do_i2c 0`, then restart the machine"}
	serialFamily = family{"buses.serial", "serial", "", "dialout", ""}
	gpioFamily   = family{"buses.gpio", "GPIO", "dev/gpiochip[0-9]*", "gpio", "use a machine with GPIO lines, and its maker's kernel"}
)

const busWhy = "a probe can only be read where its bus is enabled and the gateway may use it"

// buses says whether the buses are there and this process may use them. Without needs it says which there are.
func (m Machine) buses(needs []Need) []Check {
	kinds := map[sensors.BusKind][]string{}
	for _, n := range needs {
		if !slices.Contains(kinds[n.Kind], n.Bus) {
			kinds[n.Kind] = append(kinds[n.Kind], n.Bus)
		}
	}
	ports := slices.Concat(kinds[sensors.UART], kinds[sensors.Modbus], kinds[sensors.SDI12])
	slices.Sort(ports)
	return []Check{m.i2c(kinds[sensors.I2C]), m.oneWire(kinds[sensors.OneWire]), m.serial(slices.Compact(ports)), m.gpio(kinds[sensors.GPIO])}
}

func (m Machine) i2c(wanted []string) Check {
	t := topic{i2cFamily.id, busWhy}
	found := m.glob(i2cFamily.device)
	if len(wanted) == 0 {
		return m.seen(t, i2cFamily, found)
	}
	for _, bus := range wanted {
		device := "dev/i2c-" + strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(bus, "/dev/i2c-"), "I2C"), "i2c-")
		if bus == "" && len(found) > 0 {
			device = found[0]
		}
		if !slices.Contains(found, device) {
			return t.fail(i2cFamily.enable, "I2C bus %q is not there; there %s", bus, there(found))
		}
		if err := m.Access("/" + device); err != nil {
			return m.denied(t, i2cFamily, device, err)
		}
	}
	return t.ok("%s may use I2C: %s", m.User, names(found))
}

// oneWire looks for the kernel's bus masters. It is spoken to over netlink, so there is no device whose access could be
// looked at.
func (m Machine) oneWire(wanted []string) Check {
	t := topic{"buses.1-wire", busWhy}
	masters := m.glob("sys/bus/w1/devices/w1_bus_master*")
	slaves := 0
	for _, p := range m.glob("sys/bus/w1/devices/*-*") {
		if len(path.Base(p)) == len("28-0123456789ab") {
			slaves++
		}
	}
	switch {
	case len(masters) > 0:
		return t.ok("%s, %s on it", plural(len(masters), "1-Wire bus master"), plural(slaves, "probe"))
	case len(wanted) > 0:
		return t.fail("write dtoverlay=w1-gpio into /boot/firmware/config.txt, then restart the machine", "there is no 1-Wire bus")
	}
	return t.unknown("there is no 1-Wire bus, and no probe is known to need one")
}

func (m Machine) serial(wanted []string) Check {
	t := topic{serialFamily.id, busWhy}
	byID := m.byID()
	if len(wanted) == 0 {
		var found []string
		for _, pattern := range []string{"dev/ttyUSB[0-9]*", "dev/ttyACM[0-9]*", "dev/ttyAMA[0-9]*", "dev/serial[0-9]*"} {
			found = append(found, m.glob(pattern)...)
		}
		return m.seen(t, serialFamily, found)
	}
	var unstable []string
	for _, port := range wanted {
		device := rooted(port)
		if _, err := fs.Stat(m.Files, device); err != nil {
			return t.fail("plug the adapter in, or name the port it has now: "+there(stable(byID)), "serial port %s is not there", port)
		}
		if err := m.Access("/" + device); err != nil {
			return m.denied(t, serialFamily, device, err)
		}
		if id, ok := byID[path.Base(device)]; ok && (strings.HasPrefix(device, "dev/ttyUSB") || strings.HasPrefix(device, "dev/ttyACM")) {
			unstable = append(unstable, fmt.Sprintf("%s is /%s", port, id))
		}
	}
	if len(unstable) > 0 {
		return t.warn("use the second name in the configuration", "USB ports change their numbers when they are plugged in anew: %s", strings.Join(unstable, ", "))
	}
	return t.ok("%s may use %s", m.User, strings.Join(wanted, ", "))
}

// byID returns the lasting name of each serial device: of ttyUSB0, dev/serial/by-id/usb-….
func (m Machine) byID() map[string]string {
	out := map[string]string{}
	for _, p := range m.glob("dev/serial/by-id/*") {
		if target, err := fs.ReadLink(m.Files, p); err == nil {
			out[path.Base(target)] = p
		}
	}
	return out
}

func (m Machine) gpio(wanted []string) Check {
	t := topic{gpioFamily.id, busWhy}
	found := m.glob(gpioFamily.device)
	if len(wanted) == 0 {
		return m.seen(t, gpioFamily, found)
	}
	if len(found) == 0 {
		return t.fail(gpioFamily.enable, "there are no GPIO lines for %s", strings.Join(wanted, ", "))
	}
	for _, device := range found {
		if err := m.Access("/" + device); err != nil {
			return m.denied(t, gpioFamily, device, err)
		}
	}
	return t.ok("%s may use the GPIO lines: %s", m.User, names(found))
}

// seen says which devices there are, where no probe is known to need one.
func (m Machine) seen(t topic, f family, found []string) Check {
	if len(found) == 0 {
		return t.unknown("no %s device is there, and no probe is known to need one", f.title)
	}
	for _, device := range found {
		if err := m.Access("/" + device); err != nil {
			return t.warn(fmt.Sprintf("where a probe is to be read by this user: `sudo usermod -aG %s %s`, then log in anew", f.group, m.User), "%s may not use /%s: %v", m.User, device, err)
		}
	}
	return t.ok("%s may use %s", m.User, names(found))
}

func (m Machine) denied(t topic, f family, device string, err error) Check {
	if !errors.Is(err, fs.ErrPermission) {
		return t.fail("restart the machine", "/%s cannot be used: %v", device, err)
	}
	return t.fail(fmt.Sprintf("`sudo usermod -aG %s %s`, then start the gateway anew; or run this as the gateway's user", f.group, m.User), "%s may not use /%s", m.User, device)
}

// names lists devices by their names below /dev.
func names(devices []string) string {
	var out []string
	for _, d := range devices {
		out = append(out, strings.TrimPrefix(d, "dev/"))
	}
	return strings.Join(out, ", ")
}

// there says which of them there are.
func there(devices []string) string {
	if len(devices) == 0 {
		return "is none"
	}
	return "is /" + strings.Join(devices, ", /")
}

func stable(byID map[string]string) []string {
	var out []string
	for _, p := range byID {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}
