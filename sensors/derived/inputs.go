package derived

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"loam/internal/name"
)

// Input is something a quantity is computed from. Its limits are nature's, or those of every formula that uses it.
type Input struct {
	Key    string
	Title  string
	Unit   string
	limits limits // see Range
}

// limits are the values an input may have.
type limits struct {
	min, max float64
	above    bool // min itself is too low
	whole    bool // whole numbers only
}

func (l limits) String() string {
	low, high := number(l.min), number(l.max)
	switch {
	case l.above:
		return "more than " + low + ", at most " + high
	case l.whole:
		return "a whole number from " + low + " to " + high
	}
	return low + " to " + high
}

var (
	celsius    = limits{min: -100, max: 100}
	fahrenheit = limits{min: -148, max: 212}
	percent    = limits{min: 0, max: 100}
	wind       = limits{min: 0, max: 120}
	hPa        = limits{min: 300, max: 1100}
	sunHours   = limits{min: 0, max: 24}
	dayEnergy  = limits{min: 0, max: 60} // the sun gives 49 MJ/m² at most, at the pole
	netEnergy  = limits{min: -60, max: 60}
	hourEnergy = limits{min: -6, max: 6}
	kPa        = limits{min: 0, max: 110}
)

// inputs is the table; nothing changes it.
var inputs = []Input{
	{"t_c", "air or water temperature (mean of the day in et0_mm_day)", "Cel", celsius},
	{"tmax", "highest temperature of the day", "Cel", celsius},
	{"tmin", "lowest temperature of the day", "Cel", celsius},
	{"tmean", "mean temperature of the day", "Cel", celsius},
	{"t_dry", "dry bulb", "Cel", celsius},
	{"t_wet", "wet bulb", "Cel", celsius},
	{"tdew", "dew point", "Cel", celsius},
	{"t_prev", "mean of the month before", "Cel", celsius},
	{"t_next", "mean of the month after", "Cel", celsius},
	{"t_month", "mean of this month", "Cel", celsius},
	{"t_prev_month", "mean of the month before", "Cel", celsius},
	{"t_F", "air temperature", "degF", fahrenheit},
	{"tmax_F", "highest temperature of the day", "degF", fahrenheit},
	{"tmin_F", "lowest temperature of the day", "degF", fahrenheit},
	{"rh", "relative humidity", "%", percent},
	{"rhmax", "highest relative humidity of the day", "%", percent},
	{"rhmin", "lowest relative humidity of the day", "%", percent},
	{"rhmean", "mean relative humidity of the day", "%", percent},
	{"pressure_kPa", "air pressure", "kPa", limits{min: 30, max: 110}},
	{"p_hPa", "air pressure", "hPa", hPa},
	{"altimeter_hPa", "altimeter setting", "hPa", hPa},
	{"station_hPa", "air pressure at the station", "hPa", hPa},
	{"elevation_m", "height above sea level", "m", limits{min: -500, max: 9000}},
	{"lat_deg", "latitude, north positive", "deg", limits{min: -90, max: 90}},
	{"J", "day of the year", "d", limits{min: 1, max: 366, whole: true}},
	{"declination_rad", "declination of the sun", "rad", limits{min: -0.42, max: 0.42}},
	{"N", "daylight", "h", limits{min: 0, max: 24, above: true}},
	{"n", "bright sunshine", "h", sunHours},
	{"Ra", "radiation above the atmosphere", "MJ/m2/d", dayEnergy},
	{"rs", "solar radiation", "MJ/m2/d", dayEnergy},
	{"rso", "solar radiation under a clear sky", "MJ/m2/d", limits{min: 0, max: 60, above: true}},
	{"rso_cap", "upper limit of the result", "MJ/m2/d", dayEnergy},
	{"rns", "net shortwave radiation", "MJ/m2/d", dayEnergy},
	{"rnl", "net longwave radiation", "MJ/m2/d", netEnergy},
	{"Rn", "net radiation", "MJ/m2/d", netEnergy},
	{"G", "heat flux into the soil", "MJ/m2/d", netEnergy},
	{"Rs_MJ_h", "solar radiation", "MJ/m2/h", limits{min: 0, max: 6}},
	{"Rn_MJ_h", "net radiation", "MJ/m2/h", hourEnergy},
	{"MJ_m2", "energy", "MJ/m2/d", netEnergy},
	{"albedo", "part of the light that is reflected", "1", limits{min: 0, max: 1}},
	{"krs", "Hargreaves' radiation coefficient: 0.16 inland, 0.19 at the coast", "1", limits{min: 0, max: 1}},
	{"ea", "actual vapour pressure", "kPa", kPa},
	{"es", "saturation vapour pressure", "kPa", kPa},
	{"delta", "slope of the vapour pressure curve", "kPa/Cel", limits{min: 0, max: 4, above: true}},
	{"gamma", "psychrometric constant", "kPa/Cel", limits{min: 0, max: 0.1, above: true}},
	{"a_psy", "coefficient of the psychrometer", "1/Cel", limits{min: 0, max: 0.01, above: true}},
	{"u", "wind at the height z_m", "m/s", wind},
	{"z_m", "height of the anemometer", "m", limits{min: 0.5, max: 100}},
	{"u2", "wind 2 m above ground", "m/s", wind},
	{"u10", "wind 10 m above ground", "m/s", wind},
	{"wind_mph", "wind", "mph", limits{min: 0, max: 270}},
	{"salinity", "salinity, 0 for fresh water", "g/kg", limits{min: 0, max: 40}},
	{"ec_uS_cm", "conductivity as measured", "uS/cm", limits{min: 0, max: 1e6}},
	{"alpha_pct_per_C", "temperature coefficient of conductivity", "%/Cel", limits{min: 0, max: 10}},
	{"Ka", "apparent permittivity", "1", limits{min: 2, max: 50}},
	{"base", "lower threshold of growth", "degF", fahrenheit},
	{"cap", "upper threshold of growth", "degF", fahrenheit},
	{"days", "list of days, each [highest, lowest temperature]", "degF", fahrenheit},
	{"ECe_dS_m", "conductivity of the saturation paste at 25 Cel", "dS/m", limits{min: 0, max: 1000}},
	{"alpha", "Priestley and Taylor's coefficient", "1", limits{min: 0, max: 5, above: true}},
	{"lambda", "latent heat of evaporation", "MJ/kg", limits{min: 2, max: 3}},
}

