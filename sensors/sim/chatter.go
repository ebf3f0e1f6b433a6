package sim

import "time"

// chatter is what a probe that sends by itself has sent: a backlog that a port kept while nobody read, oldest first, and
// then, as long as somebody waits, the end of a frame that was on its way, and whole ones.
type chatter struct {
	now    func() time.Time
	period time.Duration // between frames
	frame  func(time.Time) []byte
	heard  time.Time // until when everything was fetched
	waits  bool      // somebody has waited since
}

// backlogFrames is how many frames a port keeps: the oldest, since it has no room for more.
const backlogFrames = 3

func (c *chatter) next() []byte {
	t := c.now()
	if c.heard.Equal(t) {
		var sent []byte
		if !c.waits {
			tail := c.frame(t.Add(-c.period))
			sent = append(sent, tail[len(tail)/2:]...)
		}
		c.waits = true
		return append(sent, c.frame(t)...)
	}
	var sent []byte
	for i := range backlogFrames {
		if at := c.heard.Add(time.Duration(i+1) * c.period); !c.heard.IsZero() && at.Before(t) {
			sent = append(sent, c.frame(at)...)
		}
	}
	c.heard, c.waits = t, false
	return sent
}
