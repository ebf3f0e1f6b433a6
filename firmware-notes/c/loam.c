/* See loam.h. SPDX-License-Identifier: Apache-2.0 */
#include "loam.h"

#include <stdbool.h>
#include <string.h>

enum { UINT = 0, NEGATIVE = 1, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5 }; /* CBOR's major types */

/* out is where bytes are written. Beyond its end they are counted and not written. */
typedef struct {
	uint8_t *at;
	size_t room, used;
} out;

static void put(out *o, const void *bytes, size_t n) {
	if (o->used <= o->room && n <= o->room - o->used) memcpy(o->at + o->used, bytes, n);
	o->used += n;
}

static void put_byte(out *o, uint8_t b) { put(o, &b, 1); }

/* head writes the first bytes of a CBOR item, in the shortest form. */
static void head(out *o, uint8_t major, uint64_t n) {
	uint8_t b[9];
	int size = n < 24 ? 0 : n <= 0xff ? 1 : n <= 0xffff ? 2 : n <= 0xffffffff ? 4 : 8;
	unsigned low = size == 0 ? (unsigned)n : size == 1 ? 24 : size == 2 ? 25 : size == 4 ? 26 : 27;
	b[0] = (uint8_t)((unsigned)major << 5 | low);
	for (int i = 0; i < size; i++) b[1 + i] = (uint8_t)(n >> 8 * (size - 1 - i));
	put(o, b, 1 + (size_t)size);
}

static void integer(out *o, int64_t n) {
	if (n < 0) head(o, NEGATIVE, (uint64_t)(-(n + 1)));
	else head(o, UINT, (uint64_t)n);
}

static void text(out *o, const char *s) {
	head(o, TEXT, strlen(s));
	put(o, s, strlen(s));
}

static void bytes(out *o, const void *b, size_t n) {
	head(o, BYTES, n);
	put(o, b, n);
}

static void number(out *o, loam_number n) {
	if (n.exponent != 0) {
		put(o, "\xc4\x82", 2); /* decimal fraction: [exponent, mantissa] */
		integer(o, n.exponent);
	}
	integer(o, n.mantissa);
}

/* seconds writes a time: whole seconds as an integer, others with three places. */
static void seconds(out *o, int64_t ms) {
	if (ms % 1000 == 0) integer(o, ms / 1000);
	else number(o, (loam_number){ms, -3});
}

/* same_raw says whether the raw value is in the quantity of the value. */
static bool same_raw(const loam_reading *r) { return strcmp(r->raw_quantity, r->quantity) == 0; }

static int order(int64_t a, int64_t b) { return a < b ? -1 : a > b; }

/* group compares what base fields say: readings that are equal in it are a group. */
static int group(const loam_reading *a, const loam_reading *b) {
	int c = strcmp(a->channel, b->channel);
	if (c == 0) c = strcmp(a->quantity, b->quantity);
	if (c == 0) c = strcmp(a->raw_quantity, b->raw_quantity);
	if (c == 0) c = strcmp(a->certificate, b->certificate);
	if (c == 0) c = order(a->made, b->made);
	return c != 0 ? c : order(a->due, b->due);
}

static int compare(const loam_reading *a, const loam_reading *b) {
	int c = group(a, b);
	if (c == 0) c = order(a->at_ms, b->at_ms);
	if (c == 0) c = order((int64_t)a->uptime_ms, (int64_t)b->uptime_ms);
	if (c == 0) c = order(a->value.mantissa, b->value.mantissa);
	if (c == 0) c = order(a->value.exponent, b->value.exponent);
	if (c == 0) c = order(a->raw.mantissa, b->raw.mantissa);
	if (c == 0) c = order(a->raw.exponent, b->raw.exponent);
	return c != 0 ? c : order(a->shown_ms, b->shown_ms);
}

/* sort is an insertion sort: readings come nearly in order, and few. */
static void sort(loam_reading *r, size_t n) {
	for (size_t i = 1; i < n; i++) {
		loam_reading x = r[i];
		size_t j = i;
		for (; j > 0 && compare(&r[j - 1], &x) > 0; j--) r[j] = r[j - 1];
		r[j] = x;
	}
}

