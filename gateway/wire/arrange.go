package wire

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"loam/sensors"
	"loam/sensors/clock"
)

const (
	day       = 24 * 60 * 60 // seconds
	maxTime   = 1 << 60      // a time on the wire, in Unix milliseconds
	maxMillis = 2 * maxTime  // what lies between two of them at most
	maxUptime = math.MaxInt64 / int64(time.Millisecond)
)

// CheckReading says why a reading can be in no batch, if it cannot: an unknown quantity, a time that is not in whole
// milliseconds, a certificate dated before 1970-01-02. The error wraps [ErrMalformed]. Who keeps readings to seal them
// later asks before keeping them.
func CheckReading(r sensors.Reading) error {
	if err := checkReading(r); err != nil {
		return fmt.Errorf("wire: reading of channel %q: %w", string(r.Channel), err)
	}
	return nil
}

func checkReading(r sensors.Reading) error {
	if err := r.Channel.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if _, err := inSenML(r.Quantity, r.Value); err != nil {
		return err
	}
	if _, err := inSenML(r.RawQuantity, r.Raw); err != nil {
		return err
	}
	if err := checkInstant(r.At); err != nil {
		return err
	}
	return checkCertificate(r.Calibration)
}

// senML says how a quantity is written in SenML.
type senML struct {
	unit  string
	shift int8 // the value in unit is the value × 10^shift
}

// units has every quantity's; looked up several times for each reading.
var units = func() map[sensors.Quantity]senML {
	m := map[sensors.Quantity]senML{}
	for _, k := range sensors.Kinds() {
		m[k.Name] = senML{k.SenML, k.Shift}
	}
	return m
}()

func unit(q sensors.Quantity) (senML, error) {
	u, known := units[q]
	if !known {
		return senML{}, fmt.Errorf("%w: unknown quantity %q", ErrMalformed, string(q))
	}
	return u, nil
}

