package derived

import "math"

// pair is a number as an unevaluated sum of two floats, about 31 digits (Dekker 1971; Knuth's and Dekker's exact sums).
type pair struct{ hi, lo float64 }

var (
	ln2    = pair{0x1.62e42fefa39efp-01, 0x1.abc9e3b39803fp-56}
	halfPi = pair{0x1.921fb54442d18p+00, 0x1.1a62633145c07p-54}
)

// exactSum is a + b without error.
func exactSum(a, b float64) pair {
	s := a + b
	back := s - a
	return pair{s, (a - (s - back)) + (b - back)}
}

// exactProduct is a * b without error. FMA is the one place where fusing is wanted: math rounds it alike on every port.
func exactProduct(a, b float64) pair {
	p := float64(a * b)
	return pair{p, math.FMA(a, b, -p)}
}

// settled is the same number with as much as possible in hi.
func (x pair) settled() pair {
	s := x.hi + x.lo
	return pair{s, x.lo - (s - x.hi)}
}

func (x pair) plus(y pair) pair {
	s, t := exactSum(x.hi, y.hi), exactSum(x.lo, y.lo)
	s.lo += t.hi
	s = s.settled()
	s.lo += t.lo
	return s.settled()
}

func (x pair) minus(y pair) pair { return x.plus(pair{-y.hi, -y.lo}) }

func (x pair) times(y pair) pair {
	p := exactProduct(x.hi, y.hi)
	p.lo += float64(x.hi*y.lo) + float64(x.lo*y.hi)
	return p.settled()
}

func (x pair) over(y pair) pair {
	first := x.hi / y.hi
	rest := x.minus(y.times(pair{first, 0}))
	second := rest.hi / y.hi
	rest = rest.minus(y.times(pair{second, 0}))
	return pair{first, second}.settled().plus(pair{rest.hi / y.hi, 0})
}

// shifted is x * 2^n, exact.
func (x pair) shifted(n int) pair { return pair{math.Ldexp(x.hi, n), math.Ldexp(x.lo, n)} }

// expPair is e^x: x is brought near zero by whole powers of two and nine halvings, there the series is short.
func expPair(x pair) pair {
	switch {
	case x.hi > 709:
		return pair{math.Inf(1), 0} // no result: Compute refuses it
	case x.hi < -700:
		return pair{} // nothing, beside any quantity
	}
	const halvings = 9
	k := math.Floor(x.hi/ln2.hi + 0.5)
	r := x.minus(ln2.times(pair{k, 0})).shifted(-halvings)
	term, e := r, r // e is e^r - 1, which keeps its digits
	for n := 2.0; n <= 10; n++ {
		term = term.times(r).over(pair{n, 0})
		e = e.plus(term)
	}
	for range halvings {
		e = e.shifted(1).plus(e.times(e))
	}
	return e.plus(pair{1, 0}).shifted(int(k))
}

// logPair is the natural logarithm of x > 0: powers of two apart, and 2 artanh((m-1)/(m+1)) for the rest.
func logPair(x float64) pair {
	m, k := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, k = float64(m*2), k-1
	}
	z := pair{m - 1, 0}.over(exactSum(m, 1))
	square := z.times(z)
	power, sum := z, z
	for n := 3.0; n < 46; n += 2 {
		power = power.times(square)
		sum = sum.plus(power.over(pair{n, 0}))
	}
	return sum.shifted(1).plus(ln2.times(pair{float64(k), 0}))
}

// sinCosPair is the sine and the cosine of x, for angles of a few turns.
func sinCosPair(x float64) (sin, cos pair) {
	k := math.Floor(x/halfPi.hi + 0.5)
	r := pair{x, 0}.minus(halfPi.times(pair{k, 0}))
	sin, cos = r, pair{1, 0}
	term := r
	for n := 2.0; n <= 28; n += 2 {
		term = term.times(r).over(pair{-n, 0})
		cos = cos.plus(term)
		term = term.times(r).over(pair{n + 1, 0})
		sin = sin.plus(term)
	}
	switch int(k) & 3 {
	case 1:
		sin, cos = cos, pair{-sin.hi, -sin.lo}
	case 2:
		sin, cos = pair{-sin.hi, -sin.lo}, pair{-cos.hi, -cos.lo}
	case 3:
		sin, cos = pair{-cos.hi, -cos.lo}, sin
	}
	return sin, cos
}

func exp(x float64) float64 { return expPair(pair{x, 0}).hi }

func ln(x float64) float64 { return logPair(x).hi }

// pow is x^y for x > 0.
func pow(x, y float64) float64 { return expPair(logPair(x).times(pair{y, 0})).hi }

func sin(x float64) float64 {
	s, _ := sinCosPair(x)
	return s.hi
}

func cos(x float64) float64 {
	_, c := sinCosPair(x)
	return c.hi
}

func tan(x float64) float64 {
	s, c := sinCosPair(x)
	return s.over(c).hi
}

// acos is the angle in 0..π whose cosine is x in -1..1. One step of Newton's makes any good first guess exact enough.
func acos(x float64) float64 {
	guess := math.Acos(x)
	if x == 1 || x == -1 {
		return guess
	}
	s, c := sinCosPair(guess)
	return pair{guess, 0}.plus(c.minus(pair{x, 0}).over(s)).hi
}