/* record writes reading r after the reading before (NULL: none), *start being the base time in force. The order of the
 * fields is that of their encoded keys. */
static void record(out *o, const char *gateway, const loam_reading *r, const loam_reading *before, int64_t *start) {
	static const loam_reading nothing = {.channel = "", .quantity = "", .unit = "", .raw_quantity = "", .certificate = ""};
	bool first = before == NULL, anew = first || group(before, r) != 0;
	if (first) before = &nothing;
	bool say_name = first || strcmp(before->channel, r->channel) != 0 || strcmp(before->quantity, r->quantity) != 0;
	bool say_start = first || (anew && *start != r->at_ms);
	bool say_unit = strcmp(before->unit, r->unit) != 0;
	bool say_certificate = strcmp(before->certificate, r->certificate) != 0;
	bool say_made = before->made != r->made, say_due = before->due != r->due;
	const char *raw_before = same_raw(before) ? "" : before->raw_quantity, *raw_now = same_raw(r) ? "" : r->raw_quantity;
	bool say_raw_quantity = strcmp(raw_before, raw_now) != 0;
	bool say_raw = !same_raw(r) || r->raw.mantissa != r->value.mantissa || r->raw.exponent != r->value.exponent;
	bool say_uptime = r->uptime_ms != 0, say_shown = r->shown_ms != r->at_ms;
	if (anew) *start = r->at_ms;
	bool say_time = r->at_ms != *start;

	head(o, MAP, 1u + say_time + say_name + say_start + say_unit + say_raw + say_certificate + say_made + say_due + say_raw_quantity + say_uptime + say_shown);
	head(o, UINT, 2);
	number(o, r->value);
	if (say_time) {
		head(o, UINT, 6);
		seconds(o, r->at_ms - *start);
	}
	if (say_name) {
		integer(o, -2);
		head(o, TEXT, strlen(gateway) + strlen(r->channel) + strlen(r->quantity) + 2);
		put(o, gateway, strlen(gateway));
		put_byte(o, '/');
		put(o, r->channel, strlen(r->channel));
		put_byte(o, '/');
		put(o, r->quantity, strlen(r->quantity));
	}
	if (say_start) {
		integer(o, -3);
		seconds(o, *start);
	}
	if (say_unit) {
		integer(o, -4);
		text(o, r->unit);
	}
	if (say_raw) {
		text(o, "r");
		number(o, r->raw);
	}
	if (say_shown) {
		text(o, "w");
		integer(o, r->shown_ms - r->at_ms);
	}
	if (say_certificate) {
		text(o, "bc");
		text(o, r->certificate);
	}
	if (say_made) {
		text(o, "bd");
		integer(o, r->made);
	}
	if (say_due) {
		text(o, "be");
		integer(o, r->due);
	}
	if (say_raw_quantity) {
		text(o, "br");
		text(o, raw_now);
	}
	if (say_uptime) {
		text(o, "up");
		head(o, UINT, r->uptime_ms);
	}
}

static size_t pack(out *o, const loam_header *h, const loam_reading *r, size_t n) {
	size_t began = o->used;
	int64_t start = 0;
	head(o, ARRAY, n);
	for (size_t i = 0; i < n; i++) record(o, h->gateway, &r[i], i == 0 ? NULL : &r[i - 1], &start);
	return o->used - began;
}

/* protect writes the protected header, as the byte string that it is. */
static void protect(out *o, const loam_header *h) {
	uint8_t inner[200];
	out p = {inner, sizeof inner, 0};
	head(&p, MAP, 8);
	integer(&p, 1), integer(&p, -8);  /* EdDSA */
	integer(&p, 3), integer(&p, 112); /* SenML in CBOR */
	integer(&p, 4), bytes(&p, h->gateway, strlen(h->gateway));
	text(&p, "b"), bytes(&p, h->boot, sizeof h->boot);
	text(&p, "c"), integer(&p, h->clock);
	text(&p, "e"), integer(&p, 1); /* deflate */
	text(&p, "p"), bytes(&p, h->previous, sizeof h->previous);
	text(&p, "s"), head(&p, UINT, h->sequence);
	bytes(o, inner, p.used);
}

