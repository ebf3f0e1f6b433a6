package wire_test

import (
	"testing"

	"loam/gateway/identity/identitytest"
)

// testSigner signs with a key made of its own name, so that every run makes the same bytes.
func testSigner(id string) identitytest.Signer { return identitytest.Keyed(id, "test key of "+id) }

// must fails the test where v came with an error: must(f())(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
