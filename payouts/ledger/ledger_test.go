package ledger_test

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/payouts/internal/memdir"
	"loam/payouts/ledger"
)

func TestInvalid(t *testing.T) {
	l := openLedger(t)
	good := ledger.Transfer{ID: "t", Debit: mint, Credit: asha, Asset: soil, Amount: 1, Origin: "o"}
	for name, spoil := range map[string]func(*ledger.Transfer){
		"no id":                 func(t *ledger.Transfer) { t.ID = "" },
		"id with a space":       func(t *ledger.Transfer) { t.ID = "a b" },
		"long id":               func(t *ledger.Transfer) { t.ID = strings.Repeat("x", 401) },
		"zero":                  func(t *ledger.Transfer) { t.Amount = 0 },
		"negative":              func(t *ledger.Transfer) { t.Amount = -1 },
		"to itself":             func(t *ledger.Transfer) { t.Credit = t.Debit },
		"two parts":             func(t *ledger.Transfer) { t.Credit = "creek:asha" },
		"capitals":              func(t *ledger.Transfer) { t.Credit = "creek:steward:Asha" },
		"empty part":            func(t *ledger.Transfer) { t.Credit = "creek::asha" },
		"injection":             func(t *ledger.Transfer) { t.Credit = "creek:steward:asha'; --" },
		"newline at the end":    func(t *ledger.Transfer) { t.Credit = "creek:steward:asha\n" },
		"asset without a scale": func(t *ledger.Transfer) { t.Asset = "SOIL" },
		"asset scale 7":         func(t *ledger.Transfer) { t.Asset = "SOIL/7" },
		"asset in small":        func(t *ledger.Transfer) { t.Asset = "soil/2" },
		"asset of 18":           func(t *ledger.Transfer) { t.Asset = ledger.Asset(strings.Repeat("A", 18) + "/2") },
		"mint without origin":   func(t *ledger.Transfer) { t.Origin = "" },
		"deadline":              func(t *ledger.Transfer) { t.Deadline = time.Now().Add(time.Hour) },
		"memo with a bell":      func(t *ledger.Transfer) { t.Memo = "\a" },
		"memo not UTF-8":        func(t *ledger.Transfer) { t.Memo = "\xff" },
		"reverses with origin":  func(t *ledger.Transfer) { t.Reverses = "x" },
		"reverses itself":       func(t *ledger.Transfer) { t.Reverses, t.Origin = t.ID, "" },
	} {
		bad := good
		spoil(&bad)
		if _, err := l.Post(t.Context(), good, bad); !errors.Is(err, ledger.ErrInvalid) || !strings.HasPrefix(err.Error(), "ledger: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := l.Reserve(t.Context(), good); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("a reservation without a deadline: %v", err)
	}
	if all, err := l.Transfers(t.Context(), 0, 10); err != nil || len(all) > 0 {
		t.Errorf("refused calls left %v, %v", all, err)
	}
	if done, err := l.Post(t.Context()); err != nil || done != nil {
		t.Errorf("nothing to post: %v, %v", done, err)
	}
	one, two := int64(1), int64(2)
	for _, err := range []error{
		l.SetLimits(t.Context(), "x", soil, nil, nil), l.SetLimits(t.Context(), asha, "x", nil, nil), l.SetLimits(t.Context(), asha, soil, &two, &one),
	} {
		if !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("limits: %v", err)
		}
	}
}

