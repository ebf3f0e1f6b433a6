// Package gateway is the way from the field to stored evidence. It holds no code itself; its folders are the steps, in
// the order a reading takes them:
//
//	identity    who signs: the Ed25519 key of a gateway or a hub
//	wire        the batch and the receipt, byte for byte
//	sampler     asks the probes and calibrates what they said
//	spool       keeps readings on the gateway until the hub has receipted them
//	feed        what other systems measured becomes readings, marked as theirs
//	uplink      carries batches up and receipts down by MQTT
//	homeassistant  shows the newest readings in Home Assistant
//	registry    which communities, stewards, sites and gateways a hub knows
//	broker      the embedded MQTT broker, where no other is wanted
//	intake      the hub's side of MQTT: batches in, receipts out
//	quarantine  what was refused, and why
//	ingest      verifies what arrived and decides: evidence or quarantine
//	evidence    the append-only, tamper-evident log of verified batches
//	qc          QARTOD flags, an overlay on readings
//	health      facts about the gateway and its machine, each with its cure
//	kit         the gateway's own pages: how it is, and a guide that sets it up
//	store       the time-series projection that people look at
//	projection  drives evidence, flagged, into the store
package gateway
