package meter

import (
	"context"

	"loam/sensors"
	"loam/sensors/sdi12"
)

func dec(m int64, e int8) sensors.Decimal { return sensors.Decimal{Mantissa: m, Exponent: e} }

// What the probes deliver.
var (
	rawCount = sensors.Output{
		Quantity: sensors.ProbeCount, Min: dec(100000, -2), Max: dec(400000, -2),
		Accuracy: "raw count of the probe", Source: "METER 20587, section 4.1",
	}
	soilTemperature = sensors.Output{
		Quantity: sensors.SoilTemperature, Min: dec(-400, -1), Max: dec(600, -1),
		Accuracy: "±0.5 °C (−40 to 0 °C), ±0.3 °C (0 to 60 °C)", Source: "METER 20587, section 3.1",
	}
	soilConductivity = sensors.Output{
		Quantity: sensors.SoilConductivity, Min: dec(0, 0), Max: dec(20000, 0),
		Accuracy: "±(5 % + 10 µS/cm) to 10000 µS/cm, ±8 % above; bulk conductivity", Source: "METER 20587, section 3.1",
	}
	derived = []sensors.Output{
		{
			Quantity: sensors.VolumetricWaterContent, Min: dec(0, -waterPlaces), Max: dec(100000, -waterPlaces),
			Accuracy: "±0.03 m³/m³ in mineral soil up to 8 dS/m; resolution 0.001 m³/m³", Source: "METER 20587, sections 3.1, 4.1.1 and 4.1.2",
		},
		{
			Quantity: sensors.Permittivity, Min: dec(10000, -permittivityPlaces), Max: dec(800000, -permittivityPlaces),
			Accuracy: "±1 (1 to 40), ±15 % (40 to 80)", Source: "METER 20587, sections 3.1 and 4.1.3",
		},
	}
	matricPotential = sensors.Output{
		Quantity: sensors.MatricPotential, Min: dec(-1000000, -1), Max: dec(0, -1),
		Accuracy: "±(10 % + 2 kPa) from −100 to −9 kPa; not stated beyond", Source: "METER 18204-06, specifications",
	}
	potentialTemperature = sensors.Output{
		Quantity: sensors.SoilTemperature, Min: dec(-400, -1), Max: dec(600, -1),
		Accuracy: "±1 °C", Source: "METER 18204-06, specifications",
	}
	depth = sensors.Output{
		Quantity: sensors.WaterDepth, Min: dec(-20, 0), Max: dec(10000, 0),
		Accuracy: "±0.05 % of full scale (5 or 10 m); resolution 2 mm", Source: "METER 18281, specifications",
	}
	waterTemperature = sensors.Output{
		Quantity: sensors.WaterTemperature, Min: dec(-110, -1), Max: dec(490, -1),
		Accuracy: "±1 °C", Source: "METER 18281, specifications",
	}
	waterConductivity = sensors.Output{
		Quantity: sensors.WaterConductivity, Min: dec(0, 0), Max: dec(120000, 0),
		Accuracy: "±10 µS/cm or ±10 %, whichever is more", Source: "METER 18281, specifications",
	}
)

// Models returns the catalog's entries.
func Models() []sensors.Model {
	water := []sensors.Output{depth, waterTemperature, waterConductivity}
	return []sensors.Model{
		teros("teros11", "METER TEROS 11 soil moisture and temperature", rawCount, soilTemperature),
		teros("teros12", "METER TEROS 12 soil moisture, temperature and conductivity", rawCount, soilTemperature, soilConductivity),
		plain("teros21", "METER TEROS 21 soil water potential and temperature", matricPotential, potentialTemperature),
		plain("hydros21", "METER HYDROS 21 water depth, temperature and conductivity", water...),
		plain("ctd10", "Decagon CTD-10 water depth, temperature and conductivity", water...),
	}
}

// model is an entry whose probe sends the outputs in this order.
func model(name, title string, sent []sensors.Output) sensors.Model {
	return sensors.Model{
		Name: name, Title: title, Bus: sensors.SDI12, Default: '0', Outputs: sent, Calibration: sensors.CalibrationFactory,
	}
}

// layout is what the values of a probe mean that sends the outputs.
func layout(sent []sensors.Output) sdi12.Layout {
	l := sdi12.Layout{Command: sdi12.Concurrent, None: isCode}
	for _, o := range sent {
		l.Values = append(l.Values, sdi12.Value{Quantity: o.Quantity, Min: o.Min, Max: o.Max})
	}
	return l
}

// isCode says whether a value is one of METER's codes for no measurement, see the package's doc.
func isCode(v sensors.Decimal) bool {
	return v.Exponent == 0 && v.Mantissa >= -9999 && v.Mantissa <= -9990
}

// plain is a probe whose values are what it measures.
func plain(name, title string, sent ...sensors.Output) sensors.Model {
	m := model(name, title, sent)
	bare := m
	m.Open = func(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
		return sdi12.OpenProbe(ctx, bare, w, layout(sent))
	}
	return m
}

// teros is a probe whose first value is a raw count.
func teros(name, title string, sent ...sensors.Output) sensors.Model {
	m := model(name, title, append(sent[:len(sent):len(sent)], derived...))
	m.Settings = []sensors.Setting{
		sensors.WordSetting("soil", "what the probe is put into", "mineral", "mineral", "soilless", "topp"),
	}
	bare := m
	m.Open = func(ctx context.Context, w sensors.Wiring) (sensors.Driver, error) {
		w, _, err := bare.Locate(w)
		if err != nil {
			return nil, err
		}
		l := layout(sent)
		l.Derive = derive(w.Settings["soil"])
		return sdi12.OpenProbe(ctx, bare, w, l)
	}
	return m
}
