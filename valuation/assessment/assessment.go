// Package assessment applies a method to a site and a period.
//
// An assessment is a pure function of a bundle's content: the hub that issues a statement and the stranger who recomputes
// it run the same code on the same bytes.
package assessment

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/identity"
	"loam/gateway/qc"
	"loam/gateway/wire"
	"loam/sensors"
	"loam/valuation"
	"loam/valuation/method"
	"loam/valuation/series"
	"loam/valuation/statement"
)

// Issue is what a statement carries beside what is computed: whose it is, for which period, and when it was made.
type Issue struct {
	Hub      string
	Key      ed25519.PublicKey
	From, To time.Time
	At       time.Time // cut to whole seconds
}

// What can be wrong with what is to be assessed.
var (
	ErrContent = errors.New("the content does not fit together")
	// ErrNotValued says that the method has no index for the site's ecosystem: there is nothing to say about the site.
	ErrNotValued = errors.New("the method has no index for the site's ecosystem")
	ErrPeriod    = errors.New("not a period that can be valued")
)

const notice = "Not a carbon offset, and no claim on avoided or removed emissions. The hub declares that it credits this site and " +
	"period once under this method; whoever uses this statement elsewhere declares that the same condition is not claimed twice."

// Window returns the time whose readings an assessment of the period looks at: before it as much as the flags of the
// first readings can depend on, behind it as long as late data is waited for, so that an assessment made up for later
// sees what a punctual one would have seen.
func Window(m method.Method, settings qc.Settings, site, ecosystem string, from, to time.Time) series.Window {
	w := series.Window{From: from, To: to, Since: from, Until: to.Add(time.Duration(m.Settle))}
	for _, i := range m.For(ecosystem) {
		if since := from.Add(-settings.For(site, i.Quantity).Context()); since.Before(w.Since) {
			w.Since = since
		}
	}
	return w
}

// Assess computes the statement for a content, all but the content's digest, which [statement.Seal] adds.
func Assess(c statement.Content, is Issue) (statement.Statement, error) {
	a, err := open(c, is)
	if err != nil {
		return statement.Statement{}, fmt.Errorf("assessment: site %s, %s to %s: %w", c.Site.ID, statement.Time(is.From), statement.Time(is.To), err)
	}
	st, err := a.statement()
	if err != nil {
		return statement.Statement{}, fmt.Errorf("assessment: site %s, %s to %s: %w", c.Site.ID, statement.Time(is.From), statement.Time(is.To), err)
	}
	return st, nil
}

// assessed is a content read and verified, with the results of its indices.
type assessed struct {
	content    statement.Content
	issue      Issue
	method     method.Method
	settings   qc.Settings
	areaM2     int64
	checkpoint evidence.Checkpoint
	raw        [][]byte // batches as sent
	verified   series.Verified
	indices    []method.Index
	results    []result
}

// result is what one index found; ok is false where there was nothing to score.
type result struct {
	valuation.Result
	ok bool
}

func open(c statement.Content, is Issue) (a assessed, err error) {
	a = assessed{content: c, issue: is}
	a.issue.At = is.At.UTC().Truncate(time.Second)
	if a.method, err = method.Parse([]byte(c.Method)); err != nil {
		return a, err
	}
	if a.settings, err = qc.ParseCanonical([]byte(c.QC)); err != nil {
		return a, err
	}
	if a.method.Community != "" && a.method.Community != c.Community {
		return a, fmt.Errorf("%w: the method is for community %q, not %q", ErrContent, a.method.Community, c.Community)
	}
	if a.indices = a.method.For(c.Site.Ecosystem); len(a.indices) == 0 {
		return a, fmt.Errorf("%w %s", ErrNotValued, c.Site.Ecosystem)
	}
	if err := a.checkPeriod(); err != nil {
		return a, err
	}
	if a.areaM2, err = c.CheckSite(); err != nil {
		return a, fmt.Errorf("%w: %w", ErrContent, err)
	}
	if a.checkpoint, err = evidence.VerifyCheckpoint([]byte(c.Checkpoint), c.LogOrigin, is.Key); err != nil {
		return a, err
	}
	batches, err := a.openBatches()
	if err != nil {
		return a, err
	}
	window := Window(a.method, a.settings, c.Site.ID, c.Site.Ecosystem, is.From, is.To)
	tests := func(q sensors.Quantity) qc.Config { return a.settings.For(c.Site.ID, q) }
	a.verified = series.Build(batches, a.method.Rules(c.Site.Ecosystem), tests, window)
	return a, a.evaluate()
}

