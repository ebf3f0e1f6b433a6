package sdi12

import (
	"errors"
	"fmt"
	"strings"

	"loam/sensors"
)

// What a reply can be instead of values.
var (
	// ErrChecksum says that a reply was damaged on its way.
	ErrChecksum = errors.New("wrong checksum")
	// ErrReply says that a reply is not what the command asks for.
	ErrReply = errors.New("not a reply to this command")
	// ErrNoData says that the probe has no values: it does not know the measurement, or gave it up.
	ErrNoData = errors.New("the probe has no data")
)

// CRC is the checksum over text: polynomial 0xA001, least significant bit first, from 0 (4.4.12.2).
func CRC(text string) uint16 {
	var crc uint16
	for i := range len(text) {
		crc ^= uint16(text[i])
		for range 8 {
			odd := crc&1 != 0
			crc >>= 1
			if odd {
				crc ^= 0xA001
			}
		}
	}
	return crc
}

// Seal appends the checksum as the three characters it is sent in (4.4.12.3).
func Seal(text string) string {
	crc := CRC(text)
	return text + string([]byte{0x40 | byte(crc>>12), 0x40 | byte(crc>>6&0x3F), 0x40 | byte(crc&0x3F)})
}

// unseal checks and removes the checksum.
func unseal(text string) (string, error) {
	n := len(text) - 3
	if n < 1 || Seal(text[:n]) != text {
		return "", fmt.Errorf("%w: %q", ErrChecksum, text)
	}
	return text[:n], nil
}

// body returns what follows the address in a line that ends with CR LF.
func body(address byte, line string) (string, error) {
	text, ok := strings.CutSuffix(line, "\r\n")
	switch {
	case !ok || text == "":
		return "", fmt.Errorf("%w: %q", ErrReply, line)
	case text[0] != address:
		return "", fmt.Errorf("%w: %q is from address %q, not %q", ErrReply, line, text[0], address)
	}
	return text[1:], nil
}

// Values reads a reply to a send-data command, with or without a checksum: each value with its sign and all its digits.
// A reply with the address alone has none, which is no error here.
func Values(address byte, line string, sealed bool) ([]sensors.Decimal, error) {
	if sealed {
		text, ok := strings.CutSuffix(line, "\r\n")
		if !ok {
			return nil, fmt.Errorf("sdi12: %w: %q", ErrReply, line)
		}
		text, err := unseal(text)
		if err != nil {
			return nil, fmt.Errorf("sdi12: %w", err)
		}
		line = text + "\r\n"
	}
	text, err := body(address, line)
	if err != nil {
		return nil, fmt.Errorf("sdi12: %w", err)
	}
	var values []sensors.Decimal
	for text != "" {
		n := strings.IndexAny(text[1:], "+-") + 1
		if n == 0 {
			n = len(text)
		}
		v, err := value(text[:n])
		if err != nil {
			return nil, fmt.Errorf("sdi12: %w: %q: %w", ErrReply, line, err)
		}
		values, text = append(values, v), text[n:]
	}
	return values, nil
}

// value reads one value: a sign, digits, and a point among or after them.
func value(text string) (sensors.Decimal, error) {
	if text[0] != '+' && text[0] != '-' || strings.Trim(text[1:], "0123456789.") != "" {
		return sensors.Decimal{}, fmt.Errorf("value %q: a sign and digits", text)
	}
	return sensors.ParseDecimal(strings.TrimSuffix(text, "."))
}

// start reads the reply to a measurement command: after how many seconds how many values are ready. digits is how many
// the number of values has: one after aM!, two after aC! (4.4.5 and 4.4.7).
func start(address byte, line string, digits int) (seconds, values int, err error) {
	text, err := body(address, line)
	if err != nil {
		return 0, 0, err
	}
	if len(text) != 3+digits || strings.Trim(text, "0123456789") != "" {
		return 0, 0, fmt.Errorf("%w: %q", ErrReply, line)
	}
	for _, d := range text[:3] {
		seconds = 10*seconds + int(d-'0')
	}
	for _, d := range text[3:] {
		values = 10*values + int(d-'0')
	}
	return seconds, values, nil
}

// Identity is what a probe says it is (4.4.2).
type Identity struct {
	Version string // of SDI-12, such as "13" for 1.3
	Vendor  string
	Model   string
	Rest    string // firmware version, and serial number or whatever else the maker puts there
}

// String writes the identity for people.
func (i Identity) String() string { return strings.TrimSpace(i.Vendor + " " + i.Model) }

// identity reads the reply to aI!.
func identity(address byte, line string) (Identity, error) {
	text, err := body(address, line)
	if err != nil {
		return Identity{}, err
	}
	if len(text) < 19 { // two digits, eight characters, six and three
		return Identity{}, fmt.Errorf("%w: %q", ErrReply, line)
	}
	return Identity{
		Version: text[:2], Vendor: strings.TrimSpace(text[2:10]), Model: strings.TrimSpace(text[10:16]), Rest: strings.TrimSpace(text[16:]),
	}, nil
}
