package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressLine shows how far something long has come: a bar on a terminal, a line each tenth elsewhere.
type progressLine struct {
	mu    sync.Mutex
	bar   *progressbar.ProgressBar
	to    io.Writer
	done  int64
	total int64
	what  string
}

func newProgress(to io.Writer, total int64, days int) *progressLine {
	p := &progressLine{to: to, total: total, what: fmt.Sprintf("living through %d days", days)}
	if f, ok := to.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(to), progressbar.OptionSetDescription(p.what),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true))
	}
	return p
}

// Add says that n more steps are done.
func (p *progressLine) Add(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.done * 10 / p.total
	p.done += n
	if p.bar != nil {
		_ = p.bar.Add64(n) // a bar that cannot be drawn stops nothing
	} else if after := p.done * 10 / p.total; after != before {
		fmt.Fprintf(p.to, "%s: %d %%\n", p.what, after*10)
	}
}

// Close ends the line.
func (p *progressLine) Close() {
	if p.bar != nil {
		_ = p.bar.Close()
	}
}
