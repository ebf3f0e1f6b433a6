package projection

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/qc"
	"loam/gateway/store"
)

// stretch is a part of a series that is flagged from evidence, because its new readings do not simply follow what is
// known: they are late, out of order, or the first after a restart.
type stretch struct {
	series
	key      store.Key
	config   qc.Config
	values   []value   // the new readings, sorted, never empty
	from, to time.Time // what is read: the values with all that bears on them and all that they bear on
}

// around returns the stretch of values. Forwards it looks one reach further than flags need, so that a backlog that goes
// on can be followed for a while.
func around(s series, k store.Key, config qc.Config, values []value) stretch {
	reach := config.Context()
	return stretch{s, k, config, values, values[0].at.Add(-2 * reach), values[len(values)-1].at.Add(3 * reach)}
}

// divide cuts sorted values where they are too far apart to matter to each other, also by what is read around them.
func divide(values []value, reach time.Duration) [][]value {
	var parts [][]value
	begin := 0
	for i := 1; i <= len(values); i++ {
		if i == len(values) || values[i].at.Sub(values[i-1].at) > 6*reach {
			parts = append(parts, values[begin:i])
			begin = i
		}
	}
	return parts
}

// flagLate flags stretches of one gateway's series by what evidence holds around them.
func (p *Projection) flagLate(ctx context.Context, b *batch, gateway string, late []stretch) error {
	slices.SortStableFunc(late, func(x, y stretch) int { return cmp.Or(x.from.Compare(y.from), x.series.compare(y.series)) })
	for len(late) > 0 {
		// Stretches that overlap are read together: channels of a gateway travel in the same batches.
		n, to := 1, late[0].to
		for n < len(late) && !late[n].from.After(to) {
			if late[n].to.After(to) {
				to = late[n].to
			}
			n++
		}
		known, err := p.known(ctx, b.next, gateway, late[0].from, to)
		if err != nil {
			return err
		}
		for _, part := range late[:n] {
			// A copy, because two stretches can be of one series.
			p.flagStretch(b, part, inOrder(slices.Clone(known[part.series])))
		}
		late = late[n:]
	}
	return nil
}

// known returns what the leaves before end hold of a gateway's series from from on and before to, in the order of the
// log.
func (p *Projection) known(ctx context.Context, end uint64, gateway string, from, to time.Time) (map[series][]value, error) {
	leaves, err := p.config.Evidence.Within(ctx, []string{gateway}, from, to)
	if err != nil {
		return nil, fmt.Errorf("read evidence of %s from %s to %s: %w", gateway, from.Format(time.RFC3339), to.Format(time.RFC3339), err)
	}
	slices.SortFunc(leaves, func(x, y evidence.Leaf) int { return cmp.Compare(x.Index, y.Index) })
	known := map[series][]value{}
	for _, leaf := range leaves {
		if leaf.Index >= end || leaf.Gateway != gateway {
			continue
		}
		if opened, reason := p.open(leaf); reason == "" {
			collect(known, gateway, opened.Readings, leaf.Index >= p.state.next)
		}
	}
	return known, nil
}

// flagStretch evaluates what is known around new readings and appends the points whose flags can have changed: the new
// ones, those right before one, and those after one, all within reach. What lies further away is context only: its own
// context was not read.
func (p *Projection) flagStretch(b *batch, part stretch, known []value) {
	known = slices.DeleteFunc(known, func(v value) bool { return v.at.Before(part.from) || !v.at.Before(part.to) })
	reach := part.config.Context()
	t := &track{stream: part.config.Stream()}
	var fresh time.Time // the last new reading so far
	touched := func(v value) bool { return !fresh.IsZero() && !v.at.After(fresh.Add(reach)) }
	for _, v := range known {
		before := v.fresh && !v.at.After(t.last.at.Add(reach))
		if verdict, ok := t.stream.Push(v.obs()); ok && (before || touched(t.last)) {
			b.points = append(b.points, t.last.point(part.key, verdict))
		}
		if v.fresh {
			fresh = v.at
		}
		t.last = v
	}
	if verdict, ok := t.stream.Newest(); ok && touched(t.last) {
		b.points = append(b.points, t.last.point(part.key, verdict))
	}
	if t.last.at.Before(b.newest[part.series]) {
		t.until = part.to
	}
	p.replace(part.series, reach, part.values[0].at, part.values[len(part.values)-1].at, t)
}
