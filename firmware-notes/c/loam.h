/* loam.h: the wire format of loam (docs/wire.md) for microcontrollers. C99, no heap, no library.
 *
 * One buffer holds a batch while it is built, signed and sent: LOAM_HEAD bytes more than the batch itself. Ed25519 comes
 * from whatever the board has; firmware-notes/README.md names some. Nothing here keeps state: flash is the caller's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOAM_H
#define LOAM_H

#include <stddef.h>
#include <stdint.h>

enum {
	LOAM_HEAD = 10,          /* bytes of the buffer before the batch */
	LOAM_PASSWORD = 86,      /* characters of a broker password, without the ending NUL */
	LOAM_PACK_MAX = 65535    /* bytes of a pack that this encoder writes: one stored block. The wire allows 1 MiB */
};

enum { LOAM_UNKNOWN = 0, LOAM_UNSYNCED = 1, LOAM_SYNCED = 2, LOAM_REDATED = 3 }; /* clock states */
enum { LOAM_STORED = 1, LOAM_QUARANTINED = 2 };                /* outcomes of a receipt */

enum { /* what can go wrong; all are negative */
	LOAM_NO_ROOM = -1,  /* the buffer is too small: seal fewer readings, or give more room */
	LOAM_BAD = -2,      /* a reading or a header that no hub would take */
	LOAM_SIGNER = -3,   /* signing failed */
	LOAM_NOT_OURS = -4  /* not the hub's word about a batch of this gateway */
};

/* The digits of a number: 20.50 is {2050, -2}. Exponents from -12 to 12; the digits are kept as they are. */
typedef struct {
	int64_t mantissa;
	int8_t exponent;
} loam_number;

typedef struct {
	const char *channel;      /* as the hub knows it: a-z 0-9 -, at most 63 */
	const char *quantity;     /* docs/wire.md lists them, with their units */
	const char *unit;         /* the wire's unit of the quantity */
	loam_number value;        /* in that unit */
	const char *raw_quantity; /* the same pointer or text as quantity where the probe measures what it says */
	loam_number raw;          /* as the probe said it, in the wire's unit of raw_quantity */
	int64_t at_ms;            /* Unix milliseconds */
	uint64_t uptime_ms;       /* since boot; does not travel under LOAM_SYNCED */
	int64_t shown_ms;         /* what the clock said then, Unix milliseconds; travels under LOAM_REDATED only */
	const char *certificate;  /* of the calibration: "" none, "factory" the maker's */
	int32_t made, due;        /* days since 1970-01-01; 0 not said */
} loam_reading;

typedef struct {
	const char *gateway; /* its name: a-z 0-9 -, at most 63 */
	uint64_t sequence;   /* 1 to 2^63-1, never used before, one more than the batch before */
	uint8_t previous[32];/* SHA-256 of the batch before, as sent; zeros for the first of a chain */
	uint8_t boot[16];    /* random, drawn at boot */
	uint8_t clock;       /* how all these readings were timed */
} loam_header;

/* loam_redate is the time of a reading that was taken before the clock was set, by a later look at the clock in the same
 * boot: its Unix milliseconds and uptime. */
static inline int64_t loam_redate(int64_t look_ms, uint64_t look_uptime_ms, uint64_t uptime_ms) {
	return look_ms - (int64_t)(look_uptime_ms - uptime_ms);
}

/* Ed25519 (RFC 8032, with SHA-512), 0 on success. */
typedef int (*loam_sign)(void *key, uint8_t signature[64], const uint8_t *message, size_t size);
typedef int (*loam_verify)(void *key, const uint8_t signature[64], const uint8_t *message, size_t size);

/* loam_seal puts the readings into the wire's order, writes and signs them. The batch is the returned number of bytes at
 * buffer + LOAM_HEAD; keep it, byte for byte, until a receipt names its SHA-256. */
int32_t loam_seal(uint8_t *buffer, size_t room, const loam_header *h, loam_reading *r, size_t n, loam_sign sign, void *key);

/* loam_receipt checks a receipt that hub (its public key behind verify) sent to gateway. It returns the outcome, and the
 * digest of the batch that may be forgotten. scratch needs size + LOAM_HEAD bytes. */
int32_t loam_receipt(const uint8_t *receipt, size_t size, const char *gateway, uint8_t digest[32], uint8_t *scratch, size_t room,
                     loam_verify verify, void *key);

/* loam_password writes what a gateway logs in to loam's broker with, as text with an ending NUL. */
int32_t loam_password(char password[LOAM_PASSWORD + 1], const char *community, const char *gateway, loam_sign sign, void *key);

#endif