// TestOnce: an id and an origin count once, also after the ledger was closed and opened.
func TestOnce(t *testing.T) {
	path := filepath.Join(memdir.New(t), "ledger.db")
	issue := ledger.Transfer{ID: "t", Debit: mint, Credit: asha, Asset: soil, Amount: 500, Origin: "s1/asha", Memo: "m"}
	var first []ledger.Transfer
	for round := range 3 {
		l, err := ledger.Open(t.Context(), path, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			done := post(t, l, issue)
			if first == nil {
				first = done
			}
			if done[0] != first[0] {
				t.Errorf("round %d: %+v, first %+v", round, done[0], first[0])
			}
		}
		other := issue
		other.Memo = "n"
		if _, err := l.Post(t.Context(), other); !errors.Is(err, ledger.ErrExists) {
			t.Errorf("other content: %v", err)
		}
		other.ID = "u"
		if _, err := l.Post(t.Context(), other); !errors.Is(err, ledger.ErrMinted) || !strings.Contains(err.Error(), `"t"`) {
			t.Errorf("same origin: %v", err)
		}
		if b, err := l.Balance(t.Context(), asha, soil); err != nil || b.Posted != 500 {
			t.Errorf("%+v, %v", b, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReservationHolds: what is reserved cannot be spent, what was spent cannot be reserved, and a full account takes no
// more than its room.
func TestReservationHolds(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000).UTC()
	l, err := ledger.Open(t.Context(), filepath.Join(memdir.New(t), "ledger.db"), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	post(t, l, ledger.Transfer{ID: "issue", Debit: mint, Credit: asha, Asset: soil, Amount: 100, Origin: "s"})
	hold := ledger.Transfer{ID: "hold", Debit: asha, Credit: commons, Asset: soil, Amount: 60, Deadline: now.Add(time.Minute)}
	if _, err := l.Reserve(t.Context(), hold); err != nil {
		t.Fatal(err)
	}
	spend := ledger.Transfer{ID: "spend", Debit: asha, Credit: commons, Asset: soil, Amount: 41}
	if _, err := l.Post(t.Context(), spend); !errors.Is(err, ledger.ErrLimit) {
		t.Errorf("spent what is reserved: %v", err)
	}
	if b, err := l.Balance(t.Context(), asha, soil); err != nil || b.Posted != 100 || b.PendingOut != 60 {
		t.Errorf("%+v, %v", b, err)
	}
	most := int64(99)
	if err := l.SetLimits(t.Context(), commons, soil, new(int64), &most); err != nil {
		t.Fatal(err)
	}
	now = hold.Deadline // over: nothing has to be swept for it
	if _, err := l.PostPending(t.Context(), "hold"); !errors.Is(err, ledger.ErrSettled) {
		t.Errorf("posted after its deadline: %v", err)
	}
	post(t, l, spend)
	last := ledger.Transfer{ID: "last", Debit: asha, Credit: commons, Asset: soil, Amount: 59}
	if _, err := l.Post(t.Context(), last); !errors.Is(err, ledger.ErrLimit) {
		t.Errorf("above the maximum: %v", err)
	}
	got, err := l.Get(t.Context(), "hold")
	if err != nil || got.State != ledger.Expired || !got.Settled.Equal(now) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOverflow(t *testing.T) {
	l := openLedger(t)
	post(t, l, ledger.Transfer{ID: "most", Debit: mint, Credit: asha, Asset: soil, Amount: math.MaxInt64, Origin: "a"})
	for i, to := range []ledger.Account{asha, commons} { // asha is full; the mint can fall by one more only
		_, err := l.Post(t.Context(), ledger.Transfer{ID: fmt.Sprint(i), Debit: mint, Credit: to, Asset: soil, Amount: 2, Origin: fmt.Sprint(i)})
		if !errors.Is(err, ledger.ErrLimit) {
			t.Errorf("%s: %v", to, err)
		}
	}
	if report, err := l.Check(t.Context()); err != nil || !report.OK() {
		t.Errorf("%v %v", err, report.Problems)
	}
}

func TestFormat(t *testing.T) {
	for want, give := range map[string]struct {
		amount int64
		asset  ledger.Asset
	}{
		"12.34 MEADOW":                 {1234, "MEADOW/2"},
		"0.00 MEADOW":                  {0, "MEADOW/2"},
		"-0.05 MEADOW":                 {-5, "MEADOW/2"},
		"12 HOUR":                      {12, "HOUR/0"},
		"0.000001 W":                   {1, "W/6"},
		"-92233720368547758.08 MEADOW": {math.MinInt64, "MEADOW/2"},
		"92233720368547758.07 MEADOW":  {math.MaxInt64, "MEADOW/2"},
		"7 minor units of nonsense":    {7, "nonsense"},
	} {
		if got := ledger.Format(give.amount, give.asset); got != want {
			t.Errorf("%d %s: %q, want %q", give.amount, give.asset, got, want)
		}
	}
}

// FuzzNames: an account or asset that is accepted is made of nothing but its grammar.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{"a:b:c", "creek:steward:asha:2", "a::c", "-a:b:c", "SOIL/2", "SOIL/22", "/2", "", "a:b:c\n", "Ä/2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if account := ledger.Account(s); account.Check() == nil {
			parts := strings.Split(s, ":")
			if len(parts) < 3 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-:") != "" || account.Community() != parts[0] || account.Kind() != parts[1] {
				t.Errorf("%q was accepted", s)
			}
		}
		if name, scale, err := ledger.Asset(s).Parse(); err == nil && fmt.Sprintf("%s/%d", name, scale) != s {
			t.Errorf("%q was read as %s with scale %d", s, name, scale)
		}
	})
}