static bool is_name(const char *s) {
	size_t n = strlen(s);
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || (s[i] == '-' && i > 0))) return false;
	return n > 0 && n <= 63;
}

static bool good_number(loam_number n) { return n.exponent >= -12 && n.exponent <= 12; }

static bool good_time(int64_t ms) { return ms <= (int64_t)1 << 60 && ms >= -((int64_t)1 << 60); }

static bool good(const loam_header *h, const loam_reading *r, size_t n) {
	if (!is_name(h->gateway) || h->sequence == 0 || h->sequence > INT64_MAX || h->clock > LOAM_REDATED || n == 0 || n > 4096) return false;
	for (size_t i = 0; i < n; i++)
		if (!is_name(r[i].channel) || !good_number(r[i].value) || !good_number(r[i].raw) || r[i].made < 0 || r[i].due < 0 ||
		    !good_time(r[i].at_ms) || (h->clock == LOAM_REDATED && !good_time(r[i].shown_ms)) || r[i].uptime_ms > INT64_MAX / 1000000 || strlen(r[i].certificate) > 128)
			return false;
	return true;
}

/* context begins what is signed: an array of four, and the first of them. Its last two bytes are where the envelope
 * begins later on; what is signed and what is sent then share the protected header and the payload. */
static const uint8_t context[] = "\x84\x6a" "Signature1";
enum { CONTEXT = sizeof context - 1 };

int32_t loam_seal(uint8_t *buffer, size_t room, const loam_header *h, loam_reading *r, size_t n, loam_sign sign, void *key) {
	if (!good(h, r, n)) return LOAM_BAD;
	for (size_t i = 0; i < n; i++) {
		if (h->clock == LOAM_SYNCED) r[i].uptime_ms = 0; /* the time is the word that counts */
		if (h->clock != LOAM_REDATED) r[i].shown_ms = r[i].at_ms;
	}
	sort(r, n);
	out count = {NULL, 0, 0};
	size_t size = pack(&count, h, r, n);
	if (size > LOAM_PACK_MAX) return LOAM_NO_ROOM;

	out o = {buffer, room, 0};
	put(&o, context, CONTEXT);
	protect(&o, h);
	size_t between = o.used;
	put_byte(&o, 0x40); /* no further data is signed; in the envelope: no unprotected header */
	head(&o, BYTES, 5 + size);
	uint8_t block[5] = {1, (uint8_t)size, (uint8_t)(size >> 8), (uint8_t)~size, (uint8_t)(~size >> 8)}; /* deflate: last block, stored */
	put(&o, block, sizeof block);
	pack(&o, h, r, n);
	if (o.used > room) return LOAM_NO_ROOM;

	uint8_t signature[64];
	if (sign(key, signature, buffer, o.used) != 0) return LOAM_SIGNER;
	bytes(&o, signature, sizeof signature);
	if (o.used > room) return LOAM_NO_ROOM;
	buffer[LOAM_HEAD] = 0xd2, buffer[LOAM_HEAD + 1] = 0x84;
	buffer[between] = 0xa0;
	return (int32_t)(o.used - LOAM_HEAD);
}

/* in is where bytes are read. Once something was not as expected, bad stays. */
typedef struct {
	const uint8_t *at;
	size_t left;
	bool bad;
} in;

static const uint8_t *take(in *i, uint64_t n) {
	if (i->bad || n > i->left) {
		i->bad = true;
		return NULL;
	}
	const uint8_t *p = i->at;
	i->at += n, i->left -= (size_t)n;
	return p;
}

