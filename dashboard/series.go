package dashboard

import (
	"context"
	"math"
	"slices"
	"time"

	"loam/gateway/qc"
	"loam/gateway/store"
)

// span is a stretch of time people can choose, with the steps it is drawn and tabled in.
type span struct {
	Name   string        // in the address: "24h"
	Length time.Duration // whole Rows
	Dots   time.Duration // one point of the line
	Rows   time.Duration // one row of the table
	Ticks  time.Duration // labels of the time axis
	keep   time.Duration // how long a summary is good enough
}

const day = 24 * time.Hour

// spans are the choices, the first is shown when none is made.
func spans() []span {
	return []span{
		{"24h", day, 30 * time.Minute, time.Hour, 6 * time.Hour, 5 * time.Second},
		{"7d", 7 * day, time.Hour, 6 * time.Hour, day, 30 * time.Second},
		{"30d", 30 * day, 4 * time.Hour, day, 5 * day, time.Minute},
	}
}

// window returns the times the span covers: it ends with the row that holds now.
func (s span) window(now time.Time) (from, to time.Time) {
	to = now.UTC().Truncate(s.Rows).Add(s.Rows)
	return to.Add(-s.Length), to
}

// bucket is what a series did within one step.
type bucket struct {
	From           time.Time
	Mean, Min, Max float64 // of the readings in the line
	N              int     // readings in the line: all but failed and missing ones
	Suspect        int     // of N
	Unchecked      int     // of N
	Fail           int     // failed or missing: not in the line
	sum            float64
}

func (b *bucket) add(p store.Point) {
	if p.Flag == qc.Fail || p.Flag == qc.Missing || math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
		b.Fail++
		return
	}
	if b.N == 0 || p.Value < b.Min {
		b.Min = p.Value
	}
	if b.N == 0 || p.Value > b.Max {
		b.Max = p.Value
	}
	b.N++
	b.sum += p.Value
	b.Mean = b.sum / float64(b.N)
	switch p.Flag {
	case qc.Suspect:
		b.Suspect++
	case qc.NotEvaluated:
		b.Unchecked++
	}
}

// mark is a reading that stands out: drawn by a shape of its own.
type mark struct {
	At    time.Time
	Value float64
	Flag  qc.Flag
}

// maxMarks bounds the drawing; the table counts them all.
const maxMarks = 24

// summary is one series over a span.
type summary struct {
	From, To time.Time
	Step     time.Duration
	Spacing  time.Duration // usual time between readings, 0 where there are too few to say
	Dots     []bucket      // oldest first; steps without a reading are absent
	Rows     []bucket
	Marks    []mark // the newest maxMarks
	Marked   int    // how many there are in all
	All      bucket
}

// summarise walks a series once. next yields its points, oldest first, in pieces.
func summarise(from, to time.Time, dots, rows time.Duration, pieces func(yield func([]store.Point) error) error) (summary, error) {
	s := summary{From: from, To: to, Step: dots}
	var spacing spacings
	err := pieces(func(points []store.Point) error {
		for _, p := range points {
			into(&s.Dots, from, p.At, dots).add(p)
			into(&s.Rows, from, p.At, rows).add(p)
			s.All.add(p)
			spacing.add(p.At)
			if p.Flag == qc.Suspect || p.Flag == qc.Fail || p.Flag == qc.Missing {
				s.Marked++
				s.Marks = append(s.Marks, mark{p.At, p.Value, p.Flag})
				if len(s.Marks) > 2*maxMarks {
					s.Marks = slices.Delete(s.Marks, 0, maxMarks)
				}
			}
		}
		return nil
	})
	if over := len(s.Marks) - maxMarks; over > 0 {
		s.Marks = slices.Delete(s.Marks, 0, over)
	}
	s.Spacing = spacing.median()
	return s, err
}

// into returns the bucket that holds t, a new one where the last is older.
func into(buckets *[]bucket, from, t time.Time, step time.Duration) *bucket {
	start := from.Add(t.Sub(from) / step * step)
	if n := len(*buckets); n == 0 || (*buckets)[n-1].From.Before(start) {
		*buckets = append(*buckets, bucket{From: start})
	}
	return &(*buckets)[len(*buckets)-1]
}

// spacings finds the usual time between readings from a sample of them.
type spacings struct {
	last time.Time
	seen []time.Duration
}

func (s *spacings) add(t time.Time) {
	if !s.last.IsZero() && len(s.seen) < 512 {
		s.seen = append(s.seen, t.Sub(s.last))
	}
	s.last = t
}

func (s *spacings) median() time.Duration {
	if len(s.seen) < 2 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.seen))
	return sorted[len(sorted)/2]
}

// gap is the time without a reading that breaks the line.
func (s summary) gap() time.Duration { return max(3*s.Spacing, 2*s.Step) }

// runs cuts the line where readings are missing: a gap is shown as a gap.
func (s summary) runs() [][]bucket {
	var runs [][]bucket
	var last time.Time
	for _, b := range s.Dots {
		if b.N == 0 {
			continue
		}
		if len(runs) == 0 || b.From.Sub(last) > s.gap() {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], b)
		last = b.From
	}
	return runs
}

// walk reads a range in pieces, so that a long one costs no more memory than a short one.
func walk(ctx context.Context, r Readings, k store.Key, from, to time.Time, piece time.Duration, yield func([]store.Point) error) error {
	for start := from; start.Before(to); start = start.Add(piece) {
		end := start.Add(piece)
		if end.After(to) {
			end = to
		}
		points, err := r.Range(ctx, k, start, end)
		if err != nil {
			return err
		}
		if err := yield(points); err != nil {
			return err
		}
	}
	return nil
}
