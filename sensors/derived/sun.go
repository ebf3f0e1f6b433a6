package derived

import "math"

var sun = []Quantity{
	{Name: "inverse_rel_distance", Title: "inverse relative distance from the Earth to the sun", Unit: "1", Source: fao56 + "eq. 23", Forms: []Form{
		sure(func(v values) float64 { return nearness(v["J"]) }, "J"),
	}},
	{Name: "solar_declination_rad", Title: "declination of the sun", Unit: "rad", Source: fao56 + "eq. 24", Forms: []Form{
		sure(func(v values) float64 { return declination(v["J"]) }, "J"),
	}},
	{Name: "sunset_hour_angle_rad", Title: "hour angle of sunset", Unit: "rad", Source: fao56 + "eq. 25", Forms: []Form{
		form(sunsetAngle, "lat_deg", "declination_rad"),
	}},
	{Name: "extraterrestrial_radiation_MJ_m2_d", Title: "radiation above the atmosphere", Unit: "MJ/m2/d", Source: fao56 + "eq. 21", Forms: []Form{
		sure(aboveAtmosphere, "lat_deg", "J"),
	}},
	{Name: "daylight_hours", Title: "daylight", Unit: "h", Source: fao56 + "eq. 34", Forms: []Form{
		sure(daylight, "lat_deg", "J"),
	}},
}

// nearness is eq. 23.
func nearness(day float64) float64 { return 1 + float64(0.033*cos(2*math.Pi*day/365)) }

// declination is eq. 24.
func declination(day float64) float64 { return float64(0.409 * sin(2*math.Pi*day/365-1.39)) }

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }

// sunset is the cosine of the hour angle of sunset: from 1 up the sun does not rise, from -1 down it does not set.
func sunset(lat, declination float64) float64 { return -float64(tan(lat) * tan(declination)) }

// halfDay is half the day in radians, from none in the polar night to π under the midnight sun.
func halfDay(lat, declination float64) float64 {
	return acos(max(-1, min(1, sunset(lat, declination))))
}

func sunsetAngle(v values) (float64, error) {
	c := sunset(radians(v["lat_deg"]), v["declination_rad"])
	switch {
	case c > 1:
		return 0, outside("lat_deg", v["lat_deg"], "with this declination the sun does not rise there, so it does not set")
	case c < -1:
		return 0, outside("lat_deg", v["lat_deg"], "with this declination the sun does not set there")
	}
	return acos(c), nil
}

// aboveAtmosphere is eq. 21; in the polar night it is zero.
func aboveAtmosphere(v values) float64 {
	lat, dec := radians(v["lat_deg"]), declination(v["J"])
	ws := halfDay(lat, dec)
	sum := float64(ws*sin(lat)*sin(dec)) + float64(cos(lat)*cos(dec)*sin(ws))
	return max(0, float64(24*60/math.Pi*0.0820*nearness(v["J"])*sum))
}

func daylight(v values) float64 {
	return float64(24 / math.Pi * halfDay(radians(v["lat_deg"]), declination(v["J"])))
}
