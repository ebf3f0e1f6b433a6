package meter

import (
	"math/big"

	"loam/sensors"
)

// Coefficients of the manual, the constant first, as exact fractions.
var (
	mineralSoil  = polynomial("-0.6956", "3.879e-4")
	soillessSoil = polynomial("-10.848", "1.302e-2", "-5.105e-6", "6.771e-10")
	// rootPermittivity is squared.
	rootPermittivity = polynomial("-43.39", "5.276e-2", "-2.080e-5", "2.887e-9")
	// toppEquation is Topp, Davis and Annan 1980 (Water Resour. Res. 16, 574), equation 7.
	toppEquation = polynomial("-5.3e-2", "2.92e-2", "-5.5e-4", "4.3e-6")
)

// Digits after the point of what is computed: what a step of 0.1 in RAW makes.
const (
	waterPlaces        = 5
	permittivityPlaces = 4
)

type coefficients []*big.Rat

func polynomial(texts ...string) coefficients {
	var c coefficients
	for _, t := range texts {
		r, _ := new(big.Rat).SetString(t) // written above: right
		c = append(c, r)
	}
	return c
}

// at is the polynomial at x.
func (c coefficients) at(x *big.Rat) *big.Rat {
	y := new(big.Rat)
	for i := len(c) - 1; i >= 0; i-- {
		y.Mul(y, x).Add(y, c[i])
	}
	return y
}

// permittivity is the dielectric permittivity for a RAW count (equation 7).
func permittivity(raw sensors.Decimal) *big.Rat {
	root := rootPermittivity.at(raw.Rat())
	return root.Mul(root, root)
}

// water is the volumetric water content for a RAW count in what the setting soil says.
func water(soil string, raw sensors.Decimal) *big.Rat {
	switch soil {
	case "soilless":
		return soillessSoil.at(raw.Rat())
	case "topp":
		return toppEquation.at(permittivity(raw))
	}
	return mineralSoil.at(raw.Rat())
}

// derive adds water content and permittivity to a sample of RAW. What would be impossible is left out.
func derive(soil string) func([]sensors.Sample) []sensors.Sample {
	return func(said []sensors.Sample) (more []sensors.Sample) {
		for _, s := range said {
			if s.Quantity != sensors.ProbeCount {
				continue
			}
			for _, o := range derived {
				y := permittivity(s.Value)
				if o.Quantity == sensors.VolumetricWaterContent {
					y = water(soil, s.Value)
				}
				v, err := sensors.DecimalFromRat(y, -int(o.Min.Exponent))
				if err == nil && v.Cmp(o.Min) >= 0 && v.Cmp(o.Max) <= 0 {
					more = append(more, sensors.Sample{Quantity: o.Quantity, Value: v})
				}
			}
		}
		return more
	}
}
