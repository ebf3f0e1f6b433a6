// Package spool keeps readings on the gateway until the hub has receipted them, through kill -9, power cuts and a hub
// that is away for months.
//
// A reading is appended, sealed with others into a signed batch, and forgotten only when the hub's receipt for exactly
// these bytes is settled. Read in this order: config.go, spool.go (open, append), group.go (fewer syncs), dating.go,
// seal.go, settle.go (pending, settle), stats.go, thin.go.
//
// # A clock that is not set
//
// Readings of a boot whose clock is not synchronised yet are not sealed for up to [Batching].Hold, because a signed time
// cannot be mended. When the same boot's clock is synchronised, they are dated from uptime ([clock.Instant.Redate]) and
// sealed as [clock.Redated], with the time the clock had shown. What waited too long, or belongs to a boot that ended
// before that, is sealed as it is and says so ([clock.Unsynced]). No reading is ever dated by another boot.
//
// # A full spool
//
// [Config].MaxBytes bounds the file. Room is made in this order, each step only when the one before is done:
//
//  1. At seven eighths of the cap nothing is held back for its clock any more: a sealed reading takes a fifteenth.
//  2. The oldest batches are thinned: of each channel and hour of one boot the readings with the lowest, the middle and
//     the highest value stay, as they were taken, and go into a new batch that says which sequence numbers it stands in
//     for and how many readings there had been ([wire.Thinned]). What was signed is never changed and no value is made
//     up; what is thinned is marked on the wire and in evidence, counted in [Stats], logged, and earns nothing. An hour
//     that lies in two runs of batches keeps up to three of each.
//  3. When nothing is left to thin and the cap is reached, new readings are refused ([ErrFull]): then they never were in
//     the spool. A few megabytes hold a year of ten channels in this form.
//
// Thinning is the one exception to "every reading ends in evidence or in quarantine". A disk that is full before the cap
// is reached refuses new readings, and harms nothing that is there.
//
// # Wear
//
// Each commit writes whole pages of 4 KiB and makes the file system write its journal, so the number of commits is what
// wears a card, not the number of readings. [Config].Sync groups appends into one commit at most that often; what was
// appended since the last one is lost with the power, and with the process. A batch that has its readings is sealed at
// once, in the same commit, so no more than [Batching].Max readings wait and larger batches spare the card further.
//
// BenchmarkSync measures it: appended in rounds of ten readings, sealed by 60 and receipted, a reading costs about 2070
// bytes of disk with a commit for each round, 1030 with one for six rounds and 720 with one for each batch, on ext4 and
// without the file system's own journal. Ten channels once a minute are 30, 15 and 10 MB a day.
package spool
