package policy_test

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"loam/internal/name"
	"loam/payouts/ledger"
	"loam/payouts/policy"
	"loam/valuation/statement"
)

func meadow() statement.Statement {
	return statement.Statement{
		ID: "north-meadow-2026-03", Community: "willow-creek", Earns: true,
		Credit: statement.Credit{
			Asset: "MEADOW/2", Gross: "10000", Deduction: "500", Buffer: "1900", Net: "7600",
			Split: []statement.Part{
				{Account: "willow-creek:steward:asha", Amount: "6080"}, {Account: "willow-creek:commons:main", Amount: "1520"},
				{Account: "willow-creek:verifier:owl", Amount: "0"},
			},
		},
	}
}

func newPolicy(t interface{ Fatal(...any) }) *policy.Policy {
	p, err := policy.New(policy.Config{Community: "willow-creek", Assets: []ledger.Asset{"MEADOW/2"}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ExamplePolicy_Transfers() {
	p, err := policy.New(policy.Config{Community: "willow-creek"})
	if err != nil {
		panic(err)
	}
	transfers, err := p.Transfers(meadow())
	if err != nil {
		panic(err)
	}
	for _, t := range transfers {
		fmt.Println(t.Debit, "→", t.Credit, ledger.Format(t.Amount, t.Asset))
	}
	// Output:
	// willow-creek:mint:meadow → willow-creek:steward:asha 60.80 MEADOW
	// willow-creek:mint:meadow → willow-creek:commons:main 15.20 MEADOW
	// willow-creek:mint:meadow → willow-creek:buffer:meadow 19.00 MEADOW
}

// TestExact: for every right statement the transfers sum to net and buffer, each part to its account, each origin once.
func TestExact(t *testing.T) {
	p := newPolicy(t)
	rapid.Check(t, func(t *rapid.T) {
		s := meadow()
		left := int64(math.MaxInt64)
		take := func(name string) int64 {
			n := rapid.Int64Range(0, left).Draw(t, name)
			if rapid.Bool().Draw(t, name+" small") {
				n %= 1000
			}
			left -= n
			return n
		}
		deduction, buffer, net := take("deduction"), take("buffer"), int64(0)
		s.Credit.Split = nil
		want := map[ledger.Account]int64{"willow-creek:buffer:meadow": buffer}
		for i := range rapid.IntRange(1, 5).Draw(t, "parts") {
			n := take("part")
			account := fmt.Sprintf("willow-creek:steward:s%d", i)
			s.Credit.Split = append(s.Credit.Split, statement.Part{Account: account, Amount: strconv.FormatInt(n, 10)})
			want[ledger.Account(account)], net = n, net+n
		}
		s.Credit.Gross = strconv.FormatInt(deduction+buffer+net, 10)
		s.Credit.Deduction, s.Credit.Buffer, s.Credit.Net = strconv.FormatInt(deduction, 10), strconv.FormatInt(buffer, 10), strconv.FormatInt(net, 10)
		transfers, err := p.Transfers(s)
		if err != nil {
			t.Fatal(err)
		}
		origins := map[string]bool{}
		for _, got := range transfers {
			if got.Debit != "willow-creek:mint:meadow" || got.Asset != "MEADOW/2" || got.Amount <= 0 || got.Amount != want[got.Credit] ||
				got.Origin != s.ID+"/"+string(got.Credit) || origins[got.Origin] {
				t.Fatalf("%+v, want %d", got, want[got.Credit])
			}
			origins[got.Origin] = true
			delete(want, got.Credit)
		}
		for account, n := range want {
			if n != 0 {
				t.Fatalf("%s was not given its %d", account, n)
			}
		}
	})
}

// TestOneDigitOff: a right statement with any one amount changed is refused.
func TestOneDigitOff(t *testing.T) {
	p := newPolicy(t)
	for name, field := range map[string]func(*statement.Credit) *string{
		"gross": func(c *statement.Credit) *string { return &c.Gross }, "deduction": func(c *statement.Credit) *string { return &c.Deduction },
		"buffer": func(c *statement.Credit) *string { return &c.Buffer }, "net": func(c *statement.Credit) *string { return &c.Net },
		"part": func(c *statement.Credit) *string { return &c.Split[1].Amount },
	} {
		for _, bad := range []string{
			"1521", "0", "", "-1", "+1520", "01520", "1520.0", "1 520", "1,520", "1e3", "0x10", " 1520", "1520\n", "１５２０", "9223372036854775808", "NaN",
		} {
			s := meadow()
			*field(&s.Credit) = bad
			if got, err := p.Transfers(s); !errors.Is(err, policy.ErrRefused) || got != nil {
				t.Errorf("%s = %q: %v, %v", name, bad, got, err)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	p := newPolicy(t)
	for want, spoil := range map[string]func(*statement.Statement){
		"visible ASCII":      func(s *statement.Statement) { s.ID = "" },
		"of community":       func(s *statement.Statement) { s.Community = "oak-hill" },
		"credit.asset":       func(s *statement.Statement) { s.Credit.Asset = "meadow" },
		"not one of [MEADOW": func(s *statement.Statement) { s.Credit.Asset = "MEADOW/3" },
		"community:kind:id":  func(s *statement.Statement) { s.Credit.Split[0].Account = "asha" },
		`of kind "mint"`:     func(s *statement.Statement) { s.Credit.Split[0].Account = "willow-creek:mint:meadow" },
		`of kind "buffer"`:   func(s *statement.Statement) { s.Credit.Split[0].Account = "willow-creek:buffer:meadow" },
		`of kind "friend"`:   func(s *statement.Statement) { s.Credit.Split[0].Account = "willow-creek:friend:eve" },
		"account oak-hill":   func(s *statement.Statement) { s.Credit.Split[0].Account = "oak-hill:steward:asha" },
		"named twice":        func(s *statement.Statement) { s.Credit.Split[1].Account = s.Credit.Split[0].Account },
		"7600 less than net": func(s *statement.Statement) { s.Credit.Split = nil },
		"more than net":      func(s *statement.Statement) { s.Credit.Split[0].Amount = "9223372036854775807" },
		"is not net": func(s *statement.Statement) { // wraps to the right sum in 64 bits
			s.Credit.Gross, s.Credit.Deduction, s.Credit.Buffer, s.Credit.Net = "0", "9223372036854775807", "9223372036854775807", "2"
			s.Credit.Split = []statement.Part{{Account: "willow-creek:steward:asha", Amount: "2"}}
		},
	} {
		s := meadow()
		spoil(&s)
		got, err := p.Transfers(s)
		if !errors.Is(err, policy.ErrRefused) || got != nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), strconv.Quote(s.ID)) {
			t.Errorf("want %q: %v, %v", want, got, err)
		}
	}
}

func TestPaysNothing(t *testing.T) {
	p := newPolicy(t)
	not := meadow()
	not.Earns = false
	zero := meadow()
	zero.Credit = statement.Credit{Asset: "MEADOW/2", Gross: "70", Deduction: "70", Buffer: "0", Net: "0"}
	for _, s := range []statement.Statement{not, zero, {ID: "empty", Community: "willow-creek"}} {
		if got, err := p.Transfers(s); err != nil || got != nil {
			t.Errorf("%s: %v, %v", s.ID, got, err)
		}
	}
}

func TestConfig(t *testing.T) {
	for _, bad := range []policy.Config{
		{}, {Community: "Willow Creek"}, {Community: "w", Assets: []ledger.Asset{"meadow"}}, {Community: "w", Kinds: []string{"mint"}},
		{Community: "w", Kinds: []string{"buffer"}}, {Community: "w", Kinds: []string{""}},
	} {
		if _, err := policy.New(bad); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

// FuzzTransfers: whatever a statement says, what is paid is what its net and buffer say, from one mint, by the rules.
func FuzzTransfers(f *testing.F) {
	f.Add("s", "MEADOW/2", "100", "0", "20", "80", "willow-creek:steward:asha", "80", "willow-creek:commons:main", "0")
	f.Add("s", "MEADOW/2", "0", "9223372036854775807", "9223372036854775807", "2", "willow-creek:steward:a", "2", "", "")
	f.Add("", "x", "-1", "1e1", "٣", "0", "a:mint:c", "00", "a:b:c", "1")
	p := newPolicy(f)
	f.Fuzz(func(t *testing.T, id, asset, gross, deduction, buffer, net, one, first, two, second string) {
		s := meadow()
		s.ID = id
		s.Credit = statement.Credit{
			Asset: asset, Gross: gross, Deduction: deduction, Buffer: buffer, Net: net,
			Split: []statement.Part{{Account: one, Amount: first}, {Account: two, Amount: second}},
		}
		transfers, err := p.Transfers(s)
		if err != nil {
			if transfers != nil || !errors.Is(err, policy.ErrRefused) {
				t.Fatalf("%v with %v", err, transfers)
			}
			return
		}
		paid := map[bool]int64{}
		for _, got := range transfers {
			paid[got.Credit.Kind() == policy.BufferKind] += got.Amount
			if got.Debit.Kind() != ledger.MintKind || got.Credit.Kind() == ledger.MintKind || got.Credit.Check() != nil || got.Amount <= 0 {
				t.Fatalf("%+v", got)
			}
		}
		if strconv.FormatInt(paid[false], 10) != net || strconv.FormatInt(paid[true], 10) != buffer {
			t.Fatalf("paid %v for net %s and buffer %s", paid, net, buffer)
		}
	})
}

// Whatever can be registered can be paid: no rule for names is narrower here than where communities and stewards get theirs.
func TestEveryNameCanBePaid(t *testing.T) {
	var names []string
	for b := range 256 { // every byte, first and later
		names = append(names, string([]byte{byte(b)}), string([]byte{'a', byte(b)}))
	}
	for n := "a"; name.Valid(n); n += "-" { // every length
		names = append(names, n)
	}
	valid := 0
	for _, n := range names {
		if !name.Valid(n) {
			continue
		}
		valid++
		if _, err := policy.New(policy.Config{Community: n}); err != nil {
			t.Error(err)
		}
		for _, account := range []ledger.Account{
			ledger.Account(n + ":steward:" + n), ledger.Mint(n, "MEADOW/2"), policy.Buffer(n, "MEADOW/2"),
		} {
			if err := account.Check(); err != nil {
				t.Error(err)
			}
		}
	}
	if valid < 100 {
		t.Errorf("tried %d names", valid)
	}
}
