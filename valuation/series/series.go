package series

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"loam/gateway/qc"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/valuation"
)

// Window is the period that is valued and the wider time whose readings may speak for its flags.
type Window struct {
	From, To     time.Time // valued: From <= t < To
	Since, Until time.Time // known: Since <= t < Until
}

// Channel is what one channel has to say about a period.
type Channel struct {
	valuation.Series                 // its verified hours
	Received         int             // readings in the period
	Good             int             // readings that count
	Flags            map[qc.Flag]int // received readings by their flag, as far as they came to be flagged
	Calibrations     []string        // certificates behind the readings that count, sorted
}

// Exclusion says how many readings of a channel did not count, and why.
type Exclusion struct {
	Gateway string
	Channel sensors.Channel
	Reason  string
	Count   int
}

// Verified is what the batches of a site have to say about a period.
type Verified struct {
	Channels []Channel   // those of a quantity in use, by gateway, channel and quantity
	Excluded []Exclusion // by gateway, channel and reason
}

// Build flags the readings of opened batches and keeps the hours that the rules let count. settings gives the tests of a
// quantity. The result does not depend on the order of the batches, except that of two readings of a channel at the same
// time the one in the earlier sequence stands.
func Build(batches []wire.Sealed, rules Rules, settings func(sensors.Quantity) qc.Config, w Window) Verified {
	b := builder{rules: rules, window: w, series: map[key][]*reading{}, excluded: map[exclusion]int{}}
	for i := range batches {
		b.collect(&batches[i])
	}
	keys := make([]key, 0, len(b.series))
	for k := range b.series {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(x, y key) int {
		return cmp.Or(strings.Compare(x.gateway, y.gateway), cmp.Compare(x.channel, y.channel), cmp.Compare(x.quantity, y.quantity))
	})
	var v Verified
	for _, k := range keys {
		if c := b.channel(k, settings(k.quantity)); c.Received > 0 {
			v.Channels = append(v.Channels, c)
		}
	}
	v.Excluded = b.exclusions()
	return v
}

type key struct {
	gateway  string
	channel  sensors.Channel
	quantity sensors.Quantity
}

type exclusion struct {
	gateway string
	channel sensors.Channel
	reason  string
}

// reading is one that came through the checks which need no neighbours, or one kept only to be counted.
type reading struct {
	*sensors.Reading
	sequence uint64
	micro    sensors.Micro
	reject   string // why it does not count; it is not flagged then
}

type builder struct {
	rules    Rules
	window   Window
	series   map[key][]*reading
	excluded map[exclusion]int
}

// collect sorts the readings of a batch into their series.
func (b *builder) collect(batch *wire.Sealed) {
	all := make([]reading, len(batch.Readings))
	for i := range batch.Readings {
		r := &batch.Readings[i]
		t := r.At.Wall
		if t.Before(b.window.Since) || !t.Before(b.window.Until) {
			continue
		}
		asked, used := b.rules.Calibration[r.Quantity]
		if !used {
			if b.inPeriod(t) {
				b.excluded[exclusion{batch.Gateway, r.Channel, ReasonQuantity}]++
			}
			continue
		}
		all[i] = reading{Reading: r, sequence: batch.Sequence, reject: cmp.Or(asked.rejectForeign(r.Calibration), b.rules.rejectBatch(batch.Header))}
		var err error
		if all[i].micro, err = r.Value.Micro(); err != nil && all[i].reject == "" {
			all[i].reject = ReasonValue
		}
		k := key{batch.Gateway, r.Channel, r.Quantity}
		b.series[k] = append(b.series[k], &all[i])
	}
}

func (b *builder) inPeriod(t time.Time) bool {
	return !t.Before(b.window.From) && t.Before(b.window.To)
}

// channel flags one series and keeps the hours of its readings that count.
func (b *builder) channel(k key, tests qc.Config) Channel {
	c := Channel{Series: valuation.Series{Gateway: k.gateway, Channel: k.channel, Quantity: k.quantity}, Flags: map[qc.Flag]int{}}
	list := b.series[k]
	slices.SortStableFunc(list, func(x, y *reading) int {
		return cmp.Or(x.At.Wall.Compare(y.At.Wall), cmp.Compare(x.sequence, y.sequence))
	})
	sound, obs := b.observe(list)
	var hours hours
	certificates := map[string]bool{}
	verdicts := tests.Evaluate(obs)
	for i, r := range sound {
		if !b.inPeriod(r.At.Wall) {
			continue
		}
		c.Flags[verdicts[i].Flag]++
		if r.reject = b.rules.rejectVerdict(verdicts[i]); r.reject == "" {
			r.reject = b.rules.Calibration[k.quantity].rejectCertificate(r.Calibration, r.At.Wall)
		}
		if r.reject == "" {
			c.Good++
			hours.add(b.window.From, r.At.Wall, r.micro)
			certificates[certificate(r.Calibration)] = true
		}
	}
	for _, r := range list {
		if b.inPeriod(r.At.Wall) {
			c.Received++
			if r.reject != "" {
				b.excluded[exclusion{k.gateway, k.channel, r.reject}]++
			}
		}
	}
	c.Hours = hours.list()
	for text := range certificates {
		c.Calibrations = append(c.Calibrations, text)
	}
	slices.Sort(c.Calibrations)
	return c
}

// observe returns the readings that can be flagged, with what quality control is to see of them.
func (b *builder) observe(list []*reading) ([]*reading, []qc.Obs) {
	sound := make([]*reading, 0, len(list))
	obs := make([]qc.Obs, 0, len(list))
	for _, r := range list {
		if r.reject != "" {
			continue
		}
		if n := len(sound); n > 0 && sound[n-1].At.Wall.Equal(r.At.Wall) {
			r.reject = ReasonTwice
			continue
		}
		sound = append(sound, r)
		obs = append(obs, qc.Obs{At: r.At.Wall, Value: r.Value.Float64()})
	}
	return sound, obs
}

func (b *builder) exclusions() []Exclusion {
	list := make([]Exclusion, 0, len(b.excluded))
	for e, n := range b.excluded {
		list = append(list, Exclusion{Gateway: e.gateway, Channel: e.channel, Reason: e.reason, Count: n})
	}
	slices.SortFunc(list, func(x, y Exclusion) int {
		return cmp.Or(strings.Compare(x.Gateway, y.Gateway), cmp.Compare(x.Channel, y.Channel), strings.Compare(x.Reason, y.Reason))
	})
	return list
}

// certificate writes which calibration stands behind a reading, for people.
func certificate(c sensors.Certificate) string {
	text := c.ID
	if !c.Date.IsZero() {
		text += " of " + c.Date.UTC().Format(time.DateOnly)
	}
	if !c.Due.IsZero() {
		text += ", due " + c.Due.UTC().Format(time.DateOnly)
	}
	return text
}
