/* What the load client and the C peer of bench-gateway share. */
#ifndef GATEWAY_LOAD_H
#define GATEWAY_LOAD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_DIGITS = 10, USER_DIGITS = 6, STAMP_DIGITS = 16 };
/* The place of a message's own data in its text: "n":"..........","u":"......","stamp":"................" */

static inline void fail(const char *what) {
  perror(what);
  exit(1);
}

/* One line to whoever started us. */
#define say(...) (printf(__VA_ARGS__), putchar('\n'), fflush(stdout))

void note_latency(uint64_t us);
void forget_latencies(void);
void say_latencies(void);
int floor_main(int port, int sockets, const char *item);

#endif
