package homeassistant

import (
	"fmt"

	"loam/sensors"
)

// entity is how Home Assistant has a quantity.
type entity struct {
	class  string // device_class; empty where it has none that fits
	unit   string // its own unit; empty: the symbol of ours
	shift  int    // our value × 10^shift is in that unit
	moment bool   // no state_class: its mean would say nothing
}

// entities are the quantities that are more to Home Assistant than a number with a unit. It refuses an
// entity with a class or a unit that it does not know, so there are only classes it has had for long.
//
// Source: SensorDeviceClass, DEVICE_CLASS_UNITS and DEVICE_CLASS_STATE_CLASSES in homeassistant/components/sensor/const.py.
var entities = map[sensors.Quantity]entity{
	sensors.AirTemperature:     {class: "temperature"},
	sensors.SurfaceTemperature: {class: "temperature"},
	sensors.SoilTemperature:    {class: "temperature"},
	sensors.WaterTemperature:   {class: "temperature"},

	sensors.RelativeHumidity: {class: "humidity"},
	sensors.AirPressure:      {class: "atmospheric_pressure", unit: "hPa", shift: -2},
	sensors.CarbonDioxide:    {class: "carbon_dioxide"},
	sensors.PM1:              {class: "pm1"},
	sensors.PM25:             {class: "pm25"},
	sensors.PM10:             {class: "pm10"},
	sensors.Illuminance:      {class: "illuminance"},
	sensors.WindSpeed:        {class: "wind_speed"},
	sensors.WindDirection:    {class: "wind_direction", moment: true}, // the mean of 359° and 1° is not 180°
	sensors.Rainfall:         {class: "precipitation"},

	sensors.VolumetricWaterContent: {class: "moisture", unit: "%", shift: 2},
	sensors.MatricPotential:        {class: "pressure"},
	sensors.SoilConductivity:       {class: "conductivity"},
	sensors.SoilPH:                 {class: "ph", unit: none},

	sensors.WaterConductivity:  {class: "conductivity"},
	sensors.WaterPH:            {class: "ph", unit: none},
	sensors.OxidationReduction: {class: "voltage"},
	sensors.WaterPressure:      {class: "pressure", unit: "hPa", shift: -2},
	sensors.WaterDepth:         {class: "distance"},
	sensors.WaterVolume:        {class: "volume_storage"},
	sensors.Distance:           {class: "distance"},

	sensors.Latitude:  {moment: true},
	sensors.Longitude: {moment: true},
	sensors.Altitude:  {class: "distance"},

	sensors.ProbeVoltage:  {class: "voltage"},
	sensors.SupplyVoltage: {class: "voltage"},
	sensors.ProbeCurrent:  {class: "current"},
	sensors.SupplyCurrent: {class: "current"},
}

// none is the unit of a class that must not have one.
const none = "-"

// shown is what Home Assistant is told about a quantity.
type shown struct {
	sensors.Kind
	entity
}

func lookup(q sensors.Quantity) (shown, error) {
	kind, err := q.Kind()
	if err != nil {
		return shown{}, fmt.Errorf("home_assistant: %w: %w", ErrConfig, err)
	}
	e := entities[q]
	switch e.unit {
	case "":
		e.unit = kind.Symbol
	case none:
		e.unit = ""
	}
	return shown{kind, e}, nil
}

// places are the digits after the point that people read, in Home Assistant's unit.
func (s shown) places() int { return max(0, s.Places-s.shift) }

// possible says whether a value can be true at all. What the hub will flag as impossible is no state of a sensor.
func (s shown) possible(v sensors.Decimal) bool { return v.Cmp(s.Min) >= 0 && v.Cmp(s.Max) <= 0 }

// convert moves the point; no digit changes.
func (s shown) convert(v sensors.Decimal) (sensors.Decimal, error) {
	if v.Mantissa == 0 {
		return sensors.Decimal{}, nil
	}
	return sensors.NewDecimal(v.Mantissa, int(v.Exponent)+s.shift)
}
