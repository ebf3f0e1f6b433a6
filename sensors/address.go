package sensors

import (
	"fmt"
	"strconv"
)

// FormatAddress writes an address as people do on this kind of bus: 0x76, a decimal number on Modbus, one character on
// SDI-12.
func (k BusKind) FormatAddress(address uint64) string {
	switch k {
	case Modbus:
		return strconv.FormatUint(address, 10)
	case SDI12:
		return string(rune(address))
	}
	return fmt.Sprintf("%#x", address)
}

// ParseAddress reads an address as people write it on this kind of bus. An empty text is 0: the model's default.
//
// On SDI-12 it is the character itself, so that 1 and "1" are the same probe, and so is "a". Elsewhere it is a number,
// decimal or hexadecimal: an I2C address, a Modbus address, or a 1-wire ROM code of 64 bits.
func (k BusKind) ParseAddress(text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	if k == SDI12 {
		if len(text) != 1 || !isAlphanumeric(text[0]) {
			return 0, fmt.Errorf("address %q: on SDI-12 it is one character, 0 to 9, A to Z or a to z", text)
		}
		return uint64(text[0]), nil
	}
	v, err := strconv.ParseUint(text, 0, 64)
	switch {
	case err != nil:
		return 0, fmt.Errorf("address %q: write it like 0x76, or a 1-wire ROM code like \"0x6a00000123456728\"", text)
	case k == Modbus && (v < 1 || v > maxModbusAddress):
		return 0, fmt.Errorf("address %q: on Modbus it is 1 to %d", text, maxModbusAddress)
	}
	return v, nil
}

// maxModbusAddress is beyond the 247 of the standard: makers use some of the reserved ones for "whoever is there".
const maxModbusAddress = 254

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
