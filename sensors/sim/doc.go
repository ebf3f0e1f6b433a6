// Package sim puts simulated probes on virtual buses, so that the whole way of a reading runs without hardware: the
// drivers' own code talks to register-level models of the chips, and the chips measure one [World].
//
//	World   an ecosystem: sun, fronts, rain, soil and a stream; the same seed and start give the same world
//	chips   BME280, DS18B20 and ADS1115 as their data sheets describe them, each with [Fault]s
//	Site    one place of the world with its chips wired to buses in periph's registries
//
// A chip measures while time passes: give [NewSite] the same time that the drivers' clock shows, or no conversion ends.
package sim
