package derived

// Constants of the standard atmosphere as MetPy has them.
const (
	seaLevel    = 1013.25   // hPa
	seaLevelT   = 288.0     // K
	lapse       = 0.0065    // K/m
	gravity     = 9.80665   // m/s²
	dryAir      = 287.04749 // gas constant, J/(kg K)
	lapseFactor = lapse * dryAir / gravity
)

var pressure = []Quantity{
	{Name: "height_m_from_pressure_hPa", Title: "height in the standard atmosphere", Unit: "m", Source: "US Standard Atmosphere, as in Unidata/MetPy",
		limits: map[string]limits{"p_hPa": {min: 226.32, max: 1100}}, // above 11 km another formula holds
		Forms: []Form{
			sure(func(v values) float64 {
				return float64(seaLevelT / lapse * (1 - pow(v["p_hPa"]/seaLevel, lapseFactor)))
			}, "p_hPa"),
		}},
	{Name: "station_pressure_hPa", Title: "air pressure at a station from the altimeter setting", Unit: "hPa", Source: "Smithsonian Meteorological Tables 1951, as in Unidata/MetPy", Forms: []Form{
		sure(stationPressure, "altimeter_hPa", "elevation_m"),
	}},
	{Name: "sea_level_pressure_hPa", Title: "air pressure reduced to sea level", Unit: "hPa", Source: "isothermal hypsometric equation, as in Unidata/MetPy", Forms: []Form{
		sure(func(v values) float64 {
			return float64(v["station_hPa"] * exp(v["elevation_m"]*gravity/(dryAir*(v["t_c"]+273.15))))
		}, "station_hPa", "elevation_m", "t_c"),
	}},
}

// stationPressure has no root of a negative number: within the limits of its inputs there is air left at every height.
func stationPressure(v values) float64 {
	x := pow(v["altimeter_hPa"], lapseFactor) - pow(seaLevel, lapseFactor)*lapse*v["elevation_m"]/seaLevelT
	return pow(x, 1/lapseFactor) + 0.3
}
