/* Runs loam.c for the test: requests by lines on standard input, answers on standard output. The keys are with the test:
 * it is asked for each signature and each verification. Text that may be empty comes with a leading "=". */
#include "../c/loam.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_hex(const uint8_t *b, size_t n) {
	for (size_t i = 0; i < n; i++) printf("%02x", b[i]);
}

static size_t read_hex(uint8_t *b, size_t room) {
	static char digits[2 * 70000 + 1];
	if (scanf("%140000s", digits) != 1) exit(2);
	size_t n = strlen(digits) / 2;
	if (n > room) exit(3);
	for (size_t i = 0; i < n; i++) {
		unsigned x;
		if (sscanf(digits + 2 * i, "%2x", &x) != 1) exit(4);
		b[i] = (uint8_t)x;
	}
	return n;
}

static int ask_sign(void *key, uint8_t signature[64], const uint8_t *message, size_t size) {
	(void)key;
	printf("sign ");
	print_hex(message, size);
	printf("\n");
	fflush(stdout);
	return read_hex(signature, 64) == 64 ? 0 : 1;
}

static int ask_verify(void *key, const uint8_t signature[64], const uint8_t *message, size_t size) {
	(void)key;
	printf("verify ");
	print_hex(signature, 64);
	printf(" ");
	print_hex(message, size);
	printf("\n");
	fflush(stdout);
	int verdict = 1;
	if (scanf("%d", &verdict) != 1) exit(5);
	return verdict;
}

static const char *kept(const char *text) {
	char *copy = malloc(strlen(text) + 1);
	if (copy == NULL) exit(6);
	return strcpy(copy, text);
}

static void seal(void) {
	static uint8_t buffer[LOAM_PACK_MAX + 512];
	static loam_reading r[4096];
	static char gateway[200];
	loam_header h = {.gateway = gateway};
	unsigned long long sequence;
	unsigned clock, n;
	size_t room;
	if (scanf("%199s %llu", gateway, &sequence) != 2) exit(7);
	read_hex(h.previous, 32), read_hex(h.boot, 16);
	if (scanf("%u %zu %u", &clock, &room, &n) != 3 || n > 4096 || room > sizeof buffer) exit(8);
	h.sequence = sequence, h.clock = (uint8_t)clock;
	for (unsigned i = 0; i < n; i++) {
		char channel[200], quantity[200], unit[200], raw_quantity[200], certificate[200];
		long long value, raw, at, shown;
		unsigned long long up;
		int ve, re, made, due;
		if (scanf("%199s %199s %199s %lld %d %199s %lld %d %lld %llu %lld %199s %d %d", channel, quantity, unit, &value, &ve, raw_quantity, &raw, &re,
		          &at, &up, &shown, certificate, &made, &due) != 14)
			exit(9);
		r[i] = (loam_reading){kept(channel), kept(quantity), kept(unit), {value, (int8_t)ve}, kept(raw_quantity), {raw, (int8_t)re}, at, up, shown, kept(certificate + 1), made, due};
	}
	uint8_t *exact = malloc(room ? room : 1); /* so that the sanitizer sees a byte too many */
	if (exact == NULL) exit(10);
	int32_t size = loam_seal(exact, room, &h, r, n, ask_sign, NULL);
	if (size < 0) printf("error %d\n", size);
	else printf("batch "), print_hex(exact + LOAM_HEAD, (size_t)size), printf("\n");
	free(exact);
	for (unsigned i = 0; i < n; i++)
		free((void *)r[i].channel), free((void *)r[i].quantity), free((void *)r[i].unit), free((void *)r[i].raw_quantity), free((void *)r[i].certificate);
}

static void receipt(void) {
	static uint8_t raw[70000];
	char gateway[200];
	uint8_t digest[32];
	if (scanf("%199s", gateway) != 1) exit(11);
	size_t size = read_hex(raw, sizeof raw);
	uint8_t *exact = malloc(size), *scratch = malloc(size + LOAM_HEAD);
	if (exact == NULL || scratch == NULL) exit(12);
	memcpy(exact, raw, size);
	int32_t outcome = loam_receipt(exact, size, gateway, digest, scratch, size + LOAM_HEAD, ask_verify, NULL);
	if (outcome < 0) printf("error %d\n", outcome);
	else printf("outcome %d ", outcome), print_hex(digest, 32), printf("\n");
	free(exact), free(scratch);
}

int main(void) {
	char word[20], community[200], gateway[200], password[LOAM_PASSWORD + 1];
	while (scanf("%19s", word) == 1) {
		if (strcmp(word, "seal") == 0) seal();
		else if (strcmp(word, "receipt") == 0) receipt();
		else if (strcmp(word, "password") == 0 && scanf("%199s %199s", community, gateway) == 2) {
			int32_t n = loam_password(password, community, gateway, ask_sign, NULL);
			if (n < 0) printf("error %d\n", n);
			else printf("password %s\n", password);
		} else exit(13);
		fflush(stdout);
	}
	return 0;
}
