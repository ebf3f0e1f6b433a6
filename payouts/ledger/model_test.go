package ledger_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"loam/payouts/internal/memdir"
	"loam/payouts/ledger"
)

// TestModel drives the ledger and an in-memory model with the same random calls: they must agree on every answer, every
// refusal and every balance, and Check must find nothing.
func TestModel(t *testing.T) {
	dir, run := memdir.New(t), 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		m := &model{
			now: time.UnixMilli(1_700_000_000_000).UTC(), transfers: map[string]*ledger.Transfer{}, phases: map[string]ledger.State{},
			limits: map[key][2]*int64{}, scales: map[string]ledger.Asset{},
		}
		l, err := ledger.Open(context.Background(), filepath.Join(dir, fmt.Sprint(run)), func() time.Time { return m.now })
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		m.l = l
		t.Repeat(map[string]func(*rapid.T){
			"post": m.post, "reserve": m.reserve, "settle": m.settle, "retry": m.retry, "reverse": m.reverse, "limit": m.limit, "wait": m.wait,
			"": m.agrees,
		})
		report, err := l.Check(context.Background())
		if err != nil || !report.OK() || report.Transfers != int64(len(m.transfers)) {
			t.Fatalf("check: %v, %+v", err, report)
		}
	})
}

type key struct {
	account ledger.Account
	asset   ledger.Asset
}

// model is the ledger without a database: a list of transfers whose balances are added up anew each time.
type model struct {
	l         *ledger.Ledger
	now       time.Time
	order     []string
	transfers map[string]*ledger.Transfer
	phases    map[string]ledger.State // how it was asked for
	limits    map[key][2]*int64
	scales    map[string]ledger.Asset // by name
	entries   int64
}

var (
	modelAccounts = rapid.SampledFrom([]ledger.Account{"a:mint:soil", "a:steward:x", "a:steward:y", "a:commons:z", "b:mint:w"})
	modelAssets   = rapid.SampledFrom([]ledger.Asset{"SOIL/2", "SOIL/2", "SOIL/2", "WATER/0", "SOIL/3"})
	modelAmounts  = rapid.OneOf(rapid.Int64Range(1, 50), rapid.Int64Range(1, 50), rapid.Int64Range(1<<62, 1<<63-1))
	modelOrigins  = rapid.SampledFrom([]string{"", "", "o1", "o2", "o3", "o4", "o5", "o6"})
)

func (m *model) draw(t *rapid.T) ledger.Transfer {
	return ledger.Transfer{
		ID:    rapid.StringMatching(`t[0-9]{1,2}`).Draw(t, "id"),
		Debit: modelAccounts.Draw(t, "debit"), Credit: modelAccounts.Draw(t, "credit"), Asset: modelAssets.Draw(t, "asset"),
		Amount: modelAmounts.Draw(t, "amount"), Origin: modelOrigins.Draw(t, "origin"),
	}
}

func (m *model) post(t *rapid.T) {
	group := make([]ledger.Transfer, rapid.IntRange(1, 3).Draw(t, "linked"))
	for i := range group {
		group[i] = m.draw(t)
	}
	m.record(t, group, ledger.Posted)
}

func (m *model) reserve(t *rapid.T) {
	one := m.draw(t)
	one.Deadline = m.now.Add(time.Duration(rapid.IntRange(-1, 20).Draw(t, "minutes")) * time.Minute)
	m.record(t, []ledger.Transfer{one}, ledger.Pending)
}

// retry sends a known transfer again, as it was or with another amount.
func (m *model) retry(t *rapid.T) {
	if len(m.order) == 0 {
		t.Skip("nothing to retry")
	}
	id := rapid.SampledFrom(m.order).Draw(t, "again")
	again := *m.transfers[id]
	again.Amount += int64(rapid.IntRange(0, 1).Draw(t, "more"))
	if again.Amount < 0 {
		t.Skip("too large to change")
	}
	phase := m.phases[id]
	if phase == ledger.Posted {
		again.Deadline = time.Time{}
	}
	m.record(t, []ledger.Transfer{again}, phase)
}

func (m *model) reverse(t *rapid.T) {
	if len(m.order) == 0 {
		t.Skip("nothing to reverse")
	}
	original := m.transfers[rapid.SampledFrom(m.order).Draw(t, "of")]
	back := ledger.Transfer{
		ID: rapid.StringMatching(`r[0-9]{1,2}`).Draw(t, "id"), Debit: original.Credit, Credit: original.Debit, Asset: original.Asset,
		Amount: original.Amount, Reverses: original.ID,
	}
	if rapid.Bool().Draw(t, "in two phases") {
		back.Deadline = m.now.Add(5 * time.Minute)
		m.record(t, []ledger.Transfer{back}, ledger.Pending)
		return
	}
	m.record(t, []ledger.Transfer{back}, ledger.Posted)
}

