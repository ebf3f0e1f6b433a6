package derived

var water = []Quantity{
	{Name: "do_saturation_mg_L", Title: "oxygen that water holds in balance with the air", Unit: "mg/L",
		Source: "Benson and Krause 1984; pressure: USGS Technical Memorandum 2011.03",
		limits: map[string]limits{"t_c": {min: 0, max: 40}, "pressure_kPa": {min: 50, max: 112}},
		Forms:  []Form{sure(oxygenSaturation, "t_c", "salinity", "pressure_kPa")}},
	{Name: "ec25_uS_cm_linear_1.91pct", Title: "conductivity at 25 Cel, 1.91 % per Cel as of potassium chloride", Unit: "uS/cm",
		Source: "linear compensation, as of potassium chloride in ISO 7888", Forms: []Form{form(conductivityAt25, "ec_uS_cm", "t_c", "alpha_pct_per_C")}},
	{Name: "ec25_uS_cm_linear_2pct", Title: "conductivity at 25 Cel, 2 % per Cel", Unit: "uS/cm",
		Source: "linear compensation, as Horiba's example of the JIS", Forms: []Form{form(conductivityAt25, "ec_uS_cm", "t_c", "alpha_pct_per_C")}},
}

const atmosphere = 101.325 // kPa

// oxygenSaturation is the fresh-water equation times the salinity and the pressure factor; both are 1 for fresh water
// under one atmosphere.
func oxygenSaturation(v values) float64 {
	t := v["t_c"]
	k := t + 273.15
	fresh := -139.34411 + 1.575701e5/k - 6.642308e7/(k*k) + 1.2438e10/(k*k*k) - 8.621949e11/(k*k*k*k)
	salt := float64(v["salinity"] * (0.017674 - 10.754/k + 2140.7/(k*k)))
	p := v["pressure_kPa"] / atmosphere
	vapour := exp(11.8571 - 3840.70/k - 216961/(k*k))
	theta := 0.000975 - float64(1.426e-5*t) + float64(6.436e-8*t*t)
	factor := (p - vapour) * (1 - float64(theta*p)) / ((1 - vapour) * (1 - theta))
	return float64(exp(fresh-salt) * factor)
}

func conductivityAt25(v values) (float64, error) {
	by := 1 + float64(v["alpha_pct_per_C"]/100*(v["t_c"]-25))
	if by <= 0 {
		return 0, outside("t_c", v["t_c"], "a line with this coefficient has no conductivity left there")
	}
	return v["ec_uS_cm"] / by, nil
}
