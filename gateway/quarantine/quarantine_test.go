package quarantine_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/gateway/quarantine"
)

var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

type fataler interface {
	Helper()
	Fatal(...any)
}

func open(t fataler, path string, l quarantine.Limits) *quarantine.Quarantine {
	t.Helper()
	q, err := quarantine.OpenLimited(context.Background(), path, l)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func put(t fataler, q *quarantine.Quarantine, it quarantine.Item) {
	t.Helper()
	if err := q.Put(context.Background(), it); err != nil {
		t.Fatal(err)
	}
}

func list(t fataler, q *quarantine.Quarantine) []quarantine.Item {
	t.Helper()
	items, err := q.List(context.Background(), 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func TestWhatIsPutIsFoundAgainAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q.db")
	q := open(t, path, quarantine.DefaultLimits())
	put(t, q, quarantine.Item{Received: start, Gateway: "creek-1", Reason: quarantine.Fork, Detail: "sequence 7", Bytes: []byte("abc"), Verified: true})
	put(t, q, quarantine.Item{Received: start.Add(time.Minute), Gateway: "creek-1", Reason: quarantine.Fork, Detail: "sequence 7", Bytes: []byte("abc"), Verified: true})
	put(t, q, quarantine.Item{Received: start, Gateway: "", Reason: quarantine.Malformed, Bytes: nil})
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	q, err := quarantine.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	items := list(t, q)
	if len(items) != 2 {
		t.Fatalf("%d items, want 2: the same batch for the same reason is one", len(items))
	}
	it := items[0]
	if it.Gateway != "creek-1" || it.Seen != 2 || !it.Received.Equal(start.Add(time.Minute)) || !it.First.Equal(start) ||
		it.Digest != sha256.Sum256([]byte("abc")) || it.Size != 3 || string(it.Bytes) != "abc" || !it.Verified || it.Detail != "sequence 7" {
		t.Errorf("came back as %+v", it)
	}
	if n, err := q.Count(t.Context()); n != 2 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
	tallies, err := q.CountByReason(t.Context())
	want := []quarantine.Tally{{Reason: quarantine.Fork, Items: 1, Seen: 2}, {Reason: quarantine.Malformed, Items: 1, Seen: 1}}
	if err != nil || !slices.Equal(tallies, want) {
		t.Errorf("CountByReason = %v, %v", tallies, err)
	}
}

func TestOnlyTheFirstBytesOfJunkAreKept(t *testing.T) {
	q := open(t, filepath.Join(t.TempDir(), "q.db"), quarantine.Limits{ItemBytes: 10, ReasonItems: 5, ReasonAllBytes: 1000})
	defer q.Close()
	big := bytes.Repeat([]byte("x"), 100)
	put(t, q, quarantine.Item{Received: start, Reason: quarantine.TooLarge, Bytes: big, Gateway: strings.Repeat("g", 5000), Detail: strings.Repeat("é", 5000)})
	put(t, q, quarantine.Item{Received: start, Reason: quarantine.Fork, Bytes: big, Verified: true})
	items := list(t, q)
	verified, junk := items[0], items[1]
	if len(junk.Bytes) != 10 || junk.Size != 100 || junk.Digest != sha256.Sum256(big) || len(junk.Gateway) > 100 || len(junk.Detail) > 1100 {
		t.Errorf("junk is kept as %d of %d bytes, gateway %d, detail %d", len(junk.Bytes), junk.Size, len(junk.Gateway), len(junk.Detail))
	}
	if !bytes.Equal(verified.Bytes, big) {
		t.Errorf("of a verified batch only %d bytes are kept", len(verified.Bytes))
	}
}

// A batch that nobody could vouch for when it came first, and whose signature holds now, is data from now on.
func TestVerifiedLater(t *testing.T) {
	q := open(t, filepath.Join(t.TempDir(), "q.db"), quarantine.Limits{ItemBytes: 4, ReasonItems: 2, ReasonAllBytes: 8})
	defer q.Close()
	it := quarantine.Item{Received: start, Reason: quarantine.Malformed, Bytes: []byte("measured")}
	put(t, q, it)
	it.Verified, it.Gateway = true, "creek-1"
	put(t, q, it)
	for i := range 5 {
		put(t, q, quarantine.Item{Received: start.Add(time.Hour), Reason: quarantine.Malformed, Bytes: fmt.Append(nil, i)})
	}
	items := list(t, q)
	last := items[len(items)-1]
	if len(items) != 3 || string(last.Bytes) != "measured" || !last.Verified || last.Gateway != "creek-1" || last.Seen != 2 {
		t.Errorf("%d items, the oldest %+v", len(items), last)
	}
}

// Whatever comes in whatever order: what is verified stays whole, what is not stays within the limits with the newest
// kept, one reason never pushes out another, and the tallies count everything that ever came.
func TestModel(t *testing.T) {
	type key struct {
		body   string
		reason quarantine.Reason
	}
	type entry struct {
		last     time.Time
		order    int
		seen     int
		kept     int
		verified bool
	}
	reasons := []quarantine.Reason{quarantine.Malformed, quarantine.Signature, quarantine.Fork}
	dir, files := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		files++
		limits := quarantine.Limits{
			ItemBytes:      rapid.IntRange(1, 6).Draw(t, "item"),
			ReasonItems:    int64(rapid.IntRange(1, 4).Draw(t, "items")),
			ReasonAllBytes: int64(rapid.IntRange(6, 16).Draw(t, "all")),
		}
		q := open(t, filepath.Join(dir, fmt.Sprint(files)), limits)
		defer q.Close()
		model := map[key]*entry{}
		tallies := map[quarantine.Reason]*quarantine.Tally{}
		steps := rapid.IntRange(1, 30).Draw(t, "steps")
		for i := range steps {
			k := key{strings.Repeat(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "letter"), rapid.IntRange(0, 9).Draw(t, "length")), rapid.SampledFrom(reasons).Draw(t, "reason")}
			verified := rapid.IntRange(0, 3).Draw(t, "verified") == 0
			at := start.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "at")) * time.Second)
			put(t, q, quarantine.Item{Received: at, Reason: k.reason, Bytes: []byte(k.body), Verified: verified})

			tally := tallies[k.reason]
			if tally == nil {
				tally = &quarantine.Tally{Reason: k.reason}
				tallies[k.reason] = tally
			}
			tally.Seen++
			e := model[k]
			if e == nil {
				e = &entry{order: i, last: at, kept: min(len(k.body), limits.ItemBytes)}
				model[k] = e
				tally.Items++
			}
			e.seen++
			if at.After(e.last) {
				e.last = at
			}
			if verified {
				e.verified, e.kept = true, len(k.body)
			}
			for { // drop the oldest
				var items, bytes int64
				var oldest key
				for k2, e2 := range model {
					if k2.reason != k.reason || e2.verified {
						continue
					}
					items, bytes = items+1, bytes+int64(e2.kept)
					if o := model[oldest]; o == nil || o.verified || oldest.reason != k.reason || e2.last.Before(o.last) || e2.last.Equal(o.last) && e2.order < o.order {
						oldest = k2
					}
				}
				if items <= limits.ReasonItems && bytes <= limits.ReasonAllBytes {
					break
				}
				delete(model, oldest)
				tally.Dropped++
			}
		}
		got := map[key]entry{}
		for _, it := range list(t, q) {
			for k, e := range model {
				if k.reason == it.Reason && sha256.Sum256([]byte(k.body)) == it.Digest {
					if !strings.HasPrefix(k.body, string(it.Bytes)) {
						t.Fatalf("%q is kept as %q", k.body, it.Bytes)
					}
					got[k] = entry{it.Received, e.order, it.Seen, len(it.Bytes), it.Verified}
				}
			}
		}
		want := map[key]entry{}
		for k, e := range model {
			want[k] = *e
		}
		if !maps.Equal(got, want) || len(list(t, q)) != len(want) {
			t.Fatalf("kept %v\nwant %v", got, want)
		}
		gotTallies, err := q.CountByReason(context.Background())
		var wantTallies []quarantine.Tally
		for _, tally := range tallies {
			wantTallies = append(wantTallies, *tally)
		}
		slices.SortFunc(wantTallies, func(a, b quarantine.Tally) int { return cmp.Compare(a.Reason, b.Reason) })
		if err != nil || !slices.Equal(gotTallies, wantTallies) {
			t.Fatalf("tallies %v, %v\nwant    %v", gotTallies, err, wantTallies)
		}
	})
}

