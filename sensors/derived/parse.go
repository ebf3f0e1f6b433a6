package derived

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// The most that is read.
const (
	maxArguments = 64
	maxText      = 1 << 16
	maxDays      = 3660
)

// Parse reads inputs as people type them: t_c=21.5, and days=[[90,65],[72,46]] for a list of days, the highest
// temperature of each before the lowest. Whether the keys make a set is for [Quantity.Compute] to say.
func Parse(arguments []string) (Inputs, error) {
	if len(arguments) > maxArguments {
		return Inputs{}, fmt.Errorf("%w: %d inputs, at most %d", ErrInputs, len(arguments), maxArguments)
	}
	in := Inputs{Numbers: map[string]float64{}}
	for _, a := range arguments {
		if len(a) > maxText {
			return Inputs{}, fmt.Errorf("%w: %q is %d bytes long, at most %d", ErrInputs, shortened(a), len(a), maxText)
		}
		if err := in.add(a); err != nil {
			return Inputs{}, err
		}
	}
	return in, nil
}

// add reads one input.
func (in *Inputs) add(argument string) error {
	key, text, found := strings.Cut(argument, "=")
	if !found || key == "" {
		return fmt.Errorf("%w: %q: write inputs as name=number, as in t_c=21.5", ErrInputs, shortened(argument))
	}
	known, err := input(key)
	if err != nil {
		return err
	}
	if _, twice := in.Numbers[key]; twice || key == "days" && in.Days != nil {
		return fmt.Errorf("%w: %s is given twice", ErrInputs, key)
	}
	if key == "days" {
		in.Days, err = parseDays(text)
		return err
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("%w: %s=%q is no number: write it with a point, in %s", ErrInputs, key, shortened(text), known.Unit)
	}
	in.Numbers[key] = x
	return nil
}

func parseDays(text string) ([]Day, error) {
	var rows [][]*float64 // null is no zero
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		return nil, fmt.Errorf("%w: days=%s: write a list of [highest,lowest], as in days=[[90,65],[72,46]]: %w", ErrInputs, shortened(text), err)
	}
	if len(rows) == 0 || len(rows) > maxDays {
		return nil, fmt.Errorf("%w: days has %d days: use 1 to %d", ErrInputs, len(rows), maxDays)
	}
	days := make([]Day, len(rows))
	for i, r := range rows {
		if len(r) != 2 || r[0] == nil || r[1] == nil {
			return nil, fmt.Errorf("%w: day %d is not two numbers, [highest,lowest]", ErrInputs, i+1)
		}
		days[i] = Day{Max: *r[0], Min: *r[1]}
	}
	return days, nil
}
