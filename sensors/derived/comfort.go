package derived

import "math"

const weatherService = "US National Weather Service, "

var comfort = []Quantity{
	{Name: "heat_index_F", Title: "heat index", Unit: "degF", Source: weatherService + "heat index equation (Rothfusz 1990)", Forms: []Form{
		sure(func(v values) float64 { return heatIndex(v["t_F"], v["rh"]) }, "t_F", "rh"),
	}},
	{Name: "heat_index_C", Title: "heat index", Unit: "Cel", Source: weatherService + "heat index equation (Rothfusz 1990)", Forms: []Form{
		sure(func(v values) float64 {
			return (heatIndex(v["t_c"]*9/5+32, v["rh"]) - 32) * 5 / 9
		}, "t_c", "rh"),
	}},
	{Name: "wind_chill_F", Title: "wind chill", Unit: "degF", Source: weatherService + "wind chill index (2001)",
		limits: map[string]limits{"t_F": {min: -148, max: chillBelow}, "wind_mph": {min: chillAbove, max: 270, above: true}},
		Forms: []Form{
			sure(func(v values) float64 { return windChill(v["t_F"], v["wind_mph"]) }, "t_F", "wind_mph"),
		}},
	{Name: "apparent_temperature_F", Title: "what it feels like in the shade", Unit: "degF", Source: weatherService + "heat index, wind chill", Forms: []Form{
		sure(apparent, "t_F", "rh", "wind_mph"),
	}},
}

// Where wind chill is defined: degF at most, and mph that have to be exceeded.
const (
	chillBelow = 50
	chillAbove = 3
)

// heatIndex has the simple formula in mild air and Rothfusz's regression, adjusted, where that says 80 and more.
func heatIndex(t, rh float64) float64 {
	simple := (t + 61 + float64((t-68)*1.2) + float64(0.094*rh)) / 2
	index := (simple + t) / 2
	if index < 80 {
		return index
	}
	index = rothfusz(t, rh)
	switch {
	case rh < 13 && t >= 80 && t <= 112:
		index -= float64((13 - rh) / 4 * math.Sqrt((17-math.Abs(t-95))/17))
	case rh > 85 && t >= 80 && t <= 87:
		index += (rh - 85) / 10 * (87 - t) / 5
	}
	return index
}

func rothfusz(t, rh float64) float64 {
	linear := -42.379 + float64(2.04901523*t) + float64(10.14333127*rh) - float64(0.22475541*t*rh)
	square := linear - float64(0.00683783*t*t) - float64(0.05481717*rh*rh)
	cubic := square + float64(0.00122874*t*t*rh) + float64(0.00085282*t*rh*rh)
	return cubic - float64(0.00000199*t*t*rh*rh)
}

func windChill(t, wind float64) float64 {
	w := pow(wind, 0.16)
	return 35.74 + float64(0.6215*t) - float64(35.75*w) + float64(0.4275*t*w)
}

func apparent(v values) float64 {
	t, wind := v["t_F"], v["wind_mph"]
	switch {
	case t >= 80:
		return heatIndex(t, v["rh"])
	case t <= chillBelow && wind > chillAbove:
		return windChill(t, wind)
	}
	return t
}
