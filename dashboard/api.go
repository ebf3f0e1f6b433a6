package dashboard

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"loam/payouts/ledger"
	"loam/valuation/statement"
)

// The API carries the pages' data, no more: numbers with unit, time and flag beside them, amounts as strings.

type apiSite struct {
	ID         string       `json:"id"`
	Name       string       `json:"name"`
	Ecosystem  string       `json:"ecosystem"` // IUCN GET
	AreaM2     int64        `json:"area_m2"`
	Steward    string       `json:"steward"`
	Outline    [][2]float64 `json:"outline"` // longitude, latitude
	Health     *apiHealth   `json:"health"`  // null: no statement with a score yet
	Channels   []apiChannel `json:"channels"`
	Statements []apiRow     `json:"statements,omitempty"`
}

type apiHealth struct {
	Score     string `json:"score"` // 0..1 with six places, as signed
	Lower     string `json:"lower"`
	Upper     string `json:"upper"`
	Statement string `json:"statement"`
}

type apiChannel struct {
	Gateway  string    `json:"gateway"`
	Channel  string    `json:"channel"`
	Quantity string    `json:"quantity"`
	Value    float64   `json:"value"`
	Unit     string    `json:"unit"` // UCUM
	At       time.Time `json:"at"`
	Stale    bool      `json:"stale"`
	Flag     int       `json:"flag"` // QARTOD
	Quality  string    `json:"quality"`
}

type apiRow struct {
	ID     string           `json:"id"`
	Site   string           `json:"site"`
	Period statement.Period `json:"period"`
	Health string           `json:"health"`
	Earns  bool             `json:"earns"`
	Asset  string           `json:"asset"`
	Net    string           `json:"net"` // minor units
	State  ChallengeState   `json:"state"`
}

type apiBalance struct {
	Account    ledger.Account `json:"account"`
	Asset      ledger.Asset   `json:"asset"`
	Posted     int64          `json:"posted,string"` // minor units
	PendingIn  int64          `json:"pending_in,string"`
	PendingOut int64          `json:"pending_out,string"`
}

// apiAnswer is a list that says whether it may be older than it looks.
type apiAnswer[T any] struct {
	Complete bool `json:"complete"` // false: the time-series store could not be reached, values are the last known ones
	Items    []T  `json:"items"`
}

// answer makes what an address of the API says.
type answer func(ctx context.Context, q query, r *http.Request) (any, error)

func (d *dashboard) json(a answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := a(r.Context(), d.query(r), r)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		d.sendJSON(w, r, http.StatusOK, v)
	}
}

func (d *dashboard) sendJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		d.Log.Error("dashboard: cannot write JSON", "path", r.URL.Path, "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	p, err := newPage("application/json", append(raw, '\n'))
	if err != nil {
		d.Log.Error("dashboard: cannot pack JSON", "path", r.URL.Path, "err", err)
		return
	}
	d.send(w, r, status, "no-cache", p)
}

func (d *dashboard) failJSON(w http.ResponseWriter, r *http.Request, status int, text string) {
	d.sendJSON(w, r, status, struct {
		Error string `json:"error"`
	}{text})
}

func (d *dashboard) apiSites(ctx context.Context, _ query, _ *http.Request) (any, error) {
	now := d.Now().UTC()
	p, storeErr := d.pulse(ctx)
	out := apiAnswer[apiSite]{Complete: storeErr == nil, Items: []apiSite{}}
	for _, s := range d.Sources.Registry.Sites() {
		card, err := d.siteCard(ctx, s, p, now)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, newAPISite(card))
	}
	return out, nil
}

func (d *dashboard) apiSite(ctx context.Context, q query, _ *http.Request) (any, error) {
	s, ok := d.Sources.Registry.Site(q.id)
	if !ok {
		return nil, errNotFound
	}
	now := d.Now().UTC()
	p, storeErr := d.pulse(ctx)
	card, err := d.siteCard(ctx, s, p, now)
	if err != nil {
		return nil, err
	}
	site := newAPISite(card)
	rows, err := d.rows(ctx, s.ID, 12, now)
	if err != nil {
		return nil, err
	}
	site.Statements = newAPIRows(rows)
	return struct {
		Complete bool `json:"complete"`
		apiSite
	}{storeErr == nil, site}, nil
}

func newAPISite(c siteCard) apiSite {
	s := apiSite{ID: c.ID, Name: c.Name, Ecosystem: c.Ecosystem, AreaM2: c.AreaM2, Steward: c.Site.Steward, Channels: []apiChannel{}}
	for _, corner := range c.Outline {
		s.Outline = append(s.Outline, corner)
	}
	if c.Basis != nil && c.Score.Known {
		s.Health = &apiHealth{c.Basis.Health, c.Basis.HealthLower, c.Basis.HealthUpper, c.Basis.ID}
	}
	for _, ch := range c.Channels {
		s.Channels = append(s.Channels, apiChannel{
			Gateway: ch.Gateway, Channel: string(ch.Channel), Quantity: string(ch.Quantity), Value: ch.Point.Value, Unit: ch.Kind.Unit,
			At: ch.Point.At.UTC(), Stale: ch.Stale, Flag: int(ch.Point.Flag), Quality: ch.Point.Flag.String(),
		})
	}
	return s
}

func newAPIRows(rows []row) []apiRow {
	out := []apiRow{}
	for _, r := range rows {
		out = append(out, apiRow{r.ID, r.Site.ID, r.Period, r.Health, r.Earns, r.Credit.Asset, r.Credit.Net, r.State})
	}
	return out
}

// apiStatementsLimit is how many statements one answer lists; ?site= narrows it.
const apiStatementsLimit = 200

func (d *dashboard) apiStatements(ctx context.Context, _ query, r *http.Request) (any, error) {
	site := r.URL.Query().Get("site")
	if _, ok := d.Sources.Registry.Site(site); site != "" && !ok {
		return nil, errNotFound
	}
	rows, err := d.rows(ctx, site, apiStatementsLimit, d.Now().UTC())
	if err != nil {
		return nil, err
	}
	return struct {
		Items []apiRow `json:"items"`
	}{newAPIRows(rows)}, nil
}

func (d *dashboard) apiStatement(ctx context.Context, q query, _ *http.Request) (any, error) {
	if !statementInPath.MatchString(q.id) {
		return nil, errNotFound
	}
	s, ok, err := d.Sources.Statements.Get(ctx, q.id)
	if err == nil && !ok {
		err = errNotFound
	}
	return s, err
}

func (d *dashboard) apiBalances(ctx context.Context, _ query, _ *http.Request) (any, error) {
	accounts, err := d.Sources.Ledger.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	items := []apiBalance{}
	for _, b := range accounts {
		items = append(items, apiBalance{b.Account, b.Asset, b.Posted, b.PendingIn, b.PendingOut})
	}
	return struct {
		Items []apiBalance `json:"items"`
	}{items}, nil
}
