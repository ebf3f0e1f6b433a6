package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"loam/payouts/internal/memdir"
	"loam/payouts/ledger"
)

// TestBank: members pay each other at random, in one and in two phases, while others read. Every reader always sees
// balances that sum to zero and keep their limits; in the end nothing was made or lost.
func TestBank(t *testing.T) {
	l := openLedger(t)
	const members, payers, payments = 8, 16, 40
	fund(t, l, members)
	var paying, reading sync.WaitGroup
	var refused, seen atomic.Int64
	done := make(chan struct{})
	for range 2 {
		reading.Go(func() {
			for {
				seesZero(t, l)
				seen.Add(1)
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for p := range payers {
		paying.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(p)))
			for i := range payments {
				from := random.IntN(members)
				err := pay(l, ledger.Transfer{
					ID: fmt.Sprintf("p%d-%d", p, i), Debit: member(from), Credit: member((from + 1 + random.IntN(members-1)) % members),
					Asset: "SOIL/2", Amount: 1 + random.Int64N(600_000),
				}, random.IntN(3))
				switch {
				case errors.Is(err, ledger.ErrLimit):
					refused.Add(1)
				case err != nil:
					t.Errorf("pay: %v", err)
				}
			}
		})
	}
	paying.Wait()
	close(done)
	reading.Wait()
	report, err := l.Check(t.Context())
	if err != nil || !report.OK() {
		t.Fatalf("check: %v %v", err, report.Problems)
	}
	if got := report.Assets[0]; got.Issued != members*1_000_000 || got.Sum != 0 {
		t.Errorf("issued and sum are %+v", got)
	}
	if refused.Load() == 0 || refused.Load() == payers*payments || seen.Load() < 2 {
		t.Errorf("the test proves little: %d refused, %d readings", refused.Load(), seen.Load())
	}
}

// pay makes a payment at once, or reserves it and then posts or voids it.
func pay(l *ledger.Ledger, t ledger.Transfer, how int) error {
	ctx := context.Background()
	if how == 0 {
		_, err := l.Post(ctx, t)
		return err
	}
	t.Deadline = time.Now().Add(time.Hour)
	if _, err := l.Reserve(ctx, t); err != nil {
		return err
	}
	settle := l.PostPending
	if how == 1 {
		settle = l.Void
	}
	if _, err := settle(ctx, t.ID); err != nil {
		return fmt.Errorf("a reservation must be able to end, but: %v", err) // %v: a limit here is a fault
	}
	return nil
}

func seesZero(t *testing.T, l *ledger.Ledger) {
	balances, err := l.Accounts(context.Background())
	if err != nil {
		t.Error(err)
		return
	}
	var sum, in, out int64
	for _, b := range balances {
		sum, in, out = sum+b.Posted, in+b.PendingIn, out+b.PendingOut
		if b.Min != nil && b.Posted-b.PendingOut < *b.Min {
			t.Errorf("%s is below its limit: %+v", b.Account, b)
		}
	}
	if sum != 0 || in != out {
		t.Errorf("balances sum to %d, with %d coming and %d going", sum, in, out)
	}
}

// TestLinearizable: whatever many clients asked and were answered at the same time can be put into one order that a
// single till would have produced.
func TestLinearizable(t *testing.T) {
	type input struct {
		from, to int // to < 0: read from's balance
		amount   int64
	}
	type output struct {
		ok      bool
		balance int64
	}
	type till [3]int64
	model := porcupine.Model{
		Init: func() any { return till{100, 100, 100} },
		Step: func(state, in, out any) (bool, any) {
			s, i, o := state.(till), in.(input), out.(output)
			if i.to < 0 {
				return o.balance == s[i.from], s
			}
			if s[i.from] < i.amount {
				return !o.ok, s
			}
			s[i.from], s[i.to] = s[i.from]-i.amount, s[i.to]+i.amount
			return o.ok, s
		},
	}
	l := openLedger(t)
	for i := range 3 {
		post(t, l, ledger.Transfer{ID: fmt.Sprint("open", i), Debit: "creek:mint:soil", Credit: member(i), Asset: "SOIL/2", Amount: 100, Origin: fmt.Sprint("open", i)})
	}
	var (
		clients sync.WaitGroup
		mu      sync.Mutex
		history []porcupine.Operation
		start   = time.Now()
	)
	for client := range 6 {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(2, uint64(client)))
			for n := range 50 {
				in := input{from: random.IntN(3), to: -1, amount: 1 + random.Int64N(80)}
				if random.IntN(3) > 0 {
					in.to = (in.from + 1 + random.IntN(2)) % 3
				}
				var out output
				call := time.Since(start).Nanoseconds()
				if in.to < 0 {
					b, err := l.Balance(t.Context(), member(in.from), "SOIL/2")
					if err != nil {
						t.Error(err)
					}
					out.balance = b.Posted
				} else {
					_, err := l.Post(t.Context(), ledger.Transfer{
						ID: fmt.Sprintf("c%d-%d", client, n), Debit: member(in.from), Credit: member(in.to), Asset: "SOIL/2", Amount: in.amount,
					})
					if err != nil && !errors.Is(err, ledger.ErrLimit) {
						t.Error(err)
					}
					out.ok = err == nil
				}
				end := time.Since(start).Nanoseconds()
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: end})
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	if got := porcupine.CheckOperationsTimeout(model, history, 20*time.Second); got != porcupine.Ok {
		t.Fatalf("%d operations: %v", len(history), got)
	}
	balance := func(o porcupine.Operation) int64 { return o.Output.(output).balance }
	for i, o := range history { // the check must be able to fail: one wrong answer has no place in any order
		if o.Input.(input).to < 0 {
			history[i].Output = output{balance: balance(o) + 1_000}
			break
		}
	}
	if got := porcupine.CheckOperationsTimeout(model, history, 20*time.Second); got != porcupine.Illegal {
		t.Fatalf("a wrong balance was accepted: %v", got)
	}
}