/* expect reads the head of an item of this major type and returns its number. Longer forms than needed are refused. */
static uint64_t expect(in *i, uint8_t major) {
	const uint8_t *p = take(i, 1);
	if (p == NULL || *p >> 5 != major || (*p & 31) > 27) {
		i->bad = true;
		return 0;
	}
	uint64_t n = *p & 31;
	if (n < 24) return n;
	int size = 1 << (n - 24);
	const uint8_t *b = take(i, (uint64_t)size);
	if (b == NULL) return 0;
	n = 0;
	for (int k = 0; k < size; k++) n = n << 8 | b[k];
	if (n < 24 || (size > 1 && n >> 4 * size == 0)) i->bad = true;
	return n;
}

static void literal(in *i, const char *s, size_t n) {
	const uint8_t *p = take(i, n);
	if (p == NULL || memcmp(p, s, n) != 0) i->bad = true;
}

int32_t loam_receipt(const uint8_t *receipt, size_t size, const char *gateway, uint8_t digest[32], uint8_t *scratch, size_t room,
                     loam_verify verify, void *key) {
	in i = {receipt, size, false};
	literal(&i, "\xd2\x84", 2);
	const uint8_t *protected = i.at;
	uint64_t length = expect(&i, BYTES);
	in p = {take(&i, length), (size_t)length, false};
	size_t protected_size = (size_t)(i.at - protected);
	literal(&i, "\xa0", 1);
	const uint8_t *payload = i.at;
	length = expect(&i, BYTES);
	in m = {take(&i, length), (size_t)length, false};
	size_t payload_size = (size_t)(i.at - payload);
	literal(&i, "\x58\x40", 2);
	const uint8_t *signature = take(&i, 64);
	if (i.bad || i.left != 0) return LOAM_NOT_OURS;

	literal(&p, "\xa3\x01\x27\x03\x78\x1d" "application/loam-receipt+cbor", 35); /* the third field is the hub's name */
	if (p.bad) return LOAM_NOT_OURS;
	out o = {scratch, room, 0};
	put(&o, context, CONTEXT);
	put(&o, protected, protected_size);
	put_byte(&o, 0x40);
	put(&o, payload, payload_size);
	if (o.used > room) return LOAM_NO_ROOM;
	if (verify(key, signature, scratch, o.used) != 0) return LOAM_NOT_OURS;

	expect(&m, MAP);
	literal(&m, "\x62" "at", 3);
	expect(&m, UINT);
	literal(&m, "\x62" "gw", 3);
	uint64_t name = expect(&m, TEXT);
	if (name != strlen(gateway)) return LOAM_NOT_OURS;
	literal(&m, gateway, (size_t)name);
	literal(&m, "\x63" "dig\x58\x20", 6);
	const uint8_t *which = take(&m, 32);
	if (m.left > 4 && memcmp(m.at, "\x63" "idx", 4) == 0) {
		take(&m, 4);
		expect(&m, UINT);
	}
	literal(&m, "\x63" "out", 4);
	uint64_t outcome = expect(&m, UINT);
	if (m.bad || (outcome != LOAM_STORED && outcome != LOAM_QUARANTINED)) return LOAM_NOT_OURS;
	memcpy(digest, which, 32);
	return (int32_t)outcome; /* seq and why follow: for people */
}

int32_t loam_password(char password[LOAM_PASSWORD + 1], const char *community, const char *gateway, loam_sign sign, void *key) {
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	if (!is_name(community) || !is_name(gateway)) return LOAM_BAD;
	uint8_t message[23 + 63 + 1 + 63], signature[66] = {0};
	out o = {message, sizeof message, 0};
	put(&o, "loam/1 broker password", 23); /* with its NUL */
	put(&o, community, strlen(community) + 1);
	put(&o, gateway, strlen(gateway));
	if (sign(key, signature, message, o.used) != 0) return LOAM_SIGNER;
	for (int i = 0, k = 0; k < LOAM_PASSWORD; i += 3) {
		uint32_t three = (uint32_t)signature[i] << 16 | (uint32_t)signature[i + 1] << 8 | signature[i + 2];
		for (int bit = 18; bit >= 0 && k < LOAM_PASSWORD; bit -= 6) password[k++] = letters[three >> bit & 63];
	}
	password[LOAM_PASSWORD] = 0;
	return LOAM_PASSWORD;
}
