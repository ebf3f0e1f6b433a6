package registry

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// biome is a level 2 unit of the IUCN Global Ecosystem Typology with the number of functional groups (level 3) below it.
type biome struct {
	code   string
	groups int
}

// biomes lists IUCN GET version 2.1 (https://global-ecosystems.org): 25 biomes, 110 functional groups numbered from 1.
// The letters are the realms: terrestrial, subterranean, freshwater, marine, and their transitions.
func biomes() []biome {
	return []biome{
		{"T1", 4}, {"T2", 6}, {"T3", 4}, {"T4", 5}, {"T5", 5}, {"T6", 5}, {"T7", 5},
		{"S1", 2}, {"S2", 1},
		{"SF1", 2}, {"SF2", 2},
		{"SM1", 3},
		{"TF1", 7},
		{"F1", 7}, {"F2", 10}, {"F3", 5},
		{"FM1", 3},
		{"M1", 10}, {"M2", 5}, {"M3", 7}, {"M4", 2},
		{"MT1", 4}, {"MT2", 2}, {"MT3", 1},
		{"MFT1", 3},
	}
}

var ecosystemPattern = regexp.MustCompile(`^([A-Z]{1,3}[1-9])\.([1-9]\d?)$`)

// checkEcosystem says what is wrong with an ecosystem code, if anything.
func checkEcosystem(code string) error {
	m := ecosystemPattern.FindStringSubmatch(code)
	if m == nil {
		return fmt.Errorf("ecosystem %q is not an IUCN GET code of level 3 such as T4.4, F1.2 or MFT1.2", code)
	}
	all := biomes()
	i := slices.IndexFunc(all, func(b biome) bool { return b.code == m[1] })
	if i < 0 {
		codes := make([]string, len(all))
		for i, b := range all {
			codes[i] = b.code
		}
		return fmt.Errorf("ecosystem %q: IUCN GET 2.1 has no biome %s; it has %s", code, m[1], strings.Join(codes, " "))
	}
	if group, _ := strconv.Atoi(m[2]); group > all[i].groups {
		return fmt.Errorf("ecosystem %q: IUCN GET 2.1 knows %s.1 to %s.%d", code, m[1], m[1], all[i].groups)
	}
	return nil
}
