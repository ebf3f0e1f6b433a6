package sim

import (
	"slices"

	"loam/sensors"
	"loam/sensors/serial"
)

// Modes of serial lines.
var (
	slowLine = serial.Mode{Baud: 4800, DataBits: 8, Parity: serial.NoParity, StopBits: 1}
	line9600 = serial.Mode{Baud: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: 1}
	evenLine = serial.Mode{Baud: 9600, DataBits: 8, Parity: serial.EvenParity, StopBits: 1}
)

func fieldbusSpecimens() []specimen { return slices.Concat(modbusSpecimens(), sdi12Specimens()) }

// Cells that many soil probes have, as their manuals print them.
var (
	percentTenths  = cell{at: 0, quantity: sensors.VolumetricWaterContent, step: 0.001}
	celsiusTenths  = cell{at: 1, quantity: sensors.SoilTemperature, step: 0.1}
	microsiemens   = cell{at: 2, quantity: sensors.SoilConductivity, step: 1}
	phTenths       = cell{at: 3, quantity: sensors.SoilPH, step: 0.1}
	celsius100     = cell{at: 0, quantity: sensors.SoilTemperature, step: 0.01}
	percent100     = cell{at: 1, quantity: sensors.VolumetricWaterContent, step: 0.0001}
	moistureTriple = []cell{percentTenths, celsiusTenths, microsiemens}
)

// nutrients are nitrogen, phosphorus and potassium from a register on.
func nutrients(first uint16) []cell {
	return []cell{
		{at: first, quantity: sensors.SoilNitrogen, step: 1}, {at: first + 1, quantity: sensors.SoilPhosphorus, step: 1},
		{at: first + 2, quantity: sensors.SoilPotassium, step: 1},
	}
}

// onModbus is a probe with one cell for each channel.
func onModbus(driver string, mode serial.Mode, address, function byte, size uint16, cells ...cell) specimen {
	return specimen{
		driver: driver, mode: mode, address: uint64(address), channels: channelsOf(cells...),
		serial: func(around surroundings) serialDevice {
			return newModbus(around, address, function, size, nil, cells...)
		},
	}
}

func modbusSpecimens() []specimen {
	crowded := onModbus("cwt-soil-thc-s", slowLine, 1, 3, 5, moistureTriple...)
	crowded.beside = func(around surroundings) serialDevice {
		return latecomer{newModbus(around, 2, 3, 3, map[uint16]uint16{0: 111, 1: 222, 2: 333})}
	}
	own := onModbus("modbus-map", evenLine, 17, 4, 8,
		cell{at: 4, quantity: sensors.WaterTemperature, step: 0.01, float: true}, cell{at: 2, quantity: sensors.WaterPH, step: 0.01})
	own.settings = map[string]string{"map": ownMap}
	return []specimen{
		onModbus("sen0600", line9600, 1, 3, 2, percentTenths, celsiusTenths),
		onModbus("sen0601", line9600, 3, 3, 5, moistureTriple...),
		onModbus("sen0604", line9600, 1, 3, 9, append([]cell{phTenths}, moistureTriple...)...),
		onModbus("sen0605", line9600, 1, 3, 0x21, nutrients(0x1E)...),
		crowded,
		onModbus("rs485-soil-7in1", slowLine, 1, 3, 7, slices.Concat(moistureTriple, []cell{phTenths}, nutrients(4))...),
		onModbus("s-soil-mt-02", line9600, 1, 3, 2, celsius100, percent100),
		onModbus("s-soil-mtec-02", line9600, 1, 3, 6, celsius100, percent100, microsiemens, cell{at: 5, quantity: sensors.Permittivity, step: 0.01}),
		onModbus("smt100", evenLine, 253, 3, 5, cell{at: 0, quantity: sensors.SoilTemperature, step: 0.01, base: -100}, percent100,
			cell{at: 2, quantity: sensors.Permittivity, step: 0.01}, cell{at: 3, quantity: sensors.ProbeCount, step: 1}),
		onModbus("senseair-s8", line9600, 254, 4, 5, cell{at: 3, quantity: sensors.CarbonDioxide, step: 1}),
		onModbus("sup-do7013", line9600, 1, 3, 8, cell{at: 0, quantity: sensors.WaterTemperature, step: 0.1}, cell{at: 1, quantity: sensors.DissolvedOxygen, step: 0.01}),
		onModbus("sen0681", slowLine, 1, 3, 6, cell{at: 2, quantity: sensors.DissolvedOxygen, step: 0.01, float: true}, cell{at: 4, quantity: sensors.WaterTemperature, step: 0.01, float: true}),
		own,
	}
}

// ownMap is what somebody wrote who has a probe that loam does not know.
const ownMap = `
name = "pond-probe"
title = "pH and temperature of the pond"
source = "its manual"
address = 17
mode = "9600 8E1"
function = 4
calibration = "two-point"

[[group]]
first = 2
count = 4

[[output]]
quantity = "water_ph"
register = 2
type = "u16"
scale = 0.01
min = 0.00
max = 14.00
accuracy = "±0.1 pH"

[[output]]
quantity = "water_temperature"
register = 4
type = "f32"
scale = 1
min = 0.00
max = 50.00
accuracy = "±0.5 °C"
`