func (m *model) record(t *rapid.T, group []ledger.Transfer, phase ledger.State) {
	ask := m.l.Post
	if phase == ledger.Pending {
		ask = m.l.Reserve
	}
	got, err := ask(context.Background(), group...)
	want, wantErr := m.expect(group, phase)
	if !errors.Is(err, wantErr) {
		t.Fatalf("%s %+v: got error %v, want %v", phase, group, err, wantErr)
	}
	if wantErr == nil && !slices.Equal(got, want) {
		t.Fatalf("%s: got  %+v\nwant %+v", phase, got, want)
	}
}

// expect is what the rules say of a group, and keeps it when they allow it.
func (m *model) expect(group []ledger.Transfer, phase ledger.State) ([]ledger.Transfer, error) {
	for _, t := range group {
		if t.Debit == t.Credit || t.Debit.Kind() == "mint" && t.Origin == "" && t.Reverses == "" || t.Reverses == t.ID {
			return nil, ledger.ErrInvalid
		}
	}
	m.expire()
	order, entries, scales := len(m.order), m.entries, map[string]ledger.Asset{}
	undo := func(err error) ([]ledger.Transfer, error) {
		for _, id := range m.order[order:] {
			delete(m.transfers, id)
		}
		m.order, m.entries = m.order[:order], entries
		for name := range scales {
			delete(m.scales, name)
		}
		return nil, err
	}
	var done []ledger.Transfer
	for _, t := range group {
		if known := m.transfers[t.ID]; known != nil {
			t.State, t.At, t.Settled, t.Sequence = known.State, known.At, known.Settled, known.Sequence
			if t != *known || m.phases[t.ID] != phase {
				return undo(ledger.ErrExists)
			}
			done = append(done, t)
			continue
		}
		if err := m.refuses(t, phase); err != nil {
			return undo(err)
		}
		if name := string(t.Asset[:len(t.Asset)-2]); m.scales[name] == "" {
			m.scales[name], scales[name] = t.Asset, t.Asset
		}
		t.State, t.At = phase, m.now
		if phase == ledger.Posted {
			t.Settled = m.now
		}
		m.entries++
		t.Sequence = m.entries
		m.transfers[t.ID], m.phases[t.ID] = &t, phase
		m.order = append(m.order, t.ID)
		if err := errors.Join(m.breaks(key{t.Debit, t.Asset}), m.breaks(key{t.Credit, t.Asset})); err != nil {
			return undo(ledger.ErrLimit)
		}
		done = append(done, t)
	}
	return done, nil
}

func (m *model) refuses(t ledger.Transfer, phase ledger.State) error {
	if phase == ledger.Pending && !t.Deadline.After(m.now) {
		return ledger.ErrInvalid
	}
	if known := m.scales[string(t.Asset[:len(t.Asset)-2])]; known != "" && known != t.Asset {
		return ledger.ErrInvalid
	}
	if original := m.transfers[t.Reverses]; t.Reverses != "" && (original == nil || original.State != ledger.Posted) {
		return cmpError(original == nil, ledger.ErrNotFound, ledger.ErrInvalid)
	}
	for _, other := range m.transfers {
		if other.State != ledger.Posted && other.State != ledger.Pending {
			continue
		}
		if t.Origin != "" && other.Origin == t.Origin {
			return ledger.ErrMinted
		}
		if t.Reverses != "" && other.Reverses == t.Reverses {
			return ledger.ErrReversed
		}
	}
	return nil
}

func cmpError(first bool, a, b error) error {
	if first {
		return a
	}
	return b
}

func (m *model) settle(t *rapid.T) {
	id := "unknown"
	if len(m.order) > 0 {
		id = rapid.SampledFrom(m.order).Draw(t, "which")
	}
	to, ask := ledger.Posted, m.l.PostPending
	if rapid.Bool().Draw(t, "void") {
		to, ask = ledger.Voided, m.l.Void
	}
	got, err := ask(context.Background(), id)
	m.expire()
	known := m.transfers[id]
	var want error
	switch {
	case known == nil:
		want = ledger.ErrNotFound
	case known.State == to:
	case known.State != ledger.Pending:
		want = ledger.ErrSettled
	default:
		known.State, known.Settled = to, m.now
		m.entries++
	}
	if !errors.Is(err, want) || want == nil && got != *known {
		t.Fatalf("%s → %s: got %+v, %v; want %v", id, to, got, err, want)
	}
}

func (m *model) limit(t *rapid.T) {
	at := key{modelAccounts.Draw(t, "account"), modelAssets.Draw(t, "asset")}
	bound := rapid.Ptr(rapid.Int64Range(-60, 120), true)
	lowest, highest := bound.Draw(t, "min"), bound.Draw(t, "max")
	err := m.l.SetLimits(context.Background(), at.account, at.asset, lowest, highest)
	if want := m.expectLimits(at, lowest, highest); !errors.Is(err, want) {
		t.Fatalf("limits of %v: got %v, want %v", at, err, want)
	}
}

