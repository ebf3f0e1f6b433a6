package config

import (
	"errors"
	"fmt"
)

// Problems collects everything that is wrong, so that all of it is reported at once. The zero value is ready; without a
// problem, [Problems.Err] is nil.
type Problems struct{ all []error }

// Check adds a problem, written as [fmt.Errorf] does, unless ok. It returns ok.
func (p *Problems) Check(ok bool, format string, args ...any) bool {
	if !ok {
		p.all = append(p.all, fmt.Errorf(format, args...))
	}
	return ok
}

// Add adds err, if there is one.
func (p *Problems) Add(err error) {
	if err != nil {
		p.all = append(p.all, err)
	}
}

// Err returns the problems in their order, joined as [errors.Join] does.
func (p *Problems) Err() error { return errors.Join(p.all...) }
