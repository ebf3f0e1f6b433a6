package atlas

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"periph.io/x/conn/v3/i2c/i2ctest"

	"loam/sensors"
	"loam/sensors/chip"
	"loam/sensors/chip/chiptest"
)

func TestVectors(t *testing.T) {
	chiptest.Run(t, map[string]func(chiptest.Vector) (chiptest.Answer, error){
		"Atlas EZO frame": func(v chiptest.Vector) (chiptest.Answer, error) {
			frame := v.Bytes(t)
			text, err := parseReply(frame)
			if err != nil {
				if want := v.Expected["response_code"].Value; want != float64(frame[0]) || v.Expected["error"].Value != errors.Unwrap(err) && v.Expected["error"].Value != err.Error() {
					t.Errorf("%s: %v", v.ID, err)
				}
				return nil, err
			}
			k := kinds()[slices.IndexFunc(kinds(), func(k kind) bool { _, ok := v.Expected[vectorName(k)]; return ok })]
			value, err := parseValue(text, k.outputs[0])
			return chiptest.Answer{
				"response_code": float64(frame[0]), "text": text,
				vectorName(k): sensors.Decimal{Mantissa: value, Exponent: k.outputs[0].Min.Exponent}.Float64(),
			}, err
		},
	})
}

// vectorName is what vectors call the value of a circuit.
func vectorName(k kind) string { return strings.TrimPrefix(k.name, "ezo-") }

func TestReplies(t *testing.T) {
	for name, c := range map[string]struct {
		reply string
		want  string
		err   error
	}{
		"a value":                 {"\x019.560\x00", "9.560", nil},
		"padded":                  {"\x019.560\x00\xff\xff", "9.560", nil},
		"nothing but success":     {"\x01\x00", "", nil},
		"the Pi's high bits":      {"\x01\xb9.\xb560\x80", "9.560", nil},
		"syntax error":            {"\x02", "", ErrSyntax},
		"not ready":               {"\xfe", "", ErrNotReady},
		"no data":                 {"\xff", "", ErrNoData},
		"another code":            {"\x039.560\x00", "", ErrReply},
		"no end":                  {"\x019.560", "", ErrReply},
		"nothing":                 {"", "", ErrReply},
		"what is not printable":   {"\x019\x01560\x00", "", ErrReply},
		"a dead bus":              {"\x00\x00\x00", "", ErrReply},
		"a delete among the text": {"\x019.5\x7f0\x00", "", ErrReply},
	} {
		if got, err := parseReply([]byte(c.reply)); !errors.Is(err, c.err) || err == nil && got != c.want {
			t.Errorf("%s: %q, %v; want %q, %v", name, got, err, c.want, c.err)
		}
	}
}

