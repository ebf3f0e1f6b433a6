package ledger

import (
	"encoding/hex"
	"testing"
)

// TestChainGolden fixes the chain's form: who recomputes it from an export needs it to stay as it is.
func TestChainGolden(t *testing.T) {
	minimum := int64(-5)
	var previous digest
	for _, step := range []struct {
		entry     entry
		canonical string
		hash      string
	}{
		{
			entry{
				Sequence: 1, At: 1_700_000_000_000, Kind: "posted", Transfer: "t1", Debit: "a:mint:soil", Credit: "a:steward:x",
				Asset: "SOIL/2", Amount: 9007199254740993, Origin: "s1/a:steward:x", Memo: "<é>",
			},
			`{"amount":"9007199254740993","asset":"SOIL/2","at":"1700000000000","credit":"a:steward:x","deadline":"0","debit":"a:mint:soil",` +
				`"kind":"posted","memo":"<é>","origin":"s1/a:steward:x","reverses":"","sequence":"1","transfer":"t1"}`,
			"6f4d8dcc30699ad251574e11f77dfb99bfd8f44cba6ce6d4da00ac1848f66779",
		},
		{
			entry{Sequence: 2, At: 1_700_000_000_001, Kind: limitsKind, Debit: "a:steward:x", Asset: "SOIL/2", Minimum: &minimum},
			`{"amount":"0","asset":"SOIL/2","at":"1700000000001","credit":"","deadline":"0","debit":"a:steward:x",` +
				`"kind":"limits","memo":"","minimum":"-5","origin":"","reverses":"","sequence":"2","transfer":""}`,
			"dd4a89a9b9c2f62dd8bd8c732100a2e350670e14c8d98ab904b0829b8b5dd2a6",
		},
	} {
		canonical, err := canonicalJSON(step.entry)
		if err != nil || string(canonical) != step.canonical {
			t.Errorf("%v\ngot  %s\nwant %s", err, canonical, step.canonical)
		}
		if previous, err = step.entry.chained(previous); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(previous[:]); got != step.hash {
			t.Errorf("hash %s, want %s", got, step.hash)
		}
	}
}
