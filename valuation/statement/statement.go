// Package statement is an assessment in its published form: signed, bound to its evidence, and readable without loam.
//
// A statement is JSON in canonical form (RFC 8785). Amounts and other integers that money hangs on are strings, because
// JSON readers round large numbers. A [Bundle] is a statement with everything needed to recompute it, in one file.
//
// One signature binds all of it: the hub signs the statement, and the statement carries the SHA-256 of the bundle's
// content. So a statement can be published and checked alone, and not one byte of its bundle can be exchanged.
package statement

// Statement is what the hub says of one site and period under one method.
type Statement struct {
	ID          string      `json:"id"` // deterministic, see [ID]
	Community   string      `json:"community"`
	Hub         string      `json:"hub"`
	HubKey      string      `json:"hub_key"`
	Site        Site        `json:"site"`
	Period      Period      `json:"period"`
	Method      Method      `json:"method"`
	Indices     []Index     `json:"indices"`      // those the method has for the site's ecosystem
	Health      string      `json:"health"`       // the site's score 0..1 with six places; "" where there is none
	HealthLower string      `json:"health_lower"` // bounds of the 90 % interval
	HealthUpper string      `json:"health_upper"`
	Classes     string      `json:"seea_classes"` // e.g. "1 of 6 condition classes measured"
	Credit      Credit      `json:"credit"`
	Evidence    Evidence    `json:"evidence"`
	Excluded    []Exclusion `json:"excluded"`
	Earns       bool        `json:"earns"`
	Reasons     []string    `json:"reasons"`   // plain sentences: why this result, and why it earns or does not
	Notice      string      `json:"notice"`    // what the credits are not, and the double-claim declaration
	Recompute   string      `json:"recompute"` // the command that checks the bundle
	IssuedAt    string      `json:"issued_at"`
	// ChallengeUntil is when the statement becomes final if nobody challenges it.
	ChallengeUntil string `json:"challenge_until"`
}

// Site is the place as it was registered when the statement was made.
type Site struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	Ecosystem     string `json:"ecosystem"`
	AreaM2        string `json:"area_m2"`
	OutlineDigest string `json:"outline_sha256"`
	Steward       string `json:"steward"`
}

// Period is half open: From <= t < To, RFC 3339 in UTC.
type Period struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Method says which version of which rules was in force.
type Method struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"sha256"` // of the method file
}

// Index is one index's part in the result.
type Index struct {
	Kind     string            `json:"kind"`
	Quantity string            `json:"quantity"`
	Class    string            `json:"seea_class"`
	Weight   string            `json:"weight"`
	Levels   map[string]string `json:"reference_levels"`
	Source   string            `json:"reference_source"`
	Score    string            `json:"score"` // "" where there was nothing to score
	Lower    string            `json:"lower"`
	Upper    string            `json:"upper"`
	Covered  int               `json:"hours_covered"`
	Expected int               `json:"hours_expected"`
	Received int               `json:"readings_received"`
	Good     int               `json:"readings_good"`
	Flags    map[string]int    `json:"readings_by_flag"` // flag number to count
	Channels []Channel         `json:"channels"`
	Reasons  []string          `json:"reasons"`
}

// Channel names a source of readings and the calibration in force.
type Channel struct {
	Gateway      string   `json:"gateway"`
	Channel      string   `json:"channel"`
	Calibrations []string `json:"calibrations"`
}

// Credit is the calculation in minor units of the asset, all whole numbers as strings. Gross − Deduction − Buffer = Net.
type Credit struct {
	Asset     string `json:"asset"` // "NAME/scale"
	Gross     string `json:"gross"`
	Deduction string `json:"uncertainty_deduction"`
	Buffer    string `json:"buffer"`
	Net       string `json:"net"`
	Split     []Part `json:"split"` // sums to Net
}

// Part is what one account receives.
type Part struct {
	Account string `json:"account"` // "community:kind:id"
	Amount  string `json:"amount"`
}

// Evidence binds the statement to the batches it was computed from.
type Evidence struct {
	Batches       int       `json:"batches"`
	Root          string    `json:"merkle_root"` // RFC 6962 root over the batches, in bundle order
	LogOrigin     string    `json:"log_origin"`
	LogSize       string    `json:"log_size"` // of the checkpoint the inclusion proofs lead to
	LogRoot       string    `json:"log_root"`
	QCDigest      string    `json:"qc_sha256"` // of the quality-control settings in force
	Gateways      []Gateway `json:"gateways"`  // whose signatures count
	GatewayDigest string    `json:"gateways_sha256"`
	ContentDigest string    `json:"content_sha256"` // of the bundle's content in canonical form
}

// Gateway is a gateway of the site and the key it signs with, as the registry writes it.
type Gateway struct {
	ID  string `json:"id"`
	Key string `json:"key"`
}

// Exclusion says how many readings did not count, and why.
type Exclusion struct {
	Gateway string `json:"gateway"`
	Channel string `json:"channel"`
	Reason  string `json:"reason"`
	Count   int    `json:"count"`
}
