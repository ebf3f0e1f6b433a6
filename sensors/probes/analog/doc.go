// Package analog reads probes that are a voltage or a current, through an input of an ADS1115 ([adc]): boards with an
// analog output, transmitters of 4 to 20 mA, and the wind vane of the common weather meters.
//
// A board's voltage is passed on as it is; what it means is its calibration's: one made with references, or the maker's
// curve ([loam/sensors/curves]). Each model knows what its output can give, so that a cable that came off is an error and
// no value. Where a board can give 0 V (leaf wetness, conductivity, VH400), an unplugged probe cannot be told from a dry
// one by its voltage alone: an open input floats at some 0.6 V.
//
// The converter is set to ±6.144 V. Its supply bounds what may be at an input: a board of 5 V needs a converter at 5 V,
// whose I2C lines are then pulled up to 3.3 V.
//
// # Sources
//
//   - leaf-wetness: any resistive grid; dry and dripping wet are its two points.
//   - ph-analog: DFRobot SEN0161-V2: 0 to 3 V for pH 14 to 0. Compensate temperature with effect ph-temperature.
//   - sen0189: DFRobot SEN0189: 0 to 4.5 V, less in murky water; air and sunlight disturb it.
//   - sen0244: DFRobot SEN0244: 0 to 2.3 V. Compensate temperature with effect conductivity-temperature.
//   - vh400: Vegetronix VH400: 0 to 3 V.
//   - current-loop: NAMUR NE 43 for what is no measurement. The current is the voltage over shunt_ohm.
//   - wind-vane: SparkFun weather meter hookup guide. Its table of voltages is for 5 V and 10 kΩ; here it follows from the
//     resistors, so that other supplies work. The smallest gap between two directions (67.5° and 112.5° lie between 688 Ω
//     and 1 kΩ) is 50 mV at 3.3 V.
package analog
