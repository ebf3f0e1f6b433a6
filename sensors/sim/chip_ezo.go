package sim

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"loam/sensors"
)

// ezoModel is an EZO circuit of Atlas Scientific: commands in text, settings that survive a restart and a temperature that
// does not. It begins as someone else left it: with other outputs on, and in °F.
type ezoModel struct {
	around   surroundings
	kind     ezoKind
	in       float64 // °C of the water it stands in
	pressure float64 // kPa of the air on that

	set     map[string]float64 // T, S and P
	outputs []string
	scale   string
	k       float64
}

// ezoKind is what a circuit measures and how it writes it.
type ezoKind struct {
	device   string
	quantity sensors.Quantity
	outputs  []string
	reading  time.Duration
	write    func(v float64) string
	// seen is what the circuit makes of the truth, where it is set for other water than it stands in.
	seen func(e *ezoModel, v float64) float64
}

func places(n int) func(float64) string {
	return func(v float64) string { return strconv.FormatFloat(v, 'f', n, 64) }
}

// The circuits.
var (
	ezoPH = ezoKind{"pH", sensors.WaterPH, nil, 900 * time.Millisecond, places(3), func(e *ezoModel, v float64) float64 {
		return 7 + (v-7)*(273.15+e.in)/(273.15+e.set["T"])
	}}
	ezoEC = ezoKind{"EC", sensors.WaterConductivity, []string{"EC", "TDS", "S", "SG"}, 600 * time.Millisecond, func(v float64) string {
		switch { // table "resolution"
		case v < 100:
			return places(2)(v)
		case v < 1000:
			return places(1)(v)
		}
		return places(0)(v)
	}, func(e *ezoModel, v float64) float64 {
		return v * (1 + 0.02*(e.in-25)) / (1 + 0.02*(e.set["T"]-25)) / e.k
	}}
	ezoDO = ezoKind{"D.O.", sensors.DissolvedOxygen, []string{"%", "mg"}, 600 * time.Millisecond, places(2), func(e *ezoModel, v float64) float64 {
		return v * math.Exp(0.02*(e.in-e.set["T"])) * e.set["P"] / e.pressure * (1 - e.set["S"]/200_000)
	}}
	ezoORP = ezoKind{"ORP", sensors.OxidationReduction, nil, 900 * time.Millisecond, places(1), nil}
	ezoRTD = ezoKind{"RTD", sensors.WaterTemperature, nil, 600 * time.Millisecond, places(3), func(e *ezoModel, v float64) float64 {
		if e.scale == "f" {
			return v*9/5 + 32
		}
		return v
	}}
)

// newEZO is a circuit in water of a temperature, under air of a pressure.
func newEZO(around surroundings, kind ezoKind, celsius, kilopascal float64) *ezoModel {
	e := &ezoModel{around: around, kind: kind, in: celsius, pressure: kilopascal, outputs: kind.outputs, scale: "f", k: 1}
	e.restart()
	return e
}

// restart forgets what a circuit forgets with its power.
func (e *ezoModel) restart() {
	e.set = map[string]float64{"T": 25, "S": 0, "P": 101.3}
	if e.kind.device == "D.O." {
		e.set["T"] = 20
	}
}

// say answers a command: with text, or with nothing but success, or not at all; and says how long that takes.
func (e *ezoModel) say(command string) (text string, understood bool, takes time.Duration) {
	words := strings.Split(strings.ToUpper(command), ",")
	short := 250 * time.Millisecond
	switch {
	case words[0] == "R" && len(words) == 1:
		slow := 0.9 + 0.4*e.around.luck.of("slow").unit(e.around.now().UnixMilli())
		return e.read(), true, time.Duration(slow * float64(e.kind.reading))
	case words[0] == "I" && len(words) == 1:
		return "?i," + e.kind.device + ",2.10", true, short
	case words[0] == "O" && len(words) > 1 && e.kind.outputs != nil:
		return e.output(words[1:], short)
	case words[0] == "K" && len(words) == 2 && e.kind.device == "EC":
		if words[1] == "?" {
			return fmt.Sprintf("?K,%.2f", e.k), true, short
		}
		return "", assign(words[1], &e.k), short
	case words[0] == "S" && len(words) == 2 && e.kind.device == "RTD":
		if words[1] == "?" {
			return "?S," + e.scale, true, short
		}
		e.scale = strings.ToLower(words[1])
		return "", true, short
	case len(words) == 2 && e.takes(words[0]):
		v := e.set[words[0]]
		fine := assign(words[1], &v)
		e.set[words[0]] = v
		return "", fine, short
	}
	return "", false, short
}

