package health

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"loam/sensors"
	"loam/sensors/clock"
)

// now is the time on all machines here.
var now = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// tree is a machine's files as they are found under /.
type tree map[string]string

// machine makes a machine of a tree. A path that ends in a slash is a folder, "->" makes a link.
func machine(t testing.TB, files tree, state clock.State, uptime time.Duration) Machine {
	t.Helper()
	m := fstest.MapFS{}
	for path, content := range files {
		f := &fstest.MapFile{Data: []byte(content + "\n"), Mode: 0o600, ModTime: now.Add(-time.Minute)}
		if strings.HasSuffix(path, "/") {
			f.Mode = fs.ModeDir | 0o755
		}
		if target, ok := strings.CutPrefix(content, "->"); ok {
			f.Data, f.Mode = []byte(target), fs.ModeSymlink|0o777
		}
		m[strings.TrimSuffix(path, "/")] = f
	}
	return Machine{
		Files: m, User: "loam", Clock: still{clock.Instant{Wall: now, Uptime: uptime, State: state}},
		Space:  func(string) (Space, error) { return Space{32e9, 20e9, 2e6, 1.8e6}, nil },
		Access: func(string) error { return nil },
	}
}

// still is a clock that stands.
type still struct{ at clock.Instant }

func (s still) Now() clock.Instant { return s.at }

func (s still) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// pi4 is a healthy Raspberry Pi 4 in the field: wired supply, card, battery-backed clock, Wi-Fi, all buses.
func pi4() tree {
	return tree{
		"sys/devices/platform/soc/soc:firmware/get_throttled": "0",
		"sys/class/thermal/thermal_zone0/type":                "cpu-thermal",
		"sys/class/thermal/thermal_zone0/temp":                "47236",
		"proc/meminfo":                                        "MemTotal:         947768 kB\nMemFree:          103244 kB\nMemAvailable:     612304 kB\nBuffers:           31264 kB",
		"sys/block/mmcblk0/device/type":                       "SD",
		"sys/block/mmcblk0/stat":                              "   41260    12412  3205442   112203    25071    19852  1638420   390441        0   211432   502644        0        0        0        0        0        0",
		"sys/block/loop0/stat":                                "0 0 0 0 0 0 0 0 0 0 0",
		"run/systemd/timesync/synchronized":                   "",
		"sys/class/rtc/rtc0/name":                             "rtc-ds1307 1-0068",
		"sys/class/rtc/rtc0/since_epoch":                      "1788264000", // now
		"sys/class/net/lo/operstate":                          "unknown",
		"sys/class/net/eth0/operstate":                        "down",
		"sys/class/net/wlan0/operstate":                       "up",
		"proc/net/route":                                      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\nwlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\nwlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0",
		"proc/net/wireless":                                   "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n wlan0: 0000   55.  -55.  -256        0      0      0      0      0        0",
		"dev/i2c-1":                                           "",
		"dev/i2c-20":                                          "",
		"dev/gpiochip0":                                       "",
		"dev/ttyUSB0":                                         "",
		"dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0": "->../../ttyUSB0",
		"sys/bus/w1/devices/w1_bus_master1/w1_master_slave_count":       "2",
		"sys/bus/w1/devices/28-00000a1b2c3d/w1_slave":                   "",
		"sys/bus/w1/devices/28-00000a1b2c3e/w1_slave":                   "",
		"var/lib/loam/spool.db":                                         "",
		"var/lib/loam/identity.pem":                                     "",
	}
}

// with is a tree with other files; "-" takes one away, with what is below it.
func (t tree) with(changes tree) tree {
	out := maps.Clone(t)
	for path, content := range changes {
		if content == "-" {
			maps.DeleteFunc(out, func(p, _ string) bool { return strings.HasPrefix(p, path) })
		}
	}
	for path, content := range changes {
		if content != "-" {
			out[path] = content
		}
	}
	return out
}

// fieldNeeds is what a field kit's probes are on.
var fieldNeeds = []Need{{sensors.I2C, "1"}, {sensors.I2C, "1"}, {sensors.OneWire, ""}, {sensors.GPIO, "GPIO17"}, {sensors.Modbus, "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0"}}

