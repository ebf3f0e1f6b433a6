package projection

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/qc"
	"loam/gateway/store"
	"loam/gateway/wire"
	"loam/sensors"
)

// series names one quantity of one channel, wherever its gateway stands.
type series struct {
	gateway  string
	channel  sensors.Channel
	quantity sensors.Quantity
}

func (s series) compare(other series) int {
	return cmp.Or(cmp.Compare(s.gateway, other.gateway), cmp.Compare(s.channel, other.channel), cmp.Compare(s.quantity, other.quantity))
}

func (s series) key(site string) store.Key {
	return store.Key{Site: site, Gateway: s.gateway, Channel: s.channel, Quantity: s.quantity}
}

// value is one reading of a series.
type value struct {
	at         time.Time
	value, raw float64
	fresh      bool // from the leaves of this step
}

func (v value) obs() qc.Obs { return qc.Obs{At: v.at, Value: v.value} }

// batch is the outcome of a step, ready to be written.
type batch struct {
	leaves     int
	next       uint64 // the cursor behind it
	points     []store.Point
	newest     map[series]time.Time
	unreadable []unreadable
	refused    []refusal
}

type unreadable struct {
	leaf     uint64
	gateway  string
	sequence uint64
	reason   string
}

// compute reads the next leaves and flags their readings, together with the earlier ones whose flags they change.
func (p *Projection) compute(ctx context.Context) (*batch, error) {
	b := &batch{next: p.state.next, newest: map[series]time.Time{}}
	limit := min(max(p.config.MaxPoints/max(p.average, 1), 1), 1024)
	leaves, err := p.config.Evidence.Read(ctx, b.next, limit)
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	arrived := map[series][]value{}
	readings := 0
	for _, leaf := range leaves {
		opened, reason := p.open(leaf)
		if b.leaves > 0 && readings+len(opened.Readings) > p.config.MaxPoints {
			break
		}
		if reason != "" {
			b.unreadable = append(b.unreadable, unreadable{leaf.Index, leaf.Gateway, leaf.Sequence, reason})
			p.config.Log.ErrorContext(ctx, "a batch of the evidence cannot be projected: set aside", "leaf", leaf.Index, "gateway", leaf.Gateway, "reason", reason)
		}
		collect(arrived, leaf.Gateway, opened.Readings, true)
		readings += len(opened.Readings)
		b.leaves++
		b.next = leaf.Index + 1
	}
	if b.leaves > 0 {
		p.average = (p.average + readings/b.leaves) / 2
	}
	return b, p.flag(ctx, b, arrived)
}

// open reads a leaf that ingest has verified. Where the registry no longer knows the gateway or its key, nobody can say
// which site the readings belong to.
func (p *Projection) open(leaf evidence.Leaf) (wire.Sealed, string) {
	key, known := p.config.Registry.Key(leaf.Gateway)
	if !known {
		return wire.Sealed{}, fmt.Sprintf("gateway %q is not in the registry", leaf.Gateway)
	}
	opened, err := wire.Open(leaf.Bytes, key)
	if err != nil {
		return wire.Sealed{}, err.Error()
	}
	return opened, ""
}

func collect(into map[series][]value, gateway string, readings []sensors.Reading, fresh bool) {
	for _, r := range readings {
		s := series{gateway, r.Channel, r.Quantity}
		into[s] = append(into[s], value{r.At.Wall.UTC(), r.Value.Float64(), r.Raw.Float64(), fresh})
	}
}

// inOrder sorts by time; of several at one time the last given stays, as it does in the store.
func inOrder(values []value) []value {
	slices.SortStableFunc(values, func(a, b value) int { return a.at.Compare(b.at) })
	kept := values[:0]
	for i, v := range values {
		if i+1 < len(values) && values[i+1].at.Equal(v.at) {
			continue
		}
		kept = append(kept, v)
	}
	return kept
}

// flag fills the batch with points: from the tracks where the readings just go on, from evidence where they do not.
func (p *Projection) flag(ctx context.Context, b *batch, arrived map[series][]value) error {
	late := map[string][]stretch{}
	for _, s := range slices.SortedFunc(maps.Keys(arrived), series.compare) {
		values := inOrder(arrived[s])
		b.newest[s] = values[len(values)-1].at
		if old, ok := p.state.newest[s]; ok && old.After(b.newest[s]) {
			b.newest[s] = old
		}
		g, ok := p.config.Registry.Gateway(s.gateway)
		if !ok {
			continue // cannot be: the batch was opened with its key
		}
		k := s.key(g.Site)
		config := p.config.Settings.For(g.Site, s.quantity)
		for _, part := range divide(values, config.Context()) {
			if t := p.follow(s, config, part); t != nil {
				b.points = t.push(b.points, k, part)
				continue
			}
			late[s.gateway] = append(late[s.gateway], around(s, k, config, part))
		}
	}
	for _, gateway := range slices.Sorted(maps.Keys(late)) {
		if err := p.flagLate(ctx, b, gateway, late[gateway]); err != nil {
			return err
		}
	}
	return nil
}
