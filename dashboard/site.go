package dashboard

import (
	"context"
	"time"

	"loam/internal/name"
	"loam/sensors"
)

// siteView is a site's page.
type siteView struct {
	siteCard
	Alarms   []alarm
	Spans    []span
	Span     span
	From, To time.Time
	Series   []series
	Rows     []row
	Health   *health
	Gateways int
}

// series is a channel with its history.
type series struct {
	channel
	Readable    bool          // the store answered
	Step        time.Duration // of the table's rows
	Summary     summary
	Chart       chart
	Certificate *sensors.Certificate
	Expired     bool // the certificate was due before now
}

func (d *dashboard) siteView(ctx context.Context, q query) (any, error) {
	if !name.Valid(q.id) {
		return nil, errNotFound
	}
	site, ok := d.Sources.Registry.Site(q.id)
	if !ok {
		return nil, errNotFound
	}
	now := d.Now().UTC()
	p, storeErr := d.pulse(ctx)
	card, err := d.siteCard(ctx, site, p, now)
	if err != nil {
		return nil, err
	}
	v := siteView{siteCard: card, Spans: spans(), Span: spans()[q.span], Gateways: len(d.Sources.Registry.At(site.ID))}
	v.From, v.To = v.Span.window(now)
	v.Alarms = d.state(ctx, p, storeErr, now).Alarms
	for _, ch := range card.Channels {
		v.Series = append(v.Series, d.oneSeries(ctx, ch, q.span, now))
	}
	if v.Rows, err = d.rows(ctx, site.ID, 12, now); err != nil {
		return nil, err
	}
	if card.Basis != nil {
		h := explain(card.Basis.Statement)
		v.Health = &h
	}
	return v, nil
}

func (d *dashboard) oneSeries(ctx context.Context, ch channel, i int, now time.Time) series {
	s := series{channel: ch, Step: spans()[i].Rows}
	history, err := d.history(ctx, ch.Key, i, now)
	if err != nil {
		d.Log.Warn("dashboard: a history cannot be read", "site", ch.Site, "channel", ch.Channel, "err", err)
	}
	s.Readable = err == nil || !history.From.IsZero()
	if history.From.IsZero() {
		history.From, history.To = spans()[i].window(now)
	}
	s.Summary, s.Chart = history, drawChart(history, spans()[i])
	if d.Sources.Calibrations == nil {
		return s
	}
	c, ok, err := d.Sources.Calibrations.Of(ctx, ch.Key)
	if err != nil {
		d.Log.Warn("dashboard: a certificate cannot be read", "site", ch.Site, "channel", ch.Channel, "err", err)
	}
	if err == nil && ok {
		s.Certificate, s.Expired = &c, !c.Due.IsZero() && !now.Before(c.Due)
	}
	return s
}
