package dashboard

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"loam/gateway/registry"
	"loam/payouts/ledger"
	"loam/valuation/statement"
)

// The front page shows up to detailedSites sites with up to detailedChannels values in all; where there are more, each
// site is one line, so that the page stays light.
const (
	detailedSites    = 6
	detailedChannels = 48
)

// listedSites bounds the front page for very large communities; all of them are in the API.
const listedSites = 150

// frontView is the front page.
type frontView struct {
	State      state
	Map        siteMap
	Sites      []siteCard
	All        int // sites there are
	Detailed   bool
	Stewards   []stewardRow
	Ledger     bool // could be read
	Statements []row
	Published  bool // statements could be read
}

// state is how the whole is doing.
type state struct {
	Progress *Progress
	Percent  int
	Alarms   []alarm
	Evidence bool // could be read
	Readings int64
	Batches  uint64
	Gateways int
	Online   int
	Silent   []registry.Gateway
	Newest   time.Time // acquisition time of the newest reading; zero: none
	Age      time.Duration
	Stale    bool
}

// alarm is a sentence about what is wrong: given from outside, or a message of ours.
type alarm struct {
	Text string
	ID   string    // of a message, where Text is empty
	UpTo time.Time // what the page shows ends here; zero: nothing is known
}

// siteCard is a site on the front page.
type siteCard struct {
	registry.Site
	Steward  registry.Steward
	Score    score
	Gauge    *gauge
	Basis    *row // the statement the score is from
	Channels []channel
	Newest   time.Time
	Age      time.Duration
	Stale    bool
	Shape    shape
	Flagged  int // channels whose newest value is suspect or failed
}

func (d *dashboard) frontView(ctx context.Context, _ query) (any, error) {
	now := d.Now().UTC()
	p, storeErr := d.pulse(ctx)
	v := frontView{State: d.state(ctx, p, storeErr, now)}
	sites := d.Sources.Registry.Sites()
	v.All, v.Detailed = len(sites), len(sites) <= detailedSites && len(p.Points) <= detailedChannels
	v.Map = d.siteMap
	sites = sites[:len(v.Map.Shapes)]
	for i, s := range sites {
		card, err := d.siteCard(ctx, s, p, now)
		if err != nil {
			d.Log.Warn("dashboard: statements cannot be read", "site", s.ID, "err", err)
		}
		card.Shape = v.Map.Shapes[i]
		if v.Detailed {
			d.addSparks(ctx, card.Channels, now)
		}
		v.Sites = append(v.Sites, card)
	}
	var err error
	if v.Stewards, err = d.stewardRows(ctx); err != nil {
		d.Log.Warn("dashboard: the ledger cannot be read", "err", err)
	}
	v.Ledger = err == nil
	if v.Statements, err = d.rows(ctx, "", 5, now); err != nil {
		d.Log.Warn("dashboard: statements cannot be read", "err", err)
	}
	v.Published = err == nil
	return v, nil
}

// state asks everything that can be away; what does not answer becomes an alarm, not a broken page.
func (d *dashboard) state(ctx context.Context, p pulse, storeErr error, now time.Time) state {
	s := state{Newest: p.Newest, Gateways: len(d.Sources.Registry.Gateways())}
	if !p.Newest.IsZero() {
		s.Age = now.Sub(p.Newest)
		s.Stale = s.Age > d.stale
	}
	if d.Sources.Progress != nil {
		if progress, on := d.Sources.Progress(); on {
			s.Progress, s.Percent = &progress, int(min(max(progress.Done, 0), 1)*100)
		}
	}
	if d.Sources.Alarms != nil {
		for _, text := range d.Sources.Alarms() {
			s.Alarms = append(s.Alarms, alarm{Text: text, UpTo: p.Newest})
		}
	}
	if storeErr != nil {
		d.Log.Warn("dashboard: the time-series store cannot be read", "err", storeErr)
		s.Alarms = append(s.Alarms, alarm{ID: "alarm.store", UpTo: p.Newest})
	}
	if err := d.evidence(ctx, &s, now); err != nil {
		d.Log.Warn("dashboard: evidence cannot be read", "err", err)
		s.Alarms = append(s.Alarms, alarm{ID: "alarm.evidence", UpTo: p.Newest})
	}
	return s
}

