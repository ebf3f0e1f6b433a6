// Package policy says what a statement is worth: which account receives how many minor units from the community's
// issuance account, and what goes to the buffer. It moves nothing itself; settlement hands its transfers to the ledger.
//
// The hub that settles a statement may be another program, or a later version, than the one that made it, so nothing in
// a statement is believed: every amount is read and added up again.
package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"loam/internal/config"
	"loam/payouts/ledger"
	"loam/valuation/statement"
)

// BufferKind is the kind of the accounts that hold what is kept back against reversals.
const BufferKind = "buffer"

// ErrRefused is wrapped by everything a statement is refused for.
var ErrRefused = errors.New("statement cannot be paid")

// Config is what a community lets its statements pay.
type Config struct {
	// Community whose statements are paid, as registered.
	Community string `toml:"community"`
	// Assets that may be issued, as "NAME/scale". Empty: any.
	Assets []ledger.Asset `toml:"assets"`
	// Kinds of account that a statement may credit. Empty: steward, commons and verifier.
	Kinds []string `toml:"kinds"`
}

// Policy turns statements into transfers.
type Policy struct{ config Config }

var word = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// New checks a configuration.
func New(c Config) (*Policy, error) {
	if !word.MatchString(c.Community) {
		return nil, fmt.Errorf("policy: community %q: use lower-case letters, digits and dashes", c.Community)
	}
	for _, a := range c.Assets {
		if _, _, err := a.Parse(); err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
	}
	if len(c.Kinds) == 0 {
		c.Kinds = []string{"steward", "commons", "verifier"}
	}
	for _, k := range c.Kinds {
		if !word.MatchString(k) || k == ledger.MintKind || k == BufferKind {
			return nil, fmt.Errorf("policy: a statement cannot credit accounts of the kind %q", k)
		}
	}
	return &Policy{config: c}, nil
}

// Buffer returns the account that holds a community's buffer in an asset.
func Buffer(community string, asset ledger.Asset) ledger.Account {
	name := ledger.Mint(community, asset).ID()
	return ledger.Account(community + ":" + BufferKind + ":" + name)
}

// Transfers returns what a statement pays: one transfer from the issuance account for each part of the split, in its
// order, then one for the buffer; parts of zero are left out. A statement that does not earn, or earns zero, gives none.
// Each transfer's id and origin are the statement's id and the credited account, so that a part can be credited once only,
// whatever else the statement says. Everything else gives an error wrapping [ErrRefused] that names all that is wrong.
func (p *Policy) Transfers(s statement.Statement) ([]ledger.Transfer, error) {
	if !s.Earns {
		return nil, nil
	}
	r := reader{statement: s, policy: p.config}
	credit := r.credit()
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("policy: statement %q: %w: %w", s.ID, ErrRefused, err)
	}
	var transfers []ledger.Transfer
	for _, part := range append(credit.split, part{Buffer(s.Community, credit.asset), credit.buffer}) {
		if part.amount == 0 {
			continue
		}
		origin := s.ID + "/" + string(part.account)
		transfers = append(transfers, ledger.Transfer{
			ID: origin, Origin: origin, Debit: ledger.Mint(s.Community, credit.asset), Credit: part.account,
			Asset: credit.asset, Amount: part.amount, Memo: "statement " + s.ID,
		})
	}
	return transfers, nil
}

// credit is a statement's calculation, read and found right.
type credit struct {
	asset  ledger.Asset
	buffer int64
	split  []part
}

type part struct {
	account ledger.Account
	amount  int64
}

// reader reads a statement's credit and collects what is wrong with it.
type reader struct {
	config.Problems
	statement statement.Statement
	policy    Config
}

var statementID = regexp.MustCompile(`^[!-~]{1,180}$`)

func (r *reader) credit() credit {
	s, c := r.statement, r.statement.Credit
	r.Check(statementID.MatchString(s.ID), "its id must be 1 to 180 visible ASCII characters")
	r.Check(s.Community == r.policy.Community, "it is of community %q, not of %q", s.Community, r.policy.Community)
	found := credit{asset: ledger.Asset(c.Asset)}
	if _, _, err := found.asset.Parse(); r.Check(err == nil, "credit.asset: %w", err) {
		r.Check(len(r.policy.Assets) == 0 || slices.Contains(r.policy.Assets, found.asset), "credit.asset: %s is not one of %v", c.Asset, r.policy.Assets)
	}
	gross, deduction := r.amount("credit.gross", c.Gross), r.amount("credit.uncertainty_deduction", c.Deduction)
	net := r.amount("credit.net", c.Net)
	found.buffer = r.amount("credit.buffer", c.Buffer)
	rest := gross - deduction // none is negative, so it fits; and so does the next difference where it is taken
	r.Check(rest >= found.buffer && rest-found.buffer == net, "credit: gross %q less deduction %q and buffer %q is not net %q", c.Gross, c.Deduction, c.Buffer, c.Net)
	found.split = r.split(net)
	return found
}

// split reads who gets what; together it must be all of net.
func (r *reader) split(net int64) []part {
	left, seen := net, map[string]bool{}
	var parts []part
	for i, p := range r.statement.Credit.Split {
		name := fmt.Sprintf("credit.split[%d]", i)
		account := ledger.Account(p.Account)
		if err := account.Check(); r.Check(err == nil, "%s: %w", name, err) {
			r.Check(account.Community() == r.policy.Community, "%s: account %s is not of community %q", name, account, r.policy.Community)
			r.Check(slices.Contains(r.policy.Kinds, account.Kind()), "%s: account %s is of kind %q, not one of %v", name, account, account.Kind(), r.policy.Kinds)
		}
		r.Check(!seen[p.Account], "%s: account %s is named twice", name, p.Account)
		seen[p.Account] = true
		amount := r.amount(name+".amount", p.Amount)
		if !r.Check(amount <= left, "credit.split: the parts are more than net %q", r.statement.Credit.Net) {
			return nil
		}
		left -= amount
		parts = append(parts, part{account, amount})
	}
	r.Check(left == 0, "credit.split: the parts are %d less than net %q", left, r.statement.Credit.Net)
	return parts
}

var wholeNumber = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)

// amount reads minor units: digits only, in the one way a number can be written, at most 2⁶³−1.
func (r *reader) amount(name, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	r.Check(err == nil && wholeNumber.MatchString(text), "%s: %q is not a whole number of minor units from 0 to 9223372036854775807", name, text)
	return n
}
