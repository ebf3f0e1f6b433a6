// Package schedule assesses every site at the end of every period of a method, each once, in order, and catches up on
// what came due while the hub was down.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"loam/gateway/evidence"
	"loam/gateway/qc"
	"loam/gateway/registry"
	"loam/gateway/wire"
	"loam/valuation/assessment"
	"loam/valuation/method"
	"loam/valuation/statement"
)

// Evidence is what the schedule needs of the evidence log. It is asked for several sites at once.
type Evidence interface {
	// Within returns the batches of the gateways with readings in from <= t < to, by gateway, then sequence.
	Within(ctx context.Context, gateways []string, from, to time.Time) ([]evidence.Leaf, error)
	// Checkpoint returns the log's signed note.
	Checkpoint(ctx context.Context) ([]byte, error)
	// Inclusion returns the proof that leaf index stands in the tree of the given size.
	Inclusion(ctx context.Context, index, size uint64) ([]wire.Digest, error)
}

// Statements is where statements are kept. It is asked for several sites at once.
type Statements interface {
	// Put keeps a statement once for its site, period and method version; false: another stands already.
	Put(ctx context.Context, s statement.Statement, bundle []byte) (statement.Statement, bool, error)
	// Through returns the end of the newest period valued for a site under a method's name.
	Through(ctx context.Context, site, methodName string) (time.Time, bool, error)
}

// Config is everything a schedule works with. All fields are needed except Log.
type Config struct {
	Registry   *registry.Registry
	Settings   qc.Settings
	Method     method.Method // the version in force
	Evidence   Evidence
	Origin     string // name of the evidence log, as its checkpoints carry it
	Statements Statements
	Hub        wire.Signer
	Log        *slog.Logger // nil: silent
}

// Schedule assesses sites when it is told the time. It is safe for concurrent use: what is due is in the statements.
type Schedule struct {
	Config
	qc string // canonical settings
}

// New returns a schedule.
func New(c Config) (*Schedule, error) {
	switch {
	case c.Registry == nil || c.Evidence == nil || c.Statements == nil || c.Hub == nil:
		return nil, errors.New("schedule: registry, evidence, statements and hub are all needed")
	case c.Origin == "":
		return nil, errors.New("schedule: give the origin of the evidence log")
	case c.Method.Digest() == (method.Method{}).Digest():
		return nil, errors.New("schedule: give a method that was read from a file")
	case c.Method.Community != "" && c.Method.Community != c.Registry.Community:
		return nil, fmt.Errorf("schedule: method %s is for community %q, this hub's is %q", c.Method.Name, c.Method.Community, c.Registry.Community)
	}
	canonical, err := c.Settings.Canonical()
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Schedule{Config: c, qc: string(canonical)}, nil
}

// RunDue assesses, for every site the method has an index for, every period that has ended and settled by now and is not
// yet valued, oldest first. It returns the statements it issued, by site; those of sites that went well are issued and returned
// even when the error says that others failed.
//
// Valuation of a site begins with the period that holds its first evidence, not before the method's start. A new version
// of a method carries on where the version before it stopped: nothing is valued twice under one name.
func (s *Schedule) RunDue(ctx context.Context, now time.Time) ([]statement.Statement, error) {
	note, err := s.Evidence.Checkpoint(ctx)
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	checkpoint, err := evidence.VerifyCheckpoint(note, s.Origin, s.Hub.Public())
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	r := run{Schedule: s, now: now.UTC().Truncate(time.Second), note: string(note), size: checkpoint.Size}
	sites := s.Registry.Sites()
	issued := make([][]statement.Statement, len(sites))
	failed := make([]error, len(sites))
	var work sync.WaitGroup
	places := make(chan struct{}, runtime.GOMAXPROCS(0)) // as many sites at once as there are processors
	for i, site := range sites {
		places <- struct{}{}
		work.Go(func() {
			defer func() { <-places }()
			issued[i], failed[i] = r.site(ctx, site)
		})
	}
	work.Wait()
	if err := ctx.Err(); err != nil {
		return slices.Concat(issued...), fmt.Errorf("schedule: %w", err)
	}
	return slices.Concat(issued...), errors.Join(failed...)
}

// run is one look at what is due.
type run struct {
	*Schedule
	now  time.Time
	note string // one checkpoint for all, so that the statements of a run fit together
	size uint64
}

