package sensors

import "testing"

func TestAddressesAreWrittenAsPeopleDo(t *testing.T) {
	for _, c := range []struct {
		kind    BusKind
		text    string
		address uint64
		written string
	}{
		{I2C, "0x76", 0x76, "0x76"}, {I2C, "118", 0x76, "0x76"}, {OneWire, "0x6a00000123456728", 0x6a00000123456728, "0x6a00000123456728"},
		{Modbus, "1", 1, "1"}, {Modbus, "0xFE", 254, "254"}, {Modbus, "247", 247, "247"},
		{SDI12, "0", '0', "0"}, {SDI12, "9", '9', "9"}, {SDI12, "a", 'a', "a"}, {SDI12, "Z", 'Z', "Z"},
	} {
		got, err := c.kind.ParseAddress(c.text)
		if err != nil || got != c.address || c.kind.FormatAddress(got) != c.written {
			t.Errorf("%s %q: %d, written %q, %v; want %d, %q", c.kind, c.text, got, c.kind.FormatAddress(got), err, c.address, c.written)
		}
	}
	for _, kind := range []BusKind{I2C, OneWire, Modbus, SDI12, UART} {
		if got, err := kind.ParseAddress(""); got != 0 || err != nil {
			t.Errorf("%s without an address: %d, %v; want the default, 0", kind, got, err)
		}
	}
	for _, c := range []struct {
		kind BusKind
		text string
	}{
		{I2C, "a"}, {I2C, "-1"}, {I2C, "0x1ffffffffffffffff"}, {OneWire, "28"[:1] + "x"}, {Modbus, "0"}, {Modbus, "255"}, {Modbus, "one"},
		{SDI12, "10"}, {SDI12, "?"}, {SDI12, "*"}, {SDI12, "é"}, {SDI12, " "},
	} {
		if got, err := c.kind.ParseAddress(c.text); err == nil {
			t.Errorf("%s %q became %d", c.kind, c.text, got)
		}
	}
}
