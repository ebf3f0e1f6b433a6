package sensors

import (
	"fmt"
	"slices"
)

// Quantity names what is measured, in snake case, e.g. "air_temperature".
type Quantity string

// The quantities loam knows. [Quantity.Kind] has their units and standard names.
const (
	AirTemperature   Quantity = "air_temperature"
	RelativeHumidity Quantity = "relative_humidity"
	AirPressure      Quantity = "air_pressure"
	CarbonDioxide    Quantity = "carbon_dioxide"
	PM1              Quantity = "pm1"
	PM25             Quantity = "pm2_5"
	PM25CF1          Quantity = "pm2_5_cf1" // as a Plantower counts "standard particles"
	PM4              Quantity = "pm4"
	PM10             Quantity = "pm10"
	GasResistance    Quantity = "gas_resistance"
	Illuminance      Quantity = "illuminance"
	WindSpeed        Quantity = "wind_speed"
	WindDirection    Quantity = "wind_direction"
	Rainfall         Quantity = "rainfall"
	LeafWetness      Quantity = "leaf_wetness"

	SurfaceTemperature Quantity = "surface_temperature"

	SoilTemperature        Quantity = "soil_temperature"
	VolumetricWaterContent Quantity = "volumetric_water_content"
	MatricPotential        Quantity = "matric_potential"
	Permittivity           Quantity = "permittivity"
	SoilConductivity       Quantity = "soil_electrical_conductivity"
	SoilPH                 Quantity = "soil_ph"
	SoilNitrogen           Quantity = "soil_nitrogen"
	SoilPhosphorus         Quantity = "soil_phosphorus"
	SoilPotassium          Quantity = "soil_potassium"

	WaterTemperature   Quantity = "water_temperature"
	WaterPH            Quantity = "water_ph"
	WaterConductivity  Quantity = "water_electrical_conductivity"
	DissolvedOxygen    Quantity = "dissolved_oxygen"
	OxidationReduction Quantity = "oxidation_reduction_potential"
	Turbidity          Quantity = "turbidity"
	WaterPressure      Quantity = "water_pressure"
	WaterDepth         Quantity = "water_depth"
	WaterVolume        Quantity = "water_volume"
	Distance           Quantity = "distance"

	Latitude  Quantity = "latitude"
	Longitude Quantity = "longitude"
	Altitude  Quantity = "altitude"

	ProbeVoltage  Quantity = "probe_voltage"
	ProbeCurrent  Quantity = "probe_current"
	ProbeCount    Quantity = "probe_count"
	SupplyVoltage Quantity = "supply_voltage"
	SupplyCurrent Quantity = "supply_current"
)

// Kind is what there is to know about a quantity, wherever it is measured.
type Kind struct {
	Name   Quantity
	Title  string  // for people: "air temperature"
	Unit   string  // UCUM code, case sensitive (https://ucum.org)
	Symbol string  // the unit as people write it
	CF     string  // CF standard name (cfconventions.org); empty where CF names only sea water or nothing at all
	SenML  string  // unit in the IANA SenML registries (RFC 8428 section 12.1, RFC 8798)
	Shift  int8    // a value in Unit is value × 10^Shift in SenML's unit
	Min    Decimal // physically possible on Earth's surface, for plausibility only
	Max    Decimal
	Places int // digits after the point that people read
}

func dec(m int64, e int8) Decimal { return Decimal{Mantissa: m, Exponent: e} }

