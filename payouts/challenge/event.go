package challenge

import "time"

// kind is what an event says happened.
type kind string

const (
	proposed  kind = "proposed"
	objected  kind = "objected"
	upheld    kind = "upheld"
	dismissed kind = "dismissed"
	final     kind = "final"
	paid      kind = "paid"
)

// event is one line of the record.
type event struct {
	number    int64
	statement string
	kind      kind
	at        time.Time
	by        string
	reason    string
	objection int64     // upheld, dismissed: which
	until     time.Time // proposed, dismissed: when the window ends from then on
}

// file is a statement's events, added up.
type file struct {
	Status
	proposed time.Time // the window's end as it was proposed
	last     time.Time // when the last event was recorded
	stopped  time.Time // while challenged: since when the window's clock stands still
}

// fold adds up a statement's events, oldest first.
func fold(events []event) file {
	var f file
	for _, e := range events {
		f.apply(e)
	}
	return f
}

func (f *file) apply(e event) {
	f.Statement, f.last = e.statement, e.at
	switch e.kind {
	case proposed:
		f.enter(Proposed, e.at)
		f.Until, f.proposed = e.until, e.until
	case objected:
		if f.State == Proposed {
			f.enter(Challenged, e.at)
			f.stopped = e.at
		}
		f.Objections = append(f.Objections, Objection{Number: e.number, By: e.by, Reason: e.reason, At: e.at})
	case upheld:
		f.decide(e, Upheld)
		f.enter(Rejected, e.at)
	case dismissed:
		f.decide(e, Dismissed)
		f.Until = e.until
		if f.open() == 0 {
			f.enter(Proposed, e.at)
		}
	case final:
		f.enter(Final, e.at)
	case paid:
		f.enter(Paid, e.at)
	}
}

func (f *file) enter(s State, at time.Time) { f.State, f.Since = s, at }

func (f *file) decide(e event, v Verdict) {
	if o := f.objection(e.objection); o != nil {
		o.Verdict, o.DecidedBy, o.Answer, o.DecidedAt = v, e.by, e.reason, e.at
	}
}

func (f *file) objection(number int64) *Objection {
	for i := range f.Objections {
		if f.Objections[i].Number == number {
			return &f.Objections[i]
		}
	}
	return nil
}

// open counts the objections without a verdict.
func (f *file) open() int {
	n := 0
	for _, o := range f.Objections {
		if o.Verdict == "" {
			n++
		}
	}
	return n
}

// resumed is when the window ends if the last open objection is dismissed at that time.
func (f *file) resumed(at time.Time) time.Time {
	return at.Add(max(f.Until.Sub(f.stopped), Reopened))
}
