/* The load client of bench-gateway: many sockets over loopback, each message counted by its number and its user.

   gateway_load client PORT DIALECT TOKENS SMALL   TOKENS: a file, one a line. The first SMALL sockets have small buffers.
   gateway_load floor PORT SOCKETS ITEM            the C send() loop, see gateway_floor.c
   It takes commands on stdin, and answers each with one line:
     connect COUNT                    so many more sockets, until all are known to the server
     got TOTAL PATIENCE_MS SETTLE_MS  waits for TOTAL messages since the start, or until nothing new came for the patience
     stop COUNT                       the first COUNT sockets are not read any more
     forget | latency                 of all sockets but the small ones, in microseconds */
#include "gateway_load.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 64, NUMBERS = 1 << 16, BUFFER = 1 << 20, SMALL_BUFFER = 8192, SMALL_MSS = 1000 };

typedef struct {
  int fd, open;
  char *token;
  uint8_t *rest, *seen;
  size_t waits;
} Socket;

static Socket sockets[20000];
static int count, welcomed, small, port, poller, ended;
static long distinct, received, foreign, frames;
static const char *dialect;
static FILE *tokens;
static uint8_t buffer[BUFFER];

static uint64_t now_us(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (uint64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static uint64_t digits(const uint8_t *at, int length) {
  uint64_t value = 0;
  while (length--) value = value * 10 + (*at++ - '0');
  return value;
}

/* A client's frame: masked, below 64 KiB. */
static void send_frame(Socket *to, int opcode, const void *payload, size_t length) {
  static uint32_t key = 0x9e3779b9;
  uint8_t frame[12000] = {0x80 | opcode}, mask[4];
  size_t head = 2;
  if (length > sizeof frame - 8) exit(2);
  if (length < 126) frame[1] = 0x80 | length;
  else frame[1] = 0x80 | 126, frame[2] = length >> 8, frame[3] = length, head = 4;
  key = key * 1664525 + 1013904223;
  memcpy(mask, &key, 4), memcpy(frame + head, mask, 4);
  for (size_t at = 0; at < length; at++) frame[head + 4 + at] = ((const uint8_t *)payload)[at] ^ mask[at & 3];
  if (send(to->fd, frame, head + 4 + length, MSG_NOSIGNAL) < 0) perror("send");
}

static void say_token(Socket *of, const char *before, const char *after) {
  char text[9000];
  send_frame(of, 1, text, snprintf(text, sizeof text, "%s%s%s", before, of->token, after));
}

static void opened(Socket *of) {
  of->open = 1;
  if (!strcmp(dialect, "carillon")) say_token(of, "{\"type\":\"auth\",\"token\":\"", "\"}");
  else if (!strcmp(dialect, "centrifuge")) say_token(of, "{\"id\":1,\"connect\":{\"token\":\"", "\"}}");
  else if (!strcmp(dialect, "plain")) welcomed++;
}

static int begins(const uint8_t *text, size_t length, const char *with) {
  return length >= strlen(with) && !memcmp(text, with, strlen(with));
}

/* What is no message: the protocol's own words. */
static void words(Socket *of, const uint8_t *text, size_t length) {
  if (!strcmp(dialect, "carillon")) welcomed += begins(text, length, "{\"type\":\"hello\"");
  else if (!strcmp(dialect, "centrifuge")) {
    if (length == 2) send_frame(of, 1, "{}", 2);
    else welcomed += memmem(text, length, "\"connect\":", 10) != NULL;
  } else if (begins(text, length, "0{")) say_token(of, "40{\"token\":\"", "\"}");
  else if (begins(text, length, "40")) welcomed++;
  else if (length == 1 && *text == '2') send_frame(of, 1, "3", 1);
}

/* A frame's text; a server may put several messages into one. */
static void text_frame(Socket *of, const uint8_t *text, size_t length, uint64_t now) {
  const uint8_t *end = text + length, *at = memmem(text, length, "\"n\":\"", 5);
  if (!at) words(of, text, length);
  else frames++;
  for (; at; at = memmem(at, end - at, "\"n\":\"", 5)) {
    at += 5;
    if (end - at < NUMBER_DIGITS + 7 + USER_DIGITS + 11 + STAMP_DIGITS) exit(3);
    uint64_t number = digits(at, NUMBER_DIGITS), user = digits(at + NUMBER_DIGITS + 7, USER_DIGITS);
    uint64_t stamp = digits(at + NUMBER_DIGITS + 7 + USER_DIGITS + 11, STAMP_DIGITS);
    received++;
    if (number >= NUMBERS || (user != 999999 && user != (uint64_t)(of - sockets))) {
      foreign++;
      continue;
    }
    if (!of->seen && !(of->seen = calloc(1, NUMBERS / 8))) fail("memory");
    uint8_t bit = 1 << (number & 7);
    if (!(of->seen[number >> 3] & bit)) of->seen[number >> 3] |= bit, distinct++;
    if (stamp && of - sockets >= small) note_latency(now > stamp ? now - stamp : 0);
  }
}

/* Takes whole frames; returns how many bytes they were. */
static size_t take(Socket *of, const uint8_t *bytes, size_t length, uint64_t now) {
  size_t at = 0;
  if (!of->open) {
    const uint8_t *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (!end) return 0;
    if (!begins(bytes, length, "HTTP/1.1 101")) fwrite(bytes, 1, length, stderr), exit(4);
    at = end + 4 - bytes;
    opened(of);
  }
  while (length - at >= 2) {
    size_t size = bytes[at + 1] & 0x7f, head = 2;
    if (size >= 126) {
      int wide = size == 126 ? 2 : 8;
      if (length - at < head + wide) break;
      size = 0;
      for (int each = 0; each < wide; each++) size = size << 8 | bytes[at + head + each];
      head += wide;
    }
    if (length - at < head + size) break;
    int opcode = bytes[at] & 0x0f;
    if (opcode == 1) text_frame(of, bytes + at + head, size, now);
    else if (opcode == 9) send_frame(of, 10, bytes + at + head, size);
    at += head + size;
  }
  return at;
}

static void read_socket(Socket *of) {
  size_t kept = of->waits;
  if (kept) memcpy(buffer, of->rest, kept);
  ssize_t got = recv(of->fd, buffer + kept, BUFFER - kept, 0);
  if (got <= 0) {
    ended++;
    close(of->fd);
    return;
  }
  size_t length = kept + got, taken = take(of, buffer, length, now_us());
  if ((of->waits = length - taken)) {
    if (!(of->rest = realloc(of->rest, of->waits))) fail("memory");
    memcpy(of->rest, buffer + taken, of->waits);
  }
}

/* Reads what has come; whether a command has. */
static int pump(int wait_ms) {
  struct epoll_event events[512];
  int found = epoll_wait(poller, events, 512, wait_ms), command = 0;
  for (int each = 0; each < found; each++) {
    if (events[each].data.ptr) read_socket(events[each].data.ptr);
    else command = 1;
  }
  return command;
}

static void watch(int fd, void *as) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = as};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
}

