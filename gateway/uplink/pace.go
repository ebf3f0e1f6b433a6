package uplink

import "time"

// pace says when batches may go, on a link that is slow or paid for. The zero value lets everything go at once. Like the
// window it does nothing by itself.
type pace struct {
	rate  int           // bytes of backlog in a second; 0: as many as go
	every time.Duration // between two bursts; 0: always open

	backlogFrom time.Time // when the backlog may go on
	opens       time.Time // when the next burst begins
}

// open says whether anything may go.
func (p *pace) open(now time.Time) bool { return !now.Before(p.opens) }

// backlog says whether a batch of the backlog may go.
func (p *pace) backlog(now time.Time) bool { return !now.Before(p.backlogFrom) }

// took notes that n bytes of the backlog go: the next ones when these have had their time.
func (p *pace) took(now time.Time, n int) {
	if p.rate <= 0 {
		return
	}
	if p.backlogFrom.Before(now) {
		p.backlogFrom = now
	}
	p.backlogFrom = p.backlogFrom.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
}

// done ends a burst: all there was has been sent and receipted.
func (p *pace) done(now time.Time) {
	if p.every > 0 {
		p.opens = now.Add(p.every)
	}
}

// next returns when more may go than may now, where that is to come.
func (p *pace) next(now time.Time) (time.Time, bool) {
	switch {
	case !p.open(now):
		return p.opens, true
	case !p.backlog(now):
		return p.backlogFrom, true
	}
	return time.Time{}, false
}
