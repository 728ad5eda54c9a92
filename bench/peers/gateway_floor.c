/* The C send() loop: frames built beforehand, one send() for each message, blocking sockets, no session and no queue.

   Commands on stdin: `prepare KIND COUNT` -> `prepared`; `go` sends the next of the prepared batches. */
#include "gateway_load.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PENDING = 10, EVERYONE = 999999 };
static const char ANSWER[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"; /* of the one key that the load client sends */

typedef struct {
  int user;
  size_t length;
  uint8_t *bytes;
} Message;

static int *users, sockets;
static Message *messages;
static size_t held, sent, batch;
static unsigned next_number;

static void put(uint8_t *text, const char *mark, unsigned long value) {
  size_t width = strlen(mark);
  char digits[32];
  snprintf(digits, sizeof digits, "%0*lu", (int)width, value);
  for (uint8_t *at = text; (at = memmem(at, strlen((char *)at), mark, width)); at += width) memcpy(at, digits, width);
}

static Message build(const char *item, int user, unsigned number) {
  size_t size = strlen(item), head = size < 126 ? 2 : 4;
  uint8_t *bytes = calloc(1, size + head + 1);
  if (!bytes || size > 65535) fail("message");
  bytes[0] = 0x81;
  if (head == 2) bytes[1] = size;
  else bytes[1] = 126, bytes[2] = size >> 8, bytes[3] = size;
  memcpy(bytes + head, item, size);
  put(bytes + head, "NNNNNNNNNN", number), put(bytes + head, "UUUUUU", user), put(bytes + head, "SSSSSSSSSSSSSSSS", 0);
  return (Message){user, head + size, bytes};
}

static void prepare(const char *kind, int batches, const char *item) {
  int broadcast = !strcmp(kind, "broadcast"), each = strcmp(kind, "coalesced") ? 1 : PENDING;
  for (size_t at = 0; at < held; at++) free(messages[at].bytes);
  batch = (size_t)(broadcast ? 1 : sockets) * each, held = sent = 0;
  if (!(messages = realloc(messages, batch * batches * sizeof *messages))) fail("memory");
  for (int at = 0; at < batches * each; at++, next_number++)
    for (int user = 0; user < (broadcast ? 1 : sockets); user++)
      messages[held++] = build(item, broadcast ? EVERYONE : user, next_number);
}

static void send_one(int fd, const Message *message) {
  if (send(fd, message->bytes, message->length, MSG_NOSIGNAL) != (ssize_t)message->length) fail("send");
}

static void go(void) {
  for (size_t end = sent + batch; sent < end && sent < held; sent++) {
    if (messages[sent].user != EVERYONE) send_one(users[messages[sent].user], &messages[sent]);
    else
      for (int user = 0; user < sockets; user++) send_one(users[user], &messages[sent]);
  }
}

static void accept_one(int listener) {
  char ask[1024] = "";
  int one = 1, fd = accept(listener, NULL, NULL), user = 0;
  if (fd < 0) fail("accept");
  for (size_t length = 0; !strstr(ask, "\r\n\r\n");) {
    ssize_t got = recv(fd, ask + length, sizeof ask - 1 - length, 0);
    if (got <= 0) fail("handshake");
    length += got;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  sscanf(ask, "GET /%d", &user);
  users[user] = fd;
  if (send(fd, ANSWER, sizeof ANSWER - 1, MSG_NOSIGNAL) < 0) fail("send");
}

int floor_main(int port, int wanted, const char *item) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, batches;
  char line[256], kind[32];
  users = calloc(wanted, sizeof *users), sockets = wanted;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 1024)) fail("listen");
  say("ready");
  for (int each = 0; each < wanted; each++) accept_one(listener);
  while (fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "prepare %31s %d", kind, &batches) == 2) prepare(kind, batches, item), say("prepared");
    else if (!strncmp(line, "go", 2)) go();
  }
  return 0;
}
