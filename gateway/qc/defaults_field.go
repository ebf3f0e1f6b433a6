package qc

import "loam/sensors"

// fieldDefaults are the settings of quantities whose probes came later, a line each. A test that is left out would be
// wrong more often than right, see [Defaults]:
//
//   - no flat line where nature or a coarse probe rests for weeks: rain and leaves in a drought, soil chemistry in steps
//     of a tenth, a regulated supply, a place on the map;
//   - no spike and no rate for directions, which leap from 359° to 1°, and for what comes in amounts.
//
// Water and soil chemistry use the differential spike: rain and floods are steps that stay.
var fieldDefaults = map[sensors.Quantity]fieldDefault{
	sensors.CarbonDioxide:      {usual: Span{350, 5000}, spike: []float64{300, 1500}, rate: []float64{50, 500}, flat: []float64{12, 24, 0.5}},
	sensors.PM1:                {usual: Span{0, 500}, spike: []float64{100, 400}, rate: []float64{50, 300}, flat: []float64{24, 48, 0.05}},
	sensors.PM25:               {usual: Span{0, 500}, spike: []float64{100, 400}, rate: []float64{50, 300}, flat: []float64{24, 48, 0.05}},
	sensors.PM25CF1:            {usual: Span{0, 700}, spike: []float64{140, 560}, rate: []float64{70, 420}, flat: []float64{24, 48, 0.05}},
	sensors.PM4:                {usual: Span{0, 800}, spike: []float64{150, 600}, rate: []float64{80, 400}, flat: []float64{24, 48, 0.05}},
	sensors.PM10:               {usual: Span{0, 1000}, spike: []float64{200, 800}, rate: []float64{100, 500}, flat: []float64{24, 48, 0.05}},
	sensors.GasResistance:      {usual: Span{1000, 2e6}, spike: []float64{2e5, 8e5}, rate: []float64{5e4, 5e5}, flat: []float64{12, 24, 0.5}},
	sensors.Illuminance:        {usual: Span{0, 130_000}, spike: []float64{8e4, 1.5e5}, rate: []float64{1e5, 2e5}, flat: []float64{48, 96, 0.05}}, // a polar night is longer: such sites override it
	sensors.WindSpeed:          {usual: Span{0, 60}, spike: []float64{20, 40}, rate: []float64{15, 40}, flat: []float64{72, 168, 0.01}},
	sensors.WindDirection:      {usual: Span{0, 360}, flat: []float64{72, 168, 0.1}},
	sensors.Rainfall:           {usual: Span{0, 100}}, // between two readings
	sensors.LeafWetness:        {usual: Span{0, 100}},
	sensors.SurfaceTemperature: {usual: Span{-60, 80}, spike: []float64{10, 25}, rate: []float64{5, 15}, flat: []float64{12, 24, 0.02}},

	sensors.MatricPotential:  {usual: Span{-2000, 0}, step: true, spike: []float64{200, 800}, rate: []float64{50, 500}, flat: []float64{96, 192, 0.01}},
	sensors.Permittivity:     {usual: Span{1, 81}, step: true, spike: []float64{5, 20}, rate: []float64{2, 10}, flat: []float64{48, 96, 0.001}},
	sensors.SoilConductivity: {usual: Span{0, 20_000}, step: true, spike: []float64{500, 3000}, rate: []float64{200, 2000}, flat: []float64{96, 192, 0.1}},
	sensors.SoilPH:           {usual: Span{3, 10}, step: true, spike: []float64{0.5, 1.5}, rate: []float64{0.2, 1}},
	sensors.SoilNitrogen:     {usual: Span{0, 3000}, step: true, spike: []float64{100, 500}, rate: []float64{50, 300}},
	sensors.SoilPhosphorus:   {usual: Span{0, 3000}, step: true, spike: []float64{100, 500}, rate: []float64{50, 300}},
	sensors.SoilPotassium:    {usual: Span{0, 3000}, step: true, spike: []float64{100, 500}, rate: []float64{50, 300}},

	sensors.WaterPH:            {usual: Span{4, 10.5}, step: true, spike: []float64{0.5, 1.5}, rate: []float64{0.2, 1}, flat: []float64{96, 192, 0.0005}},
	sensors.WaterConductivity:  {usual: Span{1, 60_000}, step: true, spike: []float64{500, 5000}, rate: []float64{300, 3000}, flat: []float64{96, 192, 0.05}},
	sensors.DissolvedOxygen:    {usual: Span{0, 20}, step: true, spike: []float64{2, 5}, rate: []float64{1, 4}, flat: []float64{48, 96, 0.005}},
	sensors.OxidationReduction: {usual: Span{-600, 900}, step: true, spike: []float64{100, 300}, rate: []float64{50, 200}, flat: []float64{96, 192, 0.05}},
	sensors.Turbidity:          {usual: Span{0, 1000}, spike: []float64{200, 800}, rate: []float64{100, 500}, flat: []float64{96, 192, 0.0005}},
	sensors.WaterPressure:      {usual: Span{50_000, 1_100_000}, spike: []float64{2000, 10_000}, rate: []float64{500, 5000}, flat: []float64{48, 96, 0.5}},
	sensors.WaterDepth:         {usual: Span{0, 20_000}, spike: []float64{300, 1000}, rate: []float64{100, 500}, flat: []float64{96, 192, 0.05}},
	sensors.WaterVolume:        {usual: Span{0, 1e6}},
	sensors.Distance:           {usual: Span{20, 10_000}, spike: []float64{300, 1000}, rate: []float64{200, 1000}, flat: []float64{96, 192, 0.05}},

	sensors.Latitude:  {usual: Span{-90, 90}},
	sensors.Longitude: {usual: Span{-180, 180}},
	sensors.Altitude:  {usual: Span{-430, 6000}}, // the Dead Sea's shore, the highest villages

	sensors.ProbeCurrent:  {usual: Span{3.6, 21}, step: true, spike: []float64{1, 5}, rate: []float64{1, 5}, flat: []float64{96, 192, 0.0001}}, // NAMUR NE 43: outside it the transmitter says it is broken
	sensors.ProbeCount:    {usual: Span{-1e9, 1e9}, flat: []float64{48, 96, 0.05}},
	sensors.SupplyVoltage: {usual: Span{2.5, 30}, spike: []float64{2, 6}, rate: []float64{2, 6}},
	sensors.SupplyCurrent: {usual: Span{-5000, 5000}},
}

// fieldDefault is a line of [fieldDefaults]; an empty list leaves the test out.
type fieldDefault struct {
	usual Span
	step  bool      // the quantity may step and stay: the spike test is the differential one
	spike []float64 // suspect, fail
	rate  []float64 // suspect, fail, per second
	flat  []float64 // suspect and fail in hours, tolerance
}

func (d fieldDefault) apply(c *Config) {
	c.GrossRange.SuspectSpan = &d.usual
	if d.spike != nil {
		method := Average
		if d.step {
			method = Differential
		}
		c.Spike = &SpikeTest{SuspectThreshold: d.spike[0], FailThreshold: d.spike[1], Method: method}
	}
	if d.rate != nil {
		c.RateOfChange = &RateOfChangeTest{Threshold: d.rate[0], FailThreshold: &d.rate[1]}
	}
	if d.flat != nil {
		c.FlatLine = &FlatLineTest{SuspectThreshold: d.flat[0] * hour, FailThreshold: d.flat[1] * hour, Tolerance: d.flat[2]}
	}
}