func TestValuesAreExactlyNumbers(t *testing.T) {
	places := func(n int8) sensors.Output { return sensors.Output{Min: dec(0, -n)} }
	for _, c := range []struct {
		text string
		o    sensors.Output
		want int64
	}{
		{"9.560", places(3), 9560}, {"7", places(3), 7000}, {"1413", places(2), 141300}, {"0.07", places(2), 7},
		{"209.6", places(1), 2096}, {"-18.3", places(1), -183}, {"25.104", places(3), 25104}, {"-1023.000", places(3), -1023000},
	} {
		if got, err := parseValue(c.text, c.o); err != nil || got != c.want {
			t.Errorf("%q: %d, %v; want %d", c.text, got, err, c.want)
		}
	}
	for _, text := range []string{
		"", "-", ".", "1.", ".5", "+7.0", "7.0.1", "7,0", " 7.0", "7.0 ", "7e1", "NaN", "inf", "0x10", "--1", "1-1", "no output", "8.24,95.1",
		"7.0000", "123456789012345678", "*OK", "?i,pH,1.0", "７",
	} {
		if got, err := parseValue(text, places(3)); !errors.Is(err, ErrNotValue) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestQueries(t *testing.T) {
	for text, want := range map[string][]string{
		"?Cal,2": {"2"}, "?CAL,0": {"0"}, "?,Cal,1": {"1"}, "?cal": {}, "?Cal,": {""}, "?Cal,a,b": {"a", "b"},
	} {
		if got, err := parseQuery(text, "Cal"); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "?", "?,", "Cal,2", "?Ca,2", "?Slope,1,2", "9.560", "?,O,EC"} {
		if got, err := parseQuery(text, "Cal"); !errors.Is(err, ErrReply) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// said is one exchange with the circuit at an address.
func said(at uint16, command, reply string) []i2ctest.IO {
	r := make([]byte, maxReply)
	copy(r, reply)
	return []i2ctest.IO{{Addr: at, W: []byte(command)}, {Addr: at, R: r}}
}

// talk is a transcript of commands and replies, one after the other.
func talk(at uint16, exchanges ...string) []i2ctest.IO {
	var ops []i2ctest.IO
	for i := 0; i < len(exchanges); i += 2 {
		ops = append(ops, said(at, exchanges[i], exchanges[i+1])...)
	}
	return ops
}

func model(t *testing.T, name string) sensors.Model {
	t.Helper()
	i := slices.IndexFunc(Models(), func(m sensors.Model) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("no model %s", name)
	}
	return Models()[i]
}

func TestTranscripts(t *testing.T) {
	type settings = map[string]string
	for name, c := range map[string]struct {
		model    string
		settings settings
		ops      []i2ctest.IO
		want     string
		err      error
	}{
		"pH": {"ezo-ph", nil, talk(0x63, "i", "\x01?i,pH,1.98\x00", "T,25", "\x01\x00", "R", "\x019.560\x00"), "9.560", nil},
		"pH in cold water": {"ezo-ph", settings{"temperature": "8.5"},
			talk(0x63, "i", "\x01?I,pH,1.0\x00", "T,8.5", "\x01\x00", "R", "\x017.001\x00"), "7.001", nil},
		"pH at another address": {"ezo-ph", nil, talk(0x23, "i", "\x01?i,pH,1.98\x00", "T,25", "\x01\x00", "R", "\x019.560\x00"), "9.560", nil},
		"pH, slow": {"ezo-ph", nil, append(talk(0x63, "i", "\x01?i,pH,1.98\x00", "T,25", "\x01\x00", "R", "\xfe"),
			said(0x63, "", "\xfe")[1], said(0x63, "", "\x016.500\x00")[1]), "6.500", nil},
		"pH, end of the scale": {"ezo-ph", nil, talk(0x63, "i", "\x01?i,pH,1.98\x00", "T,25", "\x01\x00", "R", "\x010.000\x00"), "", chip.ErrImplausible},
		"restarted":            {"ezo-ph", nil, talk(0x63, "i", "\x01?i,pH,1.98\x00", "T,25", "\xff"), "", ErrNoData},
		"EC as shipped": {"ezo-ec", nil, talk(0x64, "i", "\x01?i,EC,2.10\x00", "O,?", "\x01?,O,EC\x00",
			"T,25", "\x01\x00", "R", "\x01141.3\x00"), "141.30", nil},
		"EC with everything on, and another K": {"ezo-ec", settings{"k": "0.1"}, talk(0x64, "i", "\x01?i,EC,1.0 \x00",
			"O,?", "\x01?,O,EC,TDS,S,SG\x00", "O,EC,1", "\x01\x00", "O,TDS,0", "\x01\x00", "O,S,0", "\x01\x00", "O,SG,0", "\x01\x00", "O,?", "\x01?,O,EC\x00",
			"K,?", "\x01?K,1.00\x00", "K,0.1", "\x01\x00", "K,?", "\x01?K,0.10\x00",
			"T,25", "\x01\x00", "R", "\x0112880\x00"), "12880.00", nil},
		"EC, dry": {"ezo-ec", nil, talk(0x64, "i", "\x01?i,EC,2.10\x00", "O,?", "\x01?,O,EC\x00", "T,25", "\x01\x00", "R", "\x010.00\x00"), "", chip.ErrImplausible},
		"EC, switched on by someone else": {"ezo-ec", nil, talk(0x64, "i", "\x01?i,EC,2.10\x00", "O,?", "\x01?,O,EC\x00",
			"T,25", "\x01\x00", "R", "\x01141.3,76\x00"), "", ErrNotValue},
		"DO": {"ezo-do", settings{"temperature": "14.2", "salinity": "500", "pressure": "89.9"}, talk(0x61, "i", "\x01?i,D.O.,1.98\x00",
			"O,?", "\x01?,O,%,mg\x00", "O,mg,1", "\x01\x00", "O,%,0", "\x01\x00", "O,?", "\x01?,O,mg\x00",
			"T,14.2", "\x01\x00", "S,500", "\x01\x00", "P,89.9", "\x01\x00", "R", "\x018.24\x00"), "8.24", nil},
		"DO without oxygen": {"ezo-do", settings{"temperature": "4"}, talk(0x61, "i", "\x01?i,DO,2.12\x00", "O,?", "\x01?O,mg\x00",
			"T,4", "\x01\x00", "S,0", "\x01\x00", "P,101.3", "\x01\x00", "R", "\x010.00\x00"), "0.00", nil},
		"ORP":                      {"ezo-orp", nil, talk(0x62, "i", "\x01?i,ORP,1.97\x00", "R", "\x01209.6\x00"), "209.6", nil},
		"ORP that calls itself OR": {"ezo-orp", nil, talk(0x62, "i", "\x01?I,OR,1.0\x00", "R", "\x01-18.3\x00"), "-18.3", nil},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := chiptest.Play(t, model(t, c.model), c.settings, c.ops...)
			if err != nil {
				t.Fatal(err)
			}
			samples, err := d.Sense(t.Context())
			if got := chiptest.Text(samples); got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%s, %v; want %s, %v", got, err, c.want, c.err)
			}
		})
	}
}

func TestTheThermometerSpeaksCelsius(t *testing.T) {
	ops := talk(0x66, "i", "\x01?i,RTD,2.01\x00", "S,?", "\x01?S,f\x00", "S,c", "\x01\x00", "S,?", "\x01?S,c\x00", "R", "\x0125.104\x00", "R", "\x01-1023.000\x00")
	w, _ := chiptest.Wire(t, &i2ctest.Playback{Ops: ops, DontPanic: true}, 0)
	if _, err := model(t, "ezo-rtd").Open(t.Context(), w); !errors.Is(err, ErrMedium) {
		t.Errorf("without a medium: %v", err)
	}
	w.Medium = "soil"
	d, err := model(t, "ezo-rtd").Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	samples, err := d.Sense(t.Context())
	if err != nil || len(samples) != 1 || samples[0].Quantity != sensors.SoilTemperature || samples[0].Value.String() != "25.104" {
		t.Errorf("%v, %v", samples, err)
	}
	if samples, err := d.Sense(t.Context()); !errors.Is(err, chip.ErrImplausible) || samples != nil {
		t.Errorf("without a probe: %v, %v", samples, err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestItIsPatientButNotForEver(t *testing.T) {
	ops := talk(0x62, "i", "\x01?i,ORP,1.97\x00", "R", "\xfe")
	for range patience - 1 {
		ops = append(ops, said(0x62, "", "\xfe")[1])
	}
	w, c := chiptest.Wire(t, &i2ctest.Playback{Ops: ops, DontPanic: true}, 0)
	d, err := model(t, "ezo-orp").Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	before := c.Now().Uptime
	if _, err := d.Sense(t.Context()); !errors.Is(err, ErrNotReady) {
		t.Error(err)
	}
	if waited := (c.Now().Uptime - before).Milliseconds(); waited != 900+9*100 {
		t.Errorf("waited %d ms", waited)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNotTheCircuitIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		model string
		ops   []i2ctest.IO
		err   error
		says  string
	}{
		"another circuit":        {"ezo-ph", talk(0x63, "i", "\x01?i,EC,2.10\x00"), ErrWrongCircuit, "EZO-EC"},
		"another answer":         {"ezo-ph", talk(0x63, "i", "\x019.560\x00"), ErrWrongCircuit, "another chip"},
		"another chip":           {"ezo-ph", talk(0x63, "i", "\x00"), ErrReply, "another chip"},
		"outputs that stay":      {"ezo-ec", talk(0x64, "i", "\x01?i,EC,2.10\x00", "O,?", "\x01?,O,TDS\x00", "O,EC,1", "\x01\x00", "O,TDS,0", "\x01\x00", "O,?", "\x01?,O,EC,TDS\x00"), ErrSettings, "EC,TDS"},
		"firmware without i":     {"ezo-orp", talk(0x62, "i", "\x02"), ErrSyntax, "firmware"},
		"an answer to elsewhere": {"ezo-ec", talk(0x64, "i", "\x01?i,EC,2.10\x00", "O,?", "\x01?K,1.0\x00"), ErrReply, "O,?"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := chiptest.Play(t, model(t, c.model), nil, c.ops...)
			if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v; want %v, and %q in it", err, c.err, c.says)
			}
		})
	}
}

func TestSettingsThatAreWrongAreSaid(t *testing.T) {
	for name, c := range map[string]struct{ model, setting, value string }{
		"Fahrenheit":              {"ezo-ec", "temperature", "77"},
		"no number":               {"ezo-ph", "temperature", "warm"},
		"oxygen, nothing said":    {"ezo-do", "salinity", "0"},
		"millimetres of mercury":  {"ezo-do", "pressure", "760"},
		"a K that no probe has":   {"ezo-ec", "k", "0.01"},
		"a K that is no number":   {"ezo-ec", "k", "one"},
		"compensation of redox":   {"ezo-orp", "temperature", "25"},
		"a setting of another":    {"ezo-ph", "k", "1.0"},
		"an empty temperature":    {"ezo-ph", "temperature", ""},
		"pressure of thin vacuum": {"ezo-do", "pressure", "0"},
	} {
		w := sensors.Wiring{Settings: map[string]string{c.setting: c.value}}
		if err := model(t, c.model).Check(w); err == nil || !strings.Contains(err.Error(), "setting") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReply(f *testing.F) {
	for _, s := range []string{"\x019.560\x00", "\xfe", "\x01?,O,EC,TDS\x00", "\x01?Slope,99.7,100.3,-0.89\x00", "\x01-1023.000\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		text, err := parseReply(b)
		if err != nil {
			return
		}
		for _, k := range kinds() {
			v, err := parseValue(text, k.outputs[0])
			if err != nil {
				continue
			}
			back := sensors.Decimal{Mantissa: v, Exponent: k.outputs[0].Min.Exponent}
			if said, err := sensors.ParseDecimal(text); err != nil || said.Cmp(back) != 0 {
				t.Errorf("%q became %s", text, back)
			}
		}
		if words, err := parseQuery(text, "Cal"); err == nil && len(strings.Join(words, ",")) >= len(text) {
			t.Errorf("%q became %q", text, words)
		}
	})
}
