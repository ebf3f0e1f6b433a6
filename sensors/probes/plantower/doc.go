// Package plantower reads the Plantower PMS5003, PMS7003 and PMS3003: fine dust in air, by the light it scatters from a
// laser, on a serial port.
//
// Data manuals: PMS5003 series V2.3 (June 2016), PMS7003 series V2.5 (2016), PMS3003 V2.0 (2014), all by Zhou Yong. Used
// are the technical index (range and consistency), "circuit attentions" (30 s after waking), appendix I (transport
// protocol: 9600 8N1; the frame and its 16-bit sum) and, for the first two, appendix II (commands of the passive mode).
//
// # What is passed on
//
// A frame has two sets of concentrations. "CF=1, standard particle" is what the maker recommends for factories,
// "atmospheric environment" for the open air; the latter is passed on, as pm1, pm2_5 and pm10. Both are equal below
// about 30 µg/m³; above, the atmospheric values are lower. The CF=1 value of PM2.5 is passed on too, as pm2_5_cf1: the
// correction for humidity of Barkjohn and others ([sensors.HumidityPM25]) was fitted to it. The counts of particles serve as a check only: a frame of a PMS5003 or
// PMS7003 without a single particle above 0.3 µm is refused. No open air is that clean; a probe whose laser or fan died is.
//
// # Modes
//
// A probe starts in active mode: it sends frames by itself, every 200 to 800 ms, or 2.3 s when little changes. A PMS5003 or
// PMS7003 is set to passive mode when it is opened, so that each answer belongs to a question. That mode is lost with the
// power. A probe that sends by itself again has therefore started anew: it is set again and warms up again. Where only
// its TX is wired, mode = "active" says so; a PMS3003 knows nothing else. In active mode what came before the question is
// thrown away, and a restart between two questions goes unseen.
//
// # Warm-up and wear
//
// Values mean something 30 s after the fan began to turn; until then the answer is "not ready yet". Laser and fan are made
// for three years of work (MTTF). The setting rest, in minutes, has them sleep after each reading for so long, and then
// warm up again.
//
// # Errata
//
//   - The manuals of the two newer models call the last data word "reserved" in some editions, and "version, error code"
//     in others; its low byte is 0 in every published capture of a working probe, and anything else is refused here. In the
//     PMS3003's capture the same word reads 0x51: there it is left alone.
//   - The manuals show no answer to the commands. Probes answer "passive" with a frame of 8 bytes (captured by
//     PyPMS); some need the command twice just after waking.
//   - No published example has an error code.
package plantower
