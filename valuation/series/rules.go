// Package series turns signed batches into verified hours: opened with the gateway's key, time-sorted, without
// duplicates, flagged by quality control. What does not count is left out with a reason and counted; nothing is filled in.
package series

import (
	"fmt"
	"slices"
	"time"

	"loam/gateway/qc"
	"loam/gateway/wire"
	"loam/sensors"
)

// Rules is what a reading must satisfy to count.
type Rules struct {
	// Tests must all have been evaluated on the reading and have found it good. A test that could not be evaluated
	// counts as not passed.
	Tests []qc.Test
	// SyncedClock asks for an acquisition time from a synchronised clock: one that was synchronised when the reading was
	// taken, or that dated the reading afterwards, from uptime, once it was. The latter is as sound here: it is the same
	// clock's word, signed by the same key, its error is at most some minutes ([clock.Drift] of [clock.LongestRedate]), and
	// hours are what is valued. Without it every power cut would cost the hours until the network is back.
	SyncedClock bool
	// Calibration has an entry for every quantity that is used; readings of other quantities are left out.
	Calibration map[sensors.Quantity]Calibration
}

// Calibration is what the certificate behind a reading must satisfy.
type Calibration struct {
	Factory bool // the maker's calibration, stored in the chip, is enough
	MaxDays int  // how old a dated calibration may be when the reading is taken; 0: as old as its due date allows
	// Foreign are the systems whose word is enough: readings taken over from them count although the gateway vouches
	// neither for their calibration nor for their time. From others they never do.
	Foreign []string
}

// Reasons why a reading did not count. A reading is counted under the first that applies, in this order.
const (
	ReasonQuantity     = "quantity not used by the method for this ecosystem"
	ReasonClock        = "clock not synchronised"
	ReasonThinned      = "one of few that were kept when the gateway's storage was full"
	ReasonValue        = "value too large to compute with"
	ReasonTwice        = "second reading of the channel at the same time"
	ReasonUncalibrated = "no calibration"
	ReasonFactory      = "factory calibration is not enough for the method"
	ReasonUnborn       = "calibration is dated after the reading"
	ReasonOverdue      = "calibration overdue"
)

func reasonForeign(system string) string {
	return fmt.Sprintf("from another system (%s), which the method does not accept", system)
}

func reasonFlag(f qc.Flag) string { return "quality flag: " + f.String() }

func reasonTest(t qc.Test, f qc.Flag) string {
	return fmt.Sprintf("required test %s: %s", t, f)
}

func reasonAge(days int) string { return fmt.Sprintf("calibration older than %d days", days) }

// rejectBatch returns why no reading of a batch counts, or "". Readings that were left when a batch was thinned are the
// lowest, middle and highest of an hour: their mean is not the hour's, and most tests have no neighbours to judge them by.
func (r Rules) rejectBatch(h wire.Header) string {
	if r.SyncedClock && !h.Clock.Dated() {
		return ReasonClock
	}
	if !h.Thinned.IsZero() {
		return ReasonThinned
	}
	return ""
}

// rejectForeign returns why a reading does not count because of where it is from, or "".
func (c Calibration) rejectForeign(cert sensors.Certificate) string {
	if system := cert.Foreign(); system != "" && !slices.Contains(c.Foreign, system) {
		return reasonForeign(system)
	}
	return ""
}

// rejectVerdict returns why a flagged reading does not count, or "".
func (r Rules) rejectVerdict(v qc.Verdict) string {
	if v.Flag == qc.Fail || v.Flag == qc.Suspect || v.Flag == qc.Missing {
		return reasonFlag(v.Flag)
	}
	order := qc.Tests()
	for _, want := range r.Tests {
		for i, test := range order {
			if test == want && v.Tests[i] != qc.Good {
				return reasonTest(want, v.Tests[i])
			}
		}
	}
	return ""
}

// rejectCertificate returns why the calibration behind a reading taken at t does not count, or "".
func (c Calibration) rejectCertificate(cert sensors.Certificate, t time.Time) string {
	switch {
	case cert.Foreign() != "": // accepted: no calibration of theirs is known, and none is asked for
		return ""
	case cert.ID == "":
		return ReasonUncalibrated
	case cert.ID == sensors.FactoryCertificate && !c.Factory:
		return ReasonFactory
	case !cert.Date.IsZero() && t.Before(cert.Date):
		return ReasonUnborn
	case !cert.Due.IsZero() && !t.Before(cert.Due):
		return ReasonOverdue
	case c.MaxDays > 0 && !cert.Date.IsZero() && !t.Before(cert.Date.AddDate(0, 0, c.MaxDays)):
		return reasonAge(c.MaxDays)
	case c.MaxDays > 0 && cert.Date.IsZero() && cert.ID != sensors.FactoryCertificate:
		return reasonAge(c.MaxDays) // of unknown age: nobody can say it is younger
	}
	return ""
}
