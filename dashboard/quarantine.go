package dashboard

import (
	"context"
	"time"

	"loam/gateway/quarantine"
)

// shownRefusals is how many refused items the page shows.
const shownRefusals = 50

// quarantineView is the page of what was refused.
type quarantineView struct {
	Reasons []quarantine.Tally
	Items   []refusal
	Total   int64
}

type refusal struct {
	quarantine.Item
	Age   time.Duration
	Known bool // the name it came under is a registered gateway's
}

func (d *dashboard) quarantineView(ctx context.Context, _ query) (any, error) {
	var v quarantineView
	var err error
	if v.Reasons, err = d.Sources.Quarantine.CountByReason(ctx); err != nil {
		return nil, err
	}
	for _, t := range v.Reasons {
		v.Total += t.Items
	}
	items, err := d.Sources.Quarantine.List(ctx, shownRefusals)
	if err != nil {
		return nil, err
	}
	now := d.Now()
	for _, it := range items {
		_, known := d.Sources.Registry.Gateway(it.Gateway)
		v.Items = append(v.Items, refusal{it, now.Sub(it.Received), known})
	}
	return v, nil
}