// inSenML says a value in the unit that SenML has for its quantity: the point moves, the digits stay.
func inSenML(q sensors.Quantity, d sensors.Decimal) (number, error) {
	u, err := unit(q)
	if err != nil {
		return number{}, err
	}
	if _, err := sensors.NewDecimal(d.Mantissa, int(d.Exponent)); err != nil {
		return number{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	moved, err := sensors.NewDecimal(d.Mantissa, int(d.Exponent)+int(u.shift))
	if err != nil {
		return number{}, fmt.Errorf("%w: in %s: %w", ErrMalformed, u.unit, err)
	}
	return number(moved), nil
}

// fromSenML undoes [inSenML].
func fromSenML(q sensors.Quantity, n number) (sensors.Decimal, error) {
	u, err := unit(q)
	if err != nil {
		return sensors.Decimal{}, err
	}
	d, err := sensors.NewDecimal(n.Mantissa, int(n.Exponent)-int(u.shift))
	if err != nil {
		return sensors.Decimal{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return d, nil
}

func checkInstant(at clock.Instant) error {
	if at.State > clock.Redated || at.Uptime < 0 {
		return fmt.Errorf("%w: clock state %d, uptime %s", ErrMalformed, at.State, at.Uptime)
	}
	if (at.State == clock.Redated) == at.Shown.IsZero() {
		return fmt.Errorf("%w: clock state %s: what the clock showed is said of readings dated afterwards, and of no others", ErrMalformed, at.State)
	}
	if at.State == clock.Redated {
		if err := checkTime(at.Shown); err != nil {
			return err
		}
	}
	return checkTime(at.Wall)
}

// checkTime says whether t can be said in whole milliseconds since 1970. Whether it is plausible is not asked here: a
// gateway whose clock stands in 1970 says so, and its clock state says how far to believe it.
func checkTime(t time.Time) error {
	ms := t.UnixMilli()
	if !time.UnixMilli(ms).Equal(t) || ms > maxTime || ms < -maxTime {
		return fmt.Errorf("%w: time %s is not in whole milliseconds of at most 2^60: truncate it", ErrMalformed, t.Format(time.RFC3339Nano))
	}
	return nil
}

func checkCertificate(c sensors.Certificate) error {
	if len(c.ID) > MaxCertificateBytes || !utf8.ValidString(c.ID) || strings.ContainsFunc(c.ID, unicode.IsControl) {
		return fmt.Errorf("%w: calibration id %q: use at most %d bytes of plain text", ErrMalformed, c.ID, MaxCertificateBytes)
	}
	for _, t := range []time.Time{c.Date, c.Due} {
		if !t.IsZero() && (t.Unix() < day || !date(days(t)).Equal(t)) {
			return fmt.Errorf("%w: calibration %q: %s is not a UTC midnight after 1970-01-01", ErrMalformed, c.ID, t.Format(time.RFC3339Nano))
		}
	}
	return nil
}

// days counts a date since 1970-01-01; the zero time is 0.
func days(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix() / day
}

// date undoes [days].
func date(days int64) time.Time {
	if days == 0 {
		return time.Time{}
	}
	return time.Unix(days*day, 0).UTC()
}

// arrange checks a batch's readings and returns them in canonical order and form: by channel, quantity, raw quantity and
// certificate, then by time. What is the same in all of that is ordered by uptime, value, raw value and the time the clock
// showed, so that the order is total. The given slice is left as it is.
func arrange(b Batch) ([]sensors.Reading, error) {
	if len(b.Readings) == 0 {
		return nil, fmt.Errorf("%w: no readings", ErrMalformed)
	}
	if len(b.Readings) > MaxReadings {
		return nil, fmt.Errorf("%d readings, at most %d: %w", len(b.Readings), MaxReadings, ErrTooLarge)
	}
	if !b.Thinned.IsZero() && uint64(len(b.Readings)) > b.Thinned.Readings {
		return nil, fmt.Errorf("%w: %d readings kept of %d", ErrMalformed, len(b.Readings), b.Thinned.Readings)
	}
	out := slices.Clone(b.Readings)
	for i := range out {
		r := &out[i]
		if err := CheckReading(*r); err != nil {
			return nil, err
		}
		if r.At.Boot != b.Boot || r.At.State != b.Clock {
			return nil, fmt.Errorf("%w: a reading of boot %s, clock %s, in a batch of boot %s, clock %s", ErrMalformed, r.At.Boot, r.At.State, b.Boot, b.Clock)
		}
		r.At.Wall, r.At.Shown = r.At.Wall.UTC(), r.At.Shown.UTC()
		r.At.Uptime = r.At.Uptime.Truncate(time.Millisecond)
		if b.Clock == clock.Synced {
			r.At.Uptime = 0
		}
		r.Calibration.Date, r.Calibration.Due = date(days(r.Calibration.Date)), date(days(r.Calibration.Due))
	}
	slices.SortStableFunc(out, compare)
	return out, nil
}

func compare(a, b sensors.Reading) int {
	return cmp.Or(
		cmp.Compare(a.Channel, b.Channel),
		cmp.Compare(a.Quantity, b.Quantity),
		cmp.Compare(a.RawQuantity, b.RawQuantity),
		cmp.Compare(a.Calibration.ID, b.Calibration.ID),
		a.Calibration.Date.Compare(b.Calibration.Date),
		a.Calibration.Due.Compare(b.Calibration.Due),
		a.At.Wall.Compare(b.At.Wall),
		cmp.Compare(a.At.Uptime, b.At.Uptime),
		cmp.Compare(a.Value.Mantissa, b.Value.Mantissa),
		cmp.Compare(a.Value.Exponent, b.Value.Exponent),
		cmp.Compare(a.Raw.Mantissa, b.Raw.Mantissa),
		cmp.Compare(a.Raw.Exponent, b.Raw.Exponent),
		a.At.Shown.Compare(b.At.Shown),
	)
}

// seconds says milliseconds as SenML does: an integer where they are whole seconds, else with three places.
func seconds(ms int64) number {
	if ms%1000 == 0 {
		return number{Mantissa: ms / 1000}
	}
	return number{Mantissa: ms, Exponent: -3}
}

// millis undoes [seconds].
func millis(n number) (int64, error) {
	switch {
	case n.Exponent == 0 && n.Mantissa >= -maxMillis/1000 && n.Mantissa <= maxMillis/1000:
		return n.Mantissa * 1000, nil
	case n.Exponent == -3 && n.Mantissa >= -maxMillis && n.Mantissa <= maxMillis:
		return n.Mantissa, nil
	}
	return 0, fmt.Errorf("%w: time %d×10^%d s: use whole seconds or milliseconds, at most 2^61 of them", ErrMalformed, n.Mantissa, n.Exponent)
}
