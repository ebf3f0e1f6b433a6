package dashboard

import (
	"math"
	"strconv"
	"strings"
	"time"

	"loam/gateway/qc"
)

// The chart's drawing board, in SVG user units: small enough that its letters stay readable on a phone.
const (
	chartWidth, chartHeight                      = 360, 190
	chartLeft, chartRight, chartTop, chartBottom = 42, 352, 10, 166
	sparkWidth, sparkHeight, sparkMargin         = 96, 28, 3
	gaugeWidth, gaugeHeight                      = 200, 16
)

// chart is the geometry of a line chart; the template writes the SVG.
type chart struct {
	Width, Height            int
	Left, Right, Top, Bottom int
	Line                     string // path of the means
	Band                     string // path from least to most within each step
	Dots                     []dot  // readings that stand alone between gaps
	Triangles                string // suspect readings
	Crosses                  string // failed readings
	Y                        []tick
	X                        []tick
}

type dot struct{ X, Y string }

type tick struct {
	At    string // position on its axis
	Value float64
	Time  time.Time
}

// drawChart lays out a summary. There is a chart even without readings: an empty one with its time axis.
func drawChart(s summary, sp span) chart {
	c := chart{Width: chartWidth, Height: chartHeight, Left: chartLeft, Right: chartRight, Top: chartTop, Bottom: chartBottom}
	low, high := s.All.Min, s.All.Max
	if s.All.N == 0 {
		low, high = 0, 1
	}
	steps := niceTicks(low, high, 4)
	low, high = steps[0], steps[len(steps)-1]
	x := func(t time.Time) float64 {
		return chartLeft + (chartRight-chartLeft)*float64(t.Sub(s.From))/float64(s.To.Sub(s.From))
	}
	y := func(v float64) float64 {
		v = min(max(v, low), high) // a failed reading far away is marked at the edge
		return chartBottom - (chartBottom-chartTop)*(v-low)/(high-low)
	}
	if s.All.N > 0 {
		for _, v := range steps {
			c.Y = append(c.Y, tick{At: short(y(v)), Value: v})
		}
	}
	for t := s.From.Truncate(sp.Ticks); t.Before(s.To); t = t.Add(sp.Ticks) {
		if !t.Before(s.From) && t.Sub(s.From) >= sp.Ticks/8 && s.To.Sub(t) >= sp.Ticks/8 {
			c.X = append(c.X, tick{At: short(x(t)), Time: t})
		}
	}
	c.Line, c.Band, c.Dots = lines(s, x, y)
	c.Triangles, c.Crosses = marks(s.Marks, x, y)
	return c
}

func lines(s summary, x func(time.Time) float64, y func(float64) float64) (line, band string, dots []dot) {
	var l, b strings.Builder
	for _, run := range s.runs() {
		mid := func(i int) string { return short(x(run[i].From.Add(s.Step / 2))) }
		if len(run) == 1 {
			dots = append(dots, dot{mid(0), short(y(run[0].Mean))})
			continue
		}
		spread := false
		for i := range run {
			move(&l, i == 0, mid(i), short(y(run[i].Mean)))
			spread = spread || run[i].Max > run[i].Min
		}
		if !spread {
			continue
		}
		for i := range run {
			move(&b, i == 0, mid(i), short(y(run[i].Max)))
		}
		for i := len(run) - 1; i >= 0; i-- {
			move(&b, false, mid(i), short(y(run[i].Min)))
		}
		b.WriteString("z")
	}
	return l.String(), b.String(), dots
}

func move(b *strings.Builder, first bool, x, y string) {
	if first {
		b.WriteString("M")
	} else {
		b.WriteString("L")
	}
	b.WriteString(x + " " + y)
}

// marks draws suspect readings as triangles and failed ones as crosses: told apart by shape, not only by colour.
func marks(all []mark, x func(time.Time) float64, y func(float64) float64) (triangles, crosses string) {
	var t, c strings.Builder
	for _, m := range all {
		px, py := short(x(m.At)), short(y(m.Value))
		if math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
			py = strconv.Itoa(chartBottom)
		}
		if m.Flag == qc.Suspect {
			t.WriteString("M" + px + " " + py + "m0-5 5 9h-10z")
		} else {
			c.WriteString("M" + px + " " + py + "m-4-4 8 8m0-8-8 8")
		}
	}
	return t.String(), c.String()
}

// niceTicks returns between three and about n+2 round values that enclose low..high.
func niceTicks(low, high float64, n int) []float64 {
	if !(high-low > math.Abs(high)*1e-9) { // one value, or as good as one
		margin := max(math.Abs(high)*0.05, 0.5)
		low, high = low-margin, high+margin
	}
	raw := (high - low) / float64(n)
	magnitude := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * magnitude
	for _, f := range []float64{1, 2, 5} {
		if raw <= f*magnitude {
			step = f * magnitude
			break
		}
	}
	first, last := math.Floor(low/step), math.Ceil(high/step)
	var ticks []float64
	for i := first; i <= last; i++ {
		ticks = append(ticks, i*step)
	}
	return ticks
}

// tickPlaces is how many digits after the point tell the ticks apart.
func tickPlaces(ticks []tick) int {
	if len(ticks) < 2 {
		return 0
	}
	step := ticks[1].Value - ticks[0].Value
	return max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
}

// spark is a small line without axes; its lowest and highest value stand beside it as text.
type spark struct {
	Width, Height int
	Line          string
	X, Y          string // where the newest value is
	Low, High     float64
}

// drawSpark lays out the small line, or nothing where there are fewer than two readings to join.
func drawSpark(s summary, step time.Duration) *spark {
	s.Dots, s.Step = s.Rows, step // hours are fine enough for its size, and a fifth of the bytes
	if len(s.Dots) < 2 || s.All.N < 2 {
		return nil
	}
	low, high := s.All.Min, s.All.Max
	if high == low {
		low, high = low-1, high+1
	}
	x := func(t time.Time) float64 {
		return sparkMargin + (sparkWidth-2*sparkMargin)*float64(t.Sub(s.From))/float64(s.To.Sub(s.From))
	}
	y := func(v float64) float64 {
		return sparkHeight - sparkMargin - (sparkHeight-2*sparkMargin)*(v-low)/(high-low)
	}
	out := &spark{Width: sparkWidth, Height: sparkHeight, Low: s.All.Min, High: s.All.Max}
	var l strings.Builder
	for _, run := range s.runs() {
		for i, b := range run {
			out.X, out.Y = short(x(b.From)), short(y(b.Mean))
			move(&l, i == 0, out.X, out.Y)
		}
		if len(run) == 1 {
			l.WriteString("h.1") // a lone reading still leaves a dot
		}
	}
	out.Line = l.String()
	return out
}

// gauge is a score with its bounds on a line from 0 to 100.
type gauge struct {
	Width, Height   int
	X, From, Length string
	Class           string
}

func drawGauge(s score) *gauge {
	if !s.Known {
		return nil
	}
	at := func(v float64) float64 { return v * gaugeWidth }
	return &gauge{gaugeWidth, gaugeHeight, short(min(max(at(s.value), 2), gaugeWidth-2)), short(at(s.lower)), short(max(at(s.uppr)-at(s.lower), 2)), s.Class}
}

// short writes a coordinate with at most one digit after the point.
func short(v float64) string {
	s := strconv.FormatFloat(v, 'f', 1, 64)
	return strings.TrimSuffix(s, ".0")
}
