package statement

import (
	"fmt"
	"strconv"

	"loam/gateway/evidence"
	"loam/gateway/registry"
	"loam/gateway/wire"
)

// Content is everything a statement is computed from. An assessment is a function of it and of nothing else, so whoever
// holds it comes to the same result.
type Content struct {
	Community  string     `json:"community"`
	Site       Registered `json:"site"`
	Gateways   []Gateway  `json:"gateways"`   // those that stand on the site
	Method     string     `json:"method"`     // the method file
	QC         string     `json:"qc"`         // the quality-control settings in canonical form
	LogOrigin  string     `json:"log_origin"` // name of the evidence log
	Checkpoint string     `json:"checkpoint"` // signed note of the evidence log
	Batches    []Batch    `json:"batches"`    // by gateway, then sequence
}

// Registered is a site as the registry has it.
type Registered struct {
	ID        string                `json:"id"`
	Name      string                `json:"name"`
	Ecosystem string                `json:"ecosystem"`
	AreaM2    string                `json:"area_m2"`
	Outline   []registry.Coordinate `json:"outline"` // longitude and latitude
	Steward   string                `json:"steward"`
}

// Batch is a signed batch as the gateway sent it, with the proof that it stands in the log.
type Batch struct {
	Index  string   `json:"index"`  // leaf of the log
	Proof  []string `json:"proof"`  // RFC 6962 inclusion proof to the checkpoint, base64url
	Sealed string   `json:"sealed"` // base64url
}

// Register writes a site as a bundle carries it.
func Register(s registry.Site) Registered {
	return Registered{ID: s.ID, Name: s.Name, Ecosystem: s.Ecosystem, AreaM2: strconv.FormatInt(s.AreaM2, 10), Outline: s.Outline, Steward: s.Steward}
}

// NewBatch writes a leaf of the log as a bundle carries it.
func NewBatch(leaf evidence.Leaf, proof []wire.Digest) Batch {
	b := Batch{Index: strconv.FormatUint(leaf.Index, 10), Proof: []string{}, Sealed: base64Encode(leaf.Bytes)}
	for _, d := range proof {
		b.Proof = append(b.Proof, base64Encode(d[:]))
	}
	return b
}

// Raw returns the bytes that the gateway sent.
func (b Batch) Raw() ([]byte, error) {
	raw, err := base64Decode(b.Sealed)
	if err != nil {
		return nil, fmt.Errorf("statement: batch at leaf %s: %w", b.Index, err)
	}
	return raw, nil
}

// Verify checks that the batch stands in the log of the given size and root.
func (b Batch) Verify(c evidence.Checkpoint) error {
	raw, err := b.Raw()
	if err != nil {
		return err
	}
	index, err := strconv.ParseUint(b.Index, 10, 64)
	if err != nil || strconv.FormatUint(index, 10) != b.Index {
		return fmt.Errorf("statement: leaf %q is not a number: %w", b.Index, ErrNotCanonical)
	}
	proof := make([]wire.Digest, len(b.Proof))
	for i, text := range b.Proof {
		d, err := base64Decode(text)
		if err != nil || len(d) != len(proof[i]) {
			return fmt.Errorf("statement: proof of leaf %s: step %d is not a digest: %w", b.Index, i, ErrNotCanonical)
		}
		proof[i] = wire.Digest(d)
	}
	return evidence.VerifyInclusion(raw, index, c.Size, c.Root, proof)
}

// CheckSite says what is wrong with the community, site and gateways of the content, by the registry's own rules, and
// returns the area in square metres.
func (c Content) CheckSite() (areaM2 int64, err error) {
	s := c.Site
	areaM2, err = strconv.ParseInt(s.AreaM2, 10, 64)
	if err != nil || strconv.FormatInt(areaM2, 10) != s.AreaM2 {
		return 0, fmt.Errorf("statement: area %q is not a whole number of square metres: %w", s.AreaM2, ErrNotCanonical)
	}
	site := registry.Site{ID: s.ID, Name: s.Name, Ecosystem: s.Ecosystem, AreaM2: areaM2, Outline: s.Outline, Steward: s.Steward}
	var gateways []registry.Gateway
	for _, g := range c.Gateways {
		gateways = append(gateways, registry.Gateway{ID: g.ID, Name: g.ID, Site: s.ID, Key: g.Key})
	}
	_, err = registry.New(c.Community, []registry.Steward{{ID: s.Steward, Name: s.Steward}}, []registry.Site{site}, gateways)
	return areaM2, err
}
