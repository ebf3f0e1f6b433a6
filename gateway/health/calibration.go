package health

import (
	"errors"
	"io/fs"
	"time"

	"loam/sensors"
)

// renewal is how long before its due date a calibration is called up: time to fetch references and a dry day.
const renewal = 30 * 24 * time.Hour

// NoCalibration states that the book of a channel's calibrations cannot be read.
func NoCalibration(ch sensors.Channel, err error) Check {
	t := topic{"calibration." + string(ch), "a gateway does not start on a book of calibrations that it cannot read"}
	if errors.Is(err, fs.ErrPermission) {
		return t.unknown("the book of calibrations cannot be read: run this as the gateway's user")
	}
	return t.fail("put the file that is named there back from a backup, or move it away and calibrate anew", "%v", err)
}

// Calibration states whether a channel's calibration holds, at a time of a clock that is right.
func Calibration(ch sensors.Channel, c sensors.Certificate, now time.Time) Check {
	t := topic{"calibration." + string(ch), "readings without a calibration that holds are kept and shown, and earn nothing"}
	cure := "`loam calibrate " + string(ch) + "`"
	switch {
	case c.ID == "":
		return t.warn(cure, "channel %s is not calibrated", ch)
	case c.ID == sensors.FactoryCertificate && c.Due.IsZero():
		return t.ok("channel %s is calibrated by the probe's maker", ch)
	case !now.Before(made) && now.Before(c.Date):
		return t.fail("correct its date, or "+cure, "channel %s: calibration %s is dated %s, which has yet to come", ch, c.ID, c.Date.Format(time.DateOnly))
	case c.Due.IsZero():
		return t.ok("channel %s: calibration %s has no end", ch, c.ID)
	case now.Before(made):
		return t.unknown("the clock is not set, so nobody can say whether calibration %s still holds", c.ID)
	case !now.Before(c.Due):
		return t.fail(cure, "channel %s: calibration %s was to be renewed by %s", ch, c.ID, c.Due.Format(time.DateOnly))
	case c.Due.Sub(now) < renewal:
		return t.warn(cure, "channel %s: calibration %s is to be renewed by %s", ch, c.ID, c.Due.Format(time.DateOnly))
	}
	return t.ok("channel %s: calibration %s holds until %s", ch, c.ID, c.Due.Format(time.DateOnly))
}
