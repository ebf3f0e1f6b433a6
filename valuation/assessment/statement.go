package assessment

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/identity"
	"loam/sensors"
	"loam/valuation"
	"loam/valuation/statement"
)

// statement writes what was found.
func (a *assessed) statement() (statement.Statement, error) {
	h, err := weigh(a.indices, a.results)
	if err != nil {
		return statement.Statement{}, err
	}
	c, is, m := a.content, a.issue, a.method
	outline, err := statement.Digest(c.Site.Outline)
	if err != nil {
		return statement.Statement{}, err
	}
	st := statement.Statement{
		ID:        statement.ID(c.Community, c.Site.ID, is.From, is.To, m.Digest()),
		Community: c.Community, Hub: is.Hub, HubKey: identity.FormatKey(is.Key),
		Site: statement.Site{
			ID: c.Site.ID, Name: c.Site.Name, Ecosystem: c.Site.Ecosystem, AreaM2: c.Site.AreaM2, OutlineDigest: outline, Steward: c.Site.Steward,
		},
		Period:         statement.Period{From: statement.Time(is.From), To: statement.Time(is.To)},
		Method:         statement.Method{Name: m.Name, Version: m.Version, Digest: m.Digest()},
		Indices:        a.indexParts(),
		Classes:        a.classes(),
		Excluded:       a.exclusions(),
		Notice:         notice,
		IssuedAt:       statement.Time(is.At),
		ChallengeUntil: statement.Time(is.At.Add(time.Duration(m.Challenge))),
	}
	st.Recompute = "loam verify " + st.ID + ".json"
	if h.ok {
		st.Health, st.HealthLower, st.HealthUpper = h.Score.String(), h.Lower.String(), h.Upper.String()
	}
	if st.Evidence, err = a.evidence(); err != nil {
		return statement.Statement{}, err
	}
	return st, a.credit(&st, h)
}

func (a *assessed) evidence() (statement.Evidence, error) {
	gateways, err := statement.Digest(a.content.Gateways)
	if err != nil {
		return statement.Evidence{}, err
	}
	return statement.Evidence{
		Batches: len(a.raw), Root: evidence.MerkleRoot(a.raw).String(),
		LogOrigin: a.content.LogOrigin, LogSize: strconv.FormatUint(a.checkpoint.Size, 10), LogRoot: a.checkpoint.Root.String(),
		QCDigest: a.settings.Digest(), Gateways: a.content.Gateways, GatewayDigest: gateways,
	}, nil
}

// credit writes the calculation, whether the site earns, and why.
func (a *assessed) credit(st *statement.Statement, h health) error {
	reasons, err := shortfalls(a.method, a.indices, a.results)
	if err != nil {
		return err
	}
	t, err := a.terms(h)
	if err != nil {
		return err
	}
	var earned amounts
	if len(reasons) == 0 {
		if earned, err = credit(t); err != nil {
			return err
		}
	}
	if st.Earns = earned.net > 0; !st.Earns {
		earned = amounts{} // nothing is issued, into the buffer neither
	}
	asset := a.method.Asset
	if h.ok {
		st.Reasons = append(st.Reasons, fmt.Sprintf("Health %s (90 %% interval %s to %s); %s.",
			h.Score.Percent(), h.Lower.Percent(), h.Upper.Percent(), a.classes()))
	}
	for n, r := range a.results {
		if len(a.results) > 1 || !r.ok {
			st.Reasons = append(st.Reasons, fmt.Sprintf("%s: %s", a.indices[n].Entry().Title, r.Reasons[0]))
		} else {
			st.Reasons = append(st.Reasons, r.Reasons...)
		}
	}
	st.Reasons = append(st.Reasons, reasons...)
	if len(reasons) == 0 {
		st.Reasons = append(st.Reasons, creditReason(t, earned, asset))
	}
	st.Credit = statement.Credit{
		Asset: asset, Gross: number(earned.gross), Deduction: number(earned.deduction), Buffer: number(earned.buffer), Net: number(earned.net),
		Split: []statement.Part{
			{Account: a.content.Community + ":steward:" + a.content.Site.Steward, Amount: number(earned.steward)},
			{Account: a.content.Community + ":commons:main", Amount: number(earned.commons)},
			{Account: a.content.Community + ":verifier:" + a.issue.Hub, Amount: number(earned.verifier)},
		},
	}
	return nil
}

