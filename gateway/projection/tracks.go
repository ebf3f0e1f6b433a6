package projection

import (
	"time"

	"loam/gateway/qc"
	"loam/gateway/store"
)

// track is the end of a stretch of one series that has been flagged: the next reading after it needs no look into
// evidence. A series has one at its live end and, while a gateway catches up, one at the end of its backlog.
type track struct {
	stream *qc.Stream
	last   value     // the newest reading pushed
	until  time.Time // evidence before the cursor holds no reading of the series after last and before until; zero: none at all
}

// maxTracks bounds what is remembered of one series.
const maxTracks = 4

// follow returns the track that the values continue, or nil. Values continue a track when they come after its last
// reading and so far before the next known one that they cannot change its flags.
func (p *Projection) follow(s series, config qc.Config, values []value) *track {
	first, last := values[0].at, values[len(values)-1].at
	reach := config.Context()
	for _, t := range p.tracks[s] {
		if first.After(t.last.at) && (t.until.IsZero() || last.Add(reach).Before(t.until)) {
			return t
		}
	}
	newest, seen := p.state.newest[s]
	if seen && !first.After(newest.Add(reach)) {
		return nil
	}
	// The series begins here, or begins anew: nothing before can matter.
	t := &track{stream: config.Stream()}
	p.tracks[s] = []*track{t}
	return t
}

// push flags values on the track and appends the points: those of the values, and the one before them again, whose
// spike can be judged now.
func (t *track) push(points []store.Point, k store.Key, values []value) []store.Point {
	for _, v := range values {
		if verdict, ok := t.stream.Push(v.obs()); ok {
			points = append(points, t.last.point(k, verdict))
		}
		t.last = v
	}
	if verdict, ok := t.stream.Newest(); ok {
		points = append(points, t.last.point(k, verdict))
	}
	return points
}

func (v value) point(k store.Key, verdict qc.Verdict) store.Point {
	return store.Point{Key: k, At: v.at, Value: v.value, Raw: v.raw, Flag: verdict.Flag, Tests: verdict.Digits()}
}

// replace puts a new track in the place of those that late readings at [from, to] spoil, and of one that ends where it
// does: no two tracks of a series may claim the same silence.
func (p *Projection) replace(s series, reach time.Duration, from, to time.Time, t *track) {
	kept := []*track{t}
	for _, old := range p.tracks[s] {
		history := !to.Before(old.last.at.Add(-reach)) && !from.After(old.last.at)
		horizon := to.After(old.last.at) && (old.until.IsZero() || from.Before(old.until))
		if !history && !horizon && !old.last.at.Equal(t.last.at) && len(kept) < maxTracks {
			kept = append(kept, old)
		}
	}
	p.tracks[s] = kept
}
