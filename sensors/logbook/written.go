package logbook

import (
	"time"

	"github.com/pelletier/go-toml/v2"

	"loam/sensors"
	"loam/sensors/curves"
)

// Written is a calibration as it stands in a file: in the gateway's configuration, and in the [Book].
type Written struct {
	ID           string               `toml:"id"`
	Date         toml.LocalDate       `toml:"date"`
	Due          toml.LocalDate       `toml:"due,omitempty"`
	To           sensors.Quantity     `toml:"to,omitempty"`
	Places       int                  `toml:"places"`
	Method       sensors.Method       `toml:"method,omitempty"` // empty: what the number of points suggests
	Points       [][2]sensors.Decimal `toml:"points,omitempty"` // [raw, true] each
	Coefficients []sensors.Decimal    `toml:"coefficients,omitempty"`
	Holds        []sensors.Decimal    `toml:"holds,omitempty"` // the lowest and highest raw value it is good for
	Curve        curves.Name          `toml:"curve,omitempty"` // a maker's, in place of method, points and coefficients
	Compensate   *Compensate          `toml:"compensate,omitempty"`
}

// Compensate names what is taken out of a value, and the channel that knows how much of it there is.
type Compensate struct {
	Effect      sensors.Effect   `toml:"effect"`
	With        sensors.Channel  `toml:"with"`
	Coefficient *sensors.Decimal `toml:"coefficient,omitempty"`
}

// Calibration returns what is written. It may be no valid one: [sensors.Calibration.Validate] says.
func (w Written) Calibration() sensors.Calibration {
	c := sensors.Calibration{
		Certificate: sensors.Certificate{ID: w.ID, Date: midnight(w.Date), Due: midnight(w.Due)},
		To:          w.To, Method: w.method(), Coefficients: w.Coefficients, Places: w.Places,
	}
	for _, p := range w.Points {
		c.Points = append(c.Points, sensors.Point{Raw: p[0], True: p[1]})
	}
	if len(w.Holds) > 0 {
		c.Domain = &sensors.Domain{Low: w.Holds[0], High: w.Holds[len(w.Holds)-1]}
	}
	if curve, err := curves.Find(string(w.Curve)); err == nil { // an unknown name was refused when it was read
		curve.Apply(&c)
	}
	if o := w.Compensate; o != nil {
		c.Compensation = &sensors.Compensation{Effect: o.Effect, With: o.With, Coefficient: o.Coefficient}
	}
	return c
}

// Write returns a calibration as it is written.
func Write(c sensors.Calibration) Written {
	w := Written{ID: c.ID, Date: localDate(c.Date), Due: localDate(c.Due), To: c.To, Places: c.Places, Method: c.Method, Coefficients: c.Coefficients}
	for _, p := range c.Points {
		w.Points = append(w.Points, [2]sensors.Decimal{p.Raw, p.True})
	}
	if d := c.Domain; d != nil {
		w.Holds = []sensors.Decimal{d.Low, d.High}
	}
	if o := c.Compensation; o != nil {
		w.Compensate = &Compensate{Effect: o.Effect, With: o.With, Coefficient: o.Coefficient}
	}
	return w
}

// method is the method that was said, or that the number of points and coefficients suggests.
func (w Written) method() sensors.Method {
	switch n := len(w.Points); {
	case w.Method != "":
		return w.Method
	case len(w.Coefficients) > 0:
		return sensors.Polynomial
	case n == 1:
		return sensors.Offset
	case n == 2:
		return sensors.Line
	case n > 2:
		return sensors.Table
	}
	return sensors.Unchanged
}

func midnight(d toml.LocalDate) time.Time {
	if d == (toml.LocalDate{}) {
		return time.Time{}
	}
	return d.AsTime(time.UTC)
}

func localDate(t time.Time) toml.LocalDate {
	if t.IsZero() {
		return toml.LocalDate{}
	}
	y, m, d := t.UTC().Date()
	return toml.LocalDate{Year: y, Month: int(m), Day: d}
}