// site catches up on one site and returns what it issued. A period that fails ends it, so that periods stay in order.
func (r *run) site(ctx context.Context, site registry.Site) (issued []statement.Statement, err error) {
	if len(r.Method.For(site.Ecosystem)) == 0 {
		r.Log.DebugContext(ctx, "the method values no such ecosystem", "site", site.ID, "ecosystem", site.Ecosystem, "method", r.Method.Name)
		return nil, nil
	}
	gateways := r.gateways(site.ID)
	from, to, ok, err := r.next(ctx, site, gateways)
	for ; err == nil && ok && !r.now.Before(to.Add(time.Duration(r.Method.Settle))); from, to = r.Method.Period(to) {
		if err = ctx.Err(); err != nil {
			break
		}
		st, created, failed := r.period(ctx, site, gateways, from, to)
		if failed != nil {
			err = fmt.Errorf("period from %s: %w", statement.Time(from), failed)
			break
		}
		if created {
			issued = append(issued, st)
			r.Log.InfoContext(ctx, "statement issued", "id", st.ID, "health", st.Health, "earns", st.Earns, "net", st.Credit.Net, "asset", st.Credit.Asset)
		}
	}
	if err != nil {
		r.Log.ErrorContext(ctx, "site was not valued; it will be tried again", "site", site.ID, "error", err)
		return issued, fmt.Errorf("schedule: site %s: %w", site.ID, err)
	}
	return issued, nil
}

func (r *run) gateways(site string) []statement.Gateway {
	list := []statement.Gateway{}
	for _, g := range r.Registry.At(site) {
		list = append(list, statement.Gateway{ID: g.ID, Key: g.Key})
	}
	slices.SortFunc(list, func(a, b statement.Gateway) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// next returns the first period of a site that is not valued yet; false where the site has no evidence.
func (r *run) next(ctx context.Context, site registry.Site, gateways []statement.Gateway) (from, to time.Time, ok bool, err error) {
	start := r.Method.Start.Time
	through, valued, err := r.Statements.Through(ctx, site.ID, r.Method.Name)
	if err != nil {
		return from, to, false, err
	}
	if valued {
		if through.After(start) {
			start = through
		}
		from, to = r.Method.Period(start)
		return from, to, true, nil
	}
	first, found, err := r.first(ctx, gateways)
	if err != nil || !found {
		return from, to, false, err
	}
	from, to = r.Method.Containing(first)
	if from.Before(start) {
		from, to = r.Method.Period(start)
	}
	return from, to, true, nil
}

// period assesses one period of a site and keeps the statement; false: another one stood already.
func (r *run) period(ctx context.Context, site registry.Site, gateways []statement.Gateway, from, to time.Time) (statement.Statement, bool, error) {
	c, err := r.content(ctx, site, gateways, from, to)
	if err != nil {
		return statement.Statement{}, false, err
	}
	st, err := assessment.Assess(c, assessment.Issue{Hub: r.Hub.ID(), Key: r.Hub.Public(), From: from, To: to, At: r.now})
	if err != nil {
		return statement.Statement{}, false, err
	}
	st, bundle, err := statement.Seal(st, c, r.Hub)
	if err != nil {
		return statement.Statement{}, false, err
	}
	return r.Statements.Put(ctx, st, bundle)
}

// content gathers everything the assessment needs.
func (r *run) content(ctx context.Context, site registry.Site, gateways []statement.Gateway, from, to time.Time) (statement.Content, error) {
	c := statement.Content{
		Community: r.Registry.Community, Site: statement.Register(site), Gateways: gateways,
		Method: string(r.Method.Text()), QC: r.qc, LogOrigin: r.Origin, Checkpoint: r.note, Batches: []statement.Batch{},
	}
	w := assessment.Window(r.Method, r.Settings, site.ID, site.Ecosystem, from, to)
	leaves, err := r.Evidence.Within(ctx, ids(gateways), w.Since, w.Until)
	if err != nil {
		return statement.Content{}, err
	}
	for _, leaf := range leaves {
		if leaf.Index >= r.size {
			continue // came after the checkpoint of this run
		}
		proof, err := r.Evidence.Inclusion(ctx, leaf.Index, r.size)
		if err != nil {
			return statement.Content{}, err
		}
		c.Batches = append(c.Batches, statement.NewBatch(leaf, proof))
	}
	return c, nil
}

func ids(gateways []statement.Gateway) []string {
	list := make([]string, len(gateways))
	for i, g := range gateways {
		list[i] = g.ID
	}
	return list
}
