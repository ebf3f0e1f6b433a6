package projection

import (
	"context"
	"errors"
	"fmt"

	"loam/gateway/store"
)

// refusal is a point that the store will never take.
type refusal struct {
	point  store.Point
	reason string
}

// write puts the points of a step into the store, and collects those it refuses.
func (p *Projection) write(ctx context.Context, b *batch) error {
	b.refused = nil
	for rest := b.points; len(rest) > 0; {
		n := min(len(rest), p.config.MaxPoints)
		refused, err := p.narrow(ctx, rest[:n])
		if err != nil {
			p.up.Set(0)
			return fmt.Errorf("projection: the store does not take points, nothing is lost, trying again: %w", err)
		}
		b.refused = append(b.refused, refused...)
		rest = rest[n:]
	}
	p.up.Set(1)
	p.points.Add(float64(len(b.points) - len(b.refused)))
	p.aside.Add(float64(len(b.refused) + len(b.unreadable)))
	for _, r := range b.refused {
		p.config.Log.ErrorContext(ctx, "the store refuses a point for good: set aside", "series", r.point.Key.String(), "at", r.point.At, "reason", r.reason)
	}
	return nil
}

// narrow writes points, and where the store refuses them halves them until the offending ones are found.
func (p *Projection) narrow(ctx context.Context, points []store.Point) ([]refusal, error) {
	err := p.config.Store.Write(ctx, points)
	switch {
	case err == nil:
		return nil, nil
	case !errors.Is(err, store.ErrRejected):
		return nil, err
	case len(points) == 1:
		return []refusal{{points[0], err.Error()}}, nil
	}
	half := len(points) / 2
	first, err := p.narrow(ctx, points[:half])
	if err != nil {
		return nil, err
	}
	second, err := p.narrow(ctx, points[half:])
	return append(first, second...), err
}