func byID(t testing.TB, checks []Check) map[string]Check {
	t.Helper()
	out := map[string]Check{}
	for _, c := range checks {
		if _, twice := out[c.ID]; twice {
			t.Errorf("%s is said twice", c.ID)
		}
		out[c.ID] = c
		if c.Fact == "" || c.Why == "" || c.Wrong() != (c.Cure != "") {
			t.Errorf("%s is not complete: %+v", c.ID, c)
		}
		if c.Level == Unknown && !strings.HasPrefix(c.Fact, "not known here") {
			t.Errorf("%s: what is not known is not called so: %q", c.ID, c.Fact)
		}
	}
	return out
}

// Each machine differs from what is all well in these checks, and in no other.
func TestMachines(t *testing.T) {
	const month = 30 * 24 * time.Hour
	for name, c := range map[string]struct {
		files  tree
		needs  []Need
		state  clock.State // 0: Synced
		uptime time.Duration
		space  *Space
		denied string
		want   map[string]Level // where it is not OK
		says   map[string]string
	}{
		"Pi 4, healthy": {
			files: pi4(), needs: fieldNeeds, want: map[string]Level{"disk.wear": Unknown},
			says: map[string]string{"cpu.temperature": "47.2 °C", "disk.written": "838.9 MB to mmcblk0", "buses.1-wire": "2 probes", "network.link": "wlan0", "clock.keeper": "1m ago"},
		},
		"supply too low now": {
			files: pi4().with(tree{"sys/devices/platform/soc/soc:firmware/get_throttled": "50005"}), needs: fieldNeeds,
			want: map[string]Level{"power.supply": Failure, "disk.wear": Unknown}, says: map[string]string{"power.supply": "0x50005"},
		},
		"supply was too low": {
			files: pi4().with(tree{"sys/devices/platform/soc/soc:firmware/get_throttled": "0x50000"}), needs: fieldNeeds,
			want: map[string]Level{"power.supply": Warning, "disk.wear": Unknown},
		},
		"slowed down by heat": {
			files: pi4().with(tree{"sys/devices/platform/soc/soc:firmware/get_throttled": "40000", "sys/class/thermal/thermal_zone0/temp": "81000"}), needs: fieldNeeds,
			want: map[string]Level{"power.supply": Warning, "cpu.temperature": Warning, "disk.wear": Unknown},
		},
		"mainline kernel, supply too low": {
			files: pi4().with(tree{"sys/devices/platform": "-", "sys/class/hwmon/hwmon0/name": "cpu_thermal", "sys/class/hwmon/hwmon0/in0_lcrit_alarm": "0", "sys/class/hwmon/hwmon1/name": "rpi_volt", "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1"}), needs: fieldNeeds,
			want: map[string]Level{"power.supply": Failure, "disk.wear": Unknown},
		},
		"boiling": {
			files: pi4().with(tree{"sys/class/thermal/thermal_zone0/temp": "85000"}), needs: fieldNeeds,
			want: map[string]Level{"cpu.temperature": Failure, "disk.wear": Unknown},
		},
		"full disk": {
			files: pi4(), needs: fieldNeeds, space: &Space{32e9, 50e6, 2e6, 1000},
			want: map[string]Level{"disk.space": Failure, "disk.inodes": Failure, "disk.wear": Unknown}, says: map[string]string{"disk.space": "50.0 MB of 32.0 GB"},
		},
		"disk almost full, inodes not counted": {
			files: pi4(), needs: fieldNeeds, space: &Space{32e9, 900e6, 0, 0},
			want: map[string]Level{"disk.space": Warning, "disk.inodes": Unknown, "disk.wear": Unknown},
		},
		"out of memory": {
			files: pi4().with(tree{"proc/meminfo": "MemTotal: 947768 kB\nMemAvailable: 40000 kB"}), needs: fieldNeeds,
			want: map[string]Level{"memory.available": Failure, "disk.wear": Unknown},
		},
		"eMMC, worn": {
			files: pi4().with(tree{"sys/block/mmcblk0/device/life_time": "0x09 0x0b", "sys/block/mmcblk0/device/pre_eol_info": "0x02"}), needs: fieldNeeds,
			want: map[string]Level{"disk.wear": Failure}, says: map[string]string{"disk.wear": "more than its life"},
		},
		"eMMC, ageing": {
			files: pi4().with(tree{"sys/block/mmcblk0/device/life_time": "0x01 0x02", "sys/block/mmcblk0/device/pre_eol_info": "0x02"}), needs: fieldNeeds,
			want: map[string]Level{"disk.wear": Warning}, says: map[string]string{"disk.wear": "10 to 20 %"},
		},
		"eMMC, young": {
			files: pi4().with(tree{"sys/block/mmcblk0/device/life_time": "0x01 0x01", "sys/block/mmcblk0/device/pre_eol_info": "0x01"}), needs: fieldNeeds,
		},
		"card written to death": {
			files: pi4().with(tree{"sys/block/mmcblk0/stat": "1 1 1 1 1 1 390625000 1 1 1 1"}), needs: fieldNeeds, uptime: 48 * time.Hour, // 200 GB in two days
			want: map[string]Level{"disk.written": Warning, "disk.wear": Unknown}, says: map[string]string{"disk.written": "100.0 GB a day"},
		},
		"no battery clock, not synchronised": {
			files: pi4().with(tree{"sys/class/rtc": "-", "sys/class/rtc/": "", "run/systemd/timesync/synchronized": "-", "run/systemd/timesync/": ""}), needs: fieldNeeds, state: clock.Unsynced,
			want: map[string]Level{"clock.rtc": Warning, "clock.synced": Warning, "clock.keeper": Warning, "disk.wear": Unknown},
		},
		"battery clock with an empty battery": {
			files: pi4().with(tree{"sys/class/rtc/rtc0/since_epoch": "946684812"}), needs: fieldNeeds,
			want: map[string]Level{"clock.rtc": Warning, "disk.wear": Unknown}, says: map[string]string{"clock.rtc": "2000-01-01"},
		},
		"battery clock an hour off": {
			files: pi4().with(tree{"sys/class/rtc/rtc0/since_epoch": "1788267600"}), needs: fieldNeeds,
			want: map[string]Level{"clock.rtc": Warning, "disk.wear": Unknown}, says: map[string]string{"clock.rtc": "1h off"},
		},
		"chronyd": {
			files: pi4().with(tree{"run/systemd/timesync/synchronized": "-", "run/chrony/chronyd.pid": "612"}), needs: fieldNeeds, want: map[string]Level{"disk.wear": Unknown},
		},
		"no network": {
			files: pi4().with(tree{"sys/class/net/wlan0/operstate": "down", "proc/net/route": "Iface\tDestination\tGateway", "proc/net/wireless": "-"}), needs: fieldNeeds,
			want: map[string]Level{"network.link": Warning, "network.route": Warning, "disk.wear": Unknown},
		},
		"IPv6 only, weak Wi-Fi": {
			files: pi4().with(tree{
				"proc/net/route":      "Iface\tDestination\tGateway",
				"proc/net/ipv6_route": "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80000000000000020000fffe000001 00000258 00000001 00000000 00000003    wlan0",
				"proc/net/wireless":   "a\nb\n wlan0: 0000   20.  -82.  -256 0 0 0 0 0 0",
			}), needs: fieldNeeds,
			want: map[string]Level{"network.wifi": Warning, "disk.wear": Unknown}, says: map[string]string{"network.route": "IPv6", "network.wifi": "-82 dBm"},
		},
		"buses not enabled": {
			files: pi4().with(tree{"dev/i2c-1": "-", "sys/bus/w1": "-", "dev/gpiochip0": "-", "dev/serial": "-", "dev/ttyUSB0": "-"}), needs: fieldNeeds,
			want: map[string]Level{"buses.i2c": Failure, "buses.1-wire": Failure, "buses.gpio": Failure, "buses.serial": Failure, "disk.wear": Unknown},
			says: map[string]string{"buses.i2c": "/dev/i2c-20"},
		},
		"not a member of i2c": {
			files: pi4(), needs: fieldNeeds, denied: "/dev/i2c-1", want: map[string]Level{"buses.i2c": Failure, "disk.wear": Unknown}, says: map[string]string{"buses.i2c": "loam may not use /dev/i2c-1"},
		},
		"a USB port by its number": {
			files: pi4(), needs: []Need{{sensors.UART, "/dev/ttyUSB0"}}, want: map[string]Level{"buses.serial": Warning, "disk.wear": Unknown}, says: map[string]string{"buses.serial": "/dev/serial/by-id/usb-FTDI"},
		},
		"laptop, no needs": {
			files: tree{
				"sys/class/thermal/thermal_zone0/type": "acpitz", "sys/class/thermal/thermal_zone0/temp": "-274000",
				"sys/class/thermal/thermal_zone1/type": "x86_pkg_temp", "sys/class/thermal/thermal_zone1/temp": "61000",
				"proc/meminfo": "MemTotal: 16000000 kB\nMemAvailable: 9000000 kB", "sys/block/nvme0n1/stat": "1 1 1 1 1 1 2000000 1 1 1 1",
				"sys/class/rtc/rtc0/name": "rtc_cmos", "sys/class/rtc/rtc0/since_epoch": "1788264001",
				"sys/class/net/wlp2s0/operstate": "up", "proc/net/route": "h\nwlp2s0 00000000 0101A8C0 0003 0 0 600 00000000 0 0 0",
				"run/systemd/timesync/synchronized": "", "var/lib/": "",
			},
			want: map[string]Level{"power.supply": Unknown, "disk.wear": Unknown, "buses.i2c": Unknown, "buses.1-wire": Unknown, "buses.serial": Unknown, "buses.gpio": Unknown},
			says: map[string]string{"cpu.temperature": "61.0"},
		},
		"nothing at all": {
			files: tree{}, state: 99, space: &Space{},
			want: map[string]Level{
				"power.supply": Unknown, "cpu.temperature": Unknown, "memory.available": Unknown, "disk.space": Unknown, "disk.inodes": Unknown, "disk.wear": Unknown,
				"disk.written": Unknown, "clock.synced": Unknown, "clock.keeper": Unknown, "clock.rtc": Unknown, "network.link": Unknown, "network.route": Unknown,
				"buses.i2c": Unknown, "buses.1-wire": Unknown, "buses.serial": Unknown, "buses.gpio": Unknown,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			state := c.state
			if state == 0 {
				state = clock.Synced
			}
			if c.uptime == 0 {
				c.uptime = month
			}
			m := machine(t, c.files, state, c.uptime)
			if c.space != nil {
				m.Space = func(string) (Space, error) { return *c.space, nil }
			}
			m.Access = func(path string) error {
				if path == c.denied {
					return fs.ErrPermission
				}
				return nil
			}
			got := byID(t, m.Checks("/var/lib/loam", c.needs))
			if len(got) < 15 {
				t.Errorf("only %d checks", len(got))
			}
			for id, check := range got {
				want, ok := c.want[id]
				if !ok {
					want = OK
				}
				if check.Level != want {
					t.Errorf("%s is %s, want %s: %s", id, check.Level, want, check.Fact)
				}
			}
			for id := range c.want {
				if _, ok := got[id]; !ok {
					t.Errorf("nothing is said of %s", id)
				}
			}
			for id, words := range c.says {
				if !strings.Contains(got[id].Fact, words) {
					t.Errorf("%s: %q does not say %q", id, got[id].Fact, words)
				}
			}
		})
	}
}

