package derived

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Why there is no value.
var (
	// ErrUnknown: no quantity or no input has this name.
	ErrUnknown = errors.New("unknown")
	// ErrInputs: the inputs are not one of the sets that the quantity takes, or are not written as numbers.
	ErrInputs = errors.New("wrong inputs")
	// ErrDomain: a value is outside what the formula is valid for.
	ErrDomain = errors.New("outside the formula's domain")
)

// Quantity is what can be computed by one published formula.
type Quantity struct {
	Name    string
	Title   string  // for people
	Unit    string  // of the result; "class" where it is one of Classes
	Source  string  // where the formula is published
	Forms   []Form  // the sets of inputs it takes, each enough
	Classes []Class // where the result is a class: it is the index of one of these

	limits map[string]limits // of inputs, where the formula is stricter than nature
}

// Class is one of the classes of a quantity.
type Class struct {
	From float64 // its lowest value, itself included
	Name string
}

// Form is a set of inputs that is enough for a quantity.
type Form struct {
	Inputs []string

	numbers func(values) (float64, error)
	days    func([]Day) (float64, error) // instead, where the only input is a list of days
}

// Inputs are what a quantity is computed from.
type Inputs struct {
	Numbers map[string]float64
	Days    []Day // the input called "days"
}

// Day holds the highest and the lowest temperature of a day.
type Day struct{ Max, Min float64 }

// values are numbers that are known to be all there and within their limits.
type values map[string]float64

// sure is a formula that has a value wherever its inputs are within their limits.
func sure(f func(values) float64, inputs ...string) Form {
	return Form{Inputs: inputs, numbers: func(v values) (float64, error) { return f(v), nil }}
}

// form is a formula that may find a combination of good inputs impossible.
func form(f func(values) (float64, error), inputs ...string) Form {
	return Form{Inputs: inputs, numbers: f}
}

// quantities is the table; nothing changes it.
var quantities = slices.Concat(vapour, sun, radiation, evapotranspiration, comfort, pressure, water, soil)

// Quantities lists everything that can be computed.
func Quantities() []Quantity { return slices.Clone(quantities) }

// Find returns the quantity of this name, or [ErrUnknown] with those that may be meant.
func Find(name string) (Quantity, error) {
	names := make([]string, len(quantities))
	for i, q := range quantities {
		if q.Name == name {
			return q, nil
		}
		names[i] = q.Name
	}
	return Quantity{}, fmt.Errorf("%w quantity %q%s", ErrUnknown, shortened(name), meant(name, names))
}

// Compute returns the named quantity, in its unit. A class is the index of one of [Quantity.Classes]. Quantities of a
// list of days are computed by [Quantity.Compute].
func Compute(name string, inputs map[string]float64) (float64, error) {
	q, err := Find(name)
	if err != nil {
		return 0, err
	}
	return q.Compute(Inputs{Numbers: inputs})
}

// Compute returns the quantity, in its unit: a finite number, or an error that names the input.
func (q Quantity) Compute(in Inputs) (float64, error) {
	x, err := q.compute(in)
	if err == nil && (math.IsNaN(x) || math.IsInf(x, 0)) {
		err = fmt.Errorf("%w: no finite result from these inputs", ErrDomain)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", q.Name, err)
	}
	return x, nil
}

func (q Quantity) compute(in Inputs) (float64, error) {
	f, err := q.form(in)
	if err != nil {
		return 0, err
	}
	if f.days != nil {
		return f.days(in.Days)
	}
	for _, input := range q.Inputs() {
		if x, given := in.Numbers[input.Key]; given {
			if err := input.check(x); err != nil {
				return 0, err
			}
		}
	}
	if err := inOrder(in.Numbers); err != nil {
		return 0, err
	}
	return f.numbers(in.Numbers)
}

// form finds the set of inputs that was given.
func (q Quantity) form(in Inputs) (Form, error) {
	given := slices.Sorted(maps.Keys(in.Numbers))
	if slices.Contains(given, "days") {
		return Form{}, fmt.Errorf("%w: days is a list of days, not a number", ErrInputs)
	}
	if in.Days != nil {
		given = append(given, "days")
	}
	for _, key := range given {
		if _, err := input(key); err != nil {
			return Form{}, fmt.Errorf("%w; %s", err, q.takes())
		}
	}
	near, least := "", len(inputs)
	for _, f := range q.Forms {
		missing, extra := without(f.Inputs, given), without(given, f.Inputs)
		if len(missing)+len(extra) == 0 {
			return f, nil
		}
		if len(missing)+len(extra) < least && len(given) > 0 {
			near, least = difference(missing, extra), len(missing)+len(extra)
		}
	}
	return Form{}, fmt.Errorf("%w: %s%s", ErrInputs, near, q.takes())
}

// difference says what lacks from the nearest set of inputs. Where things lack and others are too many, the sets say more.
func difference(missing, extra []string) string {
	switch {
	case len(extra) == 0:
		return "missing " + strings.Join(missing, ", ") + "; "
	case len(missing) == 0:
		return "does not take " + strings.Join(extra, ", ") + " as well; "
	}
	return ""
}

// takes says which sets of inputs are accepted.
func (q Quantity) takes() string {
	sets := make([]string, len(q.Forms))
	for i, f := range q.Forms {
		sets[i] = strings.Join(f.Inputs, " ")
	}
	return "it takes " + strings.Join(sets, ", or ")
}

func without(all, these []string) (rest []string) {
	for _, s := range all {
		if !slices.Contains(these, s) {
			rest = append(rest, s)
		}
	}
	return rest
}

// Format writes a result as people and scripts read it: the shortest decimal that is this number, or the class's name.
func (q Quantity) Format(x float64) string {
	if i := int(x); len(q.Classes) > 0 && float64(i) == x && i >= 0 && i < len(q.Classes) {
		return q.Classes[i].Name
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}
