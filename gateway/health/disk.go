package health

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// disk says how full and how worn the storage is.
func (m Machine) disk(stateDir string) []Check {
	return append(m.room(stateDir), m.wear(), m.written())
}

func (m Machine) room(stateDir string) []Check {
	space := topic{"disk.space", "on a full disk readings stay in memory only, and what does not fit there is lost"}
	inodes := topic{"disk.inodes", "without free inodes no file can be made, however much space there is"}
	if stateDir == "" {
		stateDir = "/" // where nothing else is said, that is where a gateway would write
	}
	where := m.standing(stateDir)
	s, err := m.Space(where)
	if err != nil || s.Total == 0 {
		return []Check{space.unknown("%s cannot be looked at", stateDir), inodes.unknown("%s cannot be looked at", stateDir)}
	}
	const fail, warn = 100e6, 1e9
	level := below(float64(s.Free), fail, min(warn, 0.2*float64(s.Total))) // a small card is not wrong for being small
	out := []Check{space.graded(level, "see what uses it with `du -xh / | sort -h | tail`, clear it, or take a larger card; `journalctl --vacuum-size=100M` clears old logs",
		"%s of %s are free on the storage of %s", size(s.Free), size(s.Total), stateDir)}
	if s.Inodes == 0 {
		return append(out, inodes.unknown("this file system does not count them"))
	}
	return append(out, inodes.graded(below(float64(s.FreeInodes)/float64(s.Inodes), 0.02, 0.10), "look for a folder with very many files and clear it",
		"%d of %d inodes are free", s.FreeInodes, s.Inodes))
}

// standing is the path, or the nearest folder above it that is there: a state folder is made at the first start.
func (m Machine) standing(dir string) string {
	for dir != "/" && dir != "." {
		if _, err := m.stat(dir); err == nil {
			break
		}
		dir = path.Dir(dir)
	}
	return dir
}

// wear is the storage's own word on its age (JEDEC eMMC 5.0: PRE_EOL_INFO and DEVICE_LIFE_TIME_EST, in tenths). SD cards
// have none.
func (m Machine) wear() Check {
	t := topic{"disk.wear", "flash that is worn out turns read-only or forgets, and takes what was not yet delivered with it"}
	for _, dev := range m.glob("sys/block/mmcblk[0-9]*/device") {
		name := path.Base(path.Dir(dev))
		eol, hasEOL := m.number(path.Join(dev, "pre_eol_info"), 16)
		tenths, hasLife := m.lifeTime(path.Join(dev, "life_time"))
		if (!hasEOL || eol == 0) && (!hasLife || tenths == 0) {
			continue
		}
		level := OK
		if eol == 2 || tenths >= 9 {
			level = Warning
		}
		if eol >= 3 || tenths >= 11 {
			level = Failure
		}
		age := "its age is not said"
		if hasLife && tenths > 0 {
			age = fmt.Sprintf("%d to %d %% of its life is used", (tenths-1)*10, tenths*10)
		}
		if tenths >= 11 {
			age = "more than its life is used"
		}
		return t.graded(level, "copy the state folder (key and spool) while it can be read, and replace the storage", "%s: %s", name, age)
	}
	return t.unknown("the storage does not tell its age; SD cards never do")
}

// lifeTime reads two estimates such as "0x01 0x02" and returns the older.
func (m Machine) lifeTime(file string) (tenths int64, ok bool) {
	s, _ := m.text(file)
	for _, f := range strings.Fields(s) {
		v, err := strconv.ParseInt(strings.TrimPrefix(f, "0x"), 16, 64)
		if err != nil || v < 0 {
			return 0, false
		}
		tenths, ok = max(tenths, v), true
	}
	return tenths, ok
}

// A card of a good make bears some ten terabytes; this many bytes a day are ten years of one.
const heavyWriting = 3e9

// written is how much was written since boot (Documentation/ABI/stable/sysfs-block: the seventh field of stat, in sectors
// of 512 bytes).
func (m Machine) written() Check {
	t := topic{"disk.written", "an SD card bears a certain amount of writing, then it dies"}
	up := m.Clock.Now().Uptime
	var facts []string
	level := OK
	for _, p := range m.glob("sys/block/*/stat") {
		name := path.Base(path.Dir(p))
		card := strings.HasPrefix(name, "mmcblk")
		if !card && !strings.HasPrefix(name, "sd") && !strings.HasPrefix(name, "nvme") && !strings.HasPrefix(name, "vd") {
			continue
		}
		s, _ := m.text(p)
		fields := strings.Fields(s)
		if len(fields) < 7 {
			continue
		}
		sectors, err := strconv.ParseUint(fields[6], 10, 64)
		if err != nil || sectors > 1<<54 {
			continue
		}
		fact := fmt.Sprintf("%s to %s", size(sectors*512), name)
		if up >= time.Hour {
			daily := float64(sectors*512) / up.Hours() * 24
			fact += fmt.Sprintf(" (%s a day)", size(uint64(daily)))
			if card && daily > heavyWriting && up > 24*time.Hour { // starting up writes more than living does
				level = Warning
			}
		}
		facts = append(facts, fact)
	}
	if len(facts) == 0 {
		return t.unknown("the kernel counts for no storage")
	}
	return t.graded(level, `find the writer with "iotop -ao"; [spool] sync = "1m" lets the gateway write once a minute; logs can be kept in memory (Storage=volatile in journald.conf)`,
		"written since the machine started: %s", strings.Join(facts, ", "))
}
