package settlement

import (
	"fmt"

	"loam/valuation/statement"
)

// coverage is which time of which site is paid, or about to be, in which asset. The method does not count: neither a new
// version nor a new name may pay the same time again.
type coverage map[plot][]statement.Statement

type plot struct{ site, asset string }

func plotOf(s statement.Statement) plot { return plot{s.Site.ID, s.Credit.Asset} }

// add notes that a statement is paid, or about to be.
func (c coverage) add(s statement.Statement) { c[plotOf(s)] = append(c[plotOf(s)], s) }

// check returns an error wrapping [ErrOverlap] when a statement noted before covers some of the same time.
func (c coverage) check(s statement.Statement) error {
	from, to, err := span(s)
	if err != nil {
		return err
	}
	for _, other := range c[plotOf(s)] {
		otherFrom, otherTo, err := span(other)
		if err != nil {
			return err
		}
		if from < otherTo && otherFrom < to {
			return fmt.Errorf("settlement: statement %q: %s, %s to %s in %s: statement %q of %s to %s comes first: %w",
				s.ID, s.Site.ID, s.Period.From, s.Period.To, s.Credit.Asset, other.ID, other.Period.From, other.Period.To, ErrOverlap)
		}
	}
	return nil
}

// span returns a statement's period in Unix milliseconds.
func span(s statement.Statement) (from, to int64, err error) {
	start, err := statement.ParseTime(s.Period.From)
	if err != nil {
		return 0, 0, fmt.Errorf("settlement: statement %q: the start of its period: %w", s.ID, err)
	}
	end, err := statement.ParseTime(s.Period.To)
	if err != nil {
		return 0, 0, fmt.Errorf("settlement: statement %q: the end of its period: %w", s.ID, err)
	}
	return start.UnixMilli(), end.UnixMilli(), nil
}
