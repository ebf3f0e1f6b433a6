package dashboard

import (
	"context"
	"math/big"
	"slices"
	"strings"

	"loam/gateway/registry"
	"loam/internal/name"
	"loam/payouts/ledger"
)

// holder says in words whose an account is.
type holder struct {
	Account ledger.Account
	Kind    string // second part of the account's name
	ID      string // third part
	Steward *registry.Steward
}

func (d *dashboard) holder(a ledger.Account) holder {
	h := holder{Account: a}
	if parts := strings.SplitN(string(a), ":", 3); len(parts) == 3 {
		h.Kind, h.ID = parts[1], parts[2]
	}
	if h.Kind == stewardKind {
		if s, ok := d.Sources.Registry.Steward(h.ID); ok && d.account(s.ID) == a {
			h.Steward = &s
		}
	}
	return h
}

// shownEntries is how many entries of an account a page shows.
const shownEntries = 100

// stewardView is a steward's page.
type stewardView struct {
	stewardRow
	Entries []entry
	More    int // older entries that are not shown
}

// entry is a transfer as one account sees it.
type entry struct {
	ledger.Transfer
	In        bool
	Other     holder
	Statement string // id; empty where none caused it
}

func (d *dashboard) stewardView(ctx context.Context, q query) (any, error) {
	if !name.Valid(q.id) {
		return nil, errNotFound
	}
	s, ok := d.Sources.Registry.Steward(q.id)
	if !ok {
		return nil, errNotFound
	}
	accounts, err := d.Sources.Ledger.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	history, err := d.Sources.Ledger.History(ctx, d.account(s.ID))
	if err != nil {
		return nil, err
	}
	v := stewardView{stewardRow: d.stewardRow(s, accounts)}
	slices.Reverse(history)
	if len(history) > shownEntries {
		v.More = len(history) - shownEntries
		history = history[:shownEntries]
	}
	for _, t := range history {
		e := entry{Transfer: t, In: t.Credit == d.account(s.ID), Other: d.holder(t.Debit)}
		if !e.In {
			e.Other = d.holder(t.Credit)
		}
		if d.Sources.StatementOf != nil {
			if id, ok := d.Sources.StatementOf(t); ok && statementInPath.MatchString(id) {
				e.Statement = id
			}
		}
		v.Entries = append(v.Entries, e)
	}
	return v, nil
}

// ledgerView is the ledger's page.
type ledgerView struct{ Assets []assetView }

// assetView is everyone's balance in one asset.
type assetView struct {
	Asset    ledger.Asset
	Name     string
	Accounts []accountRow
	Sum      string // of all balances, in minor units
	Even     bool   // Sum is zero, as it always must be
}

type accountRow struct {
	ledger.Balance
	Holder holder
}

func (d *dashboard) ledgerView(ctx context.Context, _ query) (any, error) {
	accounts, err := d.Sources.Ledger.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	var v ledgerView
	sum := new(big.Int)
	for _, b := range accounts {
		if n := len(v.Assets); n == 0 || v.Assets[n-1].Asset != b.Asset {
			name, _, _ := strings.Cut(string(b.Asset), "/")
			v.Assets = append(v.Assets, assetView{Asset: b.Asset, Name: name})
			sum.SetInt64(0)
		}
		last := &v.Assets[len(v.Assets)-1]
		last.Accounts = append(last.Accounts, accountRow{b, d.holder(b.Account)})
		sum.Add(sum, big.NewInt(b.Posted))
		last.Sum, last.Even = sum.String(), sum.Sign() == 0
	}
	return v, nil
}
