package atlas

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"loam/sensors"
)

// Response codes on I2C ("response codes").
const (
	codeSuccess  = 1
	codeSyntax   = 2
	codeNotReady = 254
	codeNoData   = 255
)

// maxReply is longer than any reply.
const maxReply = 40

// What a circuit can answer that is no reading.
var (
	ErrSyntax   = errors.New("the circuit does not know the command")
	ErrNotReady = errors.New("still processing, not ready")
	ErrNoData   = errors.New("the circuit has nothing to say")
	ErrReply    = errors.New("not a reply of an EZO circuit")
	ErrNotValue = errors.New("not a value")
)

// parseReply returns the text of a reply on I2C: a code, characters, and a NUL.
func parseReply(b []byte) (string, error) {
	if len(b) == 0 {
		return "", fmt.Errorf("%w: empty", ErrReply)
	}
	switch b[0] {
	case codeSuccess:
	case codeSyntax:
		return "", ErrSyntax
	case codeNotReady:
		return "", ErrNotReady
	case codeNoData:
		return "", ErrNoData
	default:
		return "", fmt.Errorf("%w: code %d", ErrReply, b[0])
	}
	text := make([]byte, 0, len(b))
	for _, c := range b[1:] {
		if c &^= 0x80; c == 0 { // see the Raspberry Pi in the package's traps
			return string(text), plain(text)
		}
		text = append(text, c)
	}
	return "", fmt.Errorf("%w: no end in % x", ErrReply, b)
}

// plain says whether a text is printable.
func plain(text []byte) error {
	if i := bytes.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
		return fmt.Errorf("%w: %q", ErrReply, text)
	}
	return nil
}

// parseValue reads a number of a reply, with as many places as the output has. Digits that the output has no place for are
// refused: the circuit is another one than expected.
func parseValue(text string, o sensors.Output) (int64, error) {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || strings.Trim(digits, "0123456789.") != "" || digits[0] == '.' || len(text) > 12 {
		return 0, fmt.Errorf("%q: %w", text, ErrNotValue)
	}
	d, err := sensors.ParseDecimal(text)
	if err != nil {
		return 0, fmt.Errorf("%q: %w: %w", text, ErrNotValue, err)
	}
	for d.Exponent > o.Min.Exponent {
		d.Mantissa, d.Exponent = d.Mantissa*10, d.Exponent-1
	}
	if d.Exponent != o.Min.Exponent {
		return 0, fmt.Errorf("%q: %w with %d places", text, ErrNotValue, -o.Min.Exponent)
	}
	return d.Mantissa, nil
}

// parseQuery returns the words of the reply to a question: "?Cal,2", and "?,O,EC,TDS" as some circuits write it.
func parseQuery(text, name string) ([]string, error) {
	words := strings.Split(text, ",")
	switch {
	case words[0] == "?" && len(words) > 1 && strings.EqualFold(words[1], name):
		return words[2:], nil
	case strings.HasPrefix(words[0], "?") && strings.EqualFold(words[0][1:], name):
		return words[1:], nil
	}
	return nil, fmt.Errorf("%q is no reply to %s,?: %w", text, name, ErrReply)
}
