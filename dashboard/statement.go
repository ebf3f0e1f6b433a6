package dashboard

import (
	"context"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"loam/gateway/qc"
	"loam/payouts/ledger"
	indices "loam/valuation/catalog"
	"loam/valuation/statement"
)

// health is a statement's score taken apart, so that it explains itself.
type health struct {
	statement.Statement
	Score   score
	Gauge   *gauge
	Indices []index
}

// index is one index's part in the score.
type index struct {
	statement.Index
	Title  string
	Source string // the rule's, from the catalog
	Score  score
	Levels []level
	Flags  []flagCount
	Cover  int // percent of the hours
}

type level struct{ Name, Value string }

type flagCount struct {
	Flag  qc.Flag
	Count int
}

func explain(s statement.Statement) health {
	h := health{Statement: s, Score: parseScore(s.Health, s.HealthLower, s.HealthUpper)}
	h.Gauge = drawGauge(h.Score)
	for _, i := range s.Indices {
		out := index{Index: i, Title: capital(plain(i.Kind)), Score: parseScore(i.Score, i.Lower, i.Upper)}
		if kind, err := indices.Lookup(i.Kind); err == nil {
			out.Title, out.Source = capital(kind.Title), kind.Source
		}
		if i.Expected > 0 {
			out.Cover = 100 * i.Covered / i.Expected
		}
		for name, value := range i.Levels {
			out.Levels = append(out.Levels, level{name, value})
		}
		slices.SortFunc(out.Levels, func(a, b level) int { return compare(a.Name, b.Name) })
		for text, count := range i.Flags {
			if flag, err := strconv.ParseUint(text, 10, 8); err == nil {
				out.Flags = append(out.Flags, flagCount{qc.Flag(flag), count})
			}
		}
		slices.SortFunc(out.Flags, func(a, b flagCount) int { return int(a.Flag) - int(b.Flag) })
		h.Indices = append(h.Indices, out)
	}
	return h
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// statementView is a statement's page.
type statementView struct {
	health
	From, To, Issued time.Time
	Known            bool // the site is registered, so it has a page
	SiteName         string
	Area             int64
	Challenge        Challenge
	Left             time.Duration // of the window, while it is open
	Parts            []part
	Adds             bool // gross − deduction − buffer = net, and the parts sum to net
	File             string
	Calibrated       []calibrated
}

// part is one line of the split.
type part struct {
	statement.Part
	Holder holder
}

// calibrated is a channel with the certificates its readings stood under.
type calibrated struct{ Gateway, Channel, Certificate string }

func (d *dashboard) statementView(ctx context.Context, q query) (any, error) {
	if !statementInPath.MatchString(q.id) {
		return nil, errNotFound
	}
	s, ok, err := d.Sources.Statements.Get(ctx, q.id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errNotFound
	}
	now := d.Now().UTC()
	v := statementView{health: explain(s), From: parseTime(s.Period.From), To: parseTime(s.Period.To), Issued: parseTime(s.IssuedAt)}
	v.SiteName, v.File = s.Site.Name, bundleName(s.ID)
	_, v.Known = d.Sources.Registry.Site(s.Site.ID)
	v.Area, _ = strconv.ParseInt(s.Site.AreaM2, 10, 64)
	if v.Challenge, err = d.challenge(ctx, s, now); err != nil {
		return nil, err
	}
	if (v.Challenge.State == Proposed || v.Challenge.State == Challenged) && now.Before(v.Challenge.Until) {
		v.Left = v.Challenge.Until.Sub(now)
	}
	for _, p := range s.Credit.Split {
		v.Parts = append(v.Parts, part{p, d.holder(ledger.Account(p.Account))})
	}
	v.Adds = addsUp(s.Credit)
	for _, i := range s.Indices {
		for _, c := range i.Channels {
			for _, id := range c.Calibrations {
				v.Calibrated = append(v.Calibrated, calibrated{c.Gateway, c.Channel, id})
			}
		}
	}
	return v, nil
}

// addsUp does the sums of a credit again, in front of the reader.
func addsUp(c statement.Credit) bool {
	if c.Net == "" && c.Gross == "" && len(c.Split) == 0 {
		return true // nothing was computed
	}
	net, ok := new(big.Int).SetString(c.Net, 10)
	if !ok {
		return false
	}
	left, sum := new(big.Int), new(big.Int)
	for _, term := range []struct {
		text string
		sign int64
	}{{c.Gross, 1}, {c.Deduction, -1}, {c.Buffer, -1}} {
		n, ok := new(big.Int).SetString(term.text, 10)
		if !ok {
			return false
		}
		left.Add(left, n.Mul(n, big.NewInt(term.sign)))
	}
	for _, p := range c.Split {
		n, ok := new(big.Int).SetString(p.Amount, 10)
		if !ok {
			return false
		}
		sum.Add(sum, n)
	}
	return left.Cmp(net) == 0 && sum.Cmp(net) == 0
}

// bundleName is what the bundle of a statement is called when it is saved: with letters that every file system takes.
func bundleName(id string) string {
	return strings.NewReplacer(":", "-", "~", "-", "@", "-").Replace(id) + ".json"
}

// bundle hands out the file with which anyone can recompute a statement.
func (d *dashboard) bundle(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !statementInPath.MatchString(id) {
		d.fail(w, r, errNotFound)
		return
	}
	raw, ok, err := d.Sources.Statements.Bundle(r.Context(), id)
	if err == nil && !ok {
		err = errNotFound
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	p, err := newPage("application/json", raw)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+bundleName(id)+`"`)
	d.send(w, r, http.StatusOK, "no-cache", p)
}
