package config

import (
	"errors"
	"io"
	"testing"
)

func TestProblemsAreReportedAtOnceInTheirOrder(t *testing.T) {
	var p Problems
	if !p.Check(true, "fine") || p.Err() != nil {
		t.Fatalf("without a problem: %v", p.Err())
	}
	p.Add(nil)
	if err := p.Err(); err != nil {
		t.Fatalf("without a problem: %v", err)
	}
	if p.Check(false, "first %d: %w", 1, io.EOF) {
		t.Error("a problem is not ok")
	}
	p.Add(io.ErrUnexpectedEOF)
	err := p.Err()
	if err == nil || err.Error() != "first 1: EOF\nunexpected EOF" || !errors.Is(err, io.EOF) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
}