func TestConcurrentPuts(t *testing.T) {
	q := open(t, filepath.Join(t.TempDir(), "q.db"), quarantine.DefaultLimits())
	defer q.Close()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 10 {
				if err := q.Put(context.Background(), quarantine.Item{Received: start, Reason: quarantine.Signature, Bytes: fmt.Append(nil, i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, it := range list(t, q) {
		if it.Seen != 4 {
			t.Errorf("an item that came 4 times counts %d", it.Seen)
		}
	}
	if n, err := q.Count(t.Context()); n != 10 || err != nil {
		t.Errorf("Count = %d, %v; want 10", n, err)
	}
}

func TestRefusals(t *testing.T) {
	if _, err := quarantine.OpenLimited(t.Context(), filepath.Join(t.TempDir(), "q.db"), quarantine.Limits{ItemBytes: 10, ReasonItems: 1, ReasonAllBytes: 5}); err == nil {
		t.Error("limits without room for one batch were accepted")
	}
	q := open(t, filepath.Join(t.TempDir(), "q.db"), quarantine.DefaultLimits())
	defer q.Close()
	if err := q.Put(t.Context(), quarantine.Item{Received: start, Bytes: []byte("x")}); err == nil {
		t.Error("an item without a reason was accepted")
	}
}

// Every reason tells people which gateway, what happened and what to do.
func TestEveryReasonExplains(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range quarantine.Reasons() {
		s := r.Explain("creek-1")
		if !strings.HasPrefix(s, `Gateway "creek-1" `) || strings.Count(s, ".") < 2 || strings.Contains(s, "was refused (") {
			t.Errorf("%s: %s", r, s)
		}
		if seen[s] || seen[string(r)] {
			t.Errorf("%s is there twice", r)
		}
		seen[s], seen[string(r)] = true, true
		if s := r.Explain(""); !strings.HasPrefix(s, "An unnamed gateway ") {
			t.Errorf("%s without a gateway: %s", r, s)
		}
	}
}
