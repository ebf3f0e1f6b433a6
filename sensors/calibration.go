package sensors

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// Calibration turns what a probe said into a reading: first by its [Method], then by taking out what something else did
// to the probe ([Compensation]). A calibration once used is never edited, only replaced by one with another id.
type Calibration struct {
	Certificate
	To           Quantity // what comes out; empty: what went in
	Method       Method
	Points       []Point       // what the probe said at references; how many, the method says
	Coefficients []Decimal     // of a polynomial in the raw value, the constant first
	Compensation *Compensation // nil: none
	Domain       *Domain       // raw values it is good for; nil: all
	Places       int           // digits after the point of the result
}

// Point says that the probe said Raw where the reference was True.
type Point struct{ Raw, True Decimal }

// Domain is from where to where something is known to hold.
type Domain struct{ Low, High Decimal }

// Method is how a value follows from the raw one.
type Method string

// The methods. All are computed in exact fractions and rounded once.
const (
	// Unchanged passes the value on: no points.
	Unchanged Method = ""
	// Offset moves every value by what one reference showed.
	Offset Method = "offset"
	// Gain is the straight line from zero through one reference.
	Gain Method = "gain"
	// Line is the straight line through two references; beyond them it goes on, and quality control has its say.
	Line Method = "line"
	// Table goes straight from reference to reference, three or more. Outside of them nothing is known: a value there is
	// passed on uncalibrated.
	Table Method = "table"
	// Polynomial is c₀ + c₁·x + c₂·x² + …, such as makers print.
	Polynomial Method = "polynomial"
)

// Limits of a calibration.
const (
	maxPoints       = 64
	maxCoefficients = 9
)

// Nearby returns the latest reading of another channel of the same gateway that is recent enough to stand beside a
// sample; false where there is none.
type Nearby func(Channel) (Reading, bool)

var (
	// ErrCalibration is wrapped by everything that is wrong with a calibration.
	ErrCalibration = errors.New("calibration")
	// ErrUncalibrated says that a calibration could not be used on one sample. The reading that comes with it is what the
	// probe said, without a certificate: kept, shown, and paid by no method that asks for calibration.
	ErrUncalibrated = errors.New("passed on uncalibrated")
)

// Validate says what is wrong with the calibration, if anything.
func (c Calibration) Validate() error {
	err := c.validate()
	if err != nil {
		return fmt.Errorf("sensors: %w %q: %w", ErrCalibration, c.ID, err)
	}
	return nil
}

func (c Calibration) validate() error {
	made := c.Method != Unchanged || c.Compensation != nil
	switch {
	case made && (c.ID == "" || c.Date.IsZero()):
		return errors.New("it needs an id and the date it was made")
	case made && c.Foreign() != "":
		return fmt.Errorf("ids that begin with %q are for what other systems measured", foreignPrefix)
	case !made && c.To != "":
		return fmt.Errorf("turning one quantity into %s needs a method", c.To)
	case !c.Due.IsZero() && c.Due.Before(c.Date):
		return fmt.Errorf("due %s before it was made %s", c.Due.Format(time.DateOnly), c.Date.Format(time.DateOnly))
	case c.Places < 0 || c.Places > -minExponent:
		return fmt.Errorf("%d places: use 0 to %d", c.Places, -minExponent)
	}
	if c.To != "" {
		if _, err := c.To.Kind(); err != nil {
			return err
		}
	}
	if d := c.Domain; d != nil && d.Low.Cmp(d.High) >= 0 {
		return fmt.Errorf("it holds from %s to %s, which is nothing", d.Low, d.High)
	}
	if err := c.Method.check(c.Points, c.Coefficients); err != nil {
		return err
	}
	if c.Compensation != nil {
		return c.Compensation.validate()
	}
	return nil
}

// check says whether points and coefficients are what the method needs.
func (m Method) check(points []Point, coefficients []Decimal) error {
	wants := map[Method][2]int{Unchanged: {0, 0}, Offset: {1, 1}, Gain: {1, 1}, Line: {2, 2}, Table: {3, maxPoints}, Polynomial: {0, 0}}
	n, known := wants[m]
	switch {
	case !known:
		return fmt.Errorf("method %q: use %q, %q, %q, %q or %q", m, Offset, Gain, Line, Table, Polynomial)
	case len(points) < n[0] || len(points) > n[1]:
		return fmt.Errorf("method %q with %d points: give %d to %d", m, len(points), n[0], n[1])
	case (m == Polynomial) != (len(coefficients) > 0) || len(coefficients) > maxCoefficients:
		return fmt.Errorf("method %q with %d coefficients: a polynomial has 1 to %d, nothing else has any", m, len(coefficients), maxCoefficients)
	case m == Gain && (points[0].Raw.Mantissa == 0 || points[0].True.Mantissa == 0):
		return errors.New("a line from zero needs a point that is not zero")
	}
	for i, p := range points {
		for _, q := range points[:i] {
			if p.Raw.Cmp(q.Raw) == 0 {
				return fmt.Errorf("two points have the raw value %s: measure different ones", p.Raw)
			}
			if m == Line && p.True.Cmp(q.True) == 0 {
				return fmt.Errorf("both points have the true value %s, so every reading would be that: measure two different references", p.True)
			}
		}
	}
	return nil
}

