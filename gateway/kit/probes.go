package kit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"loam/internal/name"
	"loam/sensors"
	"loam/sensors/catalog"
)

// longestScan ends a search on a bus that hangs.
const longestScan = 5 * time.Minute

// search is a look for probes that is under way, or how the last one ended.
type search struct {
	mu      sync.Mutex
	running bool
	err     error
}

func (s *search) state() (running bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running, s.err
}

// begin starts the one search there may be.
func (s *search) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		return false
	}
	s.running, s.err = true, nil
	return true
}

func (s *search) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running, s.err = false, err
}

type probesView struct {
	Configured []Probe
	Searching  bool
	Failed     string
	Scanned    bool
	Finds      []offer
	Ports      []string
	Kinds      []string
}

// offer is a find that can be taken on.
type offer struct {
	Number  int
	Where   string
	Said    string
	Models  []offered
	Name    string // suggested
	Medium  bool   // it can be put into several, and a person has to say which
	Soil    bool   // a depth belongs into the name
	Ambig   bool   // the label has to say which model it is
	Inputs  bool   // it hangs on a converter with several inputs
	Already bool
}

type offered struct{ Name, Title string }

func (k *kit) probesView(s Status, known remembered, l language) probesView {
	v := probesView{Configured: s.Probes, Scanned: known.Scanned != nil, Kinds: portKinds()}
	var err error
	if v.Searching, err = k.search.state(); err != nil {
		v.Failed = err.Error()
	}
	if ports, err := k.Gateway.Ports(); err == nil {
		for _, p := range ports {
			v.Ports = append(v.Ports, p.Stable)
		}
	}
	taken := map[string]bool{}
	for _, p := range s.Probes {
		taken[p.Name] = true
	}
	for i, f := range known.Found {
		v.Finds = append(v.Finds, offerOf(i, f, s.Probes, taken))
	}
	return v
}

func offerOf(number int, f find, configured []Probe, taken map[string]bool) offer {
	o := offer{Number: number, Where: strings.TrimSpace(string(f.Kind) + " " + f.Bus + " " + f.Address), Said: f.Said, Ambig: len(f.Models) > 1}
	for _, m := range f.Models {
		model, err := catalog.Find(m)
		if err != nil {
			continue // an upgrade took it out
		}
		o.Models = append(o.Models, offered{model.Name, model.Title})
		o.Medium = o.Medium || general(model)
		o.Soil = o.Soil || about(model, "soil_") || about(model, "volumetric") || model.Name == "soilcap"
		o.Inputs = o.Inputs || about(model, "probe_")
		o.Name = suggest(model, taken)
	}
	if o.Ambig {
		o.Name = "" // it depends on what it is
	}
	o.Already = slices.ContainsFunc(configured, func(p Probe) bool { return p.Bus == f.Bus && p.Address == f.Address && !o.Inputs })
	return o
}

// general says whether a model can be put into several media, so that somebody has to say which.
func general(m sensors.Model) bool {
	return delivers(m, sensors.SoilTemperature) && delivers(m, sensors.WaterTemperature)
}

func delivers(m sensors.Model, q sensors.Quantity) bool {
	return slices.ContainsFunc(m.Outputs, func(o sensors.Output) bool { return o.Quantity == q })
}

func about(m sensors.Model, prefix string) bool {
	return slices.ContainsFunc(m.Outputs, func(o sensors.Output) bool { return strings.HasPrefix(string(o.Quantity), prefix) })
}

// suggest finds a name that says what a probe is for, and that no other probe has.
func suggest(m sensors.Model, taken map[string]bool) string {
	base := strings.ReplaceAll(m.Name, "_", "-")
	for _, s := range []struct{ prefix, name string }{
		{"volumetric", "soil-10cm"}, {"soil_", "soil-10cm"}, {"water_", "water"}, {"dissolved", "water"}, {"pm", "dust"},
		{"carbon", "co2"}, {"illuminance", "light"}, {"rainfall", "rain"}, {"wind", "wind"}, {"air_", "air"}, {"relative", "air"},
	} {
		if about(m, s.prefix) {
			base = s.name
			break
		}
	}
	if m.Name == "soilcap" {
		base = "soil-10cm"
	}
	if general(m) {
		base = "temperature"
	}
	for n, candidate := 2, base; ; n++ {
		if !taken[candidate] {
			return candidate
		}
		candidate = fmt.Sprintf("%s-%d", base, n)
	}
}

// portKinds are the buses that can be looked for on a serial port.
func portKinds() []string {
	return []string{string(sensors.Modbus), string(sensors.SDI12), string(sensors.UART)}
}

