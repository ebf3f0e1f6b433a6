// Package counted reads probes that are a contact: a tipping bucket, a cup anemometer, a water meter. Pulses are counted
// from the moment the probe is opened, whether it is asked or not; asked, it says what came since it was asked before.
//
//   - rain-gauge: millimetres since the reading before. SparkFun's weather meters (SEN-15901, made by Argent) tip at
//     0.2794 mm (0.011 inch); other gauges have 0.2, 0.25 or 0.5 on their label.
//   - anemometer: the mean wind since the reading before, in m/s: 2.4 km/h for each pulse a second (the same hookup guide).
//     The mean is over uptime, so that a clock which is set makes no gale.
//   - flow-meter: litres since the reading before.
//
// Amounts are exact sums: what a reading's digits cannot hold is given with the next one.
//
// # What cannot be known
//
// A contact that is cut off looks like still air or a drought: no error can say so. Flat-line tests and neighbours have
// to. Pulses while the gateway is off are lost, and so are those between two readings of which the first could be taken
// and not kept.
//
// # Bounces
//
// A bucket's reed bounces for some tens of milliseconds and cannot tip twice within 100 ms; cups give at most about 40
// pulses a second in a storm (100 km/h), so edges within 8 ms of a pulse are its bounces. Hall sensors do not bounce.
package counted
