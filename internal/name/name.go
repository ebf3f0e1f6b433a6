// Package name is the one rule for what communities, stewards, sites, gateways, hubs, channels and methods may be called.
package name

import "regexp"

// Rule says what [Valid] asks for, to end an error with.
const Rule = "use 1 to 63 lower-case letters, digits and dashes, starting with a letter or digit"

var form = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// Valid says whether s is a name. Names become parts of topics, queries, accounts and addresses as they are: nothing that
// means something there fits in one.
func Valid(s string) bool { return form.MatchString(s) }
