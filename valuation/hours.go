package valuation

import (
	"fmt"
	"time"

	"loam/sensors"
)

// Unscored stands where an hour has no verified reading on any channel.
const Unscored Score = -1

// Expected returns how many hours the period has. Hours are counted from its start; the last may be a shorter one, where
// a time zone changed its clocks by half an hour.
func (in Input) Expected() int {
	return int((in.To.Sub(in.From) + time.Hour - 1) / time.Hour)
}

// Hours scores every hour of every channel with rate and then averages the channels within each hour, rounded half up.
// The result has one entry for each hour of the period, [Unscored] where nothing was measured.
//
// Channels are scored before they are averaged, so that a flooded corner cannot make up for a parched one; and averaged
// within the hour before the hours are, so that neither a channel with gaps nor an hour with many channels weighs more
// than it should.
func (in Input) Hours(rate func(sensors.Micro) Score) ([]Score, error) {
	if !in.From.Before(in.To) {
		return nil, fmt.Errorf("valuation: the period from %s to %s is empty", in.From.Format(time.RFC3339), in.To.Format(time.RFC3339))
	}
	hours := make([]Score, in.Expected())
	channels := make([]int64, len(hours))
	for _, s := range in.Series {
		last := -1
		for _, h := range s.Hours {
			offset := h.Start.Sub(in.From)
			n := int(offset / time.Hour)
			if offset < 0 || offset%time.Hour != 0 || n >= len(hours) || n <= last || h.Good < 1 {
				return nil, fmt.Errorf("valuation: channel %s of %s: the hour %s is not one of the period, out of order, or without a reading",
					s.Channel, s.Gateway, h.Start.Format(time.RFC3339))
			}
			last = n
			hours[n] += rate(h.Mean)
			channels[n]++
		}
	}
	for n, count := range channels {
		if count == 0 {
			hours[n] = Unscored
			continue
		}
		hours[n] = divideHalfUp(hours[n], count)
	}
	return hours, nil
}

// Mean averages the scored hours, rounded half up, and says how many there are. Unscored hours count neither as bad nor as good.
func Mean(hours []Score) (mean Score, covered int) {
	var sum Score
	for _, s := range hours {
		if s != Unscored {
			sum += s
			covered++
		}
	}
	if covered == 0 {
		return 0, 0
	}
	return divideHalfUp(sum, int64(covered)), covered
}

// Bounded averages three views of the same hours: as measured, at the low and at the high end of the uncertainty. It
// returns [ErrNoData] where no hour was measured. The caller adds the reasons.
func (in Input) Bounded(score, lower, upper func(sensors.Micro) Score) (Result, []Score, error) {
	if in.Uncertainty < 0 {
		return Result{}, nil, fmt.Errorf("valuation: the uncertainty %s is negative", in.Uncertainty)
	}
	hours, err := in.Hours(score)
	if err != nil {
		return Result{}, nil, err
	}
	r := Result{Expected: len(hours)}
	r.Score, r.Covered = Mean(hours)
	if r.Covered == 0 {
		return Result{}, nil, fmt.Errorf("valuation: %w", ErrNoData)
	}
	low, err := in.Hours(lower)
	if err != nil {
		return Result{}, nil, err
	}
	high, err := in.Hours(upper)
	if err != nil {
		return Result{}, nil, err
	}
	r.Lower, _ = Mean(low)
	r.Upper, _ = Mean(high)
	return r, hours, nil
}

func divideHalfUp(sum Score, n int64) Score { return Score((2*int64(sum) + n) / (2 * n)) }

// Percent writes a score for people, in whole percent rounded half up: "61 %".
func (s Score) Percent() string { return fmt.Sprintf("%d %%", divideHalfUp(s, int64(Full)/100)) }

// String writes the score with all its six places: "0.612500".
func (s Score) String() string { return sensors.Decimal{Mantissa: int64(s), Exponent: -6}.String() }