// startScan looks for probes. The gateway takes its own probes off the buses for that time and goes on afterwards.
func (k *kit) startScan(_ http.ResponseWriter, r *http.Request) (string, error) {
	var ports []Port
	known, err := k.Gateway.Ports()
	if err != nil {
		return "", problem{"probes", err}
	}
	for i, p := range known {
		if kind := r.PostFormValue("port" + strconv.Itoa(i)); slices.Contains(portKinds(), kind) {
			ports = append(ports, Port{p.Stable, kind})
		}
	}
	if !k.search.begin() {
		return "/setup/probes", nil
	}
	go k.scan(ports)
	return "/setup/probes", nil
}

func (k *kit) scan(ports []Port) {
	var err error
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the search gave up: %v", p)
		}
		k.search.end(err)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), longestScan)
	defer cancel()
	found, err := k.Gateway.Scan(ctx, ports)
	at := k.Now()
	err = errors.Join(err, k.memory.change(func(r *remembered) { r.Found, r.Scanned = finds(found), &at }))
}

// addProbe takes on what was found, under the name that was given.
func (k *kit) addProbe(_ http.ResponseWriter, r *http.Request) (string, error) {
	say := func(format string, args ...any) (string, error) {
		return "", problem{"probes", fmt.Errorf(format, args...)}
	}
	known := k.memory.read()
	number, err := strconv.Atoi(r.PostFormValue("find"))
	if err != nil || number < 0 || number >= len(known.Found) {
		return say("what was found has changed: choose again")
	}
	f := known.Found[number]
	model, err := catalog.Find(r.PostFormValue("model"))
	if err != nil || !slices.Contains(f.Models, model.Name) {
		return say("choose which of the models it is: its label says so")
	}
	called := strings.TrimSpace(r.PostFormValue("name"))
	if !name.Valid(called) {
		return say("name %.80q: %s", called, name.Rule)
	}
	medium := ""
	if general(model) {
		if medium = r.PostFormValue("medium"); medium != "soil" && medium != "water" {
			return say("say what %s is put into: soil or water", called)
		}
	}
	input := r.PostFormValue("input")
	if input != "" && !regexp.MustCompile(`^[0-9]{1,2}$`).MatchString(input) {
		return say("input %.20q: a number, as printed on the converter", input)
	}
	table, err := probeTable(f, model, called, medium, input)
	if err != nil {
		return say("%w", err)
	}
	err = k.edit("probes", func(raw []byte) ([]byte, error) { return append(slices.Clip(raw), table...), nil })
	return "/setup/probes", err
}

// probeTable writes a probe and its channels.
func probeTable(f find, m sensors.Model, called, medium, input string) (string, error) {
	var b strings.Builder
	var err error
	line := func(indent, key, value string) {
		if value == "" {
			return
		}
		quoted, wrong := quote(value)
		err = errors.Join(err, wrong)
		fmt.Fprintf(&b, "%s%s = %s\n", indent, key, quoted)
	}
	fmt.Fprintf(&b, "\n# %s\n[[probe]]\n", strings.Map(plain, m.Title))
	line("", "name", called)
	line("", "driver", m.Name)
	line("", "bus", f.Bus)
	line("", "address", f.Address)
	if input != "" {
		fmt.Fprintf(&b, "input = %s\n", strings.TrimLeft(input[:len(input)-1], "0")+input[len(input)-1:])
	}
	line("", "medium", medium)
	var kept []sensors.Quantity
	for _, o := range m.Outputs {
		if medium == "soil" && o.Quantity == sensors.WaterTemperature || medium == "water" && o.Quantity == sensors.SoilTemperature {
			continue
		}
		kept = append(kept, o.Quantity)
	}
	for _, q := range kept {
		id := called
		if len(kept) > 1 {
			id += "-" + short(q)
		}
		b.WriteString("\n  [[probe.channel]]\n")
		line("  ", "id", id)
		line("  ", "quantity", string(q))
	}
	return b.String(), err
}

// short is a quantity in a channel's name; what the probe's own name says already is left out.
func short(q sensors.Quantity) string {
	s := strings.ReplaceAll(string(q), "_", "-")
	for _, prefix := range []string{"air-", "relative-", "water-", "soil-", "wind-"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok {
			return rest
		}
	}
	return s
}

func plain(r rune) rune {
	if r < ' ' {
		return ' '
	}
	return r
}

func (k *kit) removeProbe(_ http.ResponseWriter, r *http.Request) (string, error) {
	return "/setup/probes", k.edit("probes", func(raw []byte) ([]byte, error) { return without(raw, r.PostFormValue("name")) })
}
