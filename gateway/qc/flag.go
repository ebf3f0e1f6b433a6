// Package qc gives every reading a verdict by the tests of QARTOD (IOOS), with the semantics and the vocabulary of
// ioos_qc. Flags are an overlay: they never change a value, and they can be computed again under other settings.
package qc

import "fmt"

// Flag is a QARTOD verdict.
type Flag uint8

// The verdicts.
const (
	Good         Flag = 1
	NotEvaluated Flag = 2
	Suspect      Flag = 3
	Fail         Flag = 4
	Missing      Flag = 9
)

// String returns the verdict in words that people read.
func (f Flag) String() string {
	switch f {
	case Good:
		return "good"
	case NotEvaluated:
		return "not evaluated"
	case Suspect:
		return "suspect"
	case Fail:
		return "fail"
	case Missing:
		return "missing"
	}
	return fmt.Sprintf("flag(%d)", uint8(f))
}

// Test names a QARTOD test as ioos_qc does, without "_test".
type Test string

// The tests, in the order their digits stand in a point.
const (
	GrossRange   Test = "gross_range"
	Spike        Test = "spike"
	RateOfChange Test = "rate_of_change"
	FlatLine     Test = "flat_line"
	TimeGap      Test = "time_gap"
)

// Tests returns every test in the order of their digits.
func Tests() []Test { return []Test{GrossRange, Spike, RateOfChange, FlatLine, TimeGap} }
