package health

import (
	"path"
	"strconv"
	"strings"
)

// network says whether the machine is connected at all. Whether the hub is there is for the gateway to say.
func (m Machine) network() []Check {
	return append([]Check{m.link(), m.route()}, m.wifi()...)
}

const networkCure = "look at the cable or the Wi-Fi's name and password (`nmcli device`); readings are kept meanwhile"

func (m Machine) link() Check {
	t := topic{"network.link", "without a network nothing reaches the hub; readings wait in the spool"}
	var up, down []string
	for _, dev := range m.glob("sys/class/net/*") {
		name := path.Base(dev)
		if name == "lo" || strings.HasPrefix(name, "ifb") || strings.HasPrefix(name, "docker") || strings.HasPrefix(name, "veth") {
			continue
		}
		state, _ := m.text(path.Join(dev, "operstate"))
		carrier, _ := m.text(path.Join(dev, "carrier"))
		if state == "up" || state == "unknown" && carrier == "1" { // a modem's state is "unknown"
			up = append(up, name)
		} else {
			down = append(down, name)
		}
	}
	switch {
	case len(up) > 0:
		return t.ok("connected by %s", strings.Join(up, ", "))
	case len(down) > 0:
		return t.warn(networkCure, "none of %s is connected", strings.Join(down, ", "))
	}
	return t.unknown("the kernel shows no network interface")
}

// route looks for a default route: destination and mask of zeros in /proc/net/route, a prefix of length 0 in
// /proc/net/ipv6_route.
func (m Machine) route() Check {
	t := topic{"network.route", "without a way out only a hub on the same network can be reached"}
	v4, ok4 := m.text("proc/net/route")
	for line := range strings.Lines(v4) {
		if f := strings.Fields(line); len(f) >= 8 && f[1] == "00000000" && f[7] == "00000000" {
			return t.ok("there is a way out by %s", f[0])
		}
	}
	v6, ok6 := m.text("proc/net/ipv6_route")
	for line := range strings.Lines(v6) {
		if f := strings.Fields(line); len(f) == 10 && strings.Trim(f[0], "0") == "" && f[1] == "00" && f[9] != "lo" {
			return t.ok("there is a way out by %s (IPv6)", f[9])
		}
	}
	if !ok4 && !ok6 {
		return t.unknown("there is no /proc/net")
	}
	return t.warn(networkCure, "there is no default route")
}

// weak is a signal in dBm below which Wi-Fi comes and goes.
const weak = -75

// wifi reads /proc/net/wireless: two lines of head, then name, status, link quality, level in dBm.
func (m Machine) wifi() []Check {
	t := topic{"network.wifi", "a weak signal comes and goes with leaves, rain and people"}
	raw, ok := m.text("proc/net/wireless")
	if !ok {
		return nil
	}
	var checks []Check
	for line := range strings.Lines(raw) {
		name, rest, found := strings.Cut(line, ":")
		f := strings.Fields(rest)
		if !found || len(f) < 3 {
			continue
		}
		level, err := strconv.Atoi(strings.TrimSuffix(f[2], "."))
		if err != nil || level >= 0 { // drivers that do not know say 0, or a number without a unit
			continue
		}
		grade := OK
		if level < weak {
			grade = Warning
		}
		checks = append(checks, t.graded(grade, "bring the access point nearer, or use an antenna outside of the box",
			"Wi-Fi %s hears its access point at %d dBm", strings.TrimSpace(name), level))
		break // one is what this machine is connected by
	}
	return checks
}
