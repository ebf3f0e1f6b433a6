package sim

import (
	"math"
	"time"
)

// The world lies on the northern temperate plateau, some 400 m above the sea.
const (
	latitude  = 47.2
	longitude = 8.4
)

// weather is the sky over all places. Each part is a function of seed and time alone.
type weather struct{ seed chance }

// season is 1 at the height of summer and −1 in the depth of winter, a month after the solstices.
func season(t time.Time) float64 {
	return math.Cos(2 * math.Pi * (yearDay(t) - 202) / 365.25)
}

func yearDay(t time.Time) float64 {
	t = t.UTC()
	return float64(t.YearDay()) + float64(t.Hour())/24 + float64(t.Minute())/1440
}

// solarHour is the local solar time in hours.
func solarHour(t time.Time) float64 {
	t = t.UTC()
	h := float64(t.Hour()) + float64(t.Minute())/60 + float64(t.Second())/3600 + longitude/15
	return math.Mod(h+24, 24)
}

// sunHeight is the sine of the sun's elevation, 0 at night.
func sunHeight(t time.Time) float64 {
	declination := 23.44 * math.Pi / 180 * math.Sin(2*math.Pi*(yearDay(t)-81)/365.25)
	lat := latitude * math.Pi / 180
	angle := (solarHour(t) - 12) * math.Pi / 12
	return max(0, math.Sin(lat)*math.Sin(declination)+math.Cos(lat)*math.Cos(declination)*math.Cos(angle))
}

// front is the passing of highs (towards 1) and lows (towards −1).
func (w weather) front(t time.Time) float64 {
	return 0.75*w.seed.of("front").wave(t, 84*time.Hour) + 0.25*w.seed.of("gust").wave(t, 19*time.Hour)
}

func (w weather) pressure(t time.Time) float64 { return 96600 + 1100*w.front(t) }

// cloud is the share of the sky covered.
func (w weather) cloud(t time.Time) float64 {
	c := 0.45 - 0.5*w.front(t) + 0.35*w.seed.of("cloud").wave(t, 7*time.Hour)
	if w.rain(t) > 0 {
		c = max(c, 0.85)
	}
	return min(max(c, 0.02), 1)
}

// rainBlock is the window in which at most one rain falls.
const rainBlock = 12 * time.Hour

// rain returns mm per hour.
func (w weather) rain(t time.Time) float64 {
	k := t.Unix() / int64(rainBlock/time.Second)
	begin := time.Unix(k*int64(rainBlock/time.Second), 0)
	dice := w.seed.of("rain")
	if dice.unit(4*k) > min(max(0.19-0.3*w.front(begin.Add(rainBlock/2)), 0.02), 0.6) {
		return 0
	}
	hours := 1 + 5*dice.unit(4*k+1)
	first := (12 - hours) * dice.unit(4*k+2)
	x := (t.Sub(begin).Hours() - first) / hours
	if x <= 0 || x >= 1 {
		return 0
	}
	u := dice.unit(4*k + 3)
	total := (1.2 + 17*u*u) * (0.65 + 0.35*season(t)) // mm; the plants of summer need it
	s := math.Sin(math.Pi * x)
	return total / hours * 2 * s * s
}

// daily is 1 in the warmest hour and −1 twelve hours later.
func daily(t time.Time, warmest float64) float64 {
	return math.Cos((solarHour(t) - warmest) * math.Pi / 12)
}

// airTemperature in °C, over open land.
func (w weather) airTemperature(t time.Time) float64 {
	swing := (2.4 + 1.6*(season(t)+1)) * (1 - 0.65*w.cloud(t.Truncate(time.Hour)))
	return w.mild(t) + swing*daily(t, 15) - 0.8*min(w.rain(t), 2.5)
}

// mild is the air temperature without day and night.
func (w weather) mild(t time.Time) float64 {
	return 11 + 8.5*season(t) + 3.2*w.seed.of("airmass").wave(t, 96*time.Hour) + 1*w.seed.of("breeze").wave(t, 11*time.Hour)
}

// dewPoint in °C: how much water the air holds.
func (w weather) dewPoint(t time.Time) float64 {
	return w.mild(t) - 3.6 + 1.6*w.seed.of("vapour").wave(t, 40*time.Hour) - 1.8*w.front(t) + 0.9*min(w.rain(t), 2.5)
}

// saturation is the vapour pressure over water in kPa (FAO-56, equation 11).
func saturation(c float64) float64 { return 0.6108 * math.Exp(17.27*c/(c+237.3)) }

func humidity(temperature, dew float64) float64 {
	return min(max(100*saturation(min(dew, temperature))/saturation(temperature), 12), 99.6)
}

// demand is what sun and air would take from well-watered soil, in mm per hour.
func (w weather) demand(t time.Time) float64 {
	return sunHeight(t) * (1 - 0.65*w.cloud(t)) * (0.42 + 0.22*season(t))
}
