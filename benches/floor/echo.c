/* The floor: a bare UDP echo with recvmmsg and sendmmsg, one thread. It sets QR and sends the bytes back; no DNS logic.
 *
 *     echo IP PORT
 *
 * Whatever serves DNS through sockets costs at least this much.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, ROOM = 4096 };

static unsigned char bytes[BATCH][ROOM];

int main(int count, char **words)
{
	if (count != 3) {
		fprintf(stderr, "echo IP PORT\n");
		return 2;
	}
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(words[2])) };
	if (inet_pton(AF_INET, words[1], &at.sin_addr) != 1) {
		fprintf(stderr, "%s: not an IPv4 address\n", words[1]);
		return 2;
	}
	int door = socket(AF_INET, SOCK_DGRAM, 0);
	int room = 4 << 20;
	setsockopt(door, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	if (door < 0 || bind(door, (struct sockaddr *)&at, sizeof at)) {
		perror(words[1]);
		return 1;
	}
	struct sockaddr_in from[BATCH];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
	for (;;) {
		memset(messages, 0, sizeof messages);
		for (int i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){ .iov_base = bytes[i], .iov_len = ROOM };
			messages[i].msg_hdr = (struct msghdr){
				.msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &parts[i], .msg_iovlen = 1,
			};
		}
		int got = recvmmsg(door, messages, BATCH, MSG_WAITFORONE, NULL);
		if (got <= 0)
			continue;
		for (int i = 0; i < got; i++) {
			bytes[i][2] |= 0x80;
			parts[i].iov_len = messages[i].msg_len;
		}
		for (int sent = 0, done; sent < got; sent += done > 0 ? done : 1)
			done = sendmmsg(door, messages + sent, (unsigned)(got - sent), 0);
	}
}