static void connect_one(void) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  Socket *of = &sockets[count];
  char ask[512];
  int one = 1, size = SMALL_BUFFER, mss = SMALL_MSS;
  if (getline(&of->token, &(size_t){0}, tokens) < 1) fail("tokens");
  of->token[strcspn(of->token, "\n")] = 0;
  if ((of->fd = socket(AF_INET, SOCK_STREAM, 0)) < 0) fail("socket");
  if (count < small) {
    setsockopt(of->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(of->fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof mss);
  }
  if (connect(of->fd, (struct sockaddr *)&to, sizeof to)) fail("connect");
  setsockopt(of->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  int length = snprintf(ask, sizeof ask,
    "GET /%s%.0d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
    strcmp(dialect, "socketio") ? "" : "socket.io/?EIO=4&transport=websocket", strcmp(dialect, "plain") ? 0 : count, port,
    strcmp(dialect, "carillon") ? "" : "Sec-WebSocket-Protocol: carillon.v1\r\n");
  if (send(of->fd, ask, length, MSG_NOSIGNAL) != length) fail("send");
  watch(of->fd, of);
  count++;
}

static void connect_more(int more) {
  int wanted = count + more;
  while (welcomed < wanted) {
    while (count < wanted && count - welcomed < AT_ONCE) connect_one();
    pump(50);
  }
  say("connected %d", welcomed);
}

static void await_messages(long total, int patience_ms, int settle_ms) {
  long before = -1;
  for (uint64_t moved = now_us(); distinct < total && now_us() - moved < patience_ms * 1000ull; pump(20))
    if (distinct != before) before = distinct, moved = now_us();
  for (uint64_t until = now_us() + settle_ms * 1000ull; now_us() < until;) pump(10);
  say("got %ld %ld %ld %ld %d", distinct, received, foreign, frames, ended);
}

int main(int argc, char **argv) {
  char line[256];
  if (argc == 5 && !strcmp(argv[1], "floor")) return floor_main(atoi(argv[2]), atoi(argv[3]), argv[4]);
  if (argc != 6 || strcmp(argv[1], "client")) return fputs("gateway_load client|floor ...\n", stderr), 64;
  port = atoi(argv[2]), dialect = argv[3], small = atoi(argv[5]);
  if (!(tokens = fopen(argv[4], "r"))) fail(argv[4]);
  poller = epoll_create1(0);
  watch(0, NULL);
  for (;;) {
    long total;
    int more, patience, settle;
    if (!pump(-1)) continue;
    ssize_t length = read(0, line, sizeof line - 1);
    if (length <= 0) return 0;
    line[length] = 0;
    if (sscanf(line, "connect %d", &more) == 1) connect_more(more);
    else if (sscanf(line, "got %ld %d %d", &total, &patience, &settle) == 3) await_messages(total, patience, settle);
    else if (sscanf(line, "stop %d", &more) == 1) {
      for (int each = 0; each < more; each++) epoll_ctl(poller, EPOLL_CTL_DEL, sockets[each].fd, NULL);
      say("stopped %d", more);
    } else if (!strncmp(line, "forget", 6)) {
      forget_latencies();
      say("forgotten");
    } else if (!strncmp(line, "latency", 7)) {
      say_latencies();
    } else return 65;
  }
}
