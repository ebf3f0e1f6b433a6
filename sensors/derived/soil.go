package derived

import "fmt"

var soil = []Quantity{
	{Name: "vwc_topp", Title: "soil moisture from permittivity, mineral soils", Unit: "m3/m3", Source: "Topp, Davis, Annan 1980", Forms: []Form{
		sure(topp, "Ka"),
	}},
	{Name: "gdd_F_86_50", Title: "growing degree days of a day", Unit: "degF d", Source: "corn growing degree days, modified 86/50 method", Forms: []Form{
		sure(func(v values) float64 {
			return growth(Day{v["tmax_F"], v["tmin_F"]}, v["base"], v["cap"])
		}, "tmax_F", "tmin_F", "base", "cap"),
	}},
	{Name: "gdd_F_86_50_sum", Title: "growing degree days of several days, base 50, cap 86", Unit: "degF d", Source: "corn growing degree days, modified 86/50 method", Forms: []Form{
		{Inputs: []string{"days"}, days: growthOver},
	}},
	{Name: "soil_salinity_class_ECe", Title: "salinity class of a soil, by its saturation paste", Unit: "class", Source: "CanSIS", Forms: []Form{
		sure(func(v values) float64 { return class(salinity, v["ECe_dS_m"]) }, "ECe_dS_m"),
	}, Classes: salinity},
}

// salinity classes of CanSIS. The USDA has the same limits under other names.
var salinity = []Class{
	{0, "nonsaline"}, {2, "weakly saline"}, {4, "moderately saline"}, {8, "strongly saline"}, {16, "very strongly saline"},
}

// class is the index of the class that x falls in.
func class(classes []Class, x float64) float64 {
	found := 0
	for i, c := range classes {
		if x >= c.From {
			found = i
		}
	}
	return float64(found)
}

func topp(v values) float64 {
	k := v["Ka"]
	return float64(4.3e-6*k*k*k) - float64(5.5e-4*k*k) + float64(2.92e-2*k) - 5.3e-2
}

// growth counts the warmth of a day above base, as if it were never colder than base nor warmer than limit.
func growth(d Day, base, limit float64) float64 {
	high, low := max(base, min(limit, d.Max)), min(limit, max(base, d.Min))
	return (high+low)/2 - base
}

func growthOver(days []Day) (float64, error) {
	in, err := input("days")
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i, d := range days {
		for _, t := range []float64{d.Max, d.Min} {
			if err := in.check(t); err != nil {
				return 0, fmt.Errorf("day %d: %w", i+1, err)
			}
		}
		if d.Min > d.Max {
			return 0, fmt.Errorf("%w: days: the lowest temperature of day %d, %s, is above the highest, %s: the highest comes first",
				ErrDomain, i+1, number(d.Min), number(d.Max))
		}
		sum += growth(d, 50, 86)
	}
	return sum, nil
}