// A clock that is certainly wrong is found without any other word on it.
func TestAClockFromThePast(t *testing.T) {
	m := machine(t, pi4(), clock.Unknown, time.Hour)
	m.Clock = still{clock.Instant{Wall: time.Date(1970, 1, 1, 0, 3, 0, 0, time.UTC), Uptime: 3 * time.Minute}}
	if c := byID(t, m.Checks("/var/lib/loam", nil))["clock.sane"]; c.Level != Failure {
		t.Errorf("1970: %+v", c)
	}
	m.Clock = still{clock.Instant{Wall: now.Add(-48 * time.Hour), Uptime: 3 * time.Minute}}
	if c := byID(t, m.Checks("/var/lib/loam", nil))["clock.sane"]; c.Level != Failure || !strings.Contains(c.Fact, "spool.db") {
		t.Errorf("before the spool was written: %+v", c)
	}
	if c := byID(t, m.Checks("", nil))["clock.sane"]; c.Level != OK {
		t.Errorf("no state folder to compare with: %+v", c)
	}
}

func TestKey(t *testing.T) {
	m := machine(t, pi4(), clock.Synced, time.Hour)
	if c := m.Key("/var/lib/loam/identity.pem"); c.Level != OK {
		t.Errorf("%+v", c)
	}
	if c := m.Key("/var/lib/loam/other.pem"); c.Level != Unknown {
		t.Errorf("a key that is not made yet: %+v", c)
	}
	m.Files.(fstest.MapFS)["var/lib/loam/identity.pem"].Mode = 0o644
	if c := m.Key("/var/lib/loam/identity.pem"); c.Level != Failure || !strings.Contains(c.Cure, "chmod 600") {
		t.Errorf("a key that others can read: %+v", c)
	}
	m.Files.(fstest.MapFS)["var/lib/loam/identity.pem"].Mode = fs.ModeSymlink
	m.Files.(fstest.MapFS)["var/lib/loam/identity.pem"].Data = []byte("elsewhere")
	if c := m.Key("/var/lib/loam/identity.pem"); c.Level == OK {
		t.Errorf("a link to nowhere: %+v", c)
	}
	if c := m.Key("state/identity.pem"); c.Level != Unknown {
		t.Errorf("a relative path: %+v", c)
	}
}

