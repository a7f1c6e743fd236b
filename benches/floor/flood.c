/* Open-loop flood: names that nobody asked before, at a rate, for so long; counts replies by rcode.
 *
 *     flood IP PORT RATE SECONDS
 *
 * Unlike dnsperf it does not ask less when nothing is answered.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DOORS = 50, BATCH = 32, ROOM = 64 };

static double now_s(void)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Write a query for x<16 digits>.gone.test A; its length. */
static size_t compose(unsigned char *to, uint64_t number)
{
	static const unsigned char tail[] = "\x04gone\x04test\x00\x00\x01\x00\x01";
	char label[18];
	snprintf(label, sizeof label, "x%016llx", (unsigned long long)number);
	memset(to, 0, 12);
	to[0] = (unsigned char)(number >> 8), to[1] = (unsigned char)number, to[2] = 1, to[5] = 1;
	to[12] = 17;
	memcpy(to + 13, label, 17);
	memcpy(to + 30, tail, sizeof tail - 1);
	return 30 + sizeof tail - 1;
}

int main(int count, char **words)
{
	if (count != 5) {
		fprintf(stderr, "flood IP PORT RATE SECONDS\n");
		return 2;
	}
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(words[2])) };
	if (inet_pton(AF_INET, words[1], &at.sin_addr) != 1)
		return 2;
	double rate = atof(words[3]), seconds = atof(words[4]);
	int doors[DOORS];
	for (int i = 0; i < DOORS; i++) {
		doors[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (doors[i] < 0 || connect(doors[i], (struct sockaddr *)&at, sizeof at)) {
			perror(words[1]);
			return 1;
		}
	}
	static unsigned char bytes[BATCH][ROOM];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
	uint64_t first = (uint64_t)time(NULL) << 32, sent = 0, refused = 0, replies[16] = { 0 };
	double began = now_s(), end = began + seconds;
	for (int turn = 0;; turn++) {
		double now = now_s();
		if (now >= end + 2.5)
			break;
		int door = doors[turn % DOORS];
		uint64_t due = now < end ? (uint64_t)((now - began) * rate) : sent + refused;
		int much = due > sent + refused + BATCH ? BATCH : (int)(due - sent - refused);
		memset(messages, 0, sizeof messages);
		for (int i = 0; i < much; i++) {
			parts[i] = (struct iovec){ .iov_base = bytes[i], .iov_len = compose(bytes[i], first + sent + refused + (uint64_t)i) };
			messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
		}
		if (much > 0) {
			int done = sendmmsg(door, messages, (unsigned)much, 0);
			sent += done > 0 ? (uint64_t)done : 0;
			refused += (uint64_t)(much - (done > 0 ? done : 0));
		} else {
			nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
		}
		unsigned char reply[512];
		for (ssize_t got; (got = recv(door, reply, sizeof reply, 0)) >= 12;)
			replies[reply[3] & 15]++;
	}
	printf("sent %llu, not taken by the kernel %llu, rate %.0f\n", (unsigned long long)sent, (unsigned long long)refused,
	       (double)sent / seconds);
	for (int rcode = 0; rcode < 16; rcode++)
		if (replies[rcode])
			printf("rcode %d: %llu\n", rcode, (unsigned long long)replies[rcode]);
	return 0;
}
