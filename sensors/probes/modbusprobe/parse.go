package modbusprobe

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"loam/internal/config"
	"loam/internal/name"
	"loam/sensors"
	"loam/sensors/modbus"
	"loam/sensors/serial"
)

// ErrMap is wrapped by everything that is wrong with a register map.
var ErrMap = errors.New("register map")

// maxMapBytes bounds a file; the longest of this package has 4 KiB.
const maxMapBytes = 64 << 10

// registerMap is what a probe has where. It is a file of maps/ as it was written, see the package's doc.
type registerMap struct {
	Name        string                  `toml:"name"`
	Title       string                  `toml:"title"`
	Source      string                  `toml:"source"`
	Address     uint8                   `toml:"address"`
	Mode        serial.Mode             `toml:"mode"`
	Function    modbus.Function         `toml:"function"`
	Calibration sensors.CalibrationKind `toml:"calibration"`
	Groups      []group                 `toml:"group"`
	Outputs     []output                `toml:"output"`
	Checks      []check                 `toml:"check"`
	Goldens     []golden                `toml:"golden"`
}

// group is registers that are read with one request.
type group struct {
	First uint16 `toml:"first"`
	Count uint16 `toml:"count"`
}

// has says whether n registers from first on are in the group.
func (g group) has(first, n uint16) bool {
	return first >= g.First && int(first)+int(n) <= int(g.First)+int(g.Count)
}

// check is a register that must be zero under its mask.
type check struct {
	Register uint16 `toml:"register"`
	Mask     uint16 `toml:"mask"`
	Says     string `toml:"says"` // what is wrong where it is not
}

// golden is an exchange the map has to explain.
type golden struct {
	Request octets                               `toml:"request"`
	Reply   octets                               `toml:"reply"`
	Values  map[sensors.Quantity]sensors.Decimal `toml:"values"`
	Source  string                               `toml:"source"`
}

// octets is bytes as people write them: "01 03 00 00".
type octets []byte

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *octets) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(strings.ReplaceAll(string(text), " ", ""))
	if err != nil {
		return fmt.Errorf("bytes %q: %w: write them like \"01 03 00 00\"", text, err)
	}
	*o = b
	return nil
}

// parse reads a map. file is its name, for messages.
func parse(file string, raw []byte) (*registerMap, error) {
	if len(raw) > maxMapBytes {
		return nil, fmt.Errorf("modbusprobe: %w: %s has %d bytes, more than %d", ErrMap, file, len(raw), maxMapBytes)
	}
	var m registerMap
	if err := config.Decode(file, raw, &m); err != nil {
		return nil, fmt.Errorf("modbusprobe: %w: %w", ErrMap, err)
	}
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("modbusprobe: %w: %s: %w", ErrMap, file, err)
	}
	return &m, nil
}

// validate says everything that is wrong with the map, if anything.
func (m *registerMap) validate() error {
	var p config.Problems
	p.Check(name.Valid(m.Name), "name %q: %s", m.Name, name.Rule)
	p.Check(m.Title != "", "title is missing: say what the probe is, for people")
	p.Check(m.Source != "", "source is missing: say where the registers are written down")
	p.Check(m.Address >= 1 && m.Address <= 254, "address %d: from 1 to 254", m.Address)
	if err := m.Mode.Validate(); err != nil {
		p.Add(fmt.Errorf("mode: %w", err))
	}
	switch m.Calibration {
	case sensors.CalibrationFactory, sensors.CalibrationOffset, sensors.CalibrationTwoPoint, sensors.CalibrationCurve:
	default:
		p.Check(false, "calibration %q: use %q, %q, %q or %q", m.Calibration,
			sensors.CalibrationFactory, sensors.CalibrationOffset, sensors.CalibrationTwoPoint, sensors.CalibrationCurve)
	}
	m.validateGroups(&p)
	p.Check(len(m.Outputs) > 0, "no [[output]]: nothing is measured")
	seen := map[sensors.Quantity]bool{}
	for i, o := range m.Outputs {
		where := fmt.Sprintf("[[output]] %d (%s)", i+1, o.Quantity)
		p.Check(!seen[o.Quantity], "%s: the quantity is given twice", where)
		seen[o.Quantity] = true
		for _, err := range o.problems() {
			p.Add(fmt.Errorf("%s: %w", where, err))
		}
		p.Check(m.groupOf(o.Register, o.Type.registers()) >= 0, "%s: register %#x is in no [[group]]", where, o.Register)
	}
	for i, c := range m.Checks {
		p.Check(c.Says != "" && c.Mask != 0, "[[check]] %d: give a mask, and say what is wrong where the register is not zero under it", i+1)
		p.Check(m.groupOf(c.Register, 1) >= 0, "[[check]] %d: register %#x is in no [[group]]", i+1, c.Register)
	}
	if p.Err() == nil { // an exchange is explained by a map that is right otherwise
		for i, g := range m.Goldens {
			if err := m.explain(g); err != nil {
				p.Add(fmt.Errorf("[[golden]] %d: %w", i+1, err))
			}
		}
	}
	return p.Err()
}

// maxGroups bounds how long one reading takes.
const maxGroups = 8

func (m *registerMap) validateGroups(p *config.Problems) {
	p.Check(len(m.Groups) >= 1 && len(m.Groups) <= maxGroups, "%d [[group]]: give 1 to %d", len(m.Groups), maxGroups)
	lengths := map[uint16]bool{}
	for i, g := range m.Groups {
		if err := m.request(g).Validate(); err != nil {
			p.Add(fmt.Errorf("[[group]] %d: %w", i+1, err))
		}
		p.Check(!lengths[g.Count], "[[group]] %d: another one has %d registers, too: a late reply to one would be taken for the other; read one register more", i+1, g.Count)
		lengths[g.Count] = true
	}
}

// request asks for a group.
func (m *registerMap) request(g group) modbus.Request {
	return modbus.Request{Function: m.Function, First: g.First, Count: g.Count}
}

// groupOf returns the first group that has n registers from first on; −1 where none has.
func (m *registerMap) groupOf(first, n uint16) int {
	for i, g := range m.Groups {
		if g.has(first, n) {
			return i
		}
	}
	return -1
}

// explain replays an exchange.
func (m *registerMap) explain(ex golden) error {
	for i, g := range m.Groups {
		if string(m.request(g).Frame(m.Address)) != string(ex.Request) {
			continue
		}
		registers, err := m.request(g).Registers(m.Address, ex.Reply)
		if err != nil {
			return err
		}
		values, left := m.values(i, registers)
		if err := m.stop(i, registers); err != nil {
			return err
		}
		if len(values) != len(ex.Values) {
			return fmt.Errorf("the reply has %d values, not the %d that are given: %w", len(values), len(ex.Values), errors.Join(left...))
		}
		for _, v := range values {
			if want, ok := ex.Values[v.Quantity]; !ok || want != v.Value {
				return fmt.Errorf("the reply says that %s is %s, not %s", v.Quantity, v.Value, want)
			}
		}
		return nil
	}
	return fmt.Errorf("its request % x reads none of the groups", []byte(ex.Request))
}