func (d *dashboard) evidence(ctx context.Context, s *state, now time.Time) error {
	var err error
	if s.Batches, err = d.Sources.Evidence.Size(ctx); err != nil {
		return err
	}
	if s.Readings, err = d.Sources.Evidence.Readings(ctx); err != nil {
		return err
	}
	heads, err := d.Sources.Evidence.Heads(ctx)
	if err != nil {
		return err
	}
	s.Evidence = true
	last := map[string]time.Time{}
	for _, h := range heads {
		last[h.Gateway] = h.LastReceived
	}
	for _, g := range d.Sources.Registry.Gateways() {
		if at, ok := last[g.ID]; ok && now.Sub(at) <= d.stale {
			s.Online++
		} else {
			s.Silent = append(s.Silent, g)
		}
	}
	return nil
}

// siteCard gathers what is known of a site. What cannot be read is left out, and the error says so.
func (d *dashboard) siteCard(ctx context.Context, s registry.Site, p pulse, now time.Time) (siteCard, error) {
	card := siteCard{Site: s, Channels: d.channels(p, s.ID, now)}
	card.Steward, _ = d.Sources.Registry.Steward(s.Steward)
	for _, ch := range card.Channels {
		if ch.Point.At.After(card.Newest) {
			card.Newest, card.Age = ch.Point.At, ch.Age
		}
		if ch.Class == "suspect" || ch.Class == "fail" {
			card.Flagged++
		}
	}
	card.Stale = card.Age > d.stale
	rows, err := d.rows(ctx, s.ID, 1, now)
	if err == nil && len(rows) > 0 {
		card.Basis, card.Score = &rows[0], rows[0].Score
	}
	card.Gauge = drawGauge(card.Score)
	return card, err
}

// addSparks draws the last day behind each value; a history that cannot be read leaves the value without a line.
func (d *dashboard) addSparks(ctx context.Context, channels []channel, now time.Time) {
	for i := range channels {
		if s, err := d.history(ctx, channels[i].Key, 0, now); err == nil {
			channels[i].Spark = drawSpark(s, spans()[0].Rows)
		}
	}
}

// row is a statement in a list.
type row struct {
	statement.Statement
	From, To time.Time
	Score    score
	State    ChallengeState
}

// rows returns statements for a list, newest first.
func (d *dashboard) rows(ctx context.Context, site string, limit int, now time.Time) ([]row, error) {
	return d.lists.get(ctx, site+"\x00"+strconv.Itoa(limit), func(ctx context.Context) ([]row, error) {
		all, err := d.Sources.Statements.Latest(ctx, site, limit)
		if err != nil {
			return nil, err
		}
		var rows []row
		for _, s := range all {
			r := row{Statement: s, From: parseTime(s.Period.From), To: parseTime(s.Period.To), Score: parseScore(s.Health, s.HealthLower, s.HealthUpper)}
			c, err := d.challenge(ctx, s, now)
			if err != nil {
				return nil, err
			}
			r.State = c.State
			rows = append(rows, r)
		}
		return rows, nil
	})
}

// challenge returns where a statement stands; one that was never opened for challenge stands by its own dates.
func (d *dashboard) challenge(ctx context.Context, s statement.Statement, now time.Time) (Challenge, error) {
	c, ok, err := d.Sources.Challenges.Of(ctx, s.ID)
	if err != nil || ok {
		return c, err
	}
	c = Challenge{State: Proposed, Until: parseTime(s.ChallengeUntil)}
	if !c.Until.IsZero() && !now.Before(c.Until) {
		c.State = Final
	}
	return c, nil
}

// parseTime reads a statement's time; one that cannot be read is no time.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// stewardRow is a steward with everything they own.
type stewardRow struct {
	registry.Steward
	Balances []ledger.Balance
	Sites    []registry.Site
}

func (d *dashboard) stewardRows(ctx context.Context) ([]stewardRow, error) {
	accounts, err := d.Sources.Ledger.Accounts(ctx)
	var rows []stewardRow
	for _, s := range d.Sources.Registry.Stewards() {
		rows = append(rows, d.stewardRow(s, accounts))
	}
	slices.SortStableFunc(rows, func(a, b stewardRow) int { return cmp.Compare(len(b.Balances), len(a.Balances)) })
	return rows, err
}

func (d *dashboard) stewardRow(s registry.Steward, accounts []ledger.Balance) stewardRow {
	r := stewardRow{Steward: s}
	for _, b := range accounts {
		if b.Account == d.account(s.ID) {
			r.Balances = append(r.Balances, b)
		}
	}
	for _, site := range d.Sources.Registry.Sites() {
		if site.Steward == s.ID {
			r.Sites = append(r.Sites, site)
		}
	}
	return r
}

// stewardKind is the kind of a steward's account.
const stewardKind = "steward"

// account is where a steward is credited.
func (d *dashboard) account(steward string) ledger.Account {
	return ledger.Account(d.Sources.Registry.Community + ":" + stewardKind + ":" + steward)
}
