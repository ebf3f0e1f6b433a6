package health

import (
	"path"
	"strconv"
	"strings"
)

// throttled are the bits of the firmware's word on its supply (Raspberry Pi documentation, "vcgencmd get_throttled"): the
// low ones say what is, the high ones what was.
const (
	underVoltage = 1 << 0
	throttledNow = 1 << 2
	hadUnderVolt = 1 << 16
	hadThrottled = 1 << 18
)

const supplyCure = "use the maker's power supply with its own cable, or a thicker and shorter one; measure 5 V at the pins under load: less than 4.8 V is too little. Behind a long cable, put the converter beside the gateway"

// supply says whether the machine gets enough voltage, from the firmware's word (kernels of Raspberry Pi OS) or from the
// kernel's own alarm (drivers/hwmon/raspberrypi-hwmon.c).
func (m Machine) supply() Check {
	t := topic{"power.supply", "too little voltage makes probes lie, the processor slow and the card lose what was written"}
	for _, pattern := range []string{"sys/devices/platform/soc*/soc*firmware/get_throttled", "sys/devices/platform/*firmware*/get_throttled"} {
		for _, p := range m.glob(pattern) {
			bits, ok := m.number(p, 16)
			switch {
			case !ok:
				continue
			case bits&underVoltage != 0:
				return t.fail(supplyCure, "the supply voltage is too low now (get_throttled is %#x)", bits)
			case bits&hadUnderVolt != 0:
				return t.warn(supplyCure, "the supply voltage has been too low for moments since the machine started (get_throttled is %#x)", bits)
			case bits&(throttledNow|hadThrottled) != 0:
				return t.warn("give the machine shade and air", "the voltage is enough, but the processor is or was slowed down by heat (get_throttled is %#x)", bits)
			}
			return t.ok("enough voltage since the machine started")
		}
	}
	for _, p := range m.glob("sys/class/hwmon/hwmon*/in0_lcrit_alarm") {
		if name, _ := m.text(path.Join(path.Dir(p), "name")); name != "rpi_volt" {
			continue
		}
		switch alarm, ok := m.number(p, 10); {
		case ok && alarm != 0:
			return t.fail(supplyCure, "the kernel says that the supply voltage is too low now")
		case ok:
			return t.ok("enough voltage now, by the kernel's alarm")
		}
	}
	return t.unknown("this machine does not measure its supply")
}

// Temperatures of the processor, in thousandths of a degree. A Raspberry Pi slows down from 80 °C and more so at 85.
const (
	warm = 80_000
	hot  = 85_000
)

func (m Machine) temperature() Check {
	t := topic{"cpu.temperature", "a hot processor slows down, and heat ages the card, the battery and the seals of the box"}
	highest, known := int64(0), false
	for _, zone := range m.glob("sys/class/thermal/thermal_zone*") {
		kind, _ := m.text(path.Join(zone, "type"))
		v, ok := m.number(path.Join(zone, "temp"), 10)
		if !ok || v <= -100_000 { // −274 °C and the like stand for "switched off"
			continue
		}
		if strings.Contains(kind, "cpu") || strings.Contains(kind, "pkg") {
			highest, known = v, true
			break
		}
		if !known || v > highest {
			highest, known = v, true
		}
	}
	if !known {
		return t.unknown("this machine shows no temperature")
	}
	return t.graded(above(float64(highest), warm, hot), "give the box shade, air holes below and above, or a light colour",
		"the processor is at %.1f °C", float64(highest)/1000)
}

func (m Machine) memory() Check {
	t := topic{"memory.available", "without memory the kernel ends programs, the gateway among them"}
	raw, _ := m.text("proc/meminfo")
	field := map[string]uint64{}
	for line := range strings.Lines(raw) {
		name, rest, _ := strings.Cut(line, ":")
		if kB, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 54); err == nil {
			field[name] = kB * 1024
		}
	}
	total, available := field["MemTotal"], field["MemAvailable"]
	if total == 0 {
		return t.unknown("there is no /proc/meminfo")
	}
	return t.graded(below(float64(available)/float64(total), 0.05, 0.10), "see what uses it with `ps aux --sort -rss | head`; a gateway needs about 30 MB",
		"%s of %s are available", size(available), size(total))
}
