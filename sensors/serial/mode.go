package serial

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// UnmarshalText reads a mode as [Mode.String] writes it: "9600 8N1".
func (m *Mode) UnmarshalText(text []byte) error {
	baud, frame, _ := strings.Cut(string(text), " ")
	b, err := strconv.Atoi(baud)
	if err != nil || len(frame) != 3 {
		return fmt.Errorf("serial: mode %q: write it like \"9600 8N1\": speed, data bits, parity, stop bits", text)
	}
	read := Mode{Baud: b, DataBits: int(frame[0]) - '0', Parity: Parity(frame[1]), StopBits: int(frame[2]) - '0'}
	if err := read.Validate(); err != nil {
		return fmt.Errorf("mode %q: %w", text, err)
	}
	*m = read
	return nil
}

// Time returns how long n characters take on the line, start, parity and stop bits included.
func (m Mode) Time(n int) time.Duration {
	bits := 1 + m.DataBits + m.StopBits
	if m.Parity != NoParity {
		bits++
	}
	return time.Duration(n*bits) * time.Second / time.Duration(m.Baud)
}