// ordered are inputs of which the first cannot be more than the second.
var ordered = [][2]string{
	{"tmin", "tmax"}, {"tmin", "tmean"}, {"tmean", "tmax"}, {"tdew", "tmax"}, {"t_wet", "t_dry"}, {"tmin_F", "tmax_F"},
	{"rhmin", "rhmax"}, {"n", "N"}, {"ea", "es"}, {"base", "cap"},
}

// AllInputs lists everything quantities are computed from.
func AllInputs() []Input { return slices.Clone(inputs) }

// input returns the input of this key, or [ErrUnknown].
func input(key string) (Input, error) {
	keys := make([]string, len(inputs))
	for i, in := range inputs {
		if in.Key == key {
			return in, nil
		}
		keys[i] = in.Key
	}
	return Input{}, fmt.Errorf("%w input %q%s", ErrUnknown, shortened(key), meant(key, keys))
}

// Range says which values the input may have, for people.
func (in Input) Range() string { return in.limits.String() }

// Inputs lists what the quantity is computed from, each once, with the limits that hold for this quantity.
func (q Quantity) Inputs() (all []Input) {
	for _, in := range inputs {
		if slices.ContainsFunc(q.Forms, func(f Form) bool { return slices.Contains(f.Inputs, in.Key) }) {
			if l, stricter := q.limits[in.Key]; stricter {
				in.limits = l
			}
			all = append(all, in)
		}
	}
	return all
}

func (in Input) check(x float64) error {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Errorf("%w: %s is %v, not a number: leave the quantity out where a reading is missing", ErrDomain, in.Key, x)
	}
	l := in.limits
	if x < l.min || x > l.max || l.above && x == l.min || l.whole && x != math.Floor(x) {
		return fmt.Errorf("%w: %s = %s: %s has to be %s %s", ErrDomain, in.Key, number(x), in.Title, l, in.Unit)
	}
	return nil
}

// inOrder refuses a minimum above its maximum, and the like.
func inOrder(v values) error {
	for _, pair := range ordered {
		low, both := v[pair[0]]
		high, there := v[pair[1]]
		if both && there && low > high {
			return fmt.Errorf("%w: %s = %s is more than %s = %s", ErrDomain, pair[0], number(low), pair[1], number(high))
		}
	}
	return nil
}

// outside is the error for an input that does not go with the others.
func outside(key string, x float64, why string) error {
	return fmt.Errorf("%w: %s = %s: %s", ErrDomain, key, number(x), why)
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// shortened keeps what somebody typed within a line.
func shortened(s string) string {
	if len(s) > 64 {
		return s[:61] + "..."
	}
	return s
}

// meant guesses which names somebody had in mind: those that hold the word, else the nearest one.
func meant(word string, names []string) string {
	if len(word) > 64 {
		return ""
	}
	folded := strings.ToLower(word)
	var found []string
	nearest, least := "", 2+len(word)/5
	for _, n := range names {
		candidate := strings.ToLower(n)
		if len(word) > 1 && strings.Contains(candidate, folded) {
			found = append(found, n)
		}
		if d := name.Distance(folded, candidate); d < least {
			nearest, least = n, d
		}
	}
	switch {
	case nearest != "" && len(found) != 1:
		return fmt.Sprintf(": did you mean %s?", nearest)
	case len(found) > 0 && len(found) <= 5:
		return fmt.Sprintf(": did you mean %s?", strings.Join(found, ", "))
	}
	return ""
}
