package clock

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// ChronyAddress is where chronyd answers questions of its own machine.
const ChronyAddress = "127.0.0.1:323"

// Chrony asks chronyd. It is needed because chronyd tells the kernel that the clock is disciplined only where its
// configuration says rtcsync.
//
// One datagram each way: the request "tracking" of the command protocol, version 6 (candm.h in chrony's source). The
// clock counts as disciplined when the leap status is not "not synchronised" and the reference is neither absent nor
// chronyd's own "local" one.
type Chrony struct {
	Address string // empty: [ChronyAddress]
}

// The parts of the protocol that are used. Numbers are big-endian.
const (
	chronyVersion       = 6
	chronyRequest       = 1
	chronyReply         = 2
	chronyTracking      = 33 // as a request
	chronyTrackingReply = 5
	chronyReplyBytes    = 104 // 28 of head, 76 of content; a request must be as long as its reply

	chronyUnsynchronised = 3          // leap status
	chronyLocal          = 0x7f7f0101 // reference 127.127.1.1: the machine's own clock
)

// errChrony is wrapped by every refusal of an answer.
var errChrony = errors.New("not chronyd's answer to a tracking request")

// Disciplined implements [Source].
func (c Chrony) Disciplined(ctx context.Context) (bool, error) {
	address := c.Address
	if address == "" {
		address = ChronyAddress
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "udp", address)
	if err != nil {
		return false, fmt.Errorf("clock: chronyd at %s: %w", address, err)
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return false, fmt.Errorf("clock: chronyd at %s: %w", address, err)
		}
	}
	sequence := rand.Uint32() // tells an answer from an older question's
	if _, err := conn.Write(chronyQuestion(sequence)); err != nil {
		return false, fmt.Errorf("clock: chronyd at %s does not answer: %w", address, err)
	}
	answer := make([]byte, 1024)
	n, err := conn.Read(answer)
	if err != nil {
		return false, fmt.Errorf("clock: chronyd at %s does not answer: %w", address, err)
	}
	return chronyAnswer(answer[:n], sequence)
}

func chronyQuestion(sequence uint32) []byte {
	q := make([]byte, chronyReplyBytes)
	q[0], q[1] = chronyVersion, chronyRequest
	binary.BigEndian.PutUint16(q[4:], chronyTracking)
	binary.BigEndian.PutUint32(q[8:], sequence)
	return q
}

// chronyAnswer reads an answer: version, type, two reserved bytes, command, reply, status, three paddings, sequence, two
// paddings; then reference id, address (20 bytes), stratum, leap status, and figures that are not needed here.
func chronyAnswer(a []byte, sequence uint32) (bool, error) {
	u16 := func(at int) uint16 { return binary.BigEndian.Uint16(a[at:]) }
	u32 := func(at int) uint32 { return binary.BigEndian.Uint32(a[at:]) }
	switch {
	case len(a) < 28 || a[0] != chronyVersion || a[1] != chronyReply || u16(4) != chronyTracking || u32(16) != sequence:
		return false, fmt.Errorf("clock: %w", errChrony)
	case u16(8) != 0:
		return false, fmt.Errorf("clock: %w: chronyd refuses it with status %d", errChrony, u16(8))
	case u16(6) != chronyTrackingReply || len(a) < chronyReplyBytes:
		return false, fmt.Errorf("clock: %w: reply %d of %d bytes", errChrony, u16(6), len(a))
	}
	reference, leap := u32(28), u16(54)
	return leap < chronyUnsynchronised && reference != 0 && reference != chronyLocal, nil
}
