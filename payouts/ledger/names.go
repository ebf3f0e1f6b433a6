package ledger

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// MintKind is the kind of the accounts that issue: "willow-creek:mint:meadow". They alone may fall below zero unless
// told otherwise, and what they issue must name its origin.
const MintKind = "mint"

var (
	accountForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*(:[a-z0-9][a-z0-9-]*){2,}$`)
	assetForm   = regexp.MustCompile(`^[A-Z][A-Z0-9]{0,16}/[0-6]$`)
)

const longestAccount = 200

// Mint returns the account that issues an asset in a community.
func Mint(community string, asset Asset) Account {
	name, _, _ := strings.Cut(string(asset), "/")
	return Account(community + ":" + MintKind + ":" + strings.ToLower(name))
}

// Check returns an error wrapping [ErrInvalid] unless the account is written as "community:kind:id".
func (a Account) Check() error {
	if len(a) > longestAccount || !accountForm.MatchString(string(a)) {
		return fmt.Errorf("ledger: account %q: write community:kind:id in lower-case letters, digits and dashes: %w", a, ErrInvalid)
	}
	return nil
}

// Community returns the first part of the account's name.
func (a Account) Community() string { return a.part(0) }

// Kind returns the second part of the account's name.
func (a Account) Kind() string { return a.part(1) }

// ID returns what follows the kind.
func (a Account) ID() string { return a.part(2) }

func (a Account) part(i int) string {
	parts := strings.SplitN(string(a), ":", 3)
	if len(parts) != 3 {
		return ""
	}
	return parts[i]
}

// defaultMinimum is what a new account may not fall below: an issuance account is an unlimited source.
func (a Account) defaultMinimum() *int64 {
	if a.Kind() == MintKind {
		return nil
	}
	return new(int64)
}

// Parse returns the asset's name and scale, or an error wrapping [ErrInvalid].
func (a Asset) Parse() (name string, scale int, err error) {
	if !assetForm.MatchString(string(a)) {
		return "", 0, fmt.Errorf("ledger: asset %q: write NAME/scale, up to 17 capital letters and digits and a scale of 0 to 6, such as SOIL/2: %w", a, ErrInvalid)
	}
	name, digit, _ := strings.Cut(string(a), "/")
	return name, int(digit[0] - '0'), nil
}

// Format writes an amount of minor units for people: Format(1234, "MEADOW/2") is "12.34 MEADOW".
func Format(amount int64, asset Asset) string {
	name, scale, err := asset.Parse()
	if err != nil {
		return fmt.Sprintf("%d minor units of %s", amount, asset)
	}
	sign, size := "", uint64(amount)
	if amount < 0 {
		sign, size = "-", -size // right for the smallest int64 too
	}
	digits := strconv.FormatUint(size, 10)
	if scale == 0 {
		return sign + digits + " " + name
	}
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	whole := len(digits) - scale
	return sign + digits[:whole] + "." + digits[whole:] + " " + name
}
