package sensors

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// Compensation takes out what something else did to a value, by what another channel of the gateway says of it.
type Compensation struct {
	Effect Effect
	With   Channel // the channel that knows
	// Coefficient belongs to the effect, see there; nil: its default.
	Coefficient *Decimal
}

// Effect is what something else does to a value.
type Effect string

// The effects. Temperatures are in °C, humidity in %, pressures in Pa.
const (
	// ConductivityTemperature refers a conductivity to 25 °C: EC / (1 + k (T − 25)). The coefficient is k per °C, 0.02 by
	// default, about that of natural fresh water (ISO 7888 has 0.0191 for potassium chloride).
	ConductivityTemperature Effect = "conductivity-temperature"
	// PHTemperature scales a pH around its neutral point as Nernst's slope does: 7 + (pH − 7) · T₀ / T in kelvin. The
	// coefficient is the temperature of the calibration, 25 °C by default.
	PHTemperature Effect = "ph-temperature"
	// Barometric turns the pressure under water (Pa) into the depth of the water above the probe (mm), by the air pressure
	// on it: (p − air) / (ρ g). The coefficient is the density ρ, 1000 kg/m³ by default; g is 9.80665 m/s².
	Barometric Effect = "barometric"
	// HumidityPM25 corrects the PM2.5 of a Plantower counter (its CF=1 value, pm2_5_cf1) for humidity: 0.524 PM − 0.0862 RH + 5.75
	// (Barkjohn, Gantt and Clements 2021, Atmos. Meas. Tech. 14, 4617). It has no coefficient. Where it would fall below
	// zero, as it does in clean damp air, the result is 0: the study's lower end, not a missing value.
	HumidityPM25 Effect = "humidity-pm2_5"
)

// effect is what there is to know about an [Effect].
type effect struct {
	needs    []Quantity // what the other channel has to measure, one of them
	def      Decimal    // coefficient where none is given
	low, top Decimal    // what the coefficient may be; equal: there is none
	compute  func(x, other, k *big.Rat) (*big.Rat, error)
}

// temperatures is what a temperature can be of.
var temperatures = []Quantity{WaterTemperature, SoilTemperature, AirTemperature, SurfaceTemperature}

// effects is the table behind [Effect]; nothing changes it.
var effects = map[Effect]effect{
	ConductivityTemperature: {temperatures, dec(2, -2), dec(0, 0), dec(1, -1), func(x, t, k *big.Rat) (*big.Rat, error) {
		by := new(big.Rat).Mul(k, t.Sub(t, big.NewRat(25, 1)))
		return quotient(x, by.Add(by, big.NewRat(1, 1)))
	}},
	PHTemperature: {temperatures, dec(25, 0), dec(-5, 0), dec(100, 0), func(x, t, k *big.Rat) (*big.Rat, error) {
		zero, seven := big.NewRat(27315, 100), big.NewRat(7, 1)
		slope, err := quotient(k.Add(k, zero), t.Add(t, zero))
		if err != nil {
			return nil, err
		}
		x.Sub(x, seven)
		return slope.Mul(slope, x).Add(slope, seven), nil
	}},
	Barometric: {[]Quantity{AirPressure}, dec(1000, 0), dec(900, 0), dec(1100, 0), func(x, air, rho *big.Rat) (*big.Rat, error) {
		x.Sub(x, air).Mul(x, big.NewRat(1000, 1))
		return quotient(x, rho.Mul(rho, big.NewRat(980665, 100000)))
	}},
	HumidityPM25: {[]Quantity{RelativeHumidity}, Decimal{}, Decimal{}, Decimal{}, func(x, rh, _ *big.Rat) (*big.Rat, error) {
		x.Mul(x, big.NewRat(524, 1000)).Add(x, big.NewRat(575, 100))
		x.Sub(x, rh.Mul(rh, big.NewRat(862, 10000)))
		if x.Sign() < 0 {
			x.SetInt64(0)
		}
		return x, nil
	}},
}

var errImpossible = errors.New("what the other channel says is impossible")

// quotient is x/y where y is above zero, as every divisor here is in nature.
func quotient(x, y *big.Rat) (*big.Rat, error) {
	if y.Sign() <= 0 {
		return nil, errImpossible
	}
	return new(big.Rat).Quo(x, y), nil
}

// Needs returns what the other channel has to measure: one of these.
func (e Effect) Needs() []Quantity { return append([]Quantity(nil), effects[e].needs...) }

func (c Compensation) validate() error {
	e, known := effects[c.Effect]
	if !known {
		return fmt.Errorf("compensation %q: use %q, %q, %q or %q", c.Effect, ConductivityTemperature, PHTemperature, Barometric, HumidityPM25)
	}
	if err := c.With.Validate(); err != nil {
		return fmt.Errorf("compensation %s needs the channel that measures %s: %w", c.Effect, e.needs[0], err)
	}
	if c.Coefficient == nil {
		return nil
	}
	if e.low == e.top {
		return fmt.Errorf("compensation %s has no coefficient", c.Effect)
	}
	if c.Coefficient.Cmp(e.low) < 0 || c.Coefficient.Cmp(e.top) > 0 {
		return fmt.Errorf("compensation %s: coefficient %s: use %s to %s", c.Effect, c.Coefficient, e.low, e.top)
	}
	return nil
}

// apply takes the effect out of x.
func (c Compensation) apply(x *big.Rat, near Nearby) (*big.Rat, error) {
	e := effects[c.Effect]
	var other Reading
	ok := false
	if near != nil {
		other, ok = near(c.With)
	}
	if !ok {
		return nil, fmt.Errorf("channel %s has no recent reading to compensate with", c.With)
	}
	kind, err := other.Quantity.Kind()
	switch {
	case err != nil:
		return nil, err
	case !slices.Contains(e.needs, other.Quantity):
		return nil, fmt.Errorf("channel %s measures %s, not %s", c.With, other.Quantity, e.needs[0])
	case other.Calibration.ID == "":
		return nil, fmt.Errorf("channel %s is itself uncalibrated", c.With)
	case other.Value.Cmp(kind.Min) < 0 || other.Value.Cmp(kind.Max) > 0:
		return nil, fmt.Errorf("channel %s says %s: %w", c.With, other.Value, errImpossible)
	}
	k := e.def
	if c.Coefficient != nil {
		k = *c.Coefficient
	}
	return e.compute(x, rat(other.Value), rat(k))
}