// Whatever stands in the kernel's files, nobody panics, and nothing that cannot be read is called well.
func FuzzKernelFiles(f *testing.F) {
	for _, seed := range []string{"", "0", "50005", "-1", "0x", "99999999999999999999", "MemTotal: kB", "a: b\nc:", "0x01 0xff zz", "1 2 3 4 5 6 7", "\x00\xff", " wlan0: 0000 5. -400. "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		files := pi4().with(tree{"sys/class/hwmon/hwmon1/name": "rpi_volt"})
		for path := range files {
			if strings.HasPrefix(path, "sys/") || strings.HasPrefix(path, "proc/") {
				files[path] = content
			}
		}
		files["sys/block/mmcblk0/device/life_time"], files["sys/block/mmcblk0/device/pre_eol_info"] = content, content
		for _, p := range []string{"sys/class/hwmon/hwmon1/in0_lcrit_alarm", "proc/net/ipv6_route"} {
			files[p] = content
		}
		byID(t, machine(t, files, clock.Synced, time.Hour).Checks("/var/lib/loam", fieldNeeds))
	})
}

func TestWorst(t *testing.T) {
	for _, c := range []struct {
		levels []Level
		want   Level
	}{{nil, Unknown}, {[]Level{Unknown, OK}, OK}, {[]Level{OK, Failure, Warning}, Failure}, {[]Level{Warning, OK}, Warning}} {
		var checks []Check
		for _, l := range c.levels {
			checks = append(checks, Check{Level: l})
		}
		if got := Worst(checks); got != c.want {
			t.Errorf("%v: %s", c.levels, got)
		}
	}
}

func TestLengths(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 90 * time.Second: "1m30s", time.Hour: "1h", 90 * time.Minute: "1h30m", 24 * time.Hour: "1 day", 51 * time.Hour: "2 days 3 hours", 1000 * time.Hour: "41 days",
	} {
		if got := length(d); got != want {
			t.Errorf("%s is written %q, want %q", d, got, want)
		}
	}
	if got := []string{size(0), size(999), size(1000), size(32e9)}; !slices.Equal(got, []string{"0 B", "999 B", "1.0 kB", "32.0 GB"}) {
		t.Errorf("sizes %q", got)
	}
}

// The machine these tests run on has facts, too, whatever it is.
func TestThisMachine(t *testing.T) {
	clk, err := clock.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	got := byID(t, This(clk).Checks(dir, nil))
	if c := got["disk.space"]; c.Level == Unknown {
		t.Errorf("%+v", c)
	}
	if c := got["memory.available"]; c.Level == Unknown {
		t.Errorf("%+v", c)
	}
	if err := This(clk).Access(dir + "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("access to what is not there: %v", err)
	}
}
