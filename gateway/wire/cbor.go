package wire

import (
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"loam/sensors"
)

// encoding writes core deterministic CBOR (RFC 8949 section 4.2.1).
func encoding() (cbor.EncMode, error) {
	return cbor.CoreDetEncOptions().EncMode()
}

// decoding reads what [encoding] writes and refuses early what it never would: indefinite lengths, keys said twice,
// unknown labels, and nesting or arrays beyond the limits. Whatever else is not canonical shows when it is encoded again.
func decoding() (cbor.DecMode, error) {
	return cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		MaxNestedLevels:   4,
		MaxArrayElements:  MaxReadings,
		MaxMapPairs:       16,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	}.DecMode()
}

// The modes are built once; their options are constants, so building them fails on no machine or on all.
var (
	encMode, encErr = encoding()
	decMode, decErr = decoding()
)

func marshal(v any) ([]byte, error) {
	if encErr != nil {
		return nil, encErr
	}
	return encMode.Marshal(v)
}

// unmarshal reads all of raw into v. Its errors wrap [ErrMalformed] or [ErrTooLarge].
func unmarshal(raw []byte, v any) error {
	if decErr != nil {
		return decErr
	}
	err := decMode.Unmarshal(raw, v)
	var elements *cbor.MaxArrayElementsError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &elements):
		return fmt.Errorf("more than %d elements: %w", MaxReadings, ErrTooLarge)
	case errors.Is(err, ErrMalformed):
		return err
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}

// CBOR's first byte: the major type in the upper three bits.
const (
	majorUint     = 0
	majorNegative = 1
	tagDecimal    = 0xc4 // tag 4, decimal fraction [exponent, mantissa]
	decimalArray  = 0x82
)

// number is a [sensors.Decimal] as CBOR: an integer where the exponent is 0, a decimal fraction (RFC 8949 section
// 3.4.4) elsewhere. Floats are refused: they are not what a probe said.
type number sensors.Decimal

// MarshalCBOR implements cbor.Marshaler.
func (n number) MarshalCBOR() ([]byte, error) {
	b := make([]byte, 0, 12)
	if n.Exponent != 0 {
		b = appendInt(append(b, tagDecimal, decimalArray), int64(n.Exponent))
	}
	return appendInt(b, n.Mantissa), nil
}

// UnmarshalCBOR implements cbor.Unmarshaler.
func (n *number) UnmarshalCBOR(raw []byte) error {
	if len(raw) == 0 {
		return fmt.Errorf("%w: no number", ErrMalformed)
	}
	switch raw[0] >> 5 {
	case majorUint, majorNegative:
		n.Exponent = 0
		return decMode.Unmarshal(raw, &n.Mantissa)
	}
	if len(raw) < 2 || raw[0] != tagDecimal || raw[1] != decimalArray {
		return fmt.Errorf("%w: a number must be an integer or a decimal fraction, and starts with %#x", ErrMalformed, raw[0])
	}
	var exponent int64
	rest, err := decMode.UnmarshalFirst(raw[2:], &exponent)
	if err != nil {
		return fmt.Errorf("%w: exponent: %w", ErrMalformed, err)
	}
	var mantissa int64
	if err := decMode.Unmarshal(rest, &mantissa); err != nil {
		return fmt.Errorf("%w: mantissa: %w", ErrMalformed, err)
	}
	d, err := sensors.NewDecimal(mantissa, int(max(-128, min(exponent, 127))))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	*n = number(d)
	return nil
}

// appendInt appends n as the shortest CBOR integer.
func appendInt(b []byte, n int64) []byte {
	major, u := byte(0), uint64(n)
	if n < 0 {
		major, u = 0x20, uint64(-(n + 1))
	}
	switch {
	case u < 24:
		return append(b, major|byte(u))
	case u < 1<<8:
		return append(b, major|24, byte(u))
	case u < 1<<16:
		return append(b, major|25, byte(u>>8), byte(u))
	case u < 1<<32:
		return append(b, major|26, byte(u>>24), byte(u>>16), byte(u>>8), byte(u))
	}
	return append(b, major|27, byte(u>>56), byte(u>>48), byte(u>>40), byte(u>>32), byte(u>>24), byte(u>>16), byte(u>>8), byte(u))
}
