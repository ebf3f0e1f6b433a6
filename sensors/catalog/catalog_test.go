package catalog

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"loam/sensors"
)

// notDrivers are the folders beside this one that hold no driver.
var notDrivers = []string{"catalog", "clock", "sensortest", "sim"}

func TestEveryDriverFolderIsListed(t *testing.T) {
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	var folders, listed []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != "testdata" && !slices.Contains(notDrivers, e.Name()) {
			folders = append(folders, e.Name())
		}
	}
	for _, m := range Models() {
		listed = append(listed, m.Name)
	}
	if !slices.Equal(folders, listed) {
		t.Errorf("folders %v, listed %v: a driver's folder has its model's name, and Models lists it", folders, listed)
	}
}

func TestModelsAreComplete(t *testing.T) {
	for _, m := range Models() {
		if m.Title == "" || m.Open == nil || len(m.Outputs) == 0 {
			t.Errorf("%s: title, Open or outputs are missing", m.Name)
		}
		if (m.Bus == sensors.I2C) != (len(m.Addresses) > 0) {
			t.Errorf("%s: addresses are for I2C, and I2C needs them", m.Name)
		}
		if m.Calibration != sensors.CalibrationFactory && m.Calibration != sensors.CalibrationTwoPoint {
			t.Errorf("%s: calibration %q", m.Name, m.Calibration)
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
	if m, err := Find("bme280"); err != nil || m.Name != "bme280" {
		t.Errorf("Find(bme280) = %q, %v", m.Name, err)
	}
	for name, want := range map[string]string{
		"BME280": `did you mean "bme280"`, "bme28": `did you mean "bme280"`, "bmp280": `did you mean "bme280"`,
		"ds18s20": `did you mean "ds18b20"`, "soil-cap": `did you mean "soilcap"`,
		"": "there are bme280, ds18b20, soilcap", "thermocouple": "there are bme280, ds18b20, soilcap",
	} {
		_, err := Find(name)
		if !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), want) {
			t.Errorf("Find(%q) says %v, want %q in it", name, err, want)
		}
	}
}
