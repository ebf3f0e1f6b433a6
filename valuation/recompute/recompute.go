// Package recompute checks a bundle with nothing but the bundle: every signature, every proof, and every number by
// computing it again.
package recompute

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"

	"loam/gateway/evidence"
	"loam/gateway/identity"
	"loam/gateway/wire"
	"loam/valuation/assessment"
	"loam/valuation/statement"
)

// Report says what was checked. It is complete only where [Verify] returned no error.
type Report struct {
	Statement   statement.Statement
	Fingerprint string   // of the hub's key, see [identity.Fingerprint]
	Checked     []string // plain lines, in the order they were checked
}

// ErrDiffers says that a bundle is signed and whole, and yet its statement is not what its evidence gives.
var ErrDiffers = errors.New("the statement is not what its evidence gives")

// Verify checks a bundle's file. The cheap checks come first: canonical form, the hub's signature over the statement and
// the content, checkpoint, inclusion proofs, and then the whole assessment again. An error says what is wrong; the report
// then holds what was found good before it.
//
// Whether the key is the hub's own is for the reader to judge by the report's fingerprint.
func Verify(bundle []byte) (Report, error) {
	var r Report
	b, err := statement.Parse(bundle)
	if err != nil {
		return r, fmt.Errorf("recompute: %w", err)
	}
	r.Statement = b.Statement
	key, err := identity.ParseKey(b.Statement.HubKey)
	if err != nil {
		return r, fmt.Errorf("recompute: %w", err)
	}
	r.Fingerprint = identity.Fingerprint(key)
	r.say("The file is in canonical form, and hub %s signed its statement and content with the key %s.", b.Statement.Hub, r.Fingerprint)
	if err := r.proofs(b.Content, key); err != nil {
		return r, fmt.Errorf("recompute: %w", err)
	}
	if err := r.assess(b, key); err != nil {
		return r, fmt.Errorf("recompute: %w", err)
	}
	return r, nil
}

func (r *Report) say(format string, args ...any) {
	r.Checked = append(r.Checked, fmt.Sprintf(format, args...))
}

// proofs checks that every batch stands in the log that the hub signed.
func (r *Report) proofs(c statement.Content, key ed25519.PublicKey) error {
	checkpoint, err := evidence.VerifyCheckpoint([]byte(c.Checkpoint), c.LogOrigin, key)
	if err != nil {
		return err
	}
	r.say("The checkpoint of the evidence log %s, %d batches, root %s, carries the hub's signature.", c.LogOrigin, checkpoint.Size, checkpoint.Root)
	for _, b := range c.Batches {
		if err := b.Verify(checkpoint); err != nil {
			return err
		}
	}
	r.say("Each of the %d batches stands in that log, by its inclusion proof.", len(c.Batches))
	return nil
}

// assess computes the statement again and compares it byte for byte.
func (r *Report) assess(b statement.Bundle, key ed25519.PublicKey) error {
	stated := b.Statement
	from, err := statement.ParseTime(stated.Period.From)
	if err != nil {
		return err
	}
	to, err := statement.ParseTime(stated.Period.To)
	if err != nil {
		return err
	}
	at, err := statement.ParseTime(stated.IssuedAt)
	if err != nil {
		return err
	}
	again, err := assessment.Assess(b.Content, assessment.Issue{Hub: stated.Hub, Key: key, From: from, To: to, At: at})
	if err != nil {
		return err
	}
	again.Evidence.ContentDigest = stated.Evidence.ContentDigest // checked when the bundle was read
	if err := r.chains(b.Content); err != nil {
		return err
	}
	want, err := statement.Canonical(again)
	if err != nil {
		return err
	}
	got, err := statement.Canonical(stated)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return differences(got, want)
	}
	r.say("Quality flags, verified hours, indices, health and credits were computed again from the batches: every digit is the same.")
	r.say("Net %s minor units of %s; in challenge until %s.", stated.Credit.Net, stated.Credit.Asset, stated.ChallengeUntil)
	return nil
}

// chains says how far the batches of each gateway form one chain. That neighbours carry on from each other was checked.
func (r *Report) chains(c statement.Content) error {
	type chain struct{ first, last, count uint64 }
	found := map[string]*chain{}
	for _, g := range c.Gateways {
		found[g.ID] = &chain{}
	}
	for _, b := range c.Batches {
		raw, err := b.Raw()
		if err != nil {
			return err
		}
		head, err := wire.Peek(raw)
		if err != nil {
			return err
		}
		f := found[head.Gateway]
		if f.count == 0 {
			f.first = head.Sequence
		}
		f.last = head.Sequence
		f.count++
	}
	for _, g := range c.Gateways {
		f := found[g.ID]
		switch missing := f.last - f.first + 1 - f.count; {
		case f.count == 0:
			r.say("Gateway %s: no batch of this period.", g.ID)
		case missing == 0:
			r.say("Gateway %s: batches %d to %d, each signed with its registered key, in one unbroken chain.", g.ID, f.first, f.last)
		default:
			r.say("Gateway %s: %d batches from %d to %d, each signed with its registered key; %d sequence numbers between them are not shown: "+
				"batches without readings of this time, in quarantine, not arrived, or left out.", g.ID, f.count, f.first, f.last, missing)
		}
	}
	return nil
}
