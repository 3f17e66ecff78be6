package main

import (
	"fmt"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
)

// progress shows how far a check, an export or an import is: a bar on a terminal, else a line now and then.
type progress struct {
	out   *os.File
	bar   *progressbar.ProgressBar // nil where out is no terminal
	every time.Duration
	shown time.Time
}

// barSteps are the steps of a bar, which shows an estimate.
const barSteps = 1000

func newProgress(out *os.File) *progress {
	if !isatty.IsTerminal(out.Fd()) {
		return &progress{out: out, every: 10 * time.Second, shown: time.Now()}
	}
	return &progress{out: out, every: 100 * time.Millisecond, bar: progressbar.NewOptions(barSteps,
		progressbar.OptionSetWriter(out), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(true),
	)}
}

// update shows a fraction and the finished work, unless it has just shown one.
func (p *progress) update(fraction float64, done func() string) {
	if time.Since(p.shown) < p.every {
		return
	}
	p.shown = time.Now()
	text := done()
	if p.bar == nil {
		fmt.Fprintf(p.out, "%.0f %%: %s\n", 100*fraction, text)
		return
	}
	p.bar.Describe(text)
	_ = p.bar.Set(min(int(barSteps*fraction), barSteps-1)) // the last step is end's: with it the bar is gone
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