// takes says whether the circuit compensates for a thing.
func (e *ezoModel) takes(name string) bool {
	switch e.kind.device {
	case "pH", "EC":
		return name == "T"
	case "D.O.":
		return name == "T" || name == "S" || name == "P"
	}
	return false
}

func assign(text string, to *float64) bool {
	v, err := strconv.ParseFloat(text, 64)
	if err == nil {
		*to = v
	}
	return err == nil
}

// output answers O,? and O,name,0 or 1.
func (e *ezoModel) output(words []string, takes time.Duration) (string, bool, time.Duration) {
	if words[0] == "?" {
		return strings.Join(append([]string{"?", "O"}, e.outputs...), ","), true, takes
	}
	if len(words) != 2 {
		return "", false, takes
	}
	var on []string
	for _, o := range e.kind.outputs {
		named := strings.EqualFold(o, words[0])
		if named && words[1] == "1" || !named && slices.Contains(e.outputs, o) {
			on = append(on, o)
		}
	}
	e.outputs = on
	return "", true, takes
}

// read is one reading: all that is switched on, in the maker's order.
func (e *ezoModel) read() string {
	v := e.around.feel(e.kind.quantity, e.around.now())
	if e.kind.seen != nil {
		v = e.kind.seen(e, v)
	}
	if e.kind.outputs == nil {
		return e.kind.write(v)
	}
	also := map[string]string{"TDS": "270", "S": "0.24", "SG": "1.000", "%": "88.1"}
	var all []string
	for _, o := range e.outputs {
		if other, ok := also[o]; ok {
			all = append(all, other)
		} else {
			all = append(all, e.kind.write(v))
		}
	}
	return strings.Join(all, ",")
}

// ezoWire is a circuit on I2C.
type ezoWire struct {
	*ezoModel
	reply []byte // nil: nothing was asked
	ready time.Time
}

func (e *ezoWire) exchange(w, r []byte, powered bool) error {
	if (len(w) > 0) == (len(r) > 0) {
		return errRegister
	}
	if !powered {
		e.restart()
		e.reply = nil
	}
	if len(w) > 0 {
		text, fine, takes := e.say(string(w))
		e.reply, e.ready = append([]byte{1}, text+"\x00"...), e.around.now().Add(takes)
		if !fine {
			e.reply = []byte{2}
		}
		if !powered {
			e.reply = nil
		}
		return nil
	}
	clear(r)
	switch {
	case e.reply == nil:
		r[0] = 255
	case e.around.now().Before(e.ready):
		r[0] = 254
	default:
		copy(r, e.reply)
		e.reply = nil
	}
	return nil
}

// ezoPort is a circuit on a serial port. It begins talking by itself, once a second.
type ezoPort struct {
	*ezoModel
	chat  chatter
	quiet bool
}

func newEZOPort(e *ezoModel) *ezoPort {
	p := &ezoPort{ezoModel: e}
	p.chat = chatter{now: e.around.now, period: time.Second, frame: func(time.Time) []byte { return []byte(e.read() + "\r") }}
	return p
}

func (p *ezoPort) hear(sent []byte, powered bool) []byte {
	if !powered {
		p.restart()
		return []byte("*RS\r*RE\r")
	}
	command, ok := strings.CutSuffix(string(sent), "\r")
	if !ok {
		return nil
	}
	text, fine, _ := p.say(command)
	switch {
	case command == "C,0":
		p.quiet, fine = true, true
	case command == "*OK,1":
		fine = true
	}
	switch {
	case !fine:
		return []byte("*ER\r")
	case text != "":
		return []byte(text + "\r*OK\r")
	}
	return []byte("*OK\r")
}

func (p *ezoPort) speak(powered bool) []byte {
	if p.quiet || !powered {
		return nil
	}
	return p.chat.next()
}
