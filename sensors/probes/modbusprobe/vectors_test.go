package modbusprobe

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"testing"

	"loam/sensors"
)

// mapFor is the map whose registers a vector's sensor has, and what the vectors call its quantities: by how much their
// unit is larger.
var mapFor = map[string]struct {
	file  string
	names map[string]struct {
		quantity sensors.Quantity
		times    float64
	}
}{
	"RS485 soil probe (moisture, temperature, EC, pH)": {"rs485-soil-7in1", soilNames},
	"RS485 soil probe SEN0605":                         {"sen0605", soilNames},
	"SenseAir S8":                                      {"senseair-s8", soilNames},
}

var soilNames = map[string]struct {
	quantity sensors.Quantity
	times    float64
}{
	"moisture": {sensors.VolumetricWaterContent, 100}, "temperature": {sensors.SoilTemperature, 1}, "electrical_conductivity": {sensors.SoilConductivity, 1},
	"ph": {sensors.SoilPH, 1}, "nitrogen": {sensors.SoilNitrogen, 1}, "phosphorus": {sensors.SoilPhosphorus, 1}, "potassium": {sensors.SoilPotassium, 1},
	"co2": {sensors.CarbonDioxide, 1},
}

// TestVectors reads replies as their maps do. A vector does not say which registers were asked for: a reply has those
// from the map's first output on.
func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID, Sensor, Kind string
			Bytes            string                     `json:"bytes_hex"`
			Expected         map[string]json.RawMessage `json:"expected"`
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	all := embedded(t)
	for _, v := range file.Vectors {
		as, known := mapFor[v.Sensor]
		b, err := hex.DecodeString(v.Bytes)
		if v.Kind != "frame" || !known || err != nil || len(b) < 5 {
			t.Errorf("%s: no test for kind %q of %s, %v", v.ID, v.Kind, v.Sensor, err)
			continue
		}
		m := *all[as.file]
		m.Groups = []group{{First: m.Outputs[0].Register, Count: uint16(b[2] / 2)}}
		registers, err := m.request(m.Groups[0]).Registers(b[0], b)
		if _, wrong := v.Expected["error"]; wrong != (err != nil) {
			t.Errorf("%s: %v", v.ID, err)
		}
		if err != nil {
			continue
		}
		samples, left := m.values(0, registers)
		for name, x := range v.Expected {
			var want struct{ Value, Tolerance float64 }
			if err := json.Unmarshal(x, &want); err != nil {
				t.Fatal(err)
			}
			q, known := as.names[name]
			found := false
			for _, s := range samples {
				if s.Quantity == q.quantity {
					found = true
					if math.Abs(s.Value.Float64()*q.times-want.Value) > want.Tolerance+1e-9 {
						t.Errorf("%s: %s is %s, want %v", v.ID, name, s.Value, want.Value)
					}
				}
			}
			if !found || !known {
				t.Errorf("%s: no %s: %v", v.ID, name, left)
			}
		}
	}
	if len(file.Vectors) < 2 {
		t.Errorf("%d vectors", len(file.Vectors))
	}
}
