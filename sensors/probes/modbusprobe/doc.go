// Package modbusprobe reads the many probes on Modbus RTU that differ in nothing but their registers. What each of them
// has where is data: a register map, one file in maps/ for each model of the catalog.
//
// A map that is not among them needs no build: the model modbus-map takes one from a file,
//
//	[[probe]]
//	driver = "modbus-map"
//	[probe.settings]
//	map = "/etc/loam/maps/my-probe.toml"
//
// or from the setting itself, where it stands between three quotes and three quotes. It is read as strictly as those of this package.
//
// # The file
//
//	name = "my-probe"               # what people call it: lower-case letters, digits, dashes
//	title = "Maker's soil probe"    # for people
//	source = "manual, revision"     # where the registers are written down
//	address = 1                     # as it leaves the factory
//	mode = "9600 8N1"
//	function = 3                    # 3: holding registers, 4: input registers
//	calibration = "factory"         # or offset, two-point, curve: what a channel needs before it means something
//
//	[[group]]                       # registers read with one request; no two groups may have the same length
//	first = 0
//	count = 2
//
//	[[output]]
//	quantity = "soil_temperature"
//	register = 1
//	type = "s16"                    # u16, s16, and over two registers u32, s32, f32
//	words = "high-first"            # of two registers: or low-first
//	scale = 0.1                     # value = register × scale + offset, in the unit of the quantity
//	offset = 0
//	none = [0x7FFF]                 # what the register holds where there is no measurement
//	min = -40.0                     # what the maker guarantees, with as many digits as the value has
//	max = 80.0
//	accuracy = "±0.5 °C"
//
//	[[check]]                       # a register that must be zero under the mask
//	register = 5
//	mask = 0x0001
//	says = "the lamp is broken"
//
//	[[golden]]                      # an exchange that the map must explain; checked whenever the map is read
//	request = "01 03 00 00 00 02 C4 0B"
//	reply = "01 03 04 02 92 FF 9B 5A 3D"
//	values = { volumetric_water_content = 0.658, soil_temperature = -10.1 }
//	source = "manual, section 5"
//
// # Absence
//
// A value outside its range, one of none, and a float that is not a number are left out. Where nothing is left, and where
// every output is zero, which is what registers hold before the first measurement, the answer is an error.
//
// # What cheap probes do not measure
//
// The nitrogen, phosphorus and potassium of the steel-pin probes are computed from the conductivity: public logs show the
// three in one fixed ratio. Their accuracy in the catalog says so.
package modbusprobe