func (a *assessed) checkPeriod() error {
	is := a.issue
	switch {
	case !a.method.IsPeriod(is.From, is.To):
		return fmt.Errorf("%w: the method's schedule %q has other periods", ErrPeriod, a.method.Cron)
	case is.From.Before(a.method.Start.Time):
		return fmt.Errorf("%w: the method starts %s", ErrPeriod, statement.Time(a.method.Start.Time))
	case is.At.Before(is.To.Add(time.Duration(a.method.Settle))):
		return fmt.Errorf("%w: late data is waited for until %s", ErrPeriod, statement.Time(is.To.Add(time.Duration(a.method.Settle))))
	}
	return nil
}

// openBatches verifies every batch with the key of its gateway, and that they come by gateway and sequence, each once and
// in one unbroken chain as far as they are neighbours.
func (a *assessed) openBatches() ([]wire.Sealed, error) {
	keys := map[string]ed25519.PublicKey{}
	for i, g := range a.content.Gateways {
		key, err := identity.ParseKey(g.Key)
		if err != nil {
			return nil, fmt.Errorf("%w: gateway %s: %w", ErrContent, g.ID, err)
		}
		if i > 0 && a.content.Gateways[i-1].ID >= g.ID {
			return nil, fmt.Errorf("%w: gateway %s is out of order", ErrContent, g.ID)
		}
		keys[g.ID] = key
	}
	opened := make([]wire.Sealed, len(a.content.Batches))
	a.raw = make([][]byte, len(opened))
	for i, b := range a.content.Batches {
		raw, err := b.Raw()
		if err != nil {
			return nil, err
		}
		head, err := wire.Peek(raw)
		if err != nil {
			return nil, fmt.Errorf("batch at leaf %s: %w", b.Index, err)
		}
		key, ok := keys[head.Gateway]
		if !ok {
			return nil, fmt.Errorf("%w: batch at leaf %s is of %q, which does not stand on the site", ErrContent, b.Index, head.Gateway)
		}
		if opened[i], err = wire.Open(raw, key); err != nil {
			return nil, fmt.Errorf("batch at leaf %s: %w", b.Index, err)
		}
		if i > 0 {
			if err := follows(opened[i-1], opened[i]); err != nil {
				return nil, err
			}
		}
		a.raw[i] = raw
	}
	return opened, nil
}

// follows checks that b may stand behind a in a bundle.
func follows(a, b wire.Sealed) error {
	switch {
	case a.Gateway > b.Gateway, a.Gateway == b.Gateway && a.Sequence >= b.Sequence:
		return fmt.Errorf("%w: batch %d of %s is out of order", ErrContent, b.Sequence, b.Gateway)
	case a.Gateway == b.Gateway && a.Sequence+1 == b.Sequence && b.Previous != a.Digest:
		return fmt.Errorf("%w: batch %d of %s does not carry on from batch %d: the chain is broken", ErrContent, b.Sequence, b.Gateway, a.Sequence)
	}
	return nil
}

// evaluate runs the indices on the verified series.
func (a *assessed) evaluate() error {
	for _, i := range a.indices {
		var list []valuation.Series
		for _, c := range a.verified.Channels {
			if c.Quantity == i.Quantity {
				list = append(list, c.Series)
			}
		}
		r, err := i.Evaluate(a.issue.From, a.issue.To, list)
		switch {
		case errors.Is(err, valuation.ErrNoData):
			expected := valuation.Input{From: a.issue.From, To: a.issue.To}.Expected()
			a.results = append(a.results, result{Result: valuation.Result{
				Expected: expected, Reasons: []string{fmt.Sprintf("No verified reading of %s in any of %d hours.", title(i.Quantity), expected)},
			}})
		case err != nil:
			return err
		default:
			a.results = append(a.results, result{Result: r, ok: true})
		}
	}
	return nil
}

func title(q sensors.Quantity) string {
	k, err := q.Kind()
	if err != nil {
		return string(q)
	}
	return k.Title
}