// TestRefusalInBatch: calls that share a commit with a refused one are not touched by it.
func TestRefusalInBatch(t *testing.T) {
	l := openLedger(t)
	fund(t, l, 2)
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() {
			amount := int64(1)
			if i%3 == 0 {
				amount = 5_000_000 // more than there is
			}
			_, err := l.Post(t.Context(),
				ledger.Transfer{ID: fmt.Sprint("a", i), Debit: member(0), Credit: member(1), Asset: "SOIL/2", Amount: 1},
				ledger.Transfer{ID: fmt.Sprint("b", i), Debit: member(0), Credit: member(1), Asset: "SOIL/2", Amount: amount})
			if errors.Is(err, ledger.ErrLimit) != (i%3 == 0) {
				t.Errorf("%d: %v", i, err)
			}
			for _, id := range []string{fmt.Sprint("a", i), fmt.Sprint("b", i)} {
				if _, err := l.Get(t.Context(), id); errors.Is(err, ledger.ErrNotFound) != (i%3 == 0) {
					t.Errorf("%s: %v", id, err)
				}
			}
		})
	}
	group.Wait()
	b, err := l.Balance(t.Context(), member(1), "SOIL/2")
	if err != nil || b.Posted != 1_000_000+2*66 {
		t.Errorf("%+v, %v", b, err)
	}
	if report, err := l.Check(t.Context()); err != nil || !report.OK() {
		t.Errorf("check: %v %v", err, report.Problems)
	}
}

// TestClose: calls under way when the ledger closes get an answer, and one that says yes was kept.
func TestClose(t *testing.T) {
	path := filepath.Join(memdir.New(t), "ledger.db")
	l, err := ledger.Open(t.Context(), path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	fund(t, l, 2)
	var group sync.WaitGroup
	var kept sync.Map
	first := make(chan struct{}, 1)
	for i := range 50 {
		group.Go(func() {
			id := fmt.Sprint("t", i)
			_, err := l.Post(context.Background(), ledger.Transfer{ID: id, Debit: member(0), Credit: member(1), Asset: "SOIL/2", Amount: 1})
			if err == nil {
				kept.Store(id, true)
			} else if !errors.Is(err, ledger.ErrClosed) {
				t.Error(err)
			}
			select {
			case first <- struct{}{}:
			default:
			}
		})
	}
	<-first
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	group.Wait()
	if _, err := l.Post(t.Context(), ledger.Transfer{ID: "late", Debit: member(0), Credit: member(1), Asset: "SOIL/2", Amount: 1}); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("after closing: %v", err)
	}
	if l, err = ledger.Open(t.Context(), path, time.Now); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	kept.Range(func(id, _ any) bool {
		if _, err := l.Get(t.Context(), id.(string)); err != nil {
			t.Error(err)
		}
		return true
	})
}

// TestImpatient: a caller who gave up can find out by asking again with the same id.
func TestImpatient(t *testing.T) {
	l := openLedger(t)
	fund(t, l, 2)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	pay := ledger.Transfer{ID: "t", Debit: member(0), Credit: member(1), Asset: "SOIL/2", Amount: 7}
	for range 20 {
		if _, err := l.Post(gone, pay); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	post(t, l, pay)
	if b, err := l.Balance(t.Context(), member(1), "SOIL/2"); err != nil || b.Posted != 1_000_007 {
		t.Errorf("%+v, %v", b, err)
	}
}

func openLedger(t testing.TB) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), filepath.Join(memdir.New(t), "ledger.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func post(t testing.TB, l *ledger.Ledger, transfers ...ledger.Transfer) []ledger.Transfer {
	t.Helper()
	done, err := l.Post(t.Context(), transfers...)
	if err != nil {
		t.Fatal(err)
	}
	return done
}
