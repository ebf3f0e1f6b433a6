package main

import (
	"context"
	"fmt"

	"loam/gateway/identity"
	"loam/payouts/challenge"
	"loam/valuation/statement"
)

// provenStatements are what settlement pays from: each statement that is not settled yet is held to the bundle it was
// published with, so that an amount changed in the database is an alarm and never money.
type provenStatements struct {
	*statement.Store
	challenges *challenge.Docket
	hub        *identity.Identity
	proven     map[string]string // statement → digest it was proven with
}

// List returns every statement, or an error when one that could still be paid is not what this hub signed.
func (p provenStatements) List(ctx context.Context) ([]statement.Statement, error) {
	list, err := p.Store.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		where, err := p.challenges.State(ctx, s.ID)
		if err == nil && (where.State == challenge.Paid || where.State == challenge.Rejected) {
			continue
		}
		if err := p.check(ctx, s); err != nil {
			return nil, fmt.Errorf("statement %s is not what this hub published: nothing is paid until someone has looked (loam verify --data says more): %w", s.ID, err)
		}
	}
	return list, nil
}

func (p provenStatements) check(ctx context.Context, s statement.Statement) error {
	digest, err := statement.Digest(s)
	if err != nil || p.proven[s.ID] == digest {
		return err
	}
	raw, _, err := p.Bundle(ctx, s.ID)
	if err != nil {
		return err
	}
	b, err := statement.Parse(raw)
	if err != nil {
		return err
	}
	if own := identity.FormatKey(p.hub.Public()); b.Statement.HubKey != own {
		return fmt.Errorf("it is signed with %s, not with this hub's key %s", b.Statement.HubKey, own)
	}
	if err := sameStatement(s, b.Statement); err != nil {
		return err
	}
	p.proven[s.ID] = digest
	return nil
}