func (a *assessed) terms(h health) (terms, error) {
	t := terms{rate: a.method.Credit.RatePerHectare, areaM2: a.areaM2, health: h.Score, spread: spread(h.Score, h.Lower, h.Upper)}
	for _, share := range []struct {
		into *sensors.Micro
		from sensors.Decimal
	}{
		{&t.allowance, a.method.Uncertainty.Allowance}, {&t.buffer, a.method.Credit.Buffer},
		{&t.steward, a.method.Credit.Split.Steward}, {&t.verifier, a.method.Credit.Split.Verifier},
	} {
		m, err := share.from.Micro()
		if err != nil {
			return terms{}, err
		}
		*share.into = m
	}
	return t, nil
}

// creditReason explains the calculation in one sentence.
func creditReason(t terms, a amounts, asset string) string {
	if a.net == 0 {
		return fmt.Sprintf("Does not earn: at this score, area and uncertainty nothing of %s is left after deduction and buffer.", asset)
	}
	s := fmt.Sprintf("Earns %s net, out of %s gross for %d m²", amount(a.net, asset), amount(a.gross, asset), t.areaM2)
	if a.deduction > 0 {
		s += fmt.Sprintf("; %s deducted because the score is uncertain by ± %s of it, %s more than allowed",
			amount(a.deduction, asset), ratio(t.spread, t.health).Percent(), (ratio(t.spread, t.health) - valuation.Score(t.allowance)).Percent())
	} else {
		s += fmt.Sprintf("; nothing deducted, as the score is uncertain by no more than ± %s of it", valuation.Score(t.allowance).Percent())
	}
	return s + fmt.Sprintf("; %s held back in the buffer.", amount(a.buffer, asset))
}

func ratio(part, of valuation.Score) valuation.Score {
	return part * valuation.Full / of
}

// amount writes minor units for people: 1234 of MEADOW/2 is "12.34 MEADOW".
func amount(minor int64, asset string) string {
	name, scale := asset[:len(asset)-2], asset[len(asset)-1]-'0'
	return sensors.Decimal{Mantissa: minor, Exponent: -int8(scale)}.String() + " " + name
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// classes says how much of the ecosystem's condition was looked at: indices of different coverage do not compare.
func (a *assessed) classes() string {
	var measured []string
	for n, r := range a.results {
		if class := a.indices[n].Entry().Class; r.ok && !slices.Contains(measured, class) {
			measured = append(measured, class)
		}
	}
	return fmt.Sprintf("%d of 6 SEEA condition classes measured", len(measured))
}

func (a *assessed) indexParts() []statement.Index {
	parts := []statement.Index{}
	for n, i := range a.indices {
		r := a.results[n]
		p := statement.Index{
			Kind: i.Kind, Quantity: string(i.Quantity), Class: i.Entry().Class, Weight: i.Weight.String(), Levels: map[string]string{},
			Source: i.Source, Covered: r.Covered, Expected: r.Expected, Flags: map[string]int{}, Channels: []statement.Channel{}, Reasons: r.Reasons,
		}
		if r.ok {
			p.Score, p.Lower, p.Upper = r.Score.String(), r.Lower.String(), r.Upper.String()
		}
		for name, level := range i.Levels {
			p.Levels[name] = level.String()
		}
		for _, c := range a.verified.Channels {
			if c.Quantity != i.Quantity {
				continue
			}
			p.Received += c.Received
			p.Good += c.Good
			for flag, count := range c.Flags {
				p.Flags[strconv.Itoa(int(flag))] += count
			}
			p.Channels = append(p.Channels, statement.Channel{
				Gateway: c.Gateway, Channel: string(c.Channel), Calibrations: append([]string{}, c.Calibrations...),
			})
		}
		parts = append(parts, p)
	}
	return parts
}

func (a *assessed) exclusions() []statement.Exclusion {
	list := []statement.Exclusion{}
	for _, e := range a.verified.Excluded {
		list = append(list, statement.Exclusion{Gateway: e.Gateway, Channel: string(e.Channel), Reason: e.Reason, Count: e.Count})
	}
	return list
}
