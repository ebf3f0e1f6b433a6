package dashboard

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"loam/gateway/identity"
	"loam/gateway/qc"
	"loam/payouts/ledger"
	"loam/sensors"
)

// age says how long ago something was, in the largest unit that still means something.
func (c catalog) age(d time.Duration) string {
	switch {
	case d < -time.Minute:
		return c.text("age.ahead")
	case d < 2*time.Second:
		return c.text("age.now")
	case d < time.Minute:
		return c.count("age.seconds", int(d/time.Second))
	case d < time.Hour:
		return c.count("age.minutes", int(d/time.Minute))
	case d < 48*time.Hour:
		return c.count("age.hours", int(d/time.Hour))
	}
	return c.count("age.days", int(d/(24*time.Hour)))
}

// number writes v with a fixed number of digits after the point.
func (c catalog) number(v float64, places int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	s := strconv.FormatFloat(v, 'f', places, 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-") // a zero has no sign
	}
	whole, fraction, found := strings.Cut(s, ".")
	if strings.TrimPrefix(whole, "-") != "" && len(strings.TrimPrefix(whole, "-")) > 4 {
		whole = c.group(whole)
	}
	whole = strings.Replace(whole, "-", "−", 1)
	if !found {
		return whole
	}
	return whole + c.text("number.point") + fraction
}

// quality says in one or two words how far a reading can be trusted.
func (c catalog) quality(f qc.Flag) string {
	return c.or("quality.", strconv.Itoa(int(f)), f.String())
}

// verdicts says which tests a reading did not pass, and what that means; nothing for a good one.
func (c catalog) verdicts(digits string) []string {
	var out []string
	for i, test := range qc.Tests() {
		if i >= len(digits) {
			break
		}
		switch flag := qc.Flag(digits[i] - '0'); flag {
		case qc.Suspect, qc.Fail, qc.Missing:
			out = append(out, c.text("test.verdict", "quality", c.quality(flag),
				"test", c.text("test."+string(test)+".name"), "means", c.text("test."+string(test)+".means")))
		}
	}
	return out
}

// quantity returns what there is to know of q for people; an unknown one keeps its own name and says so in its unit.
func (c catalog) quantity(q sensors.Quantity) sensors.Kind {
	k, err := q.Kind()
	if err != nil {
		return sensors.Kind{Name: q, Title: plain(string(q)), Unit: "?", Symbol: c.text("unit.unknown"), Places: 3}
	}
	k.Title = c.or("quantity.", string(q), k.Title)
	return k
}

// plain turns a machine's name into words: "soil_moisture_regime" is "soil moisture regime".
func plain(name string) string {
	return strings.NewReplacer("_", " ", "-", " ").Replace(name)
}

// capital starts a text with a capital letter.
func capital(s string) string {
	for i, r := range s {
		return strings.ToUpper(string(r)) + s[i+len(string(r)):]
	}
	return s
}

// when writes a moment for people, in UTC.
func (c catalog) when(t time.Time) string {
	t = t.UTC()
	return c.text("date.full", "day", t.Day(), "month", c.month(t), "year", t.Year(), "time", t.Format("15:04"))
}

// day writes a day for people, in UTC.
func (c catalog) day(t time.Time) string {
	t = t.UTC()
	return c.text("date.day", "day", t.Day(), "month", c.month(t), "year", t.Year())
}

func (c catalog) month(t time.Time) string { return c.text("month." + strconv.Itoa(int(t.Month()))) }

// period writes a half-open time as people say it: whole days are named by their first and last day.
func (c catalog) period(from, to time.Time) string {
	midnight := func(t time.Time) bool { return t.Equal(t.UTC().Truncate(24 * time.Hour)) }
	if !midnight(from) || !midnight(to) {
		return c.text("date.span", "from", c.when(from), "to", c.when(to))
	}
	from, last := from.UTC(), to.UTC().Add(-day)
	switch {
	case !last.After(from):
		return c.day(from)
	case from.Year() == last.Year() && from.Month() == last.Month():
		return c.text("date.span", "from", from.Day(), "to", c.day(last))
	case from.Year() == last.Year():
		return c.text("date.span", "from", c.text("date.short", "day", from.Day(), "month", c.month(from)), "to", c.day(last))
	}
	return c.text("date.span", "from", c.day(from), "to", c.day(last))
}

// score is a health score 0..1 as pages show it.
type score struct {
	Known              bool
	Value, Low, High   int // of 100
	Class              string
	value, lower, uppr float64
}

// parseScore reads the texts of a statement; an empty one is no score, not a zero.
func parseScore(value, lower, upper string) score {
	v, err1 := strconv.ParseFloat(value, 64)
	l, err2 := strconv.ParseFloat(lower, 64)
	u, err3 := strconv.ParseFloat(upper, 64)
	if err1 != nil || err2 != nil || err3 != nil || !(0 <= l && l <= v && v <= u && u <= 1) {
		return score{Class: "none"}
	}
	of100 := func(f float64) int { return int(math.Round(f * 100)) }
	return score{Known: true, Value: of100(v), Low: of100(l), High: of100(u), Class: healthClass(of100(v)), value: v, lower: l, uppr: u}
}

// healthClass names the fifth of the scale a score is in. The steps are equal and only a help for reading.
func healthClass(of100 int) string {
	return [...]string{"h1", "h2", "h3", "h4", "h5"}[min(of100/20, 4)]
}

// amount writes minor units of an asset "NAME/scale" as people write money: 1250 of "SOIL/2" is "12.50 SOIL".
func (c catalog) amount(asset ledger.Asset, minor int64) string {
	return c.bigAmount(asset, big.NewInt(minor))
}

// amountText is amount for the texts of a statement; what is no whole number is shown as it is.
func (c catalog) amountText(asset, minor string) string {
	n, ok := new(big.Int).SetString(minor, 10)
	if !ok {
		return minor + " " + asset
	}
	return c.bigAmount(ledger.Asset(asset), n)
}

func (c catalog) bigAmount(asset ledger.Asset, minor *big.Int) string {
	name, scaleText, _ := strings.Cut(string(asset), "/")
	scale, err := strconv.Atoi(scaleText)
	if err != nil || scale < 0 || scale > 18 {
		name, scale = string(asset), 0
	}
	sign, digits := "", new(big.Int).Abs(minor).String()
	if minor.Sign() < 0 {
		sign = "−"
	}
	if pad := scale + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	s := sign + c.group(digits[:len(digits)-scale])
	if scale > 0 {
		s += c.text("number.point") + digits[len(digits)-scale:]
	}
	return s + " " + name
}

// fingerprint is the short form of a key that two people can read to each other, the same that verify prints; what is no
// key is shown as it is.
func fingerprint(key string) string {
	k, err := identity.ParseKey(key)
	if err != nil {
		return key
	}
	return identity.Fingerprint(k)
}

// area writes square metres as hectares, the way land is spoken of.
func (c catalog) area(m2 int64) string {
	return c.text("area.ha", "ha", c.number(float64(m2)/10_000, 2))
}

// ecosystem names the biome of an IUCN GET code such as T4.4.
func (c catalog) ecosystem(code string) string {
	biome, _, _ := strings.Cut(code, ".")
	return c.or("ecosystem.", biome, "")
}

// bytes writes a size.
func (c catalog) bytes(n int) string {
	if n < 10_000 {
		return c.count("bytes", n)
	}
	return c.text("kilobytes.n", "n", c.number(float64(n)/1000, 0))
}