func (m *model) expectLimits(at key, lowest, highest *int64) error {
	if lowest != nil && highest != nil && *lowest > *highest {
		return ledger.ErrInvalid
	}
	m.expire()
	name := string(at.asset[:len(at.asset)-2])
	if m.scales[name] != "" && m.scales[name] != at.asset {
		return ledger.ErrInvalid
	}
	before, had := m.limits[at]
	m.limits[at] = [2]*int64{lowest, highest}
	if m.breaks(at) != nil {
		m.limits[at] = before
		if !had {
			delete(m.limits, at)
		}
		return ledger.ErrLimit
	}
	m.scales[name] = at.asset
	if !had && at.account.Kind() != "mint" {
		before[0] = new(int64)
	}
	if touched := had || m.touches(at); !touched || !reflect.DeepEqual(before, m.limits[at]) {
		m.entries++
	}
	return nil
}

func (m *model) touches(at key) bool {
	for _, t := range m.transfers {
		if t.Asset == at.asset && (t.Debit == at.account || t.Credit == at.account) {
			return true
		}
	}
	return false
}

func (m *model) wait(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 15).Draw(t, "minutes")) * time.Minute)
	if err := m.l.ExpireDue(context.Background()); err != nil {
		t.Fatal(err)
	}
	m.expire()
}

func (m *model) expire() {
	for _, t := range m.transfers {
		if t.State == ledger.Pending && !t.Deadline.After(m.now) {
			t.State, t.Settled = ledger.Expired, m.now
			m.entries++
		}
	}
}

// sums adds up an account: posted, coming and going.
func (m *model) sums(at key) (posted, in, out *big.Int) {
	posted, in, out = new(big.Int), new(big.Int), new(big.Int)
	for _, t := range m.transfers {
		if t.Asset != at.asset {
			continue
		}
		amount := big.NewInt(t.Amount)
		switch {
		case t.State == ledger.Posted && t.Debit == at.account:
			posted.Sub(posted, amount)
		case t.State == ledger.Posted && t.Credit == at.account:
			posted.Add(posted, amount)
		case t.State == ledger.Pending && t.Debit == at.account:
			out.Add(out, amount)
		case t.State == ledger.Pending && t.Credit == at.account:
			in.Add(in, amount)
		}
	}
	return posted, in, out
}

func (m *model) breaks(at key) error {
	posted, in, out := m.sums(at)
	lowest, highest := new(big.Int).Sub(posted, out), new(big.Int).Add(posted, in)
	limits, set := m.limits[at]
	if !set && at.account.Kind() != "mint" {
		limits[0] = new(int64)
	}
	for _, n := range []*big.Int{posted, in, out, lowest, highest} {
		if !n.IsInt64() {
			return ledger.ErrLimit
		}
	}
	if limits[0] != nil && lowest.Int64() < *limits[0] || limits[1] != nil && highest.Int64() > *limits[1] {
		return ledger.ErrLimit
	}
	return nil
}

// agrees holds everything that can be read against the model.
func (m *model) agrees(t *rapid.T) {
	ctx := context.Background()
	balances, err := m.l.Accounts(ctx)
	if err != nil {
		t.Fatal(err)
	}
	sum := map[ledger.Asset]*big.Int{}
	for _, b := range balances {
		posted, in, out := m.sums(key{b.Account, b.Asset})
		if posted.Int64() != b.Posted || in.Int64() != b.PendingIn || out.Int64() != b.PendingOut {
			t.Fatalf("%+v, but the model has %s, %s coming, %s going", b, posted, in, out)
		}
		if m.breaks(key{b.Account, b.Asset}) != nil {
			t.Fatalf("%+v breaks its limits", b)
		}
		sum[b.Asset] = new(big.Int).Add(cmp.Or(sum[b.Asset], new(big.Int)), big.NewInt(b.Posted))
	}
	for asset, s := range sum {
		if s.Sign() != 0 {
			t.Fatalf("%s sums to %s", asset, s)
		}
	}
	all, err := m.l.Transfers(ctx, 0, 1000)
	if err != nil || len(all) != len(m.order) {
		t.Fatalf("%d transfers, want %d: %v", len(all), len(m.order), err)
	}
	for i, id := range m.order {
		if all[i] != *m.transfers[id] {
			t.Fatalf("got  %+v\nwant %+v", all[i], *m.transfers[id])
		}
	}
	history, err := m.l.History(ctx, "a:steward:x")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range history {
		if h != *m.transfers[h.ID] || h.Debit != "a:steward:x" && h.Credit != "a:steward:x" {
			t.Fatalf("history holds %+v", h)
		}
	}
}
