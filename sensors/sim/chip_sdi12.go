package sim

import (
	"fmt"
	"strings"
	"time"
)

// sdi12Model is a probe as SDI-12 version 1.4 describes it: it sleeps until a break, wants 8.33 ms of marking and falls
// asleep 100 ms later (chapter 7), measures for as long as it said, and gives an ordinary measurement up when anybody is
// addressed (4.4.6). While it restarts, a measurement is lost before it ends.
type sdi12Model struct {
	address  byte
	identity string
	seconds  int
	now      func() time.Time
	values   func() []string // as they are sent, each with its sign
	perReply int             // how many values fit in one reply

	woken   time.Time
	pending []string  // of the last measurement
	done    time.Time // when it ends
	alone   bool      // it is an ordinary one
	request bool      // and the service request is still to come
	checked bool      // replies carry a checksum
}

func (d *sdi12Model) wake() {
	d.woken = d.now()
	if d.alone && d.now().Before(d.done) {
		d.pending, d.request = nil, false
	}
}

func (d *sdi12Model) hear(sent []byte, powered bool) []byte {
	if since := d.now().Sub(d.woken); since < 8330*time.Microsecond || since > 100*time.Millisecond {
		return nil
	}
	text, ok := strings.CutSuffix(string(sent), "!")
	if !ok || text == "" || text[0] != d.address && text[0] != '?' {
		return nil
	}
	answer, sealed := d.answer(text[1:], powered)
	answer = string(d.address) + answer
	if sealed {
		answer += sdi12Sum(answer)
	}
	return []byte(answer + "\r\n")
}

// answer is what follows the address.
func (d *sdi12Model) answer(command string, powered bool) (string, bool) {
	kind := strings.TrimRight(command, "0123456789")
	part := 0
	if digits := command[len(kind):]; digits != "" {
		part = int(digits[0] - '0')
	}
	switch {
	case command == "I":
		return d.identity, false
	case (kind == "M" || kind == "MC" || kind == "C" || kind == "CC") && part == 0:
		return d.measure(kind, powered), false
	case kind == "M" || kind == "MC":
		return "0000", false
	case kind == "C" || kind == "CC":
		return "00000", false
	case kind == "D":
		return d.data(part), d.checked
	case kind == "R" && part == 0 && powered:
		return strings.Join(d.values(), ""), false
	case kind == "RC" && part == 0 && powered:
		return strings.Join(d.values(), ""), true
	}
	return "", kind == "RC"
}

// measure begins a measurement and says how long it takes.
func (d *sdi12Model) measure(kind string, powered bool) string {
	d.pending, d.done = d.values(), d.now().Add(time.Duration(d.seconds)*time.Second)
	d.alone, d.checked = kind[0] == 'M', len(kind) == 2
	d.request = d.alone && d.seconds > 0
	n := len(d.pending)
	if !powered {
		d.pending = nil
	}
	if d.alone {
		return fmt.Sprintf("%03d%d", d.seconds, n)
	}
	return fmt.Sprintf("%03d%02d", d.seconds, n)
}

// data is the values of one send-data command; nothing where the measurement is not done or was given up.
func (d *sdi12Model) data(part int) string {
	first := part * d.perReply
	if d.now().Before(d.done) || first >= len(d.pending) {
		return ""
	}
	return strings.Join(d.pending[first:min(first+d.perReply, len(d.pending))], "")
}

// speak is the service request.
func (d *sdi12Model) speak(powered bool) []byte {
	if !d.request || !powered || d.now().Before(d.done) {
		return nil
	}
	d.request = false
	return []byte{d.address, '\r', '\n'}
}

// sdi12Sum is the checksum of 4.4.12, bit by bit over the text.
func sdi12Sum(text string) string {
	sum := 0
	for _, c := range []byte(text) {
		for bit := range 8 {
			low := (sum ^ int(c)>>bit) & 1
			if sum >>= 1; low == 1 {
				sum ^= 0xA001
			}
		}
	}
	return string([]byte{byte(0x40 + sum>>12), byte(0x40 + sum>>6&0x3F), byte(0x40 + sum&0x3F)})
}
