package gnss

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/adrianmo/go-nmea"

	"loam/sensors"
	"loam/sensors/uart"
)

// What sentences can say that is no position.
var (
	ErrNoFix    = errors.New("no fix")
	ErrStale    = errors.New("the receiver's time stands still")
	errSentence = errors.New("not a sentence this package can read")
)

// longest is the longest line that is looked at. The standard has 82 characters; receivers with more digits exceed it.
const longest = 128

// reader finds sentences whose checksums are right.
func reader(wait time.Duration) uart.Reader {
	return uart.Reader{
		Format: uart.Format{
			Header: []byte{'$'},
			Length: func(b []byte) int {
				end := bytes.IndexByte(b, '\n')
				if end < 0 && len(b) >= longest {
					return -1
				}
				return end + 1
			},
			Check: func(line []byte) error { _, err := parse(line); return err },
		},
		Wait: wait, Gap: 300 * time.Millisecond, Limit: 2048,
	}
}

// parse takes a sentence apart. Kinds that are not known are sentences too: nil.
func parse(line []byte) (nmea.Sentence, error) {
	var p nmea.SentenceParser
	s, err := p.Parse(string(line))
	var unknown *nmea.NotSupportedError
	switch {
	case errors.As(err, &unknown):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errSentence, err)
	}
	return s, nil
}

// fix is where the receiver is, and when.
type fix struct {
	latitude, longitude, altitude sensors.Decimal
	time                          time.Time
}

// epoch gathers what was said of one moment.
type epoch struct {
	gga nmea.GGA
	rmc nmea.RMC
}

// take adds a sentence and says whether there is all that a fix needs.
func (e *epoch) take(s nmea.Sentence) bool {
	switch s := s.(type) {
	case nmea.GGA:
		e.gga = s
	case nmea.RMC:
		e.rmc = s
	}
	return e.gga.Time.Valid && e.rmc.Time.Valid && e.gga.Time == e.rmc.Time
}

// vouched says why a sentence that came is no fix, if so.
func vouched(s nmea.Sentence) error {
	switch s := s.(type) {
	case nmea.GGA:
		if s.FixQuality == nmea.Invalid || s.FixQuality == nmea.EST {
			return fmt.Errorf("%w: GGA quality %s with %d satellites", ErrNoFix, s.FixQuality, s.NumSatellites)
		}
	case nmea.RMC:
		bad := []string{nmea.FAAModeEstimated, nmea.FAAModeManualInput, nmea.FAAModeDataNotValid, nmea.FAAModeSimulated}
		if s.Validity != nmea.ValidRMC || slices.Contains(bad, s.FFAMode) {
			return fmt.Errorf("%w: RMC status %s, mode %q", ErrNoFix, s.Validity, s.FFAMode)
		}
	}
	return nil
}

// fix reads the digits of both sentences.
func (e *epoch) fix() (f fix, err error) {
	field := e.gga.Fields
	if f.latitude, err = degrees(field[1], field[2], "N", "S", 2, 90); err != nil {
		return fix{}, err
	}
	if f.longitude, err = degrees(field[3], field[4], "E", "W", 3, 180); err != nil {
		return fix{}, err
	}
	if f.altitude, err = metres(field[8], field[9]); err != nil {
		return fix{}, err
	}
	f.time, err = moment(e.rmc)
	return f, err
}

// places after the point of degrees and metres.
const (
	degreePlaces = 7
	metrePlaces  = 1
)

// degrees turns ddmm.mmmm and a hemisphere into degrees, rounded once.
func degrees(text, hemisphere, plus, minus string, digits int, most int64) (sensors.Decimal, error) {
	refused := fmt.Errorf("%w: position %q %q", errSentence, text, hemisphere)
	before, _, _ := strings.Cut(text, ".")
	if len(before) != digits+2 || len(text) > 20 || hemisphere != plus && hemisphere != minus {
		return sensors.Decimal{}, refused
	}
	whole, ok := number(text[:digits])
	minutes, ok2 := number(text[digits:])
	if !ok || !ok2 || !whole.IsInt() || minutes.Cmp(big.NewRat(60, 1)) >= 0 {
		return sensors.Decimal{}, refused
	}
	whole.Add(whole, minutes.Quo(minutes, big.NewRat(60, 1)))
	if whole.Cmp(big.NewRat(most, 1)) > 0 {
		return sensors.Decimal{}, refused
	}
	if hemisphere == minus {
		whole.Neg(whole)
	}
	return sensors.DecimalFromRat(whole, degreePlaces)
}

// metres reads an altitude.
func metres(text, unit string) (sensors.Decimal, error) {
	digits := strings.TrimPrefix(text, "-")
	v, ok := number(digits)
	if !ok || len(digits) > 12 || unit != nmea.UnitMeters {
		return sensors.Decimal{}, fmt.Errorf("%w: altitude %q %q", errSentence, text, unit)
	}
	if digits != text {
		v.Neg(v)
	}
	return sensors.DecimalFromRat(v, metrePlaces)
}

// number reads digits, with or without a point among them, and nothing else: no sign, exponent or fraction.
func number(text string) (*big.Rat, bool) {
	if strings.Trim(text, "0123456789.") != "" || strings.Count(text, ".") > 1 || strings.Trim(text, ".") == "" {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// moment is the time of an RMC. Its two-digit year is of this century: no receiver speaks of another.
func moment(s nmea.RMC) (time.Time, error) {
	d, t := s.Date, s.Time
	at := time.Date(2000+d.YY, time.Month(d.MM), d.DD, t.Hour, t.Minute, t.Second, t.Millisecond*int(time.Millisecond), time.UTC)
	if !d.Valid || at.Day() != d.DD || at.Month() != time.Month(d.MM) || t.Hour > 23 || t.Minute > 59 || t.Second > 60 {
		return time.Time{}, fmt.Errorf("%w: date %q, time %q", errSentence, d, t)
	}
	return at, nil
}