// kinds is the table behind [Kinds] and [Quantity.Kind]; nothing changes it.
var kinds = []Kind{
	{AirTemperature, "air temperature", "Cel", "°C", "air_temperature", "Cel", 0, dec(-90, 0), dec(60, 0), 1},
	{RelativeHumidity, "relative humidity", "%", "%", "relative_humidity", "%RH", 0, dec(0, 0), dec(100, 0), 0},
	{AirPressure, "air pressure", "Pa", "Pa", "air_pressure", "Pa", 0, dec(30000, 0), dec(110000, 0), 0},
	{CarbonDioxide, "carbon dioxide", "[ppm]", "ppm", "mole_fraction_of_carbon_dioxide_in_air", "ppm", 0, dec(0, 0), dec(100000, 0), 0},
	{PM1, "fine dust PM1", "ug/m3", "µg/m³", "mass_concentration_of_pm1_ambient_aerosol_particles_in_air", "ug/m3", 0, dec(0, 0), dec(10000, 0), 0},
	{PM25, "fine dust PM2.5", "ug/m3", "µg/m³", "mass_concentration_of_pm2p5_ambient_aerosol_particles_in_air", "ug/m3", 0, dec(0, 0), dec(10000, 0), 0},
	{PM25CF1, "fine dust PM2.5, factory scale", "ug/m3", "µg/m³", "", "ug/m3", 0, dec(0, 0), dec(10000, 0), 0},
	{PM4, "fine dust PM4", "ug/m3", "µg/m³", "", "ug/m3", 0, dec(0, 0), dec(10000, 0), 0},
	{PM10, "dust PM10", "ug/m3", "µg/m³", "mass_concentration_of_pm10_ambient_aerosol_particles_in_air", "ug/m3", 0, dec(0, 0), dec(10000, 0), 0},
	{GasResistance, "gas resistance", "Ohm", "Ω", "", "Ohm", 0, dec(0, 0), dec(1, 9), 0},
	{Illuminance, "light", "lx", "lx", "", "lx", 0, dec(0, 0), dec(200000, 0), 0},
	{WindSpeed, "wind speed", "m/s", "m/s", "wind_speed", "m/s", 0, dec(0, 0), dec(120, 0), 1},
	{WindDirection, "wind direction", "deg", "°", "wind_from_direction", "deg", 0, dec(0, 0), dec(360, 0), 0},
	{Rainfall, "rainfall", "mm", "mm", "thickness_of_rainfall_amount", "mm", 0, dec(0, 0), dec(2000, 0), 1},
	{LeafWetness, "leaf wetness", "%", "%", "", "/100", 0, dec(0, 0), dec(100, 0), 0},
	{SurfaceTemperature, "surface temperature", "Cel", "°C", "surface_temperature", "Cel", 0, dec(-100, 0), dec(400, 0), 1},
	{WaterTemperature, "water temperature", "Cel", "°C", "", "Cel", 0, dec(-5, 0), dec(60, 0), 1},
	{WaterPH, "water pH", "[pH]", "pH", "", "pH", 0, dec(0, 0), dec(14, 0), 1},
	{WaterConductivity, "water conductivity", "uS/cm", "µS/cm", "", "S/m", -4, dec(0, 0), dec(1000000, 0), 0},
	{DissolvedOxygen, "dissolved oxygen", "mg/L", "mg/L", "", "kg/m3", -3, dec(0, 0), dec(100, 0), 1},
	{OxidationReduction, "redox potential", "mV", "mV", "", "mV", 0, dec(-2000, 0), dec(2000, 0), 0},
	{Turbidity, "turbidity", "{NTU}", "NTU", "", "NTU", 0, dec(0, 0), dec(10000, 0), 1},
	{WaterPressure, "pressure under water", "Pa", "Pa", "", "Pa", 0, dec(30000, 0), dec(11000000, 0), 0},
	{WaterDepth, "water depth", "mm", "mm", "", "mm", 0, dec(0, 0), dec(1000000, 0), 0},
	{WaterVolume, "water volume", "L", "L", "", "l", 0, dec(0, 0), dec(1, 9), 1},
	{Distance, "distance", "mm", "mm", "", "mm", 0, dec(0, 0), dec(100000, 0), 0},
	{SoilTemperature, "soil temperature", "Cel", "°C", "soil_temperature", "Cel", 0, dec(-50, 0), dec(80, 0), 1},
	{VolumetricWaterContent, "soil moisture", "m3/m3", "m³/m³", "volume_fraction_of_condensed_water_in_soil", "/", 0, dec(0, 0), dec(1, 0), 3},
	{MatricPotential, "soil water potential", "kPa", "kPa", "", "Pa", 3, dec(-200000, 0), dec(100, 0), 0},
	{Permittivity, "permittivity", "1", "", "", "/", 0, dec(1, 0), dec(100, 0), 1},
	{SoilConductivity, "soil conductivity", "uS/cm", "µS/cm", "", "S/m", -4, dec(0, 0), dec(1000000, 0), 0},
	{SoilPH, "soil pH", "[pH]", "pH", "", "pH", 0, dec(0, 0), dec(14, 0), 1},
	{SoilNitrogen, "soil nitrogen", "mg/kg", "mg/kg", "", "ppm", 0, dec(0, 0), dec(100000, 0), 0},
	{SoilPhosphorus, "soil phosphorus", "mg/kg", "mg/kg", "", "ppm", 0, dec(0, 0), dec(100000, 0), 0},
	{SoilPotassium, "soil potassium", "mg/kg", "mg/kg", "", "ppm", 0, dec(0, 0), dec(100000, 0), 0},
	{Latitude, "latitude", "deg", "°", "latitude", "lat", 0, dec(-90, 0), dec(90, 0), 5},
	{Longitude, "longitude", "deg", "°", "longitude", "lon", 0, dec(-180, 0), dec(180, 0), 5},
	{Altitude, "altitude", "m", "m", "altitude", "m", 0, dec(-500, 0), dec(9000, 0), 0},
	{ProbeVoltage, "probe voltage", "V", "V", "", "V", 0, dec(-10, 0), dec(10, 0), 3},
	{ProbeCurrent, "probe current", "mA", "mA", "", "mA", 0, dec(-100, 0), dec(100, 0), 2},
	{ProbeCount, "probe counts", "1", "", "", "count", 0, dec(-1, 9), dec(1, 9), 0},
	{SupplyVoltage, "supply voltage", "V", "V", "", "V", 0, dec(-100, 0), dec(100, 0), 2},
	{SupplyCurrent, "supply current", "mA", "mA", "", "mA", 0, dec(-1000000, 0), dec(1000000, 0), 0},
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