// Apply makes the reading of a sample on its channel. The value is computed in exact fractions and rounded once, half
// away from zero, so that every machine gets the same digits. Where the error is [ErrUncalibrated] there is a reading
// nevertheless; near may be nil where nothing is compensated.
func (c Calibration) Apply(ch Channel, s Sample, near Nearby) (Reading, error) {
	if err := c.Validate(); err != nil {
		return Reading{}, err
	}
	r := Reading{
		Channel: ch, Quantity: s.Quantity, Value: s.Value, RawQuantity: s.Quantity, Raw: s.Value,
		At: s.At, Calibration: c.Certificate,
	}
	if c.Method == Unchanged && c.Compensation == nil {
		return r, nil
	}
	v, err := c.value(s.Value, near)
	if err != nil {
		r.Calibration = Certificate{}
		return r, fmt.Errorf("sensors: %w %q of channel %s: %w: %w", ErrCalibration, c.ID, ch, ErrUncalibrated, err)
	}
	r.Value = v
	if c.To != "" {
		r.Quantity = c.To
	}
	return r, nil
}

// value is what a raw value means.
func (c Calibration) value(raw Decimal, near Nearby) (Decimal, error) {
	if d := c.Domain; d != nil && (raw.Cmp(d.Low) < 0 || raw.Cmp(d.High) > 0) {
		return Decimal{}, fmt.Errorf("%s is outside of what it holds for, %s to %s", raw, d.Low, d.High)
	}
	y, err := c.curve(raw)
	if err != nil {
		return Decimal{}, err
	}
	if c.Compensation != nil {
		if y, err = c.Compensation.apply(y, near); err != nil {
			return Decimal{}, err
		}
	}
	return roundRat(y, c.Places)
}

// curve is what the method makes of a raw value.
func (c Calibration) curve(raw Decimal) (*big.Rat, error) {
	x := rat(raw)
	switch c.Method {
	case Offset:
		p := c.Points[0]
		return x.Add(x, new(big.Rat).Sub(rat(p.True), rat(p.Raw))), nil
	case Gain:
		p := c.Points[0]
		return x.Mul(x, new(big.Rat).Quo(rat(p.True), rat(p.Raw))), nil
	case Line:
		return through(c.Points[0], c.Points[1], x), nil
	case Table:
		return between(c.Points, raw)
	case Polynomial:
		y := new(big.Rat)
		for _, k := range slices.Backward(c.Coefficients) {
			y.Mul(y, x).Add(y, rat(k))
		}
		return y, nil
	}
	return x, nil
}

// through is the line through two points at x.
func through(a, b Point, x *big.Rat) *big.Rat {
	slope := new(big.Rat).Quo(new(big.Rat).Sub(rat(b.True), rat(a.True)), new(big.Rat).Sub(rat(b.Raw), rat(a.Raw)))
	y := new(big.Rat).Sub(x, rat(a.Raw))
	return y.Mul(y, slope).Add(y, rat(a.True))
}

// between goes straight from point to point.
func between(points []Point, raw Decimal) (*big.Rat, error) {
	sorted := slices.SortedFunc(slices.Values(points), func(a, b Point) int { return a.Raw.Cmp(b.Raw) })
	low, high := sorted[0].Raw, sorted[len(sorted)-1].Raw
	if raw.Cmp(low) < 0 || raw.Cmp(high) > 0 {
		return nil, fmt.Errorf("%s is outside its table, %s to %s", raw, low, high)
	}
	i := 1
	for raw.Cmp(sorted[i].Raw) > 0 {
		i++
	}
	return through(sorted[i-1], sorted[i], rat(raw)), nil
}

func rat(d Decimal) *big.Rat {
	if d.Exponent >= 0 {
		return new(big.Rat).SetInt(new(big.Int).Mul(big.NewInt(d.Mantissa), pow10(int(d.Exponent))))
	}
	return new(big.Rat).SetFrac(big.NewInt(d.Mantissa), pow10(-int(d.Exponent)))
}

// roundRat rounds y to places digits after the point, half away from zero.
func roundRat(y *big.Rat, places int) (Decimal, error) {
	num := new(big.Int).Mul(y.Num(), pow10(places))
	half := new(big.Int).Rsh(y.Denom(), 1)
	if num.Sign() < 0 {
		half.Neg(half)
	}
	num.Add(num, half).Quo(num, y.Denom())
	if !num.IsInt64() {
		return Decimal{}, fmt.Errorf("result %s: %w", y.FloatString(places), ErrNotDecimal)
	}
	return NewDecimal(num.Int64(), -places)
}
