package catalog

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"loam/internal/name"
	"loam/sensors"
)

func TestEveryPackageOfProbesIsListed(t *testing.T) {
	raw, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("../probes")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !slices.Contains(strings.Fields(string(raw)), "loam/sensors/probes/"+e.Name()) {
			t.Errorf("sensors/probes/%s is not listed in the catalog", e.Name())
		}
	}
}

func TestModelsHaveNamesOfTheirOwn(t *testing.T) {
	models := Models()
	if !slices.IsSortedFunc(models, func(a, b sensors.Model) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the models are not in alphabetical order")
	}
	for i, m := range models {
		if !name.Valid(m.Name) {
			t.Errorf("%q: %s", m.Name, name.Rule)
		}
		if i > 0 && models[i-1].Name == m.Name {
			t.Errorf("%s is listed twice", m.Name)
		}
	}
}

func TestModelsAreComplete(t *testing.T) {
	for _, m := range Models() {
		if m.Title == "" || m.Open == nil || len(m.Outputs) == 0 && m.Fit == nil {
			t.Errorf("%s: title, Open or outputs are missing", m.Name)
		}
		if wired := m.Bus == sensors.I2C; !wired && len(m.Addresses) > 0 || wired && len(m.Addresses) == 0 && m.Default == 0 {
			t.Errorf("%s: addresses are for I2C, and I2C needs them, or a default where it can be any", m.Name)
		}
		switch m.Calibration {
		case sensors.CalibrationFactory, sensors.CalibrationOffset, sensors.CalibrationTwoPoint, sensors.CalibrationThree, sensors.CalibrationCurve:
		default:
			t.Errorf("%s: calibration %q", m.Name, m.Calibration)
		}
		for _, st := range m.Settings {
			if st.Name == "" || st.Title == "" || st.Check == nil {
				t.Errorf("%s: setting %q is not complete", m.Name, st.Name)
			} else if st.Default != "" {
				if err := st.Check(st.Default); err != nil {
					t.Errorf("%s: the default of setting %s: %v", m.Name, st.Name, err)
				}
			}
		}
		for _, o := range m.Outputs {
			k, err := o.Quantity.Kind()
			if err != nil {
				t.Errorf("%s: %v", m.Name, err)
				continue
			}
			if o.Min.Cmp(o.Max) >= 0 || o.Min.Exponent != o.Max.Exponent || o.Accuracy == "" || o.Source == "" {
				t.Errorf("%s: output %s is not complete", m.Name, o.Quantity)
			}
			if o.Max.Cmp(k.Min) <= 0 || o.Min.Cmp(k.Max) >= 0 {
				t.Errorf("%s: range of %s lies outside what is possible", m.Name, o.Quantity)
			}
		}
	}
}

func TestFindSaysWhatMayBeMeant(t *testing.T) {
	var names []string
	for _, m := range Models() {
		names = append(names, m.Name)
	}
	all := "there are " + strings.Join(names, ", ")
	if m, err := Find("bme280"); err != nil || m.Name != "bme280" {
		t.Errorf("Find(bme280) = %q, %v", m.Name, err)
	}
	for name, want := range map[string]string{
		"BME280": `did you mean "bme280"`, "bme28": `did you mean "bme280"`,
		"ds18s20": `did you mean "ds18b20"`, "soil-cap": `did you mean "soilcap"`,
		"": all, "thermocouple": all,
	} {
		_, err := Find(name)
		if !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), want) {
			t.Errorf("Find(%q) says %v, want %q in it", name, err, want)
		}
	}
}
