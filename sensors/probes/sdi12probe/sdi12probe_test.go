package sdi12probe

import (
	"strings"
	"testing"

	"loam/sensors"
)

func TestValues(t *testing.T) {
	values, err := parse("volumetric_water_content in %, -,soil_temperature,  soil_electrical_conductivity in dS/m, matric_potential in MPa, water_depth in mm, permittivity")
	if err != nil || len(values) != 7 {
		t.Fatalf("%v, %v", values, err)
	}
	for i, want := range []struct {
		quantity sensors.Quantity
		shift    int8
	}{
		{sensors.VolumetricWaterContent, -2}, {"", 0}, {sensors.SoilTemperature, 0}, {sensors.SoilConductivity, 3}, {sensors.MatricPotential, 3},
		{sensors.WaterDepth, 0}, {sensors.Permittivity, 0},
	} {
		if values[i].Quantity != want.quantity || values[i].Shift != want.shift {
			t.Errorf("number %d is %+v, want %+v", i+1, values[i], want)
		}
	}
}

func TestWhatIsWrongWithTheSettingsIsSaid(t *testing.T) {
	for _, c := range []struct{ name, value, says string }{
		{"values", "", "setting values is missing"},
		{"values", "soil_moisture", `unknown quantity "soil_moisture"`},
		{"values", "-,-", "none of them is wanted"},
		{"values", "soil_temperature,", "number 2"},
		{"values", "soil_temperature, soil_temperature", "number 2: soil_temperature is there twice"},
		{"values", "soil_temperature in F", `use "Cel"`},
		{"values", "volumetric_water_content in percent", `["%"]`},
		{"values", strings.Repeat("-,", 99) + "soil_temperature", "up to 99"},
		{"command", "D0", "use M, MC, C or CC"},
		{"none", "NaN", "not a usable decimal"},
		{"value", "x", `has no setting "value"`},
	} {
		settings := map[string]string{"values": "soil_temperature"}
		settings[c.name] = c.value
		if err := Model().Check(sensors.Wiring{Settings: settings}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s = %q: %v, want %q", c.name, c.value, err, c.says)
		}
	}
}

func TestTheModelDeliversWhatIsNamed(t *testing.T) {
	m, err := Model().For(sensors.Wiring{Settings: map[string]string{"values": "soil_temperature, -, volumetric_water_content in %"}})
	if err != nil || len(m.Outputs) != 2 || m.Outputs[0].Quantity != sensors.SoilTemperature || m.Outputs[1].Quantity != sensors.VolumetricWaterContent {
		t.Errorf("%+v, %v", m.Outputs, err)
	}
	if len(Model().Outputs) != 0 {
		t.Error("the catalog's entry has outputs of its own")
	}
}

// TestUnitsAreOfQuantitiesThatExist: a unit nobody measures in would never be found.
func TestUnitsAreOfQuantitiesThatExist(t *testing.T) {
	own := map[string]bool{}
	for _, k := range sensors.Kinds() {
		own[k.Unit] = true
	}
	for unit, others := range units {
		if !own[unit] {
			t.Errorf("no quantity is measured in %s", unit)
		}
		for other, shift := range others {
			if other == unit || shift == 0 {
				t.Errorf("%s in %s is no difference", unit, other)
			}
		}
	}
}

func FuzzValues(f *testing.F) {
	for _, s := range []string{"soil_temperature, -", "volumetric_water_content in %", ",", "- in %", "water_depth in  m"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, err := parse(text)
		if err != nil {
			return
		}
		wanted := 0
		for _, v := range values {
			if v.Quantity == "" {
				continue
			}
			wanted++
			if k, err := v.Quantity.Kind(); err != nil || v.Min != k.Min || v.Max != k.Max {
				t.Errorf("%q: %+v, %v", text, v, err)
			}
		}
		if wanted == 0 || len(values) > maxValues {
			t.Errorf("%q: %+v", text, values)
		}
	})
}
