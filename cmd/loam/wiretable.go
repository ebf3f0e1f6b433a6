package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"loam/gateway/wire"
	"loam/sensors"
	"loam/sensors/clock"
)

// wireMessage is `loam wire decode --json`. Numbers beyond 2^53 and measured values are text: digits are kept.
type wireMessage struct {
	Kind    string       `json:"kind"` // batch or receipt
	Bytes   int          `json:"bytes"`
	Digest  string       `json:"sha256"`
	Batch   *wireBatch   `json:"batch,omitempty"`
	Receipt *wireReceipt `json:"receipt,omitempty"`
}

type wireBatch struct {
	Gateway  string        `json:"gateway"`
	Sequence string        `json:"sequence"`
	Previous string        `json:"previous"`
	Boot     string        `json:"boot"`
	Clock    string        `json:"clock"`
	Thinned  *wireThinned  `json:"thinned,omitempty"`
	Readings []wireReading `json:"readings"`
}

// wireThinned says which batches this one stands in for.
type wireThinned struct {
	First    string `json:"first"`
	Last     string `json:"last"`
	Digest   string `json:"last_sha256"`
	Readings string `json:"readings"`
}

type wireReading struct {
	Time        string           `json:"time"`
	Uptime      int64            `json:"uptime_ms,omitempty"`
	Shown       string           `json:"clock_showed,omitempty"` // only of what was dated afterwards
	Channel     sensors.Channel  `json:"channel"`
	Quantity    sensors.Quantity `json:"quantity"`
	Value       sensors.Decimal  `json:"value"`
	Unit        string           `json:"unit"`
	RawQuantity sensors.Quantity `json:"raw_quantity"`
	Raw         sensors.Decimal  `json:"raw"`
	RawUnit     string           `json:"raw_unit"`
	Certificate string           `json:"certificate"`
	Made        string           `json:"made,omitempty"`
	Due         string           `json:"due,omitempty"`
}

type wireReceipt struct {
	Hub      string `json:"hub"`
	Gateway  string `json:"gateway"`
	Sequence string `json:"sequence"`
	Digest   string `json:"batch_sha256"`
	Outcome  string `json:"outcome"`
	Reason   string `json:"reason,omitempty"`
	Index    string `json:"index,omitempty"`
	At       string `json:"at"`
}

func batchOf(s wire.Sealed) (*wireBatch, error) {
	b := &wireBatch{Gateway: s.Gateway, Sequence: strconv.FormatUint(s.Sequence, 10), Previous: s.Previous.String(), Boot: s.Boot.String(), Clock: s.Clock.String()}
	if t := s.Thinned; !t.IsZero() {
		b.Thinned = &wireThinned{strconv.FormatUint(t.First, 10), strconv.FormatUint(t.Last, 10), t.Digest.String(), strconv.FormatUint(t.Readings, 10)}
	}
	for _, r := range s.Readings {
		value, err := r.Quantity.Kind()
		if err != nil {
			return nil, err
		}
		raw, err := r.RawQuantity.Kind()
		if err != nil {
			return nil, err
		}
		shown := ""
		if r.At.State == clock.Redated {
			shown = wireTime(r.At.Shown)
		}
		b.Readings = append(b.Readings, wireReading{
			Shown: shown, Time: wireTime(r.At.Wall), Uptime: r.At.Uptime.Milliseconds(), Channel: r.Channel,
			Quantity: r.Quantity, Value: r.Value, Unit: value.Unit, RawQuantity: r.RawQuantity, Raw: r.Raw, RawUnit: raw.Unit,
			Certificate: r.Calibration.ID, Made: wireDate(r.Calibration.Date), Due: wireDate(r.Calibration.Due),
		})
	}
	return b, nil
}

func receiptOf(r wire.Receipt) *wireReceipt {
	out := &wireReceipt{
		Hub: r.Hub, Gateway: r.Gateway, Sequence: strconv.FormatUint(r.Sequence, 10), Digest: r.Digest.String(),
		Outcome: outcomeWord(r.Outcome), Reason: r.Reason, At: wireTime(r.At),
	}
	if r.Outcome == wire.Stored {
		out.Index = strconv.FormatUint(r.Index, 10)
	}
	return out
}

func outcomeWord(o wire.Outcome) string {
	switch o {
	case wire.Stored:
		return "stored"
	case wire.Quarantined:
		return "quarantined"
	}
	return fmt.Sprintf("outcome %d", o)
}

func wireTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func wireDate(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// print writes the message for people. Text that a stranger chose is quoted, so that it cannot steer a terminal.
func (m wireMessage) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	row := func(key string, value any) { fmt.Fprintf(w, "%s\t%v\n", key, value) }
	row(m.Kind, fmt.Sprintf("%d bytes", m.Bytes))
	row("SHA-256", m.Digest)
	switch {
	case m.Batch != nil:
		m.Batch.print(w, row)
	case m.Receipt != nil:
		m.Receipt.print(row)
	}
	return w.Flush()
}

func (r *wireReceipt) print(row func(string, any)) {
	row("hub", r.Hub)
	row("for", "batch "+r.Sequence+" of "+r.Gateway)
	row("its SHA-256", r.Digest)
	row("outcome", r.Outcome)
	if r.Reason != "" {
		row("reason", strconv.QuoteToGraphic(r.Reason))
	}
	if r.Index != "" {
		row("log index", r.Index)
	}
	row("at", r.At)
	row("signature", "not checked: loam wire verify FILE --key KEY, with the hub's key")
}

func (b *wireBatch) print(w io.Writer, row func(string, any)) {
	row("gateway", b.Gateway)
	row("sequence", b.Sequence)
	if b.Previous == (wire.Digest{}).String() {
		row("previous", "none: the first of a chain")
	} else {
		row("previous", b.Previous)
	}
	row("boot", b.Boot)
	row("clock", b.Clock)
	if t := b.Thinned; t != nil {
		row("thinned", fmt.Sprintf("in place of batches %s to %s, %s readings; SHA-256 of the last %s", t.First, t.Last, t.Readings, t.Digest))
	}
	row("readings", len(b.Readings))
	row("signature", "not checked: loam wire verify FILE --key KEY, with the gateway's key")
	up, header := b.Clock != clock.Synced.String(), "\nTIME\tCHANNEL\tQUANTITY\tVALUE\tUNIT\tRAW\tCALIBRATION"
	if up {
		header += "\tUPTIME\tCLOCK SHOWED"
	}
	fmt.Fprintln(w, header)
	for _, r := range b.Readings {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s", r.Time, r.Channel, r.Quantity, r.Value, r.Unit, r.rawText(), r.calibrationText())
		if up {
			fmt.Fprintf(w, "\t%s\t%s", time.Duration(r.Uptime)*time.Millisecond, cmp.Or(r.Shown, "="))
		}
		fmt.Fprintln(w)
	}
}

// rawText is the raw value where it is not the value itself.
func (r wireReading) rawText() string {
	switch {
	case r.RawQuantity != r.Quantity:
		return fmt.Sprintf("%s %s %s", r.RawQuantity, r.Raw, r.RawUnit)
	case r.Raw != r.Value:
		return fmt.Sprintf("%s %s", r.Raw, r.RawUnit)
	}
	return "="
}

func (r wireReading) calibrationText() string {
	if r.Certificate == "" {
		return "none"
	}
	text := strconv.QuoteToGraphic(r.Certificate)
	if r.Made != "" {
		text += " of " + r.Made
	}
	if r.Due != "" {
		text += ", due " + r.Due
	}
	return text
}
