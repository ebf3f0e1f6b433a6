package sensors

import (
	"fmt"
	"slices"
)

// Quantity names what is measured, in snake case, e.g. "air_temperature".
type Quantity string

// The quantities loam knows. [Quantity.Kind] has their units and standard names.
const (
	AirTemperature         Quantity = "air_temperature"
	RelativeHumidity       Quantity = "relative_humidity"
	AirPressure            Quantity = "air_pressure"
	WaterTemperature       Quantity = "water_temperature"
	SoilTemperature        Quantity = "soil_temperature"
	VolumetricWaterContent Quantity = "volumetric_water_content"
	ProbeVoltage           Quantity = "probe_voltage"
)

// Kind is what there is to know about a quantity, wherever it is measured.
type Kind struct {
	Name   Quantity
	Title  string  // for people: "air temperature"
	Unit   string  // UCUM code, case sensitive (https://ucum.org)
	Symbol string  // the unit as people write it
	CF     string  // CF standard name (cfconventions.org); empty where CF names only sea water or nothing at all
	SenML  string  // unit in the IANA SenML registry (RFC 8428 section 12.1)
	Min    Decimal // physically possible on Earth's surface, for plausibility only
	Max    Decimal
	Places int // digits after the point that people read
}

func dec(m int64, e int8) Decimal { return Decimal{Mantissa: m, Exponent: e} }

// kinds is the table behind [Kinds] and [Quantity.Kind]; nothing changes it.
var kinds = []Kind{
	{AirTemperature, "air temperature", "Cel", "°C", "air_temperature", "Cel", dec(-90, 0), dec(60, 0), 1},
	{RelativeHumidity, "relative humidity", "%", "%", "relative_humidity", "%RH", dec(0, 0), dec(100, 0), 0},
	{AirPressure, "air pressure", "Pa", "Pa", "air_pressure", "Pa", dec(30000, 0), dec(110000, 0), 0},
	{WaterTemperature, "water temperature", "Cel", "°C", "", "Cel", dec(-5, 0), dec(60, 0), 1},
	{SoilTemperature, "soil temperature", "Cel", "°C", "soil_temperature", "Cel", dec(-50, 0), dec(80, 0), 1},
	{VolumetricWaterContent, "soil moisture", "m3/m3", "m³/m³", "volume_fraction_of_condensed_water_in_soil", "/", dec(0, 0), dec(1, 0), 3},
	{ProbeVoltage, "probe voltage", "V", "V", "", "V", dec(-10, 0), dec(10, 0), 3},
}

// Kinds lists every quantity, in the order people read them.
func Kinds() []Kind { return slices.Clone(kinds) }

// Kind returns what there is to know about q.
func (q Quantity) Kind() (Kind, error) {
	for _, k := range kinds {
		if k.Name == q {
			return k, nil
		}
	}
	return Kind{}, fmt.Errorf("sensors: unknown quantity %q", q)
}