// TestMintName: every asset has an issuance account that the ledger takes.
func TestMintName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		asset := ledger.Asset(rapid.StringMatching(`[A-Z][A-Z0-9]{0,16}/[0-6]`).Draw(t, "asset"))
		account := ledger.Mint("willow-creek", asset)
		if err := account.Check(); err != nil || account.Kind() != ledger.MintKind || account.Community() != "willow-creek" {
			t.Fatalf("%s: %v", account, err)
		}
	})
}

// TestReversal: a transfer is taken back exactly, once, by its mirror image, and only while the money is there.
func TestReversal(t *testing.T) {
	l := openLedger(t)
	post(t, l, ledger.Transfer{ID: "issue", Debit: mint, Credit: asha, Asset: soil, Amount: 100, Origin: "s"})
	back := ledger.Transfer{ID: "back", Debit: asha, Credit: mint, Asset: soil, Amount: 100, Reverses: "issue"}
	for name, spoil := range map[string]func(*ledger.Transfer){
		"part":          func(t *ledger.Transfer) { t.Amount = 99 },
		"other payee":   func(t *ledger.Transfer) { t.Credit = commons },
		"other payer":   func(t *ledger.Transfer) { t.Debit = commons },
		"same way":      func(t *ledger.Transfer) { t.Debit, t.Credit = mint, asha },
		"other asset":   func(t *ledger.Transfer) { t.Asset = "WATER/2" },
		"nothing there": func(t *ledger.Transfer) { t.Reverses = "other" },
	} {
		bad := back
		spoil(&bad)
		want := ledger.ErrInvalid
		if bad.Reverses == "other" {
			want = ledger.ErrNotFound
		}
		if _, err := l.Post(t.Context(), bad); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	post(t, l, ledger.Transfer{ID: "spent", Debit: asha, Credit: commons, Asset: soil, Amount: 1})
	if _, err := l.Post(t.Context(), back); !errors.Is(err, ledger.ErrLimit) {
		t.Errorf("what was spent: %v", err)
	}
	post(t, l, ledger.Transfer{ID: "returned", Debit: commons, Credit: asha, Asset: soil, Amount: 1})
	post(t, l, back)
	again := back
	again.ID = "again"
	if _, err := l.Post(t.Context(), again); !errors.Is(err, ledger.ErrReversed) {
		t.Errorf("twice: %v", err)
	}
	_, err := l.Post(t.Context(), ledger.Transfer{ID: "reissue", Debit: mint, Credit: asha, Asset: soil, Amount: 90, Origin: "s"})
	if !errors.Is(err, ledger.ErrMinted) {
		t.Errorf("an origin is spent, also when what it gave was taken back: %v", err)
	}
}
